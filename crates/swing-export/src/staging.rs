//! A store built beside the one it replaces, and moved into its place in one step.
//!
//! At any instant, also after a crash, the target is what it was before or the complete new store. The move is a
//! rename; everything the rename needs to be safe comes before it: the new file is complete, in WAL mode, without a
//! WAL, and flushed; the old file's WAL is empty, since SQLite would apply it to the new file.

mod seen;
mod take_after;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fs_err as fs;
use rusqlite::ErrorCode;
use rusqlite::config::DbConfig;
use swing_core::session::{
    CommitError, Creation, Location, OpenError, OpenOptions, SessionError, SoleUse, SwapLock, Table, WriterLock,
    check_replaceable, create_dir_durably, directory, has_store_header, remove_store_files, side_file, sync_dir,
};
use swing_core::substore::SubstoreError;
use swing_core::{RowDigests, Session};

use self::seen::Seen;
use self::take_after::take_after;
use crate::source::SourceError;

/// How often it is looked again whether the old store is still in use.
const AGAIN: Duration = Duration::from_millis(10);

/// A staged store that could not be begun or put in place. The target is as it was, except after
/// [`StagingError::Unknown`].
#[derive(Debug, thiserror::Error)]
pub enum StagingError {
    /// The staged file or the target cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The staged file cannot be completed.
    #[error("the new store could not be completed")]
    Session(#[from] SessionError),
    /// The staged file cannot be committed.
    #[error("the new store could not be completed")]
    Commit(#[from] CommitError),
    /// What the digest of the rows will be of cannot be told.
    #[error("the new store could not be completed")]
    Witness(#[source] SubstoreError),
    /// The staged file cannot be written to its end. Of a file that is thrown away no outcome is unknown.
    #[error("the new store could not be completed, and nothing was replaced")]
    Write {
        /// SQLite's own words.
        #[source]
        source: rusqlite::Error,
    },
    /// Somebody has the old store open: a reader, or a program that writes and knows nothing of our lock. What it committed after
    /// the move would be lost.
    #[error("the store at {path} is in use: nothing was replaced, try again when nobody has it open")]
    TargetInUse {
        /// The target's file.
        path: PathBuf,
    },
    /// The old store cannot be closed up so that its log may go, and it is not known to be damaged.
    #[error("the old store at {path} could not be settled, and nothing was replaced")]
    OldStore {
        /// The target's file.
        path: PathBuf,
        /// SQLite's own words.
        #[source]
        source: rusqlite::Error,
    },
    /// Whoever puts the new store in place, asked at the end, will not have the old one replaced.
    #[error("nothing was replaced")]
    Objected {
        /// Why not.
        #[source]
        source: SourceError,
    },
    /// A file operation failed.
    #[error("could not {what}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why not, with the path.
        #[source]
        source: std::io::Error,
    },
    /// Something failed when the new store had been moved into place, or may have been.
    #[error(
        "the new store was being moved into place: it or the old one is there now, and this import cannot be \
         committed again"
    )]
    Unknown {
        /// What failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StagingError {
    /// Of what fails after the move.
    fn unknown(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unknown { source: source.into() }
    }

    /// Whether the disk was full.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::Session(SessionError::Full { .. }) => true,
            Self::Write { source } | Self::OldStore { source, .. } => {
                source.sqlite_error_code() == Some(ErrorCode::DiskFull)
            }
            Self::Io { source, .. } => source.kind() == std::io::ErrorKind::StorageFull,
            _ => false,
        }
    }
}

fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> StagingError {
    move |source| StagingError::Io { what, source }
}

/// A sealed store that was not moved, or not surely.
pub(crate) enum Unmoved {
    /// It is as it was, and the target too, but for logs that belong to no store, or, if only the move itself failed, to a damaged
    /// one: the same can be tried again.
    Refused(StagingError),
    /// It cannot.
    Lost(StagingError),
}

/// Asked, when nobody else has the old store open, whether it may be replaced. It may open it to see.
pub type May<'m> = dyn FnMut() -> Result<(), SourceError> + 'm;

/// What there is of the old store's log when the store has been closed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OldLog {
    /// All is in the file.
    Empty,
    /// The store is too damaged to be closed up. Its log may be of use to somebody as long as the store is there, and goes with it.
    OfADamagedStore,
}

