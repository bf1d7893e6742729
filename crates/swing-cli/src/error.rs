//! What the program itself refuses, beyond what the libraries do.

use std::path::PathBuf;

use swing_core::row_digest::RowDigestError;
use swing_core::session::OpenError;
use swing_export::SourceError;

use crate::export::Folder;
use crate::verify::Finding;

/// Something that was not done.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The store is of another block than was asked for.
    #[error("the store in {store} {}, not {expected}", at(*.found))]
    OtherHeight {
        /// The store's directory.
        store: PathBuf,
        /// The height asked for.
        expected: u64,
        /// The height it has.
        found: Option<u64>,
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
    #[error("the store in {store} is in use by {}", whom(.by))]
    InUse {
        /// The store's directory.
        store: PathBuf,
        /// The processes that have its file open, as far as they can be seen.
        by: Vec<String>,
    },
    /// Somebody has the store open that is to be replaced, and nobody is to be waited for.
    #[error("the store in {store} is in use by {}: nothing was replaced", whom(.by))]
    InTheWay {
        /// The store's directory.
        store: PathBuf,
        /// The processes that have its file open, as far as they can be seen.
        by: Vec<String>,
    },
    /// The store that is to be replaced has blocks which the dataset has not.
    #[error("the store in {store} is at block height {found}, the dataset of {dataset}: nothing was replaced")]
    Later {
        /// The store's directory.
        store: PathBuf,
        /// The height of the store.
        found: u64,
        /// The height of the dataset.
        dataset: u64,
    },
    /// What is in the place of the store that is to be replaced is none that may be.
    #[error(transparent)]
    NotReplaced(OpenError),
    /// Whether the store that is to be replaced has blocks which the dataset has not cannot be told.
    #[error("the height of the store in {store} cannot be told: nothing was replaced")]
    HeightUnknown {
        /// The store's directory.
        store: PathBuf,
        /// Why not.
        #[source]
        source: SourceError,
    },
    /// Where the new store is to be there is a link to what is not there, a disk that is not mounted maybe.
    #[error("{link} is a link to {target}, which is not there")]
    DanglingLink {
        /// The link.
        link: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// A directory that must be new has something in it.
    #[error("{dir} is not an empty directory{}", listed(.holds))]
    NotEmpty {
        /// The directory, or the file that stands in its place.
        dir: PathBuf,
        /// What is in it.
        holds: Vec<String>,
    },
    /// A dataset in the directory of the store that it is of.
    #[error("{dataset} is the directory of the store in {store}, or lies in it")]
    InStore {
        /// The dataset's directory.
        dataset: PathBuf,
        /// The store's directory.
        store: PathBuf,
    },
    /// A path that leads back out of a directory which is not there.
    #[error("{path} leads through {missing}, which is no directory, and back with ..")]
    BackFromNowhere {
        /// The path.
        path: PathBuf,
        /// The first on its way that is not there.
        missing: PathBuf,
    },
    /// The digest says that rows are damaged which were to be exported.
    #[error("the store in {store} is not exported: {}{}", .findings[0], more(.findings.len()))]
    DamagedRows {
        /// The store's directory.
        store: PathBuf,
        /// What is wrong with them; at least one thing.
        findings: Vec<Finding>,
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
    /// A store in place of the export data to compare another one with.
    #[error("{path} is a store, and no export data to compare with")]
    TrustedStore {
        /// What was named.
        path: PathBuf,
        /// The store's directory.
        store: PathBuf,
    },
    /// The database itself in place of the store's directory.
    #[error("{path} is a store's database, and no file of export data")]
    StoreFile {
        /// What was named.
        path: PathBuf,
    },
    /// An export that was begun and not finished.
    #[error("the export into {dataset} was not finished")]
    Unfinished {
        /// The dataset's directory.
        dataset: PathBuf,
        /// Whether it was there before.
        folder: Folder,
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

/// At which height a store is.
fn at(height: Option<u64>) -> String {
    height.map_or("has no block height".to_owned(), |height| format!("is at block height {height}"))
}

fn whom(by: &[String]) -> String {
    if by.is_empty() { "another program".to_owned() } else { format!("process {}", by.join(", ")) }
}

fn more(findings: usize) -> String {
    if findings > 1 { format!(", and {} more", findings - 1) } else { String::new() }
}

/// The first of some names, to be told after a directory's.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 5;
    match names {
        [] => String::new(),
        names if names.len() <= SHOWN => format!(": it has {}", names.join(", ")),
        names => format!(": it has {} and {} more", names[..SHOWN].join(", "), names.len() - SHOWN),
    }
}
