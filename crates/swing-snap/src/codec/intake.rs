//! Raw bytes coming in: counted, limited and hashed on the way.

use std::io::{self, ErrorKind, Read};

use sha2::{Digest as _, Sha256};
use swing_core::Digest;

use super::error::CodecError;

/// Reads a source to its end, piece by piece, and knows the hash and the length of what came.
pub(super) struct Intake<'a> {
    source: &'a mut dyn Read,
    limit: Option<u64>,
    read: u64,
    hasher: Sha256,
    ended: bool,
}

impl<'a> Intake<'a> {
    pub(super) fn new(source: &'a mut dyn Read, limit: Option<u64>) -> Self {
        Self { source, limit, read: 0, hasher: Sha256::new(), ended: false }
    }

    /// Reads until `room` is full or the source has ended, and tells how much came. Asks for one byte past the limit at most, and
    /// never again after the end.
    ///
    /// # Errors
    ///
    /// [`CodecError::Source`] if the source fails, [`CodecError::TooLong`] if it has more bytes than the limit.
    pub(super) fn fill(&mut self, room: &mut [u8]) -> Result<usize, CodecError> {
        let mut filled = 0;
        while filled < room.len() && !self.ended {
            let ask = self.clip(room.len() - filled);
            match self.source.read(&mut room[filled..filled + ask]) {
                Ok(0) => self.ended = true,
                Ok(more) if more > ask => {
                    return Err(self.failed(io::Error::other("more bytes claimed than asked for")));
                }
                Ok(more) => {
                    filled += more;
                    self.count(more)?;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
        // Once for the whole piece, while it is still in the processor's cache.
        self.hasher.update(&room[..filled]);
        Ok(filled)
    }

    /// The hash and the length of all that was read.
    pub(super) fn finish(self) -> (Digest, u64) {
        (self.hasher.into(), self.read)
    }

    fn clip(&self, len: usize) -> usize {
        let Some(limit) = self.limit else { return len };
        let allowed = (limit - self.read).saturating_add(1);
        usize::try_from(allowed).map_or(len, |allowed| allowed.min(len))
    }

    fn count(&mut self, more: usize) -> Result<(), CodecError> {
        self.read += more as u64;
        match self.limit {
            Some(limit) if self.read > limit => Err(CodecError::TooLong { limit }),
            _ => Ok(()),
        }
    }

    fn failed(&self, source: io::Error) -> CodecError {
        CodecError::Source { read: self.read, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::testing::Source;

    fn take_in(source: &mut Source, limit: Option<u64>, room: usize) -> Result<(Digest, u64), CodecError> {
        let mut intake = Intake::new(source, limit);
        let mut room = vec![0; room];
        while intake.fill(&mut room)? > 0 {}
        Ok(intake.finish())
    }

    #[test]
    fn small_reads_and_interruptions_change_nothing() {
        let raw = b"a heap that dribbles in".to_vec();
        let mut source = Source::new(raw.clone()).at_most(3).interrupted_every(2);
        assert_eq!(take_in(&mut source, None, 7).unwrap(), (Digest::of(&raw), 23));
    }

    #[test]
    fn limit_is_passed_by_one_byte_at_most() {
        for room in [1, 4, 5, 6, 100] {
            let mut exact = Source::new(vec![7; 5]);
            assert_eq!(take_in(&mut exact, Some(5), room).unwrap().1, 5);

            let mut long = Source::new(vec![7; 100]);
            let error = take_in(&mut long, Some(5), room).unwrap_err();
            assert!(matches!(error, CodecError::TooLong { limit: 5 }));
            assert_eq!(long.given(), 6);
        }
    }

    #[test]
    fn limits_at_both_ends_of_the_range_are_limits() {
        assert_eq!(take_in(&mut Source::new(vec![]), Some(0), 9).unwrap().1, 0);
        assert!(take_in(&mut Source::new(vec![1]), Some(0), 9).is_err());
        assert_eq!(take_in(&mut Source::new(vec![1; 20]), Some(u64::MAX), 9).unwrap().1, 20);
    }

    #[test]
    fn error_of_the_source_is_passed_on() {
        let mut source = Source::new(vec![1; 10]).failing_at(4);
        let error = take_in(&mut source, None, 3).unwrap_err();
        assert!(matches!(error, CodecError::Source { read: 4, source } if source.kind() == ErrorKind::BrokenPipe));
    }

    #[test]
    fn source_is_not_asked_again_after_its_end() {
        let mut source = Source::new(vec![1; 4]);
        let mut intake = Intake::new(&mut source, None);
        let mut room = [0; 9];
        assert_eq!(intake.fill(&mut room).unwrap(), 4);
        assert_eq!(intake.fill(&mut room).unwrap(), 0);
        assert_eq!(source.ends_told(), 1);
    }

    #[test]
    fn source_that_claims_too_much_is_an_error() {
        struct Liar;
        impl Read for Liar {
            fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
                Ok(room.len() + 1)
            }
        }
        let error = Intake::new(&mut Liar, None).fill(&mut [0; 8]).unwrap_err();
        assert!(matches!(error, CodecError::Source { read: 0, .. }));
    }
}
