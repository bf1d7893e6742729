//! Pieces of work, as both sides understand them: this is what goes to their processes, as JSON.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What a piece of work cost, by name: nanoseconds per call unless the name ends in `Bytes`, `rss` or says otherwise.
pub(crate) type Figures = BTreeMap<String, f64>;

/// What goes on beside the blocks of [`Work::Blocks`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Beside {
    Nothing,
    /// Nothing, and after each block a pause, as a validator's blocks have.
    Pause,
    /// A thread exports the store, again and again.
    Exporter,
    /// A snapshot is saved in every tenth block.
    Snapshot,
    /// The same, and snapshots and spans are archived.
    Archive,
}

/// Something to do. `dir` is a store's directory: one that is there already, or one to make.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "work", rename_all = "kebab-case")]
pub(crate) enum Work {
    /// Replays a recorded kernel.
    Trace { dir: PathBuf, trace: PathBuf, blobs: PathBuf },
    /// Reads and writes key-value pairs of a store that has `rows` of them.
    Kv { dir: PathBuf, rows: u64, hot: u64, gets: u64 },
    /// Adds items of 2 KB, emits hashes, reads spans of 200 items.
    Transcript { dir: PathBuf, items: u64, reads: u64 },
    /// Saves and loads the heap snapshot in a file.
    Snapshot { dir: PathBuf, heap: PathBuf, rounds: u64 },
    /// Deletes a vat's transcript: so many calls with this budget, a commit after each.
    Deletion { dir: PathBuf, vat: String, budget: Option<u64>, calls: u64 },
    /// Opens and closes a store.
    Opening { dir: PathBuf, rounds: u64 },
    /// Makes an exporter and lets it go.
    ExporterReady { dir: PathBuf, rounds: u64 },
    /// Reads all export records.
    ExportData { dir: PathBuf },
    /// Reads all export records and all artifacts.
    FullExport { dir: PathBuf, mode: String },
    /// Imports a dataset into a new store and commits.
    Import { dir: PathBuf, dataset: PathBuf, mode: String },
    /// Verifies a store. The reference cannot.
    Verify { dir: PathBuf },
    /// Reads every span of every vat: so many vats, each of so many spans, each of so many items.
    Replay { dir: PathBuf, vats: u64, spans: u64, items: u64 },
    /// Inserts the rows of `store` into a new file, by plain SQL. Ours alone.
    ImportFloor { dir: PathBuf, store: PathBuf },
    /// Goes through so many small blocks, of a store that has `rows` pairs, and looks at its memory. Ours alone.
    Session { dir: PathBuf, rows: u64, blocks: u64 },
    /// Goes through so many cranks, each of one of `vats` vats. Ours alone.
    Vats { dir: PathBuf, vats: u64, cranks: u64 },
    /// Goes through so many blocks, of a store that has `rows` pairs. Ours alone.
    Blocks { dir: PathBuf, rows: u64, blocks: u64, beside: Beside },
    /// What the machine and SQLite can do without us.
    Floor { dir: PathBuf, heap: PathBuf, rows: u64 },
}

impl Work {
    /// The store's directory.
    pub(crate) fn dir(&self) -> &PathBuf {
        match self {
            Self::Trace { dir, .. }
            | Self::Kv { dir, .. }
            | Self::Transcript { dir, .. }
            | Self::Snapshot { dir, .. }
            | Self::Deletion { dir, .. }
            | Self::Opening { dir, .. }
            | Self::ExporterReady { dir, .. }
            | Self::ExportData { dir }
            | Self::FullExport { dir, .. }
            | Self::Import { dir, .. }
            | Self::Verify { dir }
            | Self::Blocks { dir, .. }
            | Self::Replay { dir, .. }
            | Self::ImportFloor { dir, .. }
            | Self::Session { dir, .. }
            | Self::Vats { dir, .. }
            | Self::Floor { dir, .. } => dir,
        }
    }

    /// Whether only we can do it.
    pub(crate) fn is_ours_alone(&self) -> bool {
        let whole = matches!(self, Self::Verify { .. } | Self::Floor { .. } | Self::ImportFloor { .. });
        whole || matches!(self, Self::Blocks { .. } | Self::Session { .. } | Self::Vats { .. })
    }
}
