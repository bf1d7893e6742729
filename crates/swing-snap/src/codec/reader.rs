//! A snapshot read back: any gzip in, verified raw bytes out.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use sha2::{Digest as _, Sha256};
use swing_core::Digest;

use super::ahead::Ahead;
use super::apart::{Apart, Stumble};
use super::compress::cores;
use super::error::CodecError;
use super::inflate::{Block, Blocks, Inflater};
use super::member::claims;

/// From how much gzip of others on a thread is worth its start: below, hashing does not take long enough to hide anything behind
/// it. Two members of our own are enough.
const PAYS_FROM: usize = 512 * 1024;

/// Inflating on so many keeps up with hashing on one.
const MOST_THREADS: usize = 2;

/// What a snapshot's record says of its raw bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Their SHA-256.
    pub hash: Digest,
    /// How many there are, if the record says.
    pub raw_len: Option<u64>,
}

/// Whether a reader inflates on a thread of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadAhead {
    /// If the gzip is long enough to gain by it and there is a second core.
    #[default]
    WhenItPays,
    /// Never: everything happens inside `read`.
    Never,
    /// Always, if the system has a thread to give.
    Always,
}

/// Inflates a snapshot's gzip and verifies it on the way.
///
/// Any valid gzip will do, of one member or many. What is handed out before the end is not verified yet, but the last byte is
/// withheld until the whole gzip has proved sound and length and hash are right: whoever got as many bytes as the record
/// declares, or a read of 0 bytes, has the right ones.
///
/// Nothing happens before the first read. A reader may be dropped at any time; if it had started a thread, the thread has ended when
/// the drop returns.
///
/// # Errors
///
/// [`Read::read`] fails with an [`io::Error`] that holds a [`CodecError`] (see [`CodecError::in_io`]):
///
/// - [`Truncated`](CodecError::Truncated), [`Corrupt`](CodecError::Corrupt) or [`TrailingJunk`](CodecError::TrailingJunk) if the
///   gzip is not sound;
/// - [`TooLong`](CodecError::TooLong) as soon as there is more than [`Expected::raw_len`], of which nothing is handed out, and
///   [`TooShort`](CodecError::TooShort) at the end if there is less;
/// - [`HashMismatch`](CodecError::HashMismatch) at the end if the bytes are not the expected ones;
/// - [`ThreadLost`](CodecError::ThreadLost) if the reader's thread panicked;
/// - [`AlreadyFailed`](CodecError::AlreadyFailed) on every read after one of these: a failed reader never looks like a finished one.
pub struct SnapshotReader {
    expected: Expected,
    phase: Phase,
    block: Vec<u8>,
    at: usize,
    hasher: Sha256,
    read: u64,
}

swing_core::opaque!(SnapshotReader);

enum Phase {
    Unread { gzip: Vec<u8>, ahead: ReadAhead },
    Apart(Apart),
    Here(Box<Blocks>),
    Ahead(Ahead),
    Verified,
    Failed,
}

impl SnapshotReader {
    /// Makes a reader over a whole gzip.
    pub fn new(gzip: Vec<u8>, expected: Expected, ahead: ReadAhead) -> Self {
        let phase = Phase::Unread { gzip, ahead };
        Self { expected, phase, block: Vec::new(), at: 0, hasher: Sha256::new(), read: 0 }
    }

    /// Fetches and checks the next block.
    fn advance(&mut self) -> Result<(), CodecError> {
        self.start();
        let spent = std::mem::take(&mut self.block);
        self.at = 0;
        let Some(block) = self.next_block(spent)? else { return Ok(()) };
        self.hasher.update(&block.bytes);
        self.read += block.bytes.len() as u64;
        if block.last {
            self.verify()?;
            self.phase = Phase::Verified;
        }
        self.block = block.bytes;
        Ok(())
    }

    fn next_block(&mut self, spent: Vec<u8>) -> Result<Option<Block>, CodecError> {
        let block = match &mut self.phase {
            Phase::Apart(apart) => match apart.next(spent) {
                Ok(block) => block,
                Err(Stumble::ThreadLost) => return Err(CodecError::ThreadLost),
                Err(Stumble::NotAsClaimed { at }) => {
                    // A reader that believes no claims goes on from there, and says what is wrong if anything is.
                    let inflater =
                        Inflater::new(apart.gzip(), self.expected.raw_len, Arc::default()).from(at, self.read);
                    let mut blocks = Box::new(Blocks::new(inflater));
                    let block = blocks.next(Vec::new())?;
                    self.phase = Phase::Here(blocks);
                    block
                }
            },
            Phase::Here(blocks) => blocks.next(spent)?,
            Phase::Ahead(thread) => thread.next(spent)?,
            Phase::Unread { .. } | Phase::Verified => return Ok(None),
            Phase::Failed => return Err(CodecError::AlreadyFailed),
        };
        Ok(Some(block))
    }

