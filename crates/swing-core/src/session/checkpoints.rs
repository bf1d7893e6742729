//! Copying the log into the file, behind the blocks.
//!
//! Left to itself SQLite does it in the commit that finds a thousand pages in the log: the block waits while they are written into
//! the file, wherever they belong, and flushed. No answer and nothing durable depends on when it happens, so here a thread does
//! it, on a connection of its own, and by SQLite's own rules: what is copied has been flushed in the log, the log begins
//! anew when the file is flushed, and what a reader still needs stays (PASSIVE: it waits for nobody, and nobody for it).
//!
//! A log begins anew in a block before which all of it was copied. Where blocks have pauses, as a validator's have, that is
//! the next one. Where they follow upon each other there may be none for a long time: the thread is one block behind for ever. So what
//! the thread has left of a thousand pages, a commit copies by itself if it is little, as it is where blocks are small. Where they are
//! large, the thread follows the closer the longer the log is, and a commit that finds four thousand pages copies what is left. The
//! thread does not follow each block from the beginning, since each time it flushes what it copies, and a commit that flushes meanwhile
//! takes longer. Beside a reader it may not be able to copy all of it, nor would the log begin anew; then both
//! wait for another thousand pages.
//!
//! A pass that a commit overtakes counts what it has copied as copied, and leaves it to a later one to flush the file. When that flush
//! fails, Linux takes for clean what it could not write; flushed again, the file lacks it, and nobody copies it a second time: the
//! log would begin anew, or be removed, with blocks in it that are nowhere else. So after a failed flush nothing is copied any more, no
//! block begins, and the log stays when the store is closed. Whoever opens the store next recovers the log from its beginning.
//!
//! When there is nothing to copy the thread makes [room](super::log_room) in the log.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::thread::{self, JoinHandle};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, ffi};

use super::controls;
use super::database::Database;
use super::files::file_uri;
use super::log_room::{self, Room};
use super::wal_index::LogSize;

const PASS: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// At how many times the pages the thread goes to work for less of them.
const NEAR: u32 = 3;
/// Which part of the pages is worth it then, and no more than which a commit does by itself, if the thread has left no more.
const LITTLE: u32 = 8;
/// At how many times the pages the commit itself does.
const FAR: u32 = 4;

/// Sees to it that the log of a writer's connection is copied into its file.
pub(super) struct Checkpointer {
    /// So many pages in the log are worth being copied.
    pages: u32,
    page_bytes: u32,
    path: PathBuf,
    /// There from the first time it is needed; many stores never need it.
    thread: Option<Behind>,
    /// Who opens a store for one commit need not wait until the log, which goes then, has been made longer.
    has_committed: bool,
    /// How long the log was when a commit last copied and somebody was reading, so that it could not copy all of it.
    hindered_at: u32,
    /// The same, when it was only to copy what the thread had left.
    rest_hindered_at: u32,
    /// Those of the log after the last commit.
    salts: [u32; 2],
    room: Arc<Room>,
}

/// Who copies what is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Nobody,
    Thread,
    /// The commit, what little the thread has left.
    Rest,
    /// The commit, whatever it is.
    Commit,
}

impl Checkpointer {
    /// For the database at `path`, of pages of so many bytes, whose log is copied `pages` at a time.
    pub(super) fn new(pages: u32, page_bytes: u32, path: &Path) -> Self {
        Self {
            pages,
            page_bytes,
            path: path.to_owned(),
            thread: None,
            has_committed: false,
            hindered_at: 0,
            rest_hindered_at: 0,
            salts: [0; 2],
            room: Arc::default(),
        }
    }

    /// Who is to copy a log of this length, after a commit.
    pub(super) fn who(&mut self, log: LogSize) -> Who {
        let (left, pages) = (log.frames.saturating_sub(log.copied), self.pages);
        for hindered_at in [&mut self.hindered_at, &mut self.rest_hindered_at] {
            if log.frames < *hindered_at {
                // It has begun anew.
                *hindered_at = 0;
            }
        }
        // While somebody reads, copying all of it is beyond the commit too, and the log would not begin anew.
        let far = pages.saturating_mul(FAR).max(self.hindered_at.saturating_add(pages));
        let is_near = self.hindered_at == 0 && log.frames >= pages.saturating_mul(NEAR);
        let little = pages / LITTLE;
        let many = if is_near { little } else { pages };
        let is_idle = || self.thread.as_ref().is_none_or(Behind::is_idle);
        if left == 0 {
            Who::Nobody
        } else if log.frames >= far {
            Who::Commit
        } else if left <= little && log.frames >= self.rest_hindered_at.saturating_add(pages) && is_idle() {
            Who::Rest
        } else if left >= many {
            Who::Thread
        } else {
            Who::Nobody
        }
    }

    /// The writer, `database`, has committed. That the log could not be copied does not concern it: all of it is there, and the next
    /// block tries again, but after a failed flush, which is noted in the database.
    pub(super) fn committed(&mut self, database: &Database) {
        let Some(log) = LogSize::read(database) else { return };
        let failed = database.leaves_log();
        let is_first = !std::mem::replace(&mut self.has_committed, true);
        if std::mem::replace(&mut self.salts, log.salts) != log.salts {
            // It has begun anew, and may have been cut off by somebody else.
            self.room.forget();
        }
        let who = self.who(log);
        match who {
            Who::Nobody if is_first => return,
            Who::Nobody => return self.make_room(log, database),
            Who::Thread if self.ask(Errand::Pass, failed) => return,
            // There is no thread, or it has nothing to do.
            Who::Thread | Who::Rest => {}
            Who::Commit => self.settle(),
        }
        pass(failed, || database.statement(PASS)?.lend().query_row([], |_| Ok(())));
        let is_left = |log: LogSize| log.copied < log.frames;
        let hindered_at = if LogSize::read(database).is_some_and(is_left) { log.frames } else { 0 };
        *(if who == Who::Rest { &mut self.rest_hindered_at } else { &mut self.hindered_at }) = hindered_at;
    }

