//! From a stream of raw bytes to hash, length and gzip.
//!
//! The calling thread reads and hashes; a [crew](super::crew) packs, and the calling thread with it when it has run ahead. The gzip
//! is the same whatever the number of threads.

use std::fmt;
use std::io::Read;
use std::num::NonZeroUsize;
use std::sync::OnceLock;
use std::thread;

use swing_core::Digest;

use super::crew::Crew;
use super::error::CodecError;
use super::intake::Intake;
use super::level::Level;
use super::member::{MEMBER_LEN, member_len};

/// More than this cannot be kept busy: hashing is as fast as eight or nine of them at the default level.
const MOST_WORKERS: usize = 8;

/// Members that may wait for each worker.
const DEPTH: usize = 2;

/// What [`compress`] may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The most raw bytes to accept; no limit if `None`.
    pub max_raw_len: Option<u64>,
    /// The most packed bytes to hold; no limit if `None`.
    pub max_gzip_len: Option<u64>,
    /// How many threads to pack on besides the calling one; 0 packs on the calling one. If `None`: one for each core up to eight,
    /// or none on a single core.
    pub workers: Option<usize>,
}

/// A snapshot, packed.
#[derive(Clone, PartialEq, Eq)]
pub struct Compressed {
    /// SHA-256 of the raw bytes.
    pub hash: Digest,
    /// How many raw bytes there were.
    pub raw_len: u64,
    /// The raw bytes as gzip: members of at most [`MEMBER_LEN`] raw bytes, and an empty member if there were none.
    pub gzip: Vec<u8>,
}

impl fmt::Debug for Compressed {
    /// Tells the gzip's length and spares the reader its bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressed")
            .field("hash", &self.hash)
            .field("raw_len", &self.raw_len)
            .field("gzip_len", &self.gzip.len())
            .finish()
    }
}

/// Reads a raw snapshot to its end, hashes it and packs it.
///
/// The result depends on the bytes and the level alone. Threads are started only for a second member, and all of them have ended
/// when this returns, whichever way it does.
///
/// # Errors
///
/// - [`CodecError::Source`] if the source fails; an interruption is no failure.
/// - [`CodecError::TooLong`] once the source has given one byte more than [`Limits::max_raw_len`].
/// - [`CodecError::PackedTooLong`] as soon as there are more packed bytes than [`Limits::max_gzip_len`].
/// - [`CodecError::ThreadLost`] if a packing thread panicked.
pub fn compress(source: &mut dyn Read, level: Level, limits: Limits) -> Result<Compressed, CodecError> {
    let workers = limits.workers.unwrap_or_else(|| cores().min(MOST_WORKERS + 1) - 1);
    let crew = Crew::new(level, workers, workers * DEPTH, limits.max_gzip_len);
    take_in(source, limits, crew, Engage::ForASecondMember)?.finish()
}

/// Reads a raw snapshot to its end and hashes it, while it is packed on other threads, which go on when this returns.
///
/// About `most_waiting` raw bytes may wait to be packed; beyond, the calling thread helps. There is one other at least, also on a
/// single core.
///
/// # Errors
///
/// As [`compress`], as far as it is known by then.
pub fn compress_behind(
    source: &mut dyn Read,
    level: Level,
    limits: Limits,
    most_waiting: usize,
) -> Result<Packing, CodecError> {
    let workers = limits.workers.unwrap_or_else(|| (cores() - 1).clamp(1, MOST_WORKERS));
    let crew = Crew::new(level, workers, most_waiting / MEMBER_LEN, limits.max_gzip_len);
    take_in(source, limits, crew, Engage::AtOnce)
}

/// A snapshot that is being packed. Dropping it gives up, which takes no longer than the packing of one member.
pub struct Packing {
    hash: Digest,
    raw_len: u64,
    crew: Crew,
}

impl Packing {
    /// SHA-256 of the raw bytes.
    pub fn hash(&self) -> Digest {
        self.hash
    }

    /// How many raw bytes there were.
    pub fn raw_len(&self) -> u64 {
        self.raw_len
    }

    /// How many raw bytes wait to be packed.
    pub fn waiting(&self) -> usize {
        self.crew.waiting()
    }

    /// How many packed bytes there are so far.
    pub fn packed(&self) -> usize {
        self.crew.packed()
    }

    /// Waits for the rest, with a hand in it.
    ///
    /// # Errors
    ///
    /// [`CodecError::PackedTooLong`], [`CodecError::ThreadLost`].
    pub fn finish(self) -> Result<Compressed, CodecError> {
        let Self { hash, raw_len, crew } = self;
        Ok(Compressed { hash, raw_len, gzip: crew.finish()? })
    }
}

