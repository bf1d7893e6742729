//! What can go wrong between raw bytes and gzip.

use std::io;

use swing_core::Digest;

use super::level::Level;

/// Why a snapshot could not be packed or unpacked.
///
/// A [`SnapshotReader`](super::SnapshotReader) reports these inside an [`io::Error`]; [`CodecError::in_io`] finds them again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The number is not a compression level.
    #[error("compression level {given} is not between {} and {}", Level::FASTEST.number(), Level::SMALLEST.number())]
    Level {
        /// The number that was asked for.
        given: u8,
    },

    /// The source of raw bytes failed.
    #[error("source of the snapshot failed after {read} bytes")]
    Source {
        /// How many raw bytes had been read by then.
        read: u64,
        /// The source's own error.
        #[source]
        source: io::Error,
    },

    /// There are more raw bytes than the caller allows, or than the record declares.
    #[error("snapshot is longer than {limit} bytes")]
    TooLong {
        /// The most that was allowed.
        limit: u64,
    },

    /// It packs to more bytes than the caller can store.
    #[error("snapshot packs to more than {limit} bytes")]
    PackedTooLong {
        /// The most that was allowed.
        limit: u64,
    },

    /// There are fewer raw bytes than the record declares.
    #[error("snapshot is too short (expected {expected} bytes, got {actual})")]
    TooShort {
        /// The declared length.
        expected: u64,
        /// The length found.
        actual: u64,
    },

    /// The gzip data ends before a member does; also when there is no data at all.
    #[error("gzip data is cut off after {len} bytes")]
    Truncated {
        /// The length of the gzip data.
        len: u64,
    },

    /// The gzip data contradicts itself: header, code, checksum or length.
    #[error("corrupt gzip near byte {offset}: {detail}")]
    Corrupt {
        /// How far into the gzip data the decoder had read.
        offset: u64,
        /// What the decoder said.
        detail: String,
    },

    /// Something follows the last gzip member that is not another one.
    #[error("{len} bytes of junk after the last gzip member, at byte {offset}")]
    TrailingJunk {
        /// Where the junk starts.
        offset: u64,
        /// How long it is.
        len: u64,
    },

    /// The raw bytes are not the ones that the record names.
    #[error("hash mismatch (expected {expected}, got {actual})")]
    HashMismatch {
        /// The hash in the record.
        expected: Digest,
        /// The hash of what was found.
        actual: Digest,
    },

    /// A thread of the codec ended without an answer, which only a panic inside it can cause.
    #[error("codec thread ended without an answer")]
    ThreadLost,

    /// The reader reported an error before and has nothing to add.
    #[error("snapshot reader has already failed")]
    AlreadyFailed,
}

impl CodecError {
    /// Finds the codec's own error in one that came out of [`Read::read`](std::io::Read::read).
    pub fn in_io(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl From<CodecError> for io::Error {
    /// Wraps the error. Its kind is the source's own if a source failed, else it says whose fault it is: the argument's, the
    /// data's, or neither's.
    fn from(error: CodecError) -> Self {
        let kind = match &error {
            CodecError::Source { source, .. } => source.kind(),
            CodecError::Level { .. } => io::ErrorKind::InvalidInput,
            CodecError::ThreadLost | CodecError::AlreadyFailed => io::ErrorKind::Other,
            CodecError::TooLong { .. }
            | CodecError::PackedTooLong { .. }
            | CodecError::TooShort { .. }
            | CodecError::Truncated { .. }
            | CodecError::Corrupt { .. }
            | CodecError::TrailingJunk { .. }
            | CodecError::HashMismatch { .. } => io::ErrorKind::InvalidData,
        };
        io::Error::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_the_culprit() {
        let mismatch =
            CodecError::HashMismatch { expected: Digest::from_bytes([0xab; 32]), actual: Digest::from_bytes([1; 32]) };
        let (expected, actual) = ("ab".repeat(32), "01".repeat(32));
        assert_eq!(mismatch.to_string(), format!("hash mismatch (expected {expected}, got {actual})"));

        let level = CodecError::Level { given: 0 };
        assert_eq!(level.to_string(), "compression level 0 is not between 1 and 12");

        let junk = CodecError::TrailingJunk { offset: 34, len: 2 };
        assert_eq!(junk.to_string(), "2 bytes of junk after the last gzip member, at byte 34");
    }

    #[test]
    fn typed_error_survives_the_crossing_into_io() {
        let error = io::Error::from(CodecError::TooLong { limit: 7 });
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(matches!(CodecError::in_io(&error), Some(CodecError::TooLong { limit: 7 })));
        assert!(CodecError::in_io(&io::Error::other("a stranger's")).is_none());
    }

    #[test]
    fn failed_source_keeps_its_kind_and_is_told_once() {
        let source = io::Error::new(io::ErrorKind::BrokenPipe, "worker is gone");
        let error = CodecError::Source { read: 5, source };
        assert_eq!(error.to_string(), "source of the snapshot failed after 5 bytes");
        assert_eq!(std::error::Error::source(&error).map(ToString::to_string).as_deref(), Some("worker is gone"));
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::BrokenPipe);
    }
}
