//! What can go wrong with a key.

use swing_core::SessionError;

/// A key-value operation that failed. It has changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum KvError {
    /// SQLite could not hold the row. Found out now, since at commit it would cost the block.
    #[error("key {key:?} and its value are too long to be stored ({bytes} bytes; at most {most})")]
    TooLong {
        /// The beginning of the key.
        key: String,
        /// Bytes of both.
        bytes: usize,
        /// Bytes that there is room for.
        most: usize,
    },
    /// The file is damaged there, or has something else than text where the value should be.
    #[error("the value of key {key:?} cannot be read")]
    Value {
        /// The beginning of the key.
        key: String,
        /// What was found by SQLite.
        #[source]
        source: SessionError,
    },
    /// The session or its file failed.
    #[error(transparent)]
    Session(#[from] SessionError),
}

/// The beginning of a key, for a message.
fn excerpt(key: &str) -> String {
    const CHARS: usize = 100;
    key.chars().take(CHARS).collect()
}

impl KvError {
    /// Says which key's value could not be read, if that is what `source` is about.
    pub(crate) fn reading(key: &str, source: SessionError) -> Self {
        match source {
            SessionError::Corrupt { .. } => Self::Value { key: excerpt(key), source },
            source => Self::Session(source),
        }
    }
}

/// What fits into a row: SQLite's limit on one, less room for its header.
const LONGEST_ROW: usize = 1_000_000_000 - 64;

/// Makes sure that SQLite will take the row when the block is committed.
pub(crate) fn check_length(key: &str, value: &str) -> Result<(), KvError> {
    let bytes = key.len() + value.len();
    if bytes > LONGEST_ROW { Err(KvError::TooLong { key: excerpt(key), bytes, most: LONGEST_ROW }) } else { Ok(()) }
}
