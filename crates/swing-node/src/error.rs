//! Errors on their way to JavaScript: what kind, as the `code` of the error, and what happened, in the original's words where it
//! has some.

use swing_core::error_chain;

/// The `code` of a JavaScript error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind(&'static str);

impl AsRef<str> for Kind {
    fn as_ref(&self) -> &str {
        self.0
    }
}

impl Kind {
    /// A call with an argument that is none.
    pub(crate) const ARGUMENT: Self = Self("SWING_ARGUMENT");
    /// A call at the wrong time: in a crank, outside one, in a callback.
    pub(crate) const STATE: Self = Self("SWING_STATE");
    /// A call to what is closed.
    pub(crate) const CLOSED: Self = Self("SWING_CLOSED");
    /// Another writer has the store, or SQLite's lock.
    pub(crate) const BUSY: Self = Self("SWING_BUSY");
    /// The store cannot be opened.
    pub(crate) const OPEN: Self = Self("SWING_OPEN");
    /// What was asked for is not there.
    pub(crate) const MISSING: Self = Self("SWING_MISSING");
    /// Content is not what its hash or record says.
    pub(crate) const MISMATCH: Self = Self("SWING_MISMATCH");
    /// The store lacks what an export or import in this mode needs.
    pub(crate) const INCOMPLETE: Self = Self("SWING_INCOMPLETE");
    /// An earlier write failed: nothing of this block can be committed.
    pub(crate) const POISONED: Self = Self("SWING_POISONED");
    /// The disk is full.
    pub(crate) const FULL: Self = Self("SWING_FULL");
    /// The file is damaged.
    pub(crate) const CORRUPT: Self = Self("SWING_CORRUPT");
    /// COMMIT itself failed: reopen and ask for the height.
    pub(crate) const UNKNOWN: Self = Self("SWING_COMMIT_UNKNOWN");
    /// The store is open read-only.
    pub(crate) const READ_ONLY: Self = Self("SWING_READ_ONLY");
    /// A host's own object failed.
    pub(crate) const SOURCE: Self = Self("SWING_SOURCE");
    /// A text is longer than a string of JavaScript may be.
    pub(crate) const TOO_LONG: Self = Self("SWING_TOO_LONG");
    /// The disk or the database failed in another way.
    pub(crate) const IO: Self = Self("SWING_IO");
    /// A bug here.
    pub(crate) const INTERNAL: Self = Self("SWING_INTERNAL");
}

/// An error that can cross threads before it becomes a JavaScript error.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// An error with the messages of all its sources.
    pub(crate) fn of(kind: Kind, error: &dyn std::error::Error) -> Self {
        Self::new(kind, error_chain(error))
    }

    /// The system has no thread left for `what`.
    pub(crate) fn no_thread(what: &str, error: &std::io::Error) -> Self {
        Self::new(Kind::IO, format!("could not start a thread for {what}: {error}"))
    }

    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self::new(Kind::ARGUMENT, message)
    }
}

/// What a call here answers.
pub(crate) type Answer<T> = Result<T, Failure>;

impl From<napi::Error> for Failure {
    fn from(error: napi::Error) -> Self {
        Self::new(Kind::INTERNAL, error.reason)
    }
}
