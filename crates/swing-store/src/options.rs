//! How a store is opened.

use std::path::PathBuf;
use std::sync::Arc;

pub use swing_core::RowDigests;
use swing_core::session::ExportEntry;
use swing_core::{Clock, MonotonicClock, SnapshotArchive, TranscriptArchive};
pub use swing_snap::Retention as SnapshotRetention;
pub use swing_transcript::Retention as TranscriptRetention;

/// Takes changes of export data: one batch, by key bytes, the last change of each key, never empty.
///
/// If it fails, so does the call that flushed (`end_crank` or `commit`); the batch stays queued.
pub type ExportCallback = Box<dyn FnMut(&[ExportEntry]) -> anyhow::Result<()> + Send>;

/// What a crash may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// A committed block survives a crash and a loss of power.
    #[default]
    Full,
    /// The journal only in memory, and no flushing: a crash destroys the file.
    UnsafeFast,
}

/// How to open a store. The default is what a validator runs with, but for the callback.
pub struct Options {
    /// Takes changes of export data. Without one, none are recorded.
    pub export_callback: Option<ExportCallback>,
    /// Whether the bytes of snapshots that are not in use any more are kept.
    pub keep_snapshots: SnapshotRetention,
    /// Whether the items of closed spans are kept.
    pub keep_transcripts: TranscriptRetention,
    /// Takes every new snapshot.
    pub archive_snapshot: Option<Box<dyn SnapshotArchive>>,
    /// Takes every span as it is closed.
    pub archive_transcript: Option<Box<dyn TranscriptArchive>>,
    /// A file to which every change of a key-value pair is appended.
    pub trace_file: Option<PathBuf>,
    /// What a crash may cost.
    pub durability: Durability,
    /// Only read. Nothing is created, and every write is an error.
    pub read_only: bool,
    /// How many bytes of key-value pairs to keep in memory for reading.
    pub cache_bytes: usize,
    /// How many bytes of uncommitted changes to keep in memory between cranks before they are written to the open
    /// transaction.
    pub overlay_bytes: usize,
    /// Whether the digest of the rows, by which a verification finds damage without trusted data, is kept up to date. In a
    /// store that has none, or one that is out of date, it is built by
    /// [`Store::build_row_digests`](crate::Store::build_row_digests).
    pub row_digests: RowDigests,
    /// The height of the last block that the host knows to be committed. A store that is below it has lost blocks (a
    /// damaged write-ahead log drops them silently) and is not opened.
    pub committed_height: Option<u64>,
    /// Times the steps of saving a snapshot.
    pub clock: Arc<dyn Clock>,
}

swing_core::opaque!(Options);

impl Default for Options {
    fn default() -> Self {
        const MIB: usize = 1 << 20;
        Self {
            export_callback: None,
            keep_snapshots: SnapshotRetention::InUse,
            keep_transcripts: TranscriptRetention::Keep,
            archive_snapshot: None,
            archive_transcript: None,
            trace_file: None,
            durability: Durability::Full,
            read_only: false,
            cache_bytes: 64 * MIB,
            overlay_bytes: 32 * MIB,
            row_digests: RowDigests::Keep,
            committed_height: None,
            clock: Arc::new(MonotonicClock::default()),
        }
    }
}