/// The files of a staged store; removed when dropped before the move.
#[must_use = "a staged store that is not published is removed"]
pub(crate) struct Staging {
    /// Held from the beginning, so that no writer can come between; taken by the session that follows.
    lock: Option<WriterLock>,
    target: PathBuf,
    staged: PathBuf,
    tables: Vec<Table>,
    row_digests: RowDigests,
    /// How long to wait for the target's readers.
    patience: Duration,
    /// Dropped last, when the lock's file is gone too.
    _created: CreatedDirs,
}

/// Directories that were not there before, the deepest first. Those that are empty in the end go with it.
struct CreatedDirs(Vec<PathBuf>);

impl CreatedDirs {
    /// Creates `dir` and whatever is missing above it.
    fn create(dir: &Path) -> std::io::Result<Self> {
        // Wherever the process goes meanwhile.
        let whole = std::path::absolute(dir)?;
        let created = Self(whole.ancestors().take_while(|dir| !dir.exists()).map(Path::to_owned).collect());
        create_dir_durably(&whole)?;
        Ok(created)
    }
}

impl Drop for CreatedDirs {
    fn drop(&mut self) {
        for dir in &self.0 {
            // What somebody has put something into stays.
            let _ = fs::remove_dir(dir);
        }
    }
}

impl Staging {
    /// Takes the target's writer lock and opens an empty store beside it, without a journal.
    pub(crate) fn begin(
        target: &Path,
        tables: Vec<Table>,
        row_digests: RowDigests,
        patience: Duration,
    ) -> Result<(Self, Session), StagingError> {
        check_replaceable(target)?;
        let created = CreatedDirs::create(directory(target)).map_err(io("create the store's directory"))?;
        let lock = WriterLock::acquire(target).map_err(OpenError::from)?;
        // Where the file really is: a rename would replace a link and not what it leads to.
        let target = lock.database().to_owned();
        // One name, since there is one writer: what a killed import left behind is erased here.
        let staged = side_file(&target, "-import");
        let staging = Self { lock: Some(lock), target, staged, tables, row_digests, patience, _created: created };
        remove_store_files(&staging.staged).map_err(io("remove what an import left behind"))?;
        // Rows come in key order, so that what was written is hardly looked at again.
        let (cache_bytes, map_bytes) = (24 << 20, 0);
        let options = OpenOptions { unsafe_fast: true, cache_bytes, map_bytes, ..OpenOptions::default() };
        let session = Session::open(Location::File(staging.staged.clone()), &options, &staging.tables)?;
        Ok((staging, session))
    }

    /// Makes the store, which `session` has committed, one file that is flushed. What fails here is not to be tried
    /// again: a second flush may well succeed without what the first one lost.
    pub(crate) fn seal(&self, session: Session) -> Result<(), StagingError> {
        session.close()?;
        // Reopened with a journal, it becomes a WAL store; closed again, it is one file.
        self.reopen()?.close()?;
        // What SQLite cannot move into the file when it closes, it leaves there, and says nothing.
        if side_file(&self.staged, "-wal").exists() {
            let source = std::io::Error::other("its log is still in use");
            return Err(StagingError::Io { what: "complete the new store", source });
        }
        take_after(&self.staged, &self.target).map_err(io("give the new store the old one's mode and owner"))?;
        fs::File::open(&self.staged).and_then(|file| file.sync_all()).map_err(io("flush the new store"))
    }

    /// The staged store once more, when it could not be moved.
    pub(crate) fn reopen(&self) -> Result<Session, StagingError> {
        let options = OpenOptions { creation: Creation::Never, ..self.options() };
        Ok(Session::open(Location::File(self.staged.clone()), &options, &self.tables)?)
    }

    fn options(&self) -> OpenOptions {
        OpenOptions { row_digests: self.row_digests, ..OpenOptions::default() }
    }

    /// Moves the sealed store into place, as soon as nobody has the old one open, if `may` then has nothing against it.
    pub(crate) fn swap(&self, may: &mut May<'_>) -> Result<(), Unmoved> {
        let began = Instant::now();
        loop {
            match self.swap_now(may) {
                Err(Unmoved::Refused(StagingError::TargetInUse { .. })) if began.elapsed() < self.patience => {
                    std::thread::sleep(AGAIN);
                }
                done => return done,
            }
        }
    }