    fn start(&mut self) {
        let Phase::Unread { gzip, ahead } = &mut self.phase else { return };
        let gzip = Arc::new(std::mem::take(gzip));
        let threaded = |pays: bool| match ahead {
            ReadAhead::WhenItPays => pays && cores() > 1,
            ReadAhead::Never => false,
            ReadAhead::Always => true,
        };
        if let Some(claims) = self.expected.raw_len.and_then(|raw_len| claims(&gzip, raw_len)) {
            let threads = if threaded(claims.len() > 1) { (cores() - 1).clamp(1, MOST_THREADS) } else { 0 };
            self.phase = Phase::Apart(Apart::new(gzip, claims, threads));
            return;
        }
        let threaded = threaded(gzip.len() >= PAYS_FROM);
        let stop = Arc::new(AtomicBool::new(false));
        let blocks = || Blocks::new(Inflater::new(Arc::clone(&gzip), self.expected.raw_len, Arc::clone(&stop)));
        let thread = if threaded { Ahead::start(blocks(), Arc::clone(&stop)).ok() } else { None };
        self.phase = match thread {
            Some(thread) => Phase::Ahead(thread),
            None => Phase::Here(Box::new(blocks())),
        };
    }

    fn verify(&mut self) -> Result<(), CodecError> {
        let actual = Digest::from(std::mem::take(&mut self.hasher));
        match self.expected {
            Expected { raw_len: Some(expected), .. } if expected != self.read => {
                Err(CodecError::TooShort { expected, actual: self.read })
            }
            Expected { hash: expected, .. } if expected != actual => Err(CodecError::HashMismatch { expected, actual }),
            _ => Ok(()),
        }
    }
}

impl Read for SnapshotReader {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if room.is_empty() {
            return Ok(0);
        }
        while self.at == self.block.len() {
            if matches!(self.phase, Phase::Verified) {
                return Ok(0);
            }
            if let Err(error) = self.advance() {
                self.phase = Phase::Failed;
                return Err(error.into());
            }
        }
        let ready = &self.block[self.at..];
        let len = ready.len().min(room.len());
        room[..len].copy_from_slice(&ready[..len]);
        self.at += len;
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::inflate::BLOCK_LEN;
    use crate::codec::testing::{expected, gzip, hash, heap, read_all};
    use crate::codec::{Level, Limits, compress};

    const WAYS: [ReadAhead; 3] = [ReadAhead::WhenItPays, ReadAhead::Never, ReadAhead::Always];

    #[test]
    fn one_member_or_many_come_back_as_they_went() {
        let raw = heap(5 * BLOCK_LEN + 123, 1);
        let ours = compress(&mut &raw[..], Level::DEFAULT, Limits::default()).unwrap().gzip;
        for packed in [ours, gzip(&raw)] {
            for ahead in WAYS {
                let (read, end) = read_all(&packed, expected(&raw), ahead);
                assert!(read == raw && end.is_ok(), "{ahead:?}: {end:?}");
            }
        }
    }

