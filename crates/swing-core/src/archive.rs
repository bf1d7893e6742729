//! Where closed spans and new snapshots go besides the store.
//!
//! An archive is handed everything before the block commits, so it is ahead of the store and never behind. When it
//! fails, so does the call that closed the span or saved the snapshot, and that call has changed nothing.

use std::io::Read;

use crate::names::ArtifactName;

/// Whatever an archive could not do.
pub type ArchiveError = Box<dyn std::error::Error + Send + Sync>;

/// Takes new snapshots.
pub trait SnapshotArchive: Send {
    /// Keeps the gzip bytes of a snapshot.
    ///
    /// # Errors
    /// Anything; the snapshot is then not saved.
    fn snapshot(&mut self, name: &ArtifactName, gzip: &[u8]) -> Result<(), ArchiveError>;
}

/// Takes spans as they are closed.
pub trait TranscriptArchive: Send {
    /// Keeps the artifact of a span: each item followed by a line feed.
    ///
    /// # Errors
    /// Anything; the span is then not closed.
    fn transcript(&mut self, name: &ArtifactName, artifact: &mut dyn Read) -> Result<(), ArchiveError>;
}
