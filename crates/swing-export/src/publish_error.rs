//! The error of whoever puts an import in place, which gives the import back.

use std::error::Error;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// An import that could not be put in place, and the import itself if that can be tried again.
///
/// It stands for its error alone, in whose words it speaks. While it lives so does the import, which holds the store's lock: to
/// hand the error on without it, take it out.
pub struct PublishError<I, E> {
    /// Why not.
    pub error: E,
    /// The import, if nothing was replaced and it is whole: to be published again, or dropped.
    pub import: Option<Held<I>>,
}

/// An import that nobody can look at before it is taken out. So an error with one in it may be shared between threads, as `anyhow` wants
/// of every error, although the import may not.
pub struct Held<I>(Box<Mutex<I>>);

impl<I> Held<I> {
    /// Holds an import.
    pub fn new(import: I) -> Self {
        Self(Box::new(Mutex::new(import)))
    }

    /// Takes it out.
    pub fn into_import(self) -> I {
        // Nobody has ever locked it.
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<I> fmt::Debug for Held<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").finish_non_exhaustive()
    }
}

impl<I, E> From<E> for PublishError<I, E> {
    fn from(error: E) -> Self {
        Self { error, import: None }
    }
}

impl<I, E: fmt::Debug> fmt::Debug for PublishError<I, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublishError")
            .field("error", &self.error)
            .field("can_be_tried_again", &self.import.is_some())
            .finish()
    }
}

impl<I, E: fmt::Display> fmt::Display for PublishError<I, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<I, E: Error> Error for PublishError<I, E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}