    fn swap_now(&self, may: &mut May<'_>) -> Result<(), Unmoved> {
        // Before SQLite looks, for which another copy of it in this process may not be there. It lets go again, or SQLite would wait.
        let is_only_a_look = self.sole_use()?.is_some_and(|sole_use| !sole_use.keeps_others_out());
        let old_log = self.quiesce_target().map_err(Unmoved::Refused)?;
        let seen = Seen::of(&self.target);
        // As late as it may open the old store, which waits for whoever has it to itself.
        may().map_err(|source| Unmoved::Refused(StagingError::Objected { source }))?;
        let _swapping = SwapLock::alone(&self.target);
        // Another look, with SQLite's locks, would make somebody who is just opening the old file wait until it has been replaced.
        let sole_use = if is_only_a_look { None } else { self.sole_use()? };
        if old_log == OldLog::Empty {
            self.expect_nothing_new().map_err(Unmoved::Refused)?;
        }
        // Whoever went on since the question was asked, and is gone again, has put it all into the file. It is asked once more.
        if Seen::of(&self.target) != seen {
            return Err(Unmoved::Refused(self.in_use()));
        }
        self.remove_side_files().map_err(Unmoved::Refused)?;
        // Otherwise a loss of power right after the rename could leave the new file beside the old log. Of a flush there is no second
        // try, as of the new store's.
        sync_dir(directory(&self.target)).map_err(io("flush the store's directory")).map_err(Unmoved::Lost)?;
        if sole_use.as_ref().is_some_and(SoleUse::is_awaited) {
            return Err(Unmoved::Refused(self.in_use()));
        }
        if let Err(error) = fs::rename(&self.staged, &self.target).map_err(io("move the new store into place")) {
            // On a network file system a move may be done whose answer is lost.
            let is_here = self.staged.exists();
            return Err(if is_here { Unmoved::Refused(error) } else { Unmoved::Lost(StagingError::unknown(error)) });
        }
        sync_dir(directory(&self.target))
            .map_err(io("flush the store's directory"))
            .map_err(|error| Unmoved::Lost(StagingError::unknown(error)))?;
        // Only now, since until then a loss of power could bring the old store's name back.
        if let Some(sole_use) = sole_use {
            // Where it cannot be written, nobody waits to open it either, most likely.
            let _ = sole_use.spoil();
        }
        Ok(())
    }

    fn in_use(&self) -> StagingError {
        StagingError::TargetInUse { path: self.target.clone() }
    }

    /// The old store's file, which nobody else has open; `None` if there is none.
    fn sole_use(&self) -> Result<Option<SoleUse>, Unmoved> {
        match SoleUse::take(&self.target, Duration::ZERO) {
            Ok(Some(sole_use)) => Ok(Some(sole_use)),
            Ok(None) => Err(Unmoved::Refused(self.in_use())),
            // Whether there is something else in its place is seen when it is to be replaced.
            Err(_) => Ok(None),
        }
    }

    /// Opens the new store in its place.
    pub(crate) fn enter(mut self) -> Result<Session, StagingError> {
        let lock = self.lock.take().expect("the lock is taken only here");
        Session::open_locked(lock, &self.options(), &self.tables).map_err(StagingError::unknown)
    }