    /// Lets the thread make the log's file longer, if it is nearly full. Beside a reader it may become very long, and no part of it
    /// is written over: then zeros are not worth being written.
    fn make_room(&mut self, log: LogSize, database: &Database) {
        if self.hindered_at == 0
            && let Some(wanted) = log_room::wanted(log.frames, self.pages, self.page_bytes)
            && self.room.is_known_for() < wanted
        {
            self.ask(Errand::Room(wanted), database.leaves_log());
        }
    }

    /// Lets the thread do this, or nothing while something waits already: the next commit asks again. Says whether there is a thread.
    fn ask(&mut self, errand: Errand, failed: &Arc<AtomicBool>) -> bool {
        let start = || Behind::start(self.path.clone(), Arc::clone(failed), Arc::clone(&self.room));
        let asked = self.thread.get_or_insert_with(start).ask(errand);
        if controls::checkpoints_are_in_step() {
            self.settle();
        }
        asked
    }

    /// Waits until the thread has nothing to do.
    pub(super) fn settle(&self) {
        if let Some(thread) = self.thread.as_ref().filter(|thread| !thread.is_idle()) {
            thread.settle();
        }
    }
}

#[cfg(test)]
impl Checkpointer {
    pub(super) fn pages(&self) -> u32 {
        self.pages
    }

    pub(super) fn hindered_at(&self) -> u32 {
        self.hindered_at
    }

    /// Whether there is a thread.
    pub(super) fn is_running(&self) -> bool {
        self.thread.is_some()
    }
}

/// What the thread is asked for.
enum Errand {
    /// To copy what is in the log.
    Pass,
    /// To see to it that the log's file is so long.
    Room(u64),
    /// To say that everything before it is done, by letting this go.
    Settle(#[expect(dead_code, reason = "held to be dropped")] SyncSender<()>),
}

/// The thread, which ends when this goes, having finished what it is at.
struct Behind {
    /// One errand may wait. Nobody takes any when the thread could not be started, or has no connection, or has panicked.
    errands: Option<SyncSender<Errand>>,
    /// How many of them it has not done yet.
    left: Arc<AtomicU32>,
    thread: Option<JoinHandle<()>>,
}

impl Behind {
    fn start(path: PathBuf, failed: Arc<AtomicBool>, room: Arc<Room>) -> Self {
        let (errands, theirs) = mpsc::sync_channel(1);
        let left = Arc::default();
        let done = Arc::clone(&left);
        let work = move || drop(copy_whenever_asked(&path, &theirs, &failed, &room, &done));
        let thread = thread::Builder::new().name("checkpoint".to_owned()).spawn(work).ok();
        Self { errands: Some(errands), left, thread }
    }

    /// As [`Checkpointer::ask`].
    fn ask(&self, errand: Errand) -> bool {
        self.left.fetch_add(1, Ordering::AcqRel);
        let asked = self.errands.as_ref().map(|errands| errands.try_send(errand));
        if !matches!(asked, Some(Ok(()))) {
            self.left.fetch_sub(1, Ordering::AcqRel);
        }
        matches!(asked, Some(Ok(()) | Err(TrySendError::Full(_))))
    }

    fn is_idle(&self) -> bool {
        self.left.load(Ordering::Acquire) == 0
    }

    fn settle(&self) {
        let (done, wait) = mpsc::sync_channel(0);
        if self.errands.as_ref().is_some_and(|errands| errands.send(Errand::Settle(done)).is_ok()) {
            // An error either way: nobody says more than that it is over.
            let _ = wait.recv();
        }
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        self.errands = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Copies what can be copied, unless a flush has failed before; notes if one does now.
fn pass(failed: &AtomicBool, run: impl FnOnce() -> rusqlite::Result<()>) {
    if !failed.load(Ordering::SeqCst)
        && let Err(rusqlite::Error::SqliteFailure(error, _)) = run()
        && error.extended_code == ffi::SQLITE_IOERR_FSYNC
    {
        failed.store(true, Ordering::SeqCst);
    }
}

/// `left` errands are to be done, and one less after each.
fn copy_whenever_asked(
    path: &Path,
    errands: &Receiver<Errand>,
    failed: &AtomicBool,
    room: &Room,
    left: &AtomicU32,
) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(file_uri(path), flags)?;
    // It goes before the writer's, which clears up. Were it ever the last, of a file that has come to that place since, say, it is not
    // its log to remove.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.execute_batch("PRAGMA trusted_schema=OFF; PRAGMA synchronous=FULL;")?;
    let mut statement = connection.prepare(PASS)?;
    for errand in errands {
        match errand {
            Errand::Pass => pass(failed, || statement.query_row([], |_| Ok(()))),
            Errand::Room(wanted) => room.make(path, wanted),
            Errand::Settle(_) => continue,
        }
        left.fetch_sub(1, Ordering::AcqRel);
    }
    Ok(())
}