impl fmt::Debug for Packing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packing").field("hash", &self.hash).field("raw_len", &self.raw_len).finish_non_exhaustive()
    }
}

/// How many cores this process may use, asked once: the answer takes several system calls.
pub(super) fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().map_or(1, NonZeroUsize::get))
}

/// From when on threads are worth their start.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Engage {
    AtOnce,
    ForASecondMember,
}

fn take_in(source: &mut dyn Read, limits: Limits, mut crew: Crew, engage: Engage) -> Result<Packing, CodecError> {
    let mut intake = Intake::new(source, limits.max_raw_len);
    let mut at = 0;
    loop {
        let member = member_len(at);
        let mut raw = crew.room(member);
        let len = intake.fill(&mut raw)?;
        let last = len < member;
        // Nothing at all is a member too.
        if len > 0 || at == 0 {
            if !last || engage == Engage::AtOnce {
                crew.engage();
            }
            crew.give(raw, len)?;
        }
        at += len as u64;
        if last {
            break;
        }
    }
    crew.complete();
    let (hash, raw_len) = intake.finish();
    Ok(Packing { hash, raw_len, crew })
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_packs_to_more_than_the_limit_is_given_up_at_once() {
        // Bytes that do not pack: the high bits of a counter times a large odd number. And many more of them than may wait for
        // a thread that does not run just now.
        let raw: Vec<u8> =
            (0..40 * MEMBER_LEN as u64).map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect();
        for workers in [0, 2] {
            let most = compress(&mut &raw[..MEMBER_LEN], Level::FASTEST, Limits::default()).unwrap().gzip.len() as u64;
            let limits = Limits { max_gzip_len: Some(most), workers: Some(workers), ..Limits::default() };
            assert!(compress(&mut &raw[..MEMBER_LEN], Level::FASTEST, limits).is_ok());
            let mut source = &raw[..];
            let error = compress(&mut source, Level::FASTEST, limits).unwrap_err();
            assert!(matches!(error, CodecError::PackedTooLong { limit } if limit == most), "{error}");
            assert!(!source.is_empty(), "the rest is not read");
        }
    }

    use std::io::{self, ErrorKind};
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::codec::member::HEADER_LEN;
    use crate::codec::testing::{Source, gunzip, hash, heap};

    const WORKERS: [Option<usize>; 5] = [None, Some(0), Some(1), Some(2), Some(5)];

    fn on(workers: Option<usize>) -> Limits {
        Limits { workers, ..Limits::default() }
    }

    #[test]
    fn hash_is_that_of_the_raw_bytes() {
        // The worked example of the reference.
        let packed = compress(&mut &b"snapshot-bytes"[..], Level::DEFAULT, Limits::default()).unwrap();
        assert_eq!(packed.hash.to_string(), "7783d47a378f6c3ca8d1b29aa1b688ff6b14d26bd3bf8bae14785138db1eff0c");
        assert_eq!(packed.raw_len, 14);
    }

    #[test]
    fn empty_snapshot_is_one_empty_member() {
        let packed = compress(&mut io::empty(), Level::DEFAULT, Limits::default()).unwrap();
        assert_eq!(packed.hash, hash(b""));
        assert_eq!(packed.raw_len, 0);
        let (stored_block, trailer) = (5, 8);
        assert_eq!(packed.gzip.len(), HEADER_LEN + stored_block + trailer);
        assert_eq!(gunzip(&packed.gzip), b"");
    }

    #[test]
    fn another_decoder_reads_every_size_whoever_packed_it() {
        let m = MEMBER_LEN;
        for len in [1, m - 1, m, m + 1, 2 * m, 2 * m + 1, 7 * m + 17] {
            let raw = heap(len, len as u64);
            let here = compress(&mut &raw[..], Level::DEFAULT, on(Some(0))).unwrap();
            assert_eq!(here.hash, hash(&raw));
            assert_eq!(here.raw_len, len as u64);
            assert!(gunzip(&here.gzip) == raw, "{len} bytes differ");
            for workers in WORKERS {
                let there = compress(&mut &raw[..], Level::DEFAULT, on(workers)).unwrap();
                assert!(there == here, "{workers:?} workers pack {len} bytes differently");
            }
        }
    }

    #[test]
    fn source_may_dribble_and_be_interrupted() {
        let raw = heap(2 * MEMBER_LEN + 5, 3);
        let mut source = Source::new(raw.clone()).at_most(60_001).interrupted_every(3);
        let packed = compress(&mut source, Level::FASTEST, on(Some(2))).unwrap();
        assert_eq!(packed.hash, hash(&raw));
        assert!(gunzip(&packed.gzip) == raw);
    }

    #[test]
    fn error_of_the_source_ends_it_at_any_point() {
        for at in [0, 1, MEMBER_LEN, MEMBER_LEN + 1, 5 * MEMBER_LEN, 9 * MEMBER_LEN + 1] {
            for workers in WORKERS {
                let mut source = Source::new(vec![5; 10 * MEMBER_LEN]).failing_at(at);
                let error = compress(&mut source, Level::FASTEST, on(workers)).unwrap_err();
                let CodecError::Source { read, source } = error else { panic!("unexpected {error}") };
                assert_eq!((read, source.kind()), (at as u64, ErrorKind::BrokenPipe));
            }
        }
    }

    #[test]
    fn source_that_panics_leaves_no_worker_waiting() {
        struct Bomb(usize);
        impl Read for Bomb {
            fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
                self.0 = self.0.checked_sub(room.len()).expect("boom");
                Ok(room.len())
            }
        }
        for workers in WORKERS {
            let limits = on(workers);
            let packing = AssertUnwindSafe(|| compress(&mut Bomb(4 * MEMBER_LEN), Level::FASTEST, limits));
            assert!(catch_unwind(packing).is_err());
        }
    }

    #[test]
    fn limit_is_exact_and_read_past_by_one_byte() {
        for limit in [0, 10, MEMBER_LEN, 3 * MEMBER_LEN, 3 * MEMBER_LEN + 10] {
            let limits = Limits { max_raw_len: Some(limit as u64), workers: Some(2), ..Limits::default() };
            let mut exact = Source::new(vec![9; limit]);
            assert_eq!(compress(&mut exact, Level::FASTEST, limits).unwrap().raw_len, limit as u64);

            let mut long = Source::new(vec![9; limit + MEMBER_LEN]);
            let error = compress(&mut long, Level::FASTEST, limits).unwrap_err();
            assert!(matches!(error, CodecError::TooLong { limit: told } if told == limit as u64));
            assert_eq!(long.given(), limit + 1);
        }
    }

    #[test]
    fn packed_behind_is_packed_the_same() {
        for len in [0, 1, MEMBER_LEN / 2, MEMBER_LEN, 12 * MEMBER_LEN + 17] {
            let raw = heap(len, 11);
            let at_once = compress(&mut &raw[..], Level::FASTEST, Limits::default()).unwrap();
            for workers in WORKERS {
                for most_waiting in [0, 3 * MEMBER_LEN, 64 << 20] {
                    let packing = compress_behind(&mut &raw[..], Level::FASTEST, on(workers), most_waiting).unwrap();
                    assert_eq!((packing.hash(), packing.raw_len()), (at_once.hash, len as u64));
                    assert!(packing.waiting() <= most_waiting + MEMBER_LEN);
                    assert!(packing.finish().unwrap() == at_once, "{len} bytes, {workers:?} workers");
                }
            }
        }
    }

    #[test]
    fn packing_may_be_given_up() {
        let raw = heap(12 * MEMBER_LEN, 12);
        for workers in WORKERS {
            drop(compress_behind(&mut &raw[..], Level::DEFAULT, on(workers), 64 << 20).unwrap());
        }
        let mut source = Source::new(raw.clone()).failing_at(5 * MEMBER_LEN + 1);
        assert!(compress_behind(&mut source, Level::DEFAULT, on(Some(2)), 64 << 20).is_err());
    }

    #[test]
    fn higher_level_is_not_larger() {
        let raw = heap(MEMBER_LEN + 100, 8);
        let len = |level| compress(&mut &raw[..], level, Limits::default()).unwrap().gzip.len();
        assert!(len(Level::SMALLEST) < len(Level::DEFAULT));
        assert!(len(Level::DEFAULT) < len(Level::FASTEST));
    }

    #[test]
    fn debug_output_spares_the_bytes() {
        let packed = Compressed { hash: Digest::from_bytes([0xab; 32]), raw_len: 70_000, gzip: vec![1; 65_000] };
        let hash = "ab".repeat(32);
        assert_eq!(format!("{packed:?}"), format!(r#"Compressed {{ hash: {hash}, raw_len: 70000, gzip_len: 65000 }}"#));
    }
}
