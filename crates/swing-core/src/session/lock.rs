//! One writer at a time, found out at once and not after a busy timeout.
//!
//! SQLite's own locks arbitrate single transactions; two nodes that take turns at them would interleave their blocks.
//! So a writer holds an advisory lock on a file beside the database for as long as it is open. Readers need none, and
//! other implementations do not know of it. The file goes when the writer does.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use fs_err as fs;

use super::files::{real_path, side_file};

/// The lock could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else has it.
    #[error("the store is in use by another writer (process {}; lock file {path})", .pid.as_deref().unwrap_or("unknown"))]
    Held {
        /// The lock file.
        path: PathBuf,
        /// What the holder says its process ID is.
        pid: Option<String>,
    },
    /// This process has it, so nobody else need be looked for.
    #[error("this process has the store open for writing already: close it first (lock file {path})")]
    HeldHere {
        /// The lock file.
        path: PathBuf,
    },
    /// The lock file cannot be had.
    #[error("could not lock the store")]
    Io {
        /// Why not, with the path.
        #[source]
        source: std::io::Error,
    },
}

impl From<std::io::Error> for LockError {
    fn from(source: std::io::Error) -> Self {
        Self::Io { source }
    }
}

/// The lock files that this process holds. A process ID alone would not tell: in two containers it may be the same.
static HELD_HERE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn held_here() -> MutexGuard<'static, Vec<PathBuf>> {
    HELD_HERE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The writer's lock; given up when dropped.
#[derive(Debug)]
pub struct WriterLock {
    database: PathBuf,
    path: PathBuf,
    file: File,
}

impl WriterLock {
    /// Takes the lock for the database file `database`, without waiting.
    ///
    /// # Errors
    /// [`LockError::Held`] names the process that has it, unless that is this one: [`LockError::HeldHere`].
    pub fn acquire(database: &Path) -> Result<Self, LockError> {
        let database = real_path(database)?;
        let path = side_file(&database, "-lock");
        loop {
            let mut file =
                fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?.into_file();
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) if held_here().contains(&path) => {
                    return Err(LockError::HeldHere { path });
                }
                Err(TryLockError::WouldBlock) => {
                    let mut pid = String::new();
                    // The holder may be between locking and writing; then its pid is just not known.
                    let _ = (&mut file).take(20).read_to_string(&mut pid);
                    let pid = Some(pid.trim().to_owned()).filter(|pid| !pid.is_empty());
                    return Err(LockError::Held { path, pid });
                }
                Err(TryLockError::Error(source)) => return Err(source.into()),
            }
            // The last holder removes the file while it holds the lock. If that happened between our opening and our
            // locking, we hold the lock of a file that nobody else will ever find.
            if !same_file(&file, &path)? {
                continue;
            }
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())?;
            held_here().push(path.clone());
            return Ok(Self { database, path, file });
        }
    }
}

impl WriterLock {
    /// The database file it was taken for, where it really is.
    #[must_use]
    pub fn database(&self) -> &Path {
        &self.database
    }
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        let mut held = held_here();
        if let Some(at) = held.iter().position(|path| *path == self.path) {
            held.swap_remove(at);
        }
        drop(held);
        // Nothing can be done about a failure here, and a lock file left behind holds nobody up.
        if same_file(&self.file, &self.path).unwrap_or(false) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(unix)]
fn same_file(file: &File, path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let ours = file.metadata()?;
    match fs::metadata(path) {
        Ok(theirs) => Ok((ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn same_file(_file: &File, _path: &Path) -> std::io::Result<bool> {
    // Elsewhere an open file cannot be removed, so the path still is the file.
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_writer_of_the_same_process_is_told_so_and_may_follow_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("swingstore.sqlite");
        let first = WriterLock::acquire(&database).unwrap();
        let refused = WriterLock::acquire(&database).unwrap_err();
        assert!(matches!(refused, LockError::HeldHere { .. }), "{refused:?}");
        assert!(refused.to_string().starts_with("this process has the store open"), "{refused}");
        drop(first);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "the lock file is gone");
        WriterLock::acquire(&database).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_lock_file_that_went_or_was_replaced_is_no_longer_ours() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let file = File::create(&path).unwrap();
        assert!(same_file(&file, &path).unwrap());
        fs::remove_file(&path).unwrap();
        assert!(!same_file(&file, &path).unwrap());
        fs::write(&path, "").unwrap();
        assert!(!same_file(&file, &path).unwrap());
        // Whether it is there cannot be told of a path through a file.
        assert!(same_file(&file, &path.join("below")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_writer_that_lost_its_lock_file_removes_nobody_elses() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("swingstore.sqlite");
        let lost = WriterLock::acquire(&database).unwrap();
        fs::remove_file(dir.path().join("swingstore.sqlite-lock")).unwrap();
        let next = WriterLock::acquire(&database).unwrap();
        drop(lost);
        assert!(matches!(WriterLock::acquire(&database), Err(LockError::HeldHere { .. })));
        drop(next);
    }

    #[test]
    fn a_writer_elsewhere_with_our_process_id_is_not_taken_for_this_one() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("swingstore.sqlite");
        let path = fs::canonicalize(dir.path()).unwrap().join("swingstore.sqlite-lock");
        // As in another container: it has the file locked, and we know nothing of it.
        let elsewhere = File::create(&path).unwrap();
        elsewhere.try_lock().unwrap();
        fs::write(&path, format!("{}\n", std::process::id())).unwrap();
        match WriterLock::acquire(&database) {
            Err(LockError::Held { pid, .. }) => assert_eq!(pid, Some(std::process::id().to_string())),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_lock_file_left_by_a_killed_writer_holds_nobody_up() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("swingstore.sqlite");
        fs::write(dir.path().join("swingstore.sqlite-lock"), "4194304\n").unwrap();
        WriterLock::acquire(&database).unwrap();
    }
}
