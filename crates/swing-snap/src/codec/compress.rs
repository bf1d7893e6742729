//! From a stream of raw bytes to hash, length and gzip.
//!
//! The calling thread reads, hashes and appends; others pack. Member `i` goes to worker `i mod n` and is fetched from there, so
//! order needs no numbering, each worker holds two members at most (one being packed, one waiting), and a worker that is gone shows
//! as a closed channel instead of a silence. The gzip is the same whatever the number of workers.

use std::fmt;
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::sync::OnceLock;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, Builder, Scope, ScopedJoinHandle};

use super::error::CodecError;
use super::hex::to_hex;
use super::intake::Intake;
use super::level::Level;
use super::member::{MEMBER_LEN, Packer, Slot};

/// More than this cannot be kept busy: hashing is as fast as eight or nine of them at the default level.
const MOST_WORKERS: usize = 8;

/// Members in flight for each worker.
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
    pub hash: [u8; 32],
    /// How many raw bytes there were.
    pub raw_len: u64,
    /// The raw bytes as gzip: one member for each [`MEMBER_LEN`] of them, and an empty member if there were none.
    pub gzip: Vec<u8>,
}

impl fmt::Debug for Compressed {
    /// Tells the gzip's length and spares the reader its bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressed")
            .field("hash", &to_hex(&self.hash))
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
    let mut intake = Intake::new(source, limits.max_raw_len);
    let workers = limits.workers.unwrap_or_else(default_workers);

    let mut first = Slot::default();
    let len = take_in(&mut intake, &mut first)?;
    let gzip = if workers == 0 || len < MEMBER_LEN {
        pack_here(&mut intake, first, level, Pile::new(limits))?
    } else {
        pack_on_threads(&mut intake, first, level, Pile::new(limits), workers)?
    };

    let (hash, raw_len) = intake.finish();
    Ok(Compressed { hash, raw_len, gzip })
}

/// How many cores this process may use, asked once: the answer takes several system calls.
pub(super) fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().map_or(1, NonZeroUsize::get))
}

fn default_workers() -> usize {
    match cores() {
        1 => 0,
        cores => cores.min(MOST_WORKERS),
    }
}

/// The packed members so far.
struct Pile {
    gzip: Vec<u8>,
    most: Option<u64>,
}

impl Pile {
    fn new(limits: Limits) -> Self {
        Self { gzip: Vec::new(), most: limits.max_gzip_len }
    }

    fn add(&mut self, packed: &[u8]) -> Result<(), CodecError> {
        let len = (self.gzip.len() + packed.len()) as u64;
        if let Some(limit) = self.most.filter(|most| len > *most) {
            return Err(CodecError::PackedTooLong { limit });
        }
        self.gzip.extend_from_slice(packed);
        Ok(())
    }
}

fn take_in(intake: &mut Intake<'_>, slot: &mut Slot) -> Result<usize, CodecError> {
    let len = intake.fill(slot.room())?;
    slot.filled(len);
    Ok(len)
}

fn pack_here(intake: &mut Intake<'_>, mut slot: Slot, level: Level, mut pile: Pile) -> Result<Vec<u8>, CodecError> {
    let mut packer = Packer::new(level);
    loop {
        packer.pack(&mut slot);
        pile.add(slot.packed())?;
        if take_in(intake, &mut slot)? == 0 {
            return Ok(pile.gzip);
        }
    }
}

fn pack_on_threads(
    intake: &mut Intake<'_>,
    first: Slot,
    level: Level,
    pile: Pile,
    workers: usize,
) -> Result<Vec<u8>, CodecError> {
    thread::scope(|scope| {
        let mut crew = Crew { workers: Vec::new(), most: workers, given: 0, fetched: 0 };
        let result = crew.pack_all(scope, intake, first, level, pile);
        crew.dismiss();
        result
    })
}

/// A thread that packs what it is given, and its two channels.
struct Worker<'scope> {
    jobs: Sender<Slot>,
    done: Receiver<Slot>,
    thread: ScopedJoinHandle<'scope, ()>,
}

impl<'scope> Worker<'scope> {
    fn start<'env>(scope: &'scope Scope<'scope, 'env>, level: Level) -> io::Result<Self> {
        let (jobs, waiting) = mpsc::channel::<Slot>();
        let (finished, done) = mpsc::channel();
        let work = move || {
            let mut packer = Packer::new(level);
            for mut slot in waiting {
                packer.pack(&mut slot);
                if finished.send(slot).is_err() {
                    return;
                }
            }
        };
        let thread = Builder::new().name("swing-snap-pack".into()).spawn_scoped(scope, work)?;
        Ok(Self { jobs, done, thread })
    }
}

