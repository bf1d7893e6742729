//! What SQLite's codes say about the files of a store, in words that help.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use fs_err as fs;
use rusqlite::ErrorCode;

/// The index of the log could not be made as large as it has to be.
const SHM_SIZE: i32 = rusqlite::ffi::SQLITE_IOERR_SHMSIZE;

fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Whether there was no room for the index of the log, which is no damage.
pub(super) fn has_no_room(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == SHM_SIZE)
}

pub(super) fn make_room(database: &Path) -> String {
    format!(
        "no room for {}: make room on that disk, nothing is wrong with the store",
        beside(database, "-shm").display()
    )
}

/// Whether SQLite could not open a file, of which it does not say which.
pub(super) fn cannot_open(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::CannotOpen)
}

/// The file of a store that may not be read.
pub(super) fn forbidden(database: &Path) -> Option<PathBuf> {
    let mut files = ["", "-wal", "-shm"].map(|suffix| beside(database, suffix)).into_iter();
    files.find(|file| fs::File::open(file).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied))
}

pub(super) fn not_yours(file: &Path) -> String {
    format!("{} may not be read: run it as the user who owns the files", file.display())
}
