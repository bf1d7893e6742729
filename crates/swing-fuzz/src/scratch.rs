//! Directories for a moment, in memory where the system has such a place.

use std::path::Path;

/// A directory that goes when it is dropped.
///
/// # Panics
/// When there is no room for one.
pub(crate) fn directory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("there is room for a directory")
}