/// The workers of one call, engaged as members arrive.
struct Crew<'scope> {
    workers: Vec<Worker<'scope>>,
    most: usize,
    given: usize,
    fetched: usize,
}

impl<'scope> Crew<'scope> {
    fn pack_all<'env>(
        &mut self,
        scope: &'scope Scope<'scope, 'env>,
        intake: &mut Intake<'_>,
        first: Slot,
        level: Level,
        mut pile: Pile,
    ) -> Result<Vec<u8>, CodecError> {
        let mut slot = first;
        loop {
            if self.workers.len() < self.most {
                match Worker::start(scope, level) {
                    Ok(worker) => self.workers.push(worker),
                    // No thread to be had: go on with those there are, at worst none.
                    Err(_) if self.workers.is_empty() => return pack_here(intake, slot, level, pile),
                    Err(_) => self.most = self.workers.len(),
                }
            }
            self.give(slot)?;
            let in_flight = self.given - self.fetched;
            slot = if in_flight == self.most * DEPTH { self.fetch(&mut pile)? } else { Slot::default() };
            if take_in(intake, &mut slot)? == 0 {
                break;
            }
        }
        while self.fetched < self.given {
            self.fetch(&mut pile)?;
        }
        Ok(pile.gzip)
    }

    fn give(&mut self, slot: Slot) -> Result<(), CodecError> {
        let worker = &self.workers[self.given % self.workers.len()];
        worker.jobs.send(slot).map_err(|_| CodecError::ThreadLost)?;
        self.given += 1;
        Ok(())
    }

    /// Waits for the oldest member in flight, appends it, and frees its slot.
    fn fetch(&mut self, pile: &mut Pile) -> Result<Slot, CodecError> {
        let worker = &self.workers[self.fetched % self.workers.len()];
        let slot = worker.done.recv().map_err(|_| CodecError::ThreadLost)?;
        self.fetched += 1;
        pile.add(slot.packed())?;
        Ok(slot)
    }

    /// Sends everyone home and waits for them. A panic has been reported as a lost thread by now, or concerns a member that an
    /// earlier error has made useless.
    fn dismiss(self) {
        let threads: Vec<_> = self.workers.into_iter().map(|worker| worker.thread).collect();
        for thread in threads {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_packs_to_more_than_the_limit_is_given_up_at_once() {
        // Bytes that do not pack: the high bits of a counter times a large odd number.
        let raw: Vec<u8> =
            (0..8 * MEMBER_LEN as u64).map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect();
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

    use std::io::ErrorKind;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::codec::hex::sha256_hex;
    use crate::codec::testing::{Source, gunzip, hash, heap};

    const WORKERS: [Option<usize>; 5] = [None, Some(0), Some(1), Some(2), Some(5)];

    fn on(workers: Option<usize>) -> Limits {
        Limits { workers, ..Limits::default() }
    }

    #[test]
    fn hash_is_that_of_the_raw_bytes() {
        // The worked example of the reference.
        let packed = compress(&mut &b"snapshot-bytes"[..], Level::DEFAULT, Limits::default()).unwrap();
        assert_eq!(to_hex(&packed.hash), "7783d47a378f6c3ca8d1b29aa1b688ff6b14d26bd3bf8bae14785138db1eff0c");
        assert_eq!(packed.raw_len, 14);
    }

    #[test]
    fn empty_snapshot_is_one_empty_member() {
        let packed = compress(&mut io::empty(), Level::DEFAULT, Limits::default()).unwrap();
        assert_eq!(to_hex(&packed.hash), sha256_hex(b""));
        assert_eq!(packed.raw_len, 0);
        let (header, stored_block, trailer) = (10, 5, 8);
        assert_eq!(packed.gzip.len(), header + stored_block + trailer);
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
    fn higher_level_is_not_larger() {
        let raw = heap(MEMBER_LEN + 100, 8);
        let len = |level| compress(&mut &raw[..], level, Limits::default()).unwrap().gzip.len();
        assert!(len(Level::SMALLEST) < len(Level::DEFAULT));
        assert!(len(Level::DEFAULT) < len(Level::FASTEST));
    }

    #[test]
    fn debug_output_spares_the_bytes() {
        let packed = Compressed { hash: [0xab; 32], raw_len: 70_000, gzip: vec![1; 65_000] };
        let hash = "ab".repeat(32);
        assert_eq!(
            format!("{packed:?}"),
            format!(r#"Compressed {{ hash: "{hash}", raw_len: 70000, gzip_len: 65000 }}"#)
        );
    }
}
