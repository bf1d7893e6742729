//! Writing: under a temporary name, flushed, renamed, flushed again.

use std::io::{self, Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use swing_core::session::sync_dir;
use swing_core::{ArchiveError, ArtifactName, SnapshotArchive, TranscriptArchive};

use super::{DirectoryArchive, expect_snapshot, expect_span};
use crate::error::DirectoryError;

const CHUNK: usize = 64 * 1024;

impl DirectoryArchive {
    /// Makes a file, or replaces it, at once and durably.
    fn put(
        &self,
        name: &ArtifactName,
        fill: impl FnOnce(&mut dyn Write, &Path) -> Result<(), DirectoryError>,
    ) -> Result<(), DirectoryError> {
        let target = self.file(name)?;
        // Removed when dropped, unless it was renamed.
        let mut temp = tempfile::Builder::new()
            .prefix(&format!("{name}."))
            .suffix(".gz.tmp")
            .tempfile_in(&self.dir)
            .map_err(DirectoryError::io("create a temporary file in", &self.dir))?;
        fill(temp.as_file_mut(), &target)?;
        temp.as_file().sync_all().map_err(DirectoryError::io("flush", temp.path()))?;
        temp.persist(&target).map_err(|failed| DirectoryError::io("put in place", &target)(failed.error))?;
        sync_dir(&self.dir).map_err(DirectoryError::io("flush", &self.dir))
    }
}

impl SnapshotArchive for DirectoryArchive {
    /// Durable when it returns.
    fn snapshot(&mut self, name: &ArtifactName, gzip: &[u8]) -> Result<(), ArchiveError> {
        expect_snapshot(name)?;
        self.put(name, |file, path| file.write_all(gzip).map_err(DirectoryError::io("write", path)))?;
        Ok(())
    }
}

impl TranscriptArchive for DirectoryArchive {
    /// Durable when it returns.
    fn transcript(&mut self, name: &ArtifactName, artifact: &mut dyn Read) -> Result<(), ArchiveError> {
        expect_span(name)?;
        self.put(name, |file, path| {
            let mut gzip = GzEncoder::new(file, Compression::default());
            let mut chunk = vec![0; CHUNK];
            loop {
                let len = match artifact.read(&mut chunk) {
                    Ok(0) => break,
                    Ok(len) => len,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(source) => return Err(DirectoryError::Source { name: name.clone(), source }),
                };
                gzip.write_all(&chunk[..len]).map_err(DirectoryError::io("write", path))?;
            }
            gzip.finish().map(drop).map_err(DirectoryError::io("write", path))
        })?;
        Ok(())
    }
}
