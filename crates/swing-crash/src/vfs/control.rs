//! What the layer is told to do: write operations down, fail one of them, open connections in other ways.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::ffi;

/// What SQLite asked of the file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Operation {
    Open,
    Read,
    Write,
    Truncate,
    Sync,
    Size,
    Lock,
    Delete,
    Access,
    MapShared,
    LockShared,
}

/// A line of the log. Files are told apart by their names without the directory.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    Create {
        file: Arc<str>,
    },
    Write {
        file: Arc<str>,
        at: usize,
        bytes: Arc<[u8]>,
    },
    Truncate {
        file: Arc<str>,
        size: usize,
    },
    Sync {
        file: Arc<str>,
    },
    Delete {
        file: Arc<str>,
        synced: bool,
    },
    /// Flushes what is in a file and no name. Only system calls are told so apart.
    Flush {
        file: Arc<str>,
    },
    /// Flushes the names.
    FlushNames,
    Rename {
        from: Arc<str>,
        to: Arc<str>,
    },
    Mark(Mark),
}

/// What the workload says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The commit of this height is about to be asked for.
    Begin(u64),
    /// It has returned.
    Ack(u64),
}

/// A failure to play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// Any operation fails with an I/O error.
    Io,
    /// A write, an extension or a new file finds no room.
    Full,
    /// A flush fails.
    Sync,
    /// A read gets the first half of what is there, and then an error.
    ShortRead,
    /// A read gets the first half of what is there, and zeros, as if the file ended in it.
    FalseEnd,
}

impl Fault {
    /// The error code that `operation` fails with, if it is one of those that fail.
    fn code(self, operation: Operation) -> Option<i32> {
        use Operation::*;
        match self {
            Self::Io => match operation {
                Open => Some(ffi::SQLITE_CANTOPEN),
                Read => Some(ffi::SQLITE_IOERR_READ),
                Write => Some(ffi::SQLITE_IOERR_WRITE),
                Truncate => Some(ffi::SQLITE_IOERR_TRUNCATE),
                Sync => Some(ffi::SQLITE_IOERR_FSYNC),
                Size => Some(ffi::SQLITE_IOERR_FSTAT),
                Lock => Some(ffi::SQLITE_IOERR_LOCK),
                Delete => Some(ffi::SQLITE_IOERR_DELETE),
                Access => Some(ffi::SQLITE_IOERR_ACCESS),
                MapShared => Some(ffi::SQLITE_IOERR_SHMMAP),
                LockShared => Some(ffi::SQLITE_IOERR_SHMLOCK),
            },
            Self::Full => match operation {
                Write | Truncate => Some(ffi::SQLITE_FULL),
                MapShared => Some(ffi::SQLITE_IOERR_SHMSIZE),
                _ => None,
            },
            Self::Sync => (operation == Operation::Sync).then_some(ffi::SQLITE_IOERR_FSYNC),
            Self::ShortRead => (operation == Operation::Read).then_some(ffi::SQLITE_IOERR_READ),
            Self::FalseEnd => (operation == Operation::Read).then_some(ffi::SQLITE_IOERR_SHORT_READ),
        }
    }
}

/// What came of an armed fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fired {
    /// How many operations failed.
    pub(crate) times: u64,
    /// The first of them.
    pub(crate) first: Option<Operation>,
}

#[derive(Default)]
struct Armed {
    fault: Option<Fault>,
    /// How many eligible operations still succeed.
    left: u64,
    persistent: bool,
    times: u64,
    first: Option<Operation>,
}

static ARMED: Mutex<Option<Armed>> = Mutex::new(None);
static IS_ARMED: AtomicBool = AtomicBool::new(false);
static LOG: Mutex<Vec<Event>> = Mutex::new(Vec::new());
static IS_RECORDING: AtomicBool = AtomicBool::new(false);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets eligible operation number `at` (from 1) fail, alone or with all that follow.
pub(crate) fn arm(fault: Fault, at: u64, persistent: bool) {
    *lock(&ARMED) = Some(Armed { fault: Some(fault), left: at - 1, persistent, ..Armed::default() });
    IS_ARMED.store(true, Ordering::SeqCst);
}

/// Lets everything succeed again.
pub(crate) fn disarm() -> Fired {
    IS_ARMED.store(false, Ordering::SeqCst);
    lock(&ARMED)
        .take()
        .map_or(Fired { times: 0, first: None }, |armed| Fired { times: armed.times, first: armed.first })
}

/// Whether `operation` is to fail now, and how.
pub(super) fn strike(operation: Operation) -> Option<(Fault, i32)> {
    if !IS_ARMED.load(Ordering::Relaxed) {
        return None;
    }
    let mut armed = lock(&ARMED);
    let armed = armed.as_mut()?;
    let fault = armed.fault?;
    let code = fault.code(operation)?;
    if armed.left > 0 {
        armed.left -= 1;
        return None;
    }
    if armed.times > 0 && !armed.persistent {
        return None;
    }
    armed.times += 1;
    armed.first.get_or_insert(operation);
    Some((fault, code))
}

/// Begins a log.
pub(crate) fn record() {
    lock(&LOG).clear();
    IS_RECORDING.store(true, Ordering::SeqCst);
}

