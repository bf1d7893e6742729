//! `Debug` for what shows nothing of itself.

/// Gives types a `Debug` that tells their name alone: so that a result with one in it can be unwrapped, and what holds one
/// can derive `Debug`. What is in a store may be large, and is nobody's log's business.
#[doc(hidden)]
#[macro_export]
macro_rules! opaque {
    ($name:ident $(<$($of:lifetime),+>)?) => {
        impl ::std::fmt::Debug for $name $(<$($of),+>)? {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
    ($name:ident <$($of:ident),+>) => {
        impl<$($of),+> ::std::fmt::Debug for $name<$($of),+> {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}
