//! What the program itself refuses, beyond what the libraries do.

use std::path::PathBuf;

use swing_core::row_digest::RowDigestError;
use swing_export::SourceError;

/// Something that was not done.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The store is of another block than was asked for.
    #[error("the store in {store} is at block height {found}, not {expected}")]
    OtherHeight {
        /// The store's directory.
        store: PathBuf,
        /// The height asked for.
        expected: u64,
        /// The height it has; 0 when it has none.
        found: u64,
    },
    /// The dataset to repair a store from is of another block.
    #[error("the store in {store} is at block height {found}, but the dataset is of {expected}")]
    OtherDataset {
        /// The store's directory.
        store: PathBuf,
        /// The height of the dataset.
        expected: u64,
        /// The height of the store; 0 when it has none.
        found: u64,
    },
    /// The host's own record of the height makes no sense.
    #[error("host.height of the store in {store} is {text:?}, which is no block height")]
    NoHeight {
        /// The store's directory.
        store: PathBuf,
        /// The value.
        text: String,
    },
    /// Somebody has the store open that is to be changed.
    #[error("the store in {store} is in use by {}", match &by[..] { [] => "another program".to_owned(), by => format!("process {}", by.join(", ")) })]
    InUse {
        /// The store's directory.
        store: PathBuf,
        /// The processes that have its file open, as far as they can be seen.
        by: Vec<String>,
    },
    /// A directory that must be new has something in it.
    #[error("{dir} is not an empty directory")]
    NotEmpty {
        /// The directory, or the file that stands in its place.
        dir: PathBuf,
    },
    /// A digest says that rows are damaged, and a new one would say that they are not.
    #[error("the rows of the store in {store} are not those that were committed: {finding}")]
    Damaged {
        /// The store's directory.
        store: PathBuf,
        /// What is wrong with them.
        finding: String,
    },
    /// A digest of a form that is not known yet.
    #[error("the digest of the rows of the store in {store} is not replaced")]
    NewerDigest {
        /// The store's directory.
        store: PathBuf,
        /// Which version it has.
        #[source]
        source: RowDigestError,
    },
    /// An export that was begun and not finished.
    #[error("the export into {dataset} was not finished")]
    Unfinished {
        /// The dataset's directory.
        dataset: PathBuf,
        /// Why not.
        #[source]
        source: SourceError,
    },
    /// A line of a trace that is no call.
    #[error("{trace} line {line}: {reason}")]
    BadTrace {
        /// The trace.
        trace: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The trace cannot be read on.
    #[error("cannot read on after line {line} of {trace}")]
    TraceEnds {
        /// The trace.
        trace: PathBuf,
        /// The last line that could be read.
        line: u64,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A name that is no blob's.
    #[error("a blob is named by its SHA-256, not {name:?}")]
    NoBlob {
        /// The name.
        name: String,
    },
    /// A recorded snapshot or bundle that cannot be read.
    #[error("cannot read {path} to its end")]
    UnreadableBlob {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A recorded snapshot or bundle that is not what its name says.
    #[error("blob {path}: its SHA-256 is {actual}")]
    BadBlob {
        /// The file.
        path: PathBuf,
        /// The hash of what is in it.
        actual: swing_core::Digest,
    },
}
