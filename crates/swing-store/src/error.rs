//! The umbrella over what can go wrong in a store.

use swing_core::SessionError;
use swing_core::session::{CommitError, OpenError};
use swing_export::{ExportError, ImportError, PublishError, RepairError, StagingError};

/// Whatever a store could not do. The culprit is in the message or in its source.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store cannot be opened or created.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A store was to be made, and not to be written.
    #[error("a store that is made anew cannot be read-only")]
    NewReadOnly,
    /// The store is older than what its host knows to be committed.
    #[error(
        "the store is at block height {found}, but its host has committed {committed}: it has lost the blocks since"
    )]
    LostBlocks {
        /// The height that the host knows of.
        committed: u64,
        /// The store's own; 0 when it has none.
        found: u64,
    },
    /// The store's record of its height makes no sense.
    #[error("host.height is {text:?}, which is no block height")]
    NoHeight {
        /// The value.
        text: String,
    },
    /// The database failed.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// A key-value operation failed.
    #[error(transparent)]
    Kv(#[from] swing_kv::KvError),
    /// A transcript operation failed.
    #[error(transparent)]
    Transcript(#[from] swing_transcript::TranscriptError),
    /// A snapshot operation failed.
    #[error(transparent)]
    Snap(#[from] swing_snap::SnapError),
    /// A bundle operation failed.
    #[error(transparent)]
    Bundle(#[from] swing_bundle::BundleError),
    /// The kernel asked for a key of the host's section.
    #[error("the kernel cannot use host keys, but asked for {key:?}")]
    HostKeyFromKernel {
        /// The key.
        key: String,
    },
    /// The host tried to write a key of the kernel's sections.
    #[error("the host can write only keys that begin with \"host.\", not {key:?}")]
    KernelKeyFromHost {
        /// The key.
        key: String,
    },
    /// A crank was started inside a crank.
    #[error("startCrank while already in a crank")]
    AlreadyInCrank,
    /// Something that belongs inside a crank was asked for outside one.
    #[error("{call} outside of crank")]
    OutsideCrank {
        /// What was asked for.
        call: &'static str,
    },
    /// The host asked for something while the kernel is in a crank.
    #[error("cannot {call} inside a crank: end it first")]
    InCrank {
        /// What it asked for.
        call: &'static str,
    },
    /// The block was not committed, or may not have been.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The host's callback failed. What it was given is still queued, and nothing was committed.
    #[error("the export callback failed")]
    Callback {
        /// Its own words.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The trace file could not be written.
    #[error("the trace file could not be written")]
    Trace {
        /// Why not, with the path.
        #[source]
        source: std::io::Error,
    },
    /// The store is in memory, or is not, and what was asked for is for the other kind.
    #[error("{call} is for stores {kind}")]
    WrongKind {
        /// What was asked for.
        call: &'static str,
        /// What kind of store it is for.
        kind: &'static str,
    },
    /// An export failed.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// An import failed.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// An imported store could not be put in place.
    #[error(transparent)]
    Publish(#[from] StagingError),
    /// A repair failed.
    #[error(transparent)]
    Repair(#[from] RepairError),
    /// The size of the files cannot be had.
    #[error("the size of the store's files cannot be had")]
    DiskUsage {
        /// Why not, with the path.
        #[source]
        source: std::io::Error,
    },
}

impl<I> From<PublishError<I, Self>> for StoreError {
    /// Drops the import.
    fn from(failed: PublishError<I, Self>) -> Self {
        failed.error
    }
}
