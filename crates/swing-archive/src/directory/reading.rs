//! Reading what an archive has, verified against a hash that the reader brings.

use fs_err as fs;
use swing_core::{ArtifactName, Digest};

use super::{DirectoryArchive, expect_snapshot, expect_span};
use crate::error::DirectoryError;
use crate::verified::{ArchivedBytes, Check};

/// A file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archived {
    /// The snapshot or span that it holds.
    pub name: ArtifactName,
    /// The length of its gzip.
    pub compressed_size: u64,
}

impl DirectoryArchive {
    /// What is there: snapshots by vat and position, then spans by vat and start. Temporary files and files of others
    /// are passed over.
    ///
    /// # Errors
    /// [`DirectoryError::Io`] when the directory cannot be read.
    pub fn list(&self) -> Result<Vec<Archived>, DirectoryError> {
        let io = || DirectoryError::io("read the archive", &self.dir);
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(io())? {
            let entry = entry.map_err(io())?;
            let Some(name) = entry.file_name().to_str().and_then(archived_name) else { continue };
            let data = entry.metadata().map_err(DirectoryError::io("read", entry.path()))?;
            if data.is_file() {
                found.push(Archived { name, compressed_size: data.len() });
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// The raw bytes of an archived snapshot whose SHA-256 should be `hash`.
    ///
    /// # Errors
    /// [`DirectoryError`] when `name` is not of a snapshot or its file cannot be opened.
    pub fn open_snapshot(&self, name: &ArtifactName, hash: Digest) -> Result<ArchivedBytes, DirectoryError> {
        expect_snapshot(name)?;
        self.read(name, Check::snapshot(hash))
    }

    /// The artifact of an archived span, each item followed by a line feed, whose cumulative hash should be `hash`.
    ///
    /// # Errors
    /// [`DirectoryError`] when `name` is not of a span or its file cannot be opened.
    pub fn open_span(&self, name: &ArtifactName, hash: Digest) -> Result<ArchivedBytes, DirectoryError> {
        let items = expect_span(name)?;
        self.read(name, Check::span(hash, items))
    }

    fn read(&self, name: &ArtifactName, check: Check) -> Result<ArchivedBytes, DirectoryError> {
        let path = self.file(name)?;
        let file = fs::File::open(&path).map_err(DirectoryError::io("open", &path))?;
        Ok(ArchivedBytes::new(name.clone(), file, check))
    }
}

/// The artifact that a file of this name holds, if any.
fn archived_name(file: &str) -> Option<ArtifactName> {
    let name: ArtifactName = file.strip_suffix(".gz")?.parse().ok()?;
    (!matches!(name, ArtifactName::Bundle(_))).then_some(name)
}
