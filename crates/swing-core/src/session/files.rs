//! The files of a store: names, and what has to be flushed for them to be durable.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use fs_err as fs;

/// The database file of the store in directory `dir`.
#[must_use]
pub fn store_file(dir: &Path) -> PathBuf {
    dir.join("swingstore.sqlite")
}

/// The directory that `path` is in.
#[must_use]
pub fn directory(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What SQLite (`-wal`, `-shm`, `-journal`), or the writer's lock, keeps beside a database file, [where that really is](real_path).
#[must_use]
pub fn side_file(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Where a file really is, or would be. SQLite keeps its side files there and not beside a link.
///
/// # Errors
/// Whatever keeps that from being found out, with the path.
pub fn real_path(path: &Path) -> std::io::Result<PathBuf> {
    match (fs::canonicalize(path), path.file_name()) {
        (Err(error), Some(name)) if error.kind() == std::io::ErrorKind::NotFound => {
            Ok(fs::canonicalize(directory(path))?.join(name))
        }
        (found, _) => found,
    }
}

/// A path as SQLite's URI, byte for byte. Only so is it sure to mean a file: SQLite takes a plain `file:x` for a URI
/// and `:memory:` for no file at all.
pub(super) fn file_uri(path: &Path) -> String {
    let mut uri = String::from(if path.is_absolute() { "file://" } else { "file:" });
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => uri.push(char::from(byte)),
            _ => write!(uri, "%{byte:02x}").expect("writing to a String cannot fail"),
        }
    }
    uri
}

/// Removes a database file and what SQLite keeps beside it, and nothing else.
///
/// # Errors
/// Whatever keeps a file from being removed, with its path.
pub fn remove_store_files(path: &Path) -> std::io::Result<()> {
    // The WAL goes last: without its file it means nothing, but beside another file it would be applied to it.
    for suffix in ["", "-journal", "-shm", "-wal"] {
        match fs::remove_file(side_file(path, suffix)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Creates a directory and its parents, each one flushed into the one above.
///
/// # Errors
/// Whatever keeps one from being created, with its path.
pub fn create_dir_durably(dir: &Path) -> std::io::Result<()> {
    if dir.as_os_str().is_empty() || dir.is_dir() {
        return Ok(());
    }
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        create_dir_durably(parent)?;
    }
    match fs::create_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync_dir(parent.unwrap_or(Path::new("."))),
    }
}

/// Makes the names in a directory durable.
///
/// # Errors
/// Whatever keeps it from being flushed, with its path.
pub fn sync_dir(dir: &Path) -> std::io::Result<()> {
    fs::File::open(dir)?.sync_all()
}
