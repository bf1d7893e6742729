//! Where an export may go: into a directory of its own.

use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result};
use fs_err as fs;
use swing_core::session::store_file;
use swing_export::dataset::MANIFEST_FILE_NAME;

use crate::error::Refusal;

/// Whether the directory of a dataset is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folder {
    /// This export makes it.
    New,
    /// It was there, and empty.
    WasEmpty,
}

/// Refuses a directory that is the store's or lies in it, and one with something in it. Of one that has a manifest whoever
/// writes datasets knows better words.
pub(super) fn check(store: &Path, dataset: &Path) -> Result<Folder> {
    let whole = whole(dataset)?;
    let inside = |dir: &Path| fs::canonicalize(dir).is_ok_and(|dir| whole.starts_with(dir));
    // The file may be a link into another directory, which is the store's too.
    let file = fs::canonicalize(store_file(store)).ok();
    if inside(store) || file.as_deref().and_then(Path::parent).is_some_and(inside) {
        return Err(Refusal::InStore { dataset: dataset.to_owned(), store: store.to_owned() }.into());
    }
    let holds = match names(dataset) {
        Ok(names) => names,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Folder::New),
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            return Err(Refusal::NotEmpty { dir: dataset.to_owned(), holds: Vec::new() }.into());
        }
        Err(error) => return Err(error).context("cannot look into the dataset's directory"),
    };
    if holds.is_empty() || holds.iter().any(|name| name == MANIFEST_FILE_NAME) {
        return Ok(Folder::WasEmpty);
    }
    Err(Refusal::NotEmpty { dir: dataset.to_owned(), holds }.into())
}

/// What is in a directory, in order.
pub(crate) fn names(dir: &Path) -> std::io::Result<Vec<String>> {
    let names = fs::read_dir(dir)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<std::io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// The first directory on the way that is not there.
fn first_of(there: &Path, rest: &Path) -> PathBuf {
    rest.components().next().map_or_else(|| there.to_owned(), |first| there.join(first))
}

/// The path without links in what is there of it.
fn whole(path: &Path) -> Result<PathBuf> {
    let path = std::path::absolute(path).context("cannot tell where the dataset is to be")?;
    for there in path.ancestors() {
        if let Ok(real) = fs::canonicalize(there) {
            let rest = path.strip_prefix(there).unwrap_or(Path::new(""));
            // Where it leads is known only when what is before it has been made.
            if rest.components().any(|part| part == Component::ParentDir) {
                return Err(Refusal::BackFromNowhere { path: path.clone(), missing: first_of(there, rest) }.into());
            }
            return Ok(real.join(rest));
        }
    }
    Ok(path)
}
