//! An archive that is a directory of gzip files.

mod reading;
mod writing;

#[cfg(test)]
mod tests;

use std::path::{Component, Path, PathBuf};

use fs_err as fs;
use swing_core::ArtifactName;
use swing_core::session::create_dir_durably;

pub use reading::Archived;

use crate::error::DirectoryError;

/// A directory with a file for every snapshot (`snapshot.VAT.POSITION.gz`) and every closed span
/// (`transcript.VAT.START.END.gz`). Copies are the same archive.
///
/// A file is written under a temporary name (ending in `.gz.tmp`) in the same directory, flushed, renamed, and the
/// directory flushed, before the call returns: then it is durable, and at no time is there an incomplete file under a
/// final name. What a killed process leaves under a temporary name means nothing and may be deleted.
///
/// As with the original, only its owner may read a file.
///
/// A file survives the rollback of the block that made it. When the block is made again the same name is written
/// again, in nearly all cases with the same content; whatever it is, it replaces the old file at once.
#[derive(Debug, Clone)]
pub struct DirectoryArchive {
    dir: PathBuf,
}

impl DirectoryArchive {
    /// Opens an archive, durably creating the directory and its parents where they are missing.
    ///
    /// # Errors
    /// [`DirectoryError::Io`] when it cannot be created or is no directory.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, DirectoryError> {
        let dir = dir.into();
        create_dir_durably(&dir).map_err(DirectoryError::io("create the archive", &dir))?;
        Ok(Self { dir })
    }

    /// Opens an archive that is there. Creates nothing.
    ///
    /// # Errors
    /// [`DirectoryError::Io`] when it is not there or is no directory.
    pub fn existing(dir: impl Into<PathBuf>) -> Result<Self, DirectoryError> {
        let dir = dir.into();
        fs::read_dir(&dir).map_err(DirectoryError::io("open the archive", &dir))?;
        Ok(Self { dir })
    }

    /// Where it is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The file of an artifact, whether it is there or not.
    fn file(&self, name: &ArtifactName) -> Result<PathBuf, DirectoryError> {
        let file = format!("{name}.gz");
        if !is_plain(&file) {
            return Err(DirectoryError::NotAFileName { name: name.clone() });
        }
        Ok(self.dir.join(file))
    }
}

/// Whether a path joined to a directory names an entry of that directory.
fn is_plain(file: &str) -> bool {
    let mut components = Path::new(file).components();
    matches!((components.next(), components.next()), (Some(Component::Normal(only)), None) if only == file)
}

fn expect_snapshot(name: &ArtifactName) -> Result<(), DirectoryError> {
    match name {
        ArtifactName::Snapshot { .. } => Ok(()),
        _ => Err(DirectoryError::Kind { name: name.clone(), expected: "snapshot" }),
    }
}

/// How many items a span has.
fn expect_span(name: &ArtifactName) -> Result<u64, DirectoryError> {
    match name {
        ArtifactName::Span { start, end, .. } if start <= end => Ok(end.get() - start.get()),
        _ => Err(DirectoryError::Kind { name: name.clone(), expected: "transcript span" }),
    }
}