    #[test]
    fn claims_of_members_that_are_lies_are_read_as_any_other_gzip() {
        // The first member claims the second one too, which is as long.
        let raw = heap(3 * BLOCK_LEN, 7);
        let ours = compress(&mut &raw[..], Level::DEFAULT, Limits::default()).unwrap().gzip;
        let claims = claims(&ours, raw.len() as u64).unwrap();
        let mut merged = ours.clone();
        let second = &claims[1].place;
        merged[16..20].copy_from_slice(&(second.end as u32).to_le_bytes());
        for ahead in WAYS {
            let (read, end) = read_all(&merged, expected(&raw), ahead);
            assert!(read == raw && end.is_ok(), "{ahead:?}: {end:?}");
            let (read, end) = read_all(&merged, Expected { hash: hash(&raw), raw_len: None }, ahead);
            assert!(read == raw && end.is_ok(), "{ahead:?}: {end:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_member_is_told_as_of_any_other_gzip() {
        let raw = heap(3 * BLOCK_LEN, 8);
        let mut packed = compress(&mut &raw[..], Level::DEFAULT, Limits::default()).unwrap().gzip;
        let second = claims(&packed, raw.len() as u64).unwrap()[1].place.clone();
        packed[second.end - 8] ^= 1;
        for ahead in WAYS {
            let (read, end) = read_all(&packed, expected(&raw), ahead);
            assert!(raw.starts_with(&read) && read.len() < raw.len());
            let Err(CodecError::Corrupt { offset, .. }) = end else { panic!("unexpected {end:?}") };
            assert!(second.contains(&(offset as usize - 1)), "{offset} is not in {second:?}");
        }
    }

    #[test]
    fn empty_snapshot_is_read_as_nothing() {
        for ahead in WAYS {
            let (read, end) = read_all(&gzip(b""), expected(b""), ahead);
            assert!(read.is_empty() && end.is_ok());
        }
    }

    #[test]
    fn length_need_not_be_known() {
        let raw = heap(BLOCK_LEN + 1, 2);
        let (read, end) = read_all(&gzip(&raw), Expected { hash: hash(&raw), raw_len: None }, ReadAhead::WhenItPays);
        assert!(read == raw && end.is_ok());
    }

    #[test]
    fn wrong_hash_is_told_and_the_tail_withheld() {
        for len in [1, BLOCK_LEN - 1, BLOCK_LEN, BLOCK_LEN + 1, 3 * BLOCK_LEN] {
            let raw = heap(len, 3);
            let wrong = Expected { hash: hash(b"another"), raw_len: Some(len as u64) };
            for ahead in WAYS {
                let (read, end) = read_all(&gzip(&raw), wrong, ahead);
                let Err(CodecError::HashMismatch { expected, actual }) = end else { panic!("unexpected {end:?}") };
                assert_eq!((expected, actual), (hash(b"another"), hash(&raw)));
                assert!(read.len() < len && raw.starts_with(&read));
            }
        }
    }

    #[test]
    fn bomb_is_stopped_at_the_declared_length() {
        let bomb = gzip(&vec![0; 64 << 20]);
        for raw_len in [0, 10, BLOCK_LEN as u64, 10 * BLOCK_LEN as u64 + 5] {
            for ahead in WAYS {
                let (read, end) = read_all(&bomb, Expected { hash: hash(b""), raw_len: Some(raw_len) }, ahead);
                assert!(matches!(end, Err(CodecError::TooLong { limit }) if limit == raw_len), "{end:?}");
                assert!(read.len() as u64 <= raw_len);
            }
        }
    }

    #[test]
    fn fewer_bytes_than_declared_are_an_error() {
        let declared = Expected { hash: hash(b"heap"), raw_len: Some(5) };
        let (read, end) = read_all(&gzip(b"heap"), declared, ReadAhead::Never);
        assert!(matches!(end, Err(CodecError::TooShort { expected: 5, actual: 4 })), "{end:?}");
        assert_eq!(read, b"");
    }

    #[test]
    fn all_declared_bytes_mean_verified_bytes() {
        let raw = heap(2 * BLOCK_LEN, 4);
        let mut packed = gzip(&raw);
        packed.extend_from_slice(b"junk");
        for ahead in WAYS {
            let mut room = vec![0; raw.len()];
            let mut reader = SnapshotReader::new(packed.clone(), expected(&raw), ahead);
            let error = reader.read_exact(&mut room).unwrap_err();
            assert!(matches!(CodecError::in_io(&error), Some(CodecError::TrailingJunk { len: 4, .. })), "{error}");
        }
    }

    #[test]
    fn failed_reader_never_looks_finished() {
        for ahead in WAYS {
            let mut reader = SnapshotReader::new(b"not a gzip".to_vec(), expected(b"heap"), ahead);
            assert!(reader.read(&mut [0; 8]).is_err());
            for _ in 0..3 {
                let error = reader.read(&mut [0; 8]).unwrap_err();
                assert!(matches!(CodecError::in_io(&error), Some(CodecError::AlreadyFailed)));
            }
        }
    }

    #[test]
    fn withheld_tail_stays_withheld_after_the_error() {
        let wrong = Expected { hash: hash(b"another"), raw_len: None };
        for ahead in WAYS {
            let mut reader = SnapshotReader::new(gzip(b"heap"), wrong, ahead);
            for _ in 0..3 {
                assert!(reader.read(&mut [0; 8]).is_err());
            }
        }
    }

    #[test]
    fn finished_reader_stays_finished() {
        let mut reader = SnapshotReader::new(gzip(b"heap"), expected(b"heap"), ReadAhead::Always);
        assert_eq!(reader.read(&mut []).unwrap(), 0);
        assert_eq!(reader.read(&mut [0; 9]).unwrap(), 4);
        assert_eq!(reader.read(&mut [0; 9]).unwrap(), 0);
        assert_eq!(reader.read(&mut [0; 9]).unwrap(), 0);
    }

    #[test]
    fn early_drop_is_fine_at_any_point() {
        let raw = heap(8 * BLOCK_LEN, 5);
        let packed = gzip(&raw);
        for ahead in WAYS {
            for len in [0, 1, BLOCK_LEN, BLOCK_LEN + 1, 7 * BLOCK_LEN, 8 * BLOCK_LEN] {
                let mut reader = SnapshotReader::new(packed.clone(), expected(&raw), ahead);
                let mut room = vec![0; len];
                reader.read_exact(&mut room).unwrap();
                assert!(room == raw[..len]);
            }
        }
    }

    #[test]
    fn reader_can_move_to_another_thread() {
        let mut reader = SnapshotReader::new(gzip(b"heap"), expected(b"heap"), ReadAhead::Always);
        assert_eq!(reader.read(&mut [0; 1]).unwrap(), 1);
        let rest = std::thread::spawn(move || io::read_to_string(reader).unwrap()).join().unwrap();
        assert_eq!(rest, "eap");
    }
}
