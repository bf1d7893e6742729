//! The error of whoever puts an import in place, which gives the import back.

use std::error::Error;
use std::fmt;

/// An import that could not be put in place, and the import itself if that can be tried again.
///
/// It stands for its error alone, in whose words it speaks. While it lives so does the import, which holds the store's lock: to
/// hand the error on without it, take it out. It cannot be shared between threads, as an error for `anyhow` has to be, since the
/// import cannot.
pub struct PublishError<I, E> {
    /// Why not.
    pub error: E,
    /// The import, if nothing was replaced and it is whole: to be published again, or dropped.
    pub import: Option<Box<I>>,
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
