//! Ids and positions, parsed once at the edge. Each formats back to exactly the text it was parsed from.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

/// A text that is not the id it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// A vat ID becomes part of record keys and file names, so it may hold nothing that means something there.
    #[error("invalid vat ID {text:?}: {reason}")]
    VatId {
        /// The beginning of the text.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Positions are integers that JavaScript can hold exactly, written in plain decimal.
    #[error("invalid position {text:?} (expected a decimal integer from 0 to 9007199254740991)")]
    Position {
        /// The beginning of the text.
        text: String,
    },
    /// Bundle IDs are `b0-HASH` or `b1-HASH`.
    #[error("unsupported bundle ID {text:?}")]
    BundleId {
        /// The beginning of the text.
        text: String,
    },
    /// Digests are 64 lowercase hex digits.
    #[error("invalid SHA-256 digest {text:?} (expected 64 lowercase hex digits)")]
    Digest {
        /// The beginning of the text.
        text: String,
    },
}

impl IdError {
    /// The beginning of a text that may be of any length.
    pub(crate) fn excerpt(text: &str) -> String {
        const MOST: usize = 80;
        match text.char_indices().nth(MOST) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text.to_owned(),
        }
    }
}

fn plain_word(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("it is empty");
    }
    for c in text.chars() {
        match c {
            '.' => return Err("it contains a dot"),
            '/' | '\\' => return Err("it contains a path separator"),
            c if c.is_control() => return Err("it contains a control character"),
            _ => {}
        }
    }
    Ok(())
}

/// The name of a vat, such as `v12`. Never contains `.`, `/`, `\` or control characters. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VatId(Arc<str>);

impl VatId {
    /// Parses a vat ID.
    ///
    /// # Errors
    /// [`IdError::VatId`] says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        plain_word(text).map_err(|reason| IdError::VatId { text: IdError::excerpt(text), reason })?;
        Ok(Self(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for VatId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::parse(text)
    }
}

impl fmt::Display for VatId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for VatId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A place in a vat's transcript: an integer from 0 to 2^53 − 1, the range in which JavaScript counts exactly.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Position(u64);

impl Position {
    /// The first position of every transcript.
    pub const ZERO: Self = Self(0);
    /// The last one.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// A position from a number, or `None` past [`Position::MAX`].
    #[must_use]
    pub const fn new(value: u64) -> Option<Self> {
        if value <= Self::MAX.0 { Some(Self(value)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The position after this one, or `None` at the end of the range.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        Self::new(self.0 + 1)
    }
}

impl FromStr for Position {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let bad = || IdError::Position { text: IdError::excerpt(text) };
        let canonical = match text.as_bytes() {
            [b'0'] => true,
            [b'1'..=b'9', rest @ ..] => rest.len() < 16 && rest.iter().all(u8::is_ascii_digit),
            _ => false,
        };
        if !canonical {
            return Err(bad());
        }
        text.parse().ok().and_then(Self::new).ok_or_else(bad)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// How many times a vat has been upgraded: 0 for a new one. The same range as a [`Position`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Incarnation(Position);

impl Incarnation {
    /// A vat that was never upgraded.
    pub const ZERO: Self = Self(Position::ZERO);

    /// An incarnation from a number, or `None` past 2^53 − 1.
    #[must_use]
    pub const fn new(value: u64) -> Option<Self> {
        match Position::new(value) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// The incarnation after this one, or `None` at the end of the range.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        Self::new(self.get() + 1)
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Which of the two bundle formats an ID belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BundleKind {
    /// `b0-`: a `nestedEvaluate` bundle, named by the SHA-256 of its JSON text.
    NestedEvaluate,
    /// `b1-`: an `endoZipBase64` bundle, named by the SHA-512 of its compartment map.
    EndoZip,
}

/// The ID of a code bundle: `b0-` or `b1-` and a hash. That the hash is that of a bundle is checked with the bundle.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BundleId(Arc<str>);

impl BundleId {
    /// Parses a bundle ID.
    ///
    /// # Errors
    /// [`IdError::BundleId`] when the prefix is neither `b0-` nor `b1-`, or what follows could not stand in a name.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let id = Self(text.into());
        let rest = text.strip_prefix("b0-").or_else(|| text.strip_prefix("b1-"));
        match rest.map(plain_word) {
            Some(Ok(())) => Ok(id),
            _ => Err(IdError::BundleId { text: IdError::excerpt(text) }),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The format.
    #[must_use]
    pub fn kind(&self) -> BundleKind {
        if self.0.starts_with("b0-") { BundleKind::NestedEvaluate } else { BundleKind::EndoZip }
    }

    /// The part after the prefix.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.0[3..]
    }
}

impl FromStr for BundleId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::parse(text)
    }
}

impl fmt::Display for BundleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for BundleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Text ids cross the SQL edge as TEXT.
macro_rules! text_in_sql {
    ($($id:ty),+) => {$(
        impl ToSql for $id {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                self.as_str().to_sql()
            }
        }

        impl FromSql for $id {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                Self::parse(value.as_str()?).map_err(|error| FromSqlError::Other(Box::new(error)))
            }
        }
    )+};
}
text_in_sql!(VatId, BundleId);

/// Numbers cross it as INTEGER, and only within their range.
macro_rules! number_in_sql {
    ($($id:ty),+) => {$(
        impl ToSql for $id {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                let value = i64::try_from(self.get()).expect("2^53 fits an i64");
                Ok(ToSqlOutput::from(value))
            }
        }

        impl FromSql for $id {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                let value = value.as_i64()?;
                u64::try_from(value).ok().and_then(Self::new).ok_or(FromSqlError::OutOfRange(value))
            }
        }
    )+};
}
number_in_sql!(Position, Incarnation);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn vat_ids_that_could_leave_a_name_or_a_directory_are_refused() {
        for bad in ["", ".", "v.1", "a/b", "..", "a\\b", "v\0", "v\n1", "v\u{7f}", "v\u{85}"] {
            assert!(VatId::parse(bad).is_err(), "{bad:?}");
        }
        for good in ["v1", "v 1", "ü", "-", "0"] {
            assert_eq!(VatId::parse(good).unwrap().to_string(), good);
        }
    }

    #[test]
    fn positions_are_plain_decimals_up_to_2_pow_53() {
        for bad in ["", "-0", "-1", "+1", "00", "01", " 1", "1 ", "0x0", "0e5", "1.0", "9007199254740992", "1e400", "٣"]
        {
            assert!(bad.parse::<Position>().is_err(), "{bad:?}");
        }
        for good in [0, 1, 10, Position::MAX.get()] {
            assert_eq!(good.to_string().parse(), Ok(Position::new(good).unwrap()));
        }
    }

    #[test]
    fn bundle_ids_need_a_known_prefix_and_a_hash() {
        for bad in ["", "b0-", "b1-", "b2-00", "b0-a.b", "b1-../x", "B0-00"] {
            assert!(BundleId::parse(bad).is_err(), "{bad:?}");
        }
        let id = BundleId::parse("b1-abc").unwrap();
        assert_eq!((id.kind(), id.hash()), (BundleKind::EndoZip, "abc"));
    }

    proptest! {
        #[test]
        fn what_parses_formats_back(text in "\\PC{0,12}|[0-9]{1,17}|v[0-9]+") {
            if let Ok(id) = VatId::parse(&text) { prop_assert_eq!(id.to_string(), text.clone()); }
            if let Ok(id) = text.parse::<Position>() { prop_assert_eq!(id.to_string(), text.clone()); }
            if let Ok(id) = BundleId::parse(&text) { prop_assert_eq!(id.to_string(), text); }
        }
    }
}
