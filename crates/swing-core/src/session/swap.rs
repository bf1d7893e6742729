//! Replacing a database file while others open and close it.
//!
//! SQLite opens a file, and looks for the log by its name only when it first reads. Whoever closes last looks first whether the file
//! is still in its place, and then removes the log, by its name. If another file is moved there in between, the old file is read
//! with the new one's log, or the new one's log is removed, with commits in it. So there is a lock on the directory:
//! whoever opens or closes shares it, whoever replaces has it alone. All hold it for a moment only.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

use fs_err as fs;

use super::files::directory;
use super::open::BUSY_TIMEOUT;

/// The lock; given up when dropped. Where it cannot be had in time, or directories have no locks, all is as it would be
/// with other software.
#[derive(Debug)]
#[must_use = "it is given up when dropped"]
pub struct SwapLock {
    _directory: Option<File>,
}

impl SwapLock {
    /// Shares it, to open the database file `path`, which is no link.
    pub(super) fn share(path: &Path) -> Self {
        Self::take(path, File::try_lock_shared, BUSY_TIMEOUT).unwrap_or(Self { _directory: None })
    }

    /// Shares it, unless somebody is replacing the file right now.
    pub(super) fn share_now(path: &Path) -> Option<Self> {
        Self::take(path, File::try_lock_shared, Duration::ZERO)
    }

    /// Has it alone, to replace the file.
    pub fn alone(path: &Path) -> Self {
        Self::take(path, File::try_lock, BUSY_TIMEOUT).unwrap_or(Self { _directory: None })
    }

    fn take(path: &Path, lock: impl Fn(&File) -> Result<(), TryLockError>, patience: Duration) -> Option<Self> {
        let Ok(dir) = fs::File::open(directory(path)) else { return Some(Self { _directory: None }) };
        let (dir, began) = (dir.into_file(), Instant::now());
        loop {
            match lock(&dir) {
                Ok(()) => return Some(Self { _directory: Some(dir) }),
                Err(TryLockError::Error(_)) => return Some(Self { _directory: None }),
                Err(TryLockError::WouldBlock) if began.elapsed() >= patience => return None,
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }
}