/// Ends the log and answers it.
pub(crate) fn stop_recording() -> Vec<Event> {
    IS_RECORDING.store(false, Ordering::SeqCst);
    std::mem::take(&mut *lock(&LOG))
}

/// Writes a mark of the workload into the log.
pub(crate) fn mark(mark: Mark) {
    note(|| Event::Mark(mark));
}

pub(super) fn note(event: impl FnOnce() -> Event) {
    if IS_RECORDING.load(Ordering::Relaxed) {
        lock(&LOG).push(event());
    }
}

/// How much of what is written is flushed, instead of what the store asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Synchronous {
    AsAsked,
    Normal,
    Off,
}

/// How SQLite can undo, instead of what the store asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Journal {
    AsAsked,
    Off,
}

/// How every connection is opened from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tuning {
    pub(crate) synchronous: Synchronous,
    pub(crate) journal: Journal,
    /// Checkpoint after so many pages; few, so that a short run has many checkpoints. 0: as asked.
    pub(crate) checkpoint_pages: u32,
    /// Keep at most so many pages in memory, so that a transaction spills. 0: as asked.
    pub(crate) cache_pages: i32,
    /// Read through mapped memory where the store asks for it, instead of with calls that can be made to fail.
    pub(crate) mapped: bool,
    /// Say that a write never harms what is beside it, as the unix VFS does.
    pub(crate) powersafe: bool,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            synchronous: Synchronous::AsAsked,
            journal: Journal::AsAsked,
            checkpoint_pages: 0,
            cache_pages: 0,
            mapped: true,
            powersafe: true,
        }
    }
}

static SYNCHRONOUS: AtomicU8 = AtomicU8::new(0);
static JOURNAL_OFF: AtomicBool = AtomicBool::new(false);
static CACHE: AtomicI32 = AtomicI32::new(0);
static MAPPED: AtomicBool = AtomicBool::new(true);
static POWERSAFE: AtomicBool = AtomicBool::new(true);
/// While a connection is being tuned its pragmas are ours.
static TUNING: AtomicBool = AtomicBool::new(false);

pub(crate) fn tune(tuning: Tuning) {
    SYNCHRONOUS.store(tuning.synchronous as u8, Ordering::SeqCst);
    JOURNAL_OFF.store(tuning.journal == Journal::Off, Ordering::SeqCst);
    swing_core::session::checkpoint_after(tuning.checkpoint_pages);
    CACHE.store(tuning.cache_pages, Ordering::SeqCst);
    MAPPED.store(tuning.mapped, Ordering::SeqCst);
    POWERSAFE.store(tuning.powersafe, Ordering::SeqCst);
}

pub(super) fn is_mapped() -> bool {
    MAPPED.load(Ordering::Relaxed)
}

pub(super) fn is_powersafe() -> bool {
    POWERSAFE.load(Ordering::Relaxed)
}

/// Pragmas to run on a connection that was just opened.
pub(super) fn on_open(run: impl Fn(&std::ffi::CStr)) {
    TUNING.store(true, Ordering::SeqCst);
    match SYNCHRONOUS.load(Ordering::SeqCst) {
        1 => run(c"PRAGMA synchronous=NORMAL"),
        2 => run(c"PRAGMA synchronous=OFF"),
        _ => {}
    }
    if JOURNAL_OFF.load(Ordering::SeqCst) {
        run(c"PRAGMA journal_mode=OFF");
    }
    match CACHE.load(Ordering::SeqCst) {
        0 => {}
        _ => run(c"PRAGMA cache_size=10"),
    }
    TUNING.store(false, Ordering::SeqCst);
}

/// What a pragma that is not to be obeyed answers.
pub(super) enum Swallowed {
    Silently,
    Answering(&'static std::ffi::CStr),
}

/// Whether a pragma of the store is swallowed because the tuning says otherwise.
pub(super) fn swallow(name: &str, value: Option<&str>) -> Option<Swallowed> {
    if TUNING.load(Ordering::SeqCst) || value.is_none() {
        return None;
    }
    match name {
        "synchronous" if SYNCHRONOUS.load(Ordering::SeqCst) != 0 => Some(Swallowed::Silently),
        "cache_size" | "cache_spill" if CACHE.load(Ordering::SeqCst) != 0 => Some(Swallowed::Silently),
        "journal_mode" if JOURNAL_OFF.load(Ordering::SeqCst) => Some(match value {
            Some("wal") => Swallowed::Answering(c"wal"),
            _ => Swallowed::Answering(c"memory"),
        }),
        _ => None,
    }
}

/// Held by a test that tunes, since what is tuned is the whole process's.
#[cfg(test)]
pub(crate) fn tuning_alone() -> std::sync::MutexGuard<'static, ()> {
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_is_to_spill_cannot_ask_for_more_memory() {
        let _alone = tuning_alone();
        let usual = Tuning::default();
        tune(Tuning { cache_pages: 10, ..usual });
        for name in ["cache_size", "cache_spill"] {
            assert!(matches!(swallow(name, Some("-65536")), Some(Swallowed::Silently)), "{name}");
            assert!(swallow(name, None).is_none(), "{name}");
        }
        tune(usual);
        assert!(swallow("cache_spill", Some("-65536")).is_none());
    }
}