    /// Makes sure that nothing of the old store is outside its file, unless that is too damaged.
    fn quiesce_target(&self) -> Result<OldLog, StagingError> {
        let path = &self.target;
        if !has_store_header(path).map_err(io("read the old store"))? {
            // Without a database that it belongs to, a log is only a danger to the one that comes.
            return self.remove_side_files().map(|()| OldLog::Empty);
        }
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let checkpoint = || -> rusqlite::Result<i64> {
            let connection = rusqlite::Connection::open_with_flags(path, flags)?;
            let leave_log =
                |leave| connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, leave).map(drop);
            // Closed after an error, it would copy the log into the damaged file and remove it.
            leave_log(true)?;
            connection.busy_timeout(Duration::ZERO)?;
            let is_busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
            leave_log(false)?;
            Ok(is_busy)
        };
        let source = match checkpoint() {
            Ok(0) => return Ok(OldLog::Empty),
            Ok(_) => return Err(self.in_use()),
            Err(source) => source,
        };
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy) => Err(self.in_use()),
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Ok(OldLog::OfADamagedStore),
            // One that cannot be opened just now has, in its log.
            _ => Err(StagingError::OldStore { path: path.clone(), source }),
        }
    }

    /// Somebody may have opened the old store since it was closed up, and have been killed with something in its log.
    fn expect_nothing_new(&self) -> Result<(), StagingError> {
        for suffix in ["-wal", "-journal"] {
            match fs::symlink_metadata(side_file(&self.target, suffix)) {
                Ok(found) if found.is_file() && found.len() > 0 => return Err(self.in_use()),
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(io("look for the old store's log")(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn remove_side_files(&self) -> Result<(), StagingError> {
        for suffix in ["-wal", "-shm", "-journal"] {
            match fs::remove_file(side_file(&self.target, suffix)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(io("remove a side file of the old store")(error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if self.lock.is_some() {
            // The next import would erase it too.
            let _ = remove_store_files(&self.staged);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_of_which_nobody_knows_whether_it_was_done_is_not_tried_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("swingstore.sqlite");
        let (staging, session) = Staging::begin(&path, Vec::new(), RowDigests::Ignore, Duration::ZERO).unwrap();
        staging.seal(session).unwrap();
        // As if it had been done, and the answer had not come back.
        fs::remove_file(&staging.staged).unwrap();
        assert!(matches!(staging.swap(&mut || Ok(())), Err(Unmoved::Lost(StagingError::Unknown { .. }))));
    }

    #[test]
    fn a_new_store_that_does_not_open_in_its_place_has_been_moved_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("swingstore.sqlite");
        let (staging, session) = Staging::begin(&path, Vec::new(), RowDigests::Ignore, Duration::ZERO).unwrap();
        staging.seal(session).unwrap();
        assert!(staging.swap(&mut || Ok(())).is_ok());
        // It cannot be read where it is now.
        fs::write(&path, [7; 4096]).unwrap();
        let error = staging.enter().err().unwrap();
        assert!(matches!(error, StagingError::Unknown { .. }), "{error:?}");
    }

    #[test]
    fn an_old_store_that_has_a_log_again_is_in_use() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("swingstore.sqlite");
        let (staging, session) = Staging::begin(&path, Vec::new(), RowDigests::Ignore, Duration::ZERO).unwrap();
        staging.seal(session).unwrap();
        let log = side_file(&staging.target, "-wal");
        fs::write(&log, "of somebody who has just opened it").unwrap();
        assert!(matches!(staging.expect_nothing_new(), Err(StagingError::TargetInUse { .. })));
        fs::write(&log, "").unwrap();
        staging.expect_nothing_new().unwrap();
    }

    #[test]
    fn the_log_of_a_damaged_store_is_there_until_the_new_store_comes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("swingstore.sqlite");
        let old = rusqlite::Connection::open(&path).unwrap();
        old.execute_batch(
            "PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 0; CREATE TABLE kvStore (key, value);
             PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO kvStore VALUES ('k', 'v')",
        )
        .unwrap();
        let side = side_file(&path, "-wal");
        let log = fs::read(&side).unwrap();
        assert!(!log.is_empty());
        drop(old);
        // What is in the log is of no use without the page that is no more.
        let file = "not a database at all, though long enough to be looked at as if it were one";
        fs::write(&path, file).unwrap();
        fs::write(&side, &log).unwrap();
        let (staging, session) = Staging::begin(&path, Vec::new(), RowDigests::Ignore, Duration::ZERO).unwrap();
        staging.seal(session).unwrap();
        assert_eq!(staging.quiesce_target().unwrap(), OldLog::OfADamagedStore);
        assert_eq!((fs::read(&path).unwrap(), fs::read(&side).unwrap()), (file.into(), log));
        assert!(staging.swap(&mut || Ok(())).is_ok());
        assert!(!side.exists());
    }

    /// The next flush may well succeed while the log still is on the disk, beside which the new store must not come.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_directory_that_cannot_be_flushed_before_the_move_is_not_flushed_a_second_time() {
        // A directory that Linux refuses to flush, and in which nothing is made.
        let target = PathBuf::from("/proc/swingstore.sqlite");
        let staging = Staging {
            lock: None,
            staged: side_file(&target, "-import"),
            target,
            tables: Vec::new(),
            row_digests: RowDigests::Ignore,
            patience: Duration::ZERO,
            _created: CreatedDirs(Vec::new()),
        };
        match staging.swap(&mut || Ok(())) {
            Err(Unmoved::Lost(StagingError::Io { what, .. })) => assert_eq!(what, "flush the store's directory"),
            Err(Unmoved::Lost(error)) => panic!("{error}"),
            Err(Unmoved::Refused(error)) => panic!("it can be tried again: {error}"),
            Ok(()) => panic!("it was flushed"),
        }
    }
}
