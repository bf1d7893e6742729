//! What can be wrong with a dataset.

use std::io;
use std::path::{Path, PathBuf};

use super::mode::{Mode, UnknownMode};

/// The error of whatever feeds a dataset being written.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a dataset could not be written or read.
///
/// Input and output errors name the path in their source; every other variant names it itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// The folder to write already holds a finished export.
    #[error("`{path}` exists: the folder already holds an export")]
    ManifestExists {
        /// The manifest.
        path: PathBuf,
    },

    /// The manifest is there and empty: somebody's export was aborted, or is under way.
    #[error("`{path}` is empty: an export into this folder was aborted, or is still under way")]
    AbortedExport {
        /// The manifest.
        path: PathBuf,
    },

    /// The folder has no manifest, so it is no dataset.
    #[error("`{path}` is missing: the folder holds no export")]
    NoManifest {
        /// Where the manifest should be.
        path: PathBuf,
    },

    /// The manifest, or the one about to be written, is not acceptable.
    #[error("bad manifest `{path}`")]
    BadManifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: ManifestError,
    },

    /// The manifest names a file that is not there.
    #[error("`{path}` is missing, but the manifest names it")]
    MissingFile {
        /// Where the file should be.
        path: PathBuf,
    },

    /// A file of the dataset is a link to somewhere outside the folder.
    #[error("`{path}` leads out of the dataset folder, to `{target}`")]
    LeadsOutside {
        /// The file as named.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },

    /// Something other than a regular file stands where a file of the dataset should be.
    #[error("`{path}` is not a regular file")]
    NotAFile {
        /// The file as named.
        path: PathBuf,
    },

    /// The manifest has no `blockHeight`, and a dataset of its dialect always has one.
    #[error("`{path}` has no blockHeight")]
    NoBlockHeight {
        /// The manifest.
        path: PathBuf,
    },

    /// The dataset was written without export data.
    #[error("`{path}` has no export data")]
    NoExportData {
        /// The manifest.
        path: PathBuf,
    },

    /// The dataset holds no artifacts, or none were asked for.
    #[error("no artifacts to import from `{path}`")]
    NoArtifacts {
        /// The manifest.
        path: PathBuf,
        /// How many it lists.
        listed: usize,
    },

    /// The dataset holds fewer artifacts than were asked for.
    #[error("`{path}` has too few artifacts: asked for {asked}, it has {has}")]
    TooFewArtifacts {
        /// The manifest.
        path: PathBuf,
        /// The mode asked for.
        asked: Mode,
        /// The mode the manifest was written in.
        has: Mode,
    },

    /// The dataset is of another block than was asked for.
    #[error("`{path}` is of block height {found}, not {expected}")]
    OtherBlockHeight {
        /// The manifest.
        path: PathBuf,
        /// The height asked for.
        expected: u64,
        /// The height it has; 0 when it names none.
        found: u64,
    },

    /// The dataset holds no artifact of that name.
    #[error("`{path}` has no artifact {name:?}")]
    UnknownArtifact {
        /// The manifest.
        path: PathBuf,
        /// The name asked for.
        name: String,
    },

    /// A line of export data is not a record.
    #[error("`{path}` line {line}: {reason}")]
    BadLine {
        /// The file, or the label the reader was given.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },

    /// A record to write has an empty key; neither tool could read it back.
    #[error("`{path}` line {line}: a record needs a key")]
    EmptyKey {
        /// The file being written.
        path: PathBuf,
        /// The line it would have been, counted from 1.
        line: u64,
    },

    /// Records given to the Go dialect do not ascend by key bytes.
    #[error(
        "`{path}`: record {key:?} comes after {previous:?}, but must not: the Go dialect wants ascending key bytes"
    )]
    OutOfOrder {
        /// The file being written.
        path: PathBuf,
        /// The key before it.
        previous: String,
        /// The key that is not greater.
        key: String,
    },

    /// Export data was given twice.
    #[error("`{path}` was already written")]
    ExportDataTwice {
        /// The export data file.
        path: PathBuf,
    },

    /// An earlier step failed, so this export must stay unfinished.
    #[error("the export into `{path}` failed earlier and cannot be finished")]
    FailedEarlier {
        /// The folder.
        path: PathBuf,
    },

    /// Whoever supplies the records failed.
    #[error("cannot get the records for `{path}`")]
    RecordSource {
        /// The file being written.
        path: PathBuf,
        /// Their error.
        #[source]
        source: BoxError,
    },

    /// Whoever supplies an artifact's bytes failed.
    #[error("cannot get the bytes for `{path}`")]
    ArtifactSource {
        /// The file being written.
        path: PathBuf,
        /// Their error.
        #[source]
        source: io::Error,
    },

    /// The file system failed.
    #[error("cannot {action}")]
    Io {
        /// What it failed on; the source names it too.
        path: PathBuf,
        /// What was being done.
        action: &'static str,
        /// The error.
        #[source]
        source: io::Error,
    },
}

impl DatasetError {
    pub(super) fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| DatasetError::Io { path: path.to_owned(), action, source }
    }
}

/// What is wrong with a manifest, whichever file it came from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// No bytes at all.
    #[error("empty")]
    Empty,

    /// More bytes than any honest manifest has.
    #[error("longer than {limit} bytes")]
    TooLarge {
        /// The most that is read.
        limit: u64,
    },

    /// Not UTF-8.
    #[error("not UTF-8 at byte {at}")]
    NotUtf8 {
        /// The first bad byte, counted from 0.
        at: usize,
    },

    /// Not JSON.
    #[error("not JSON at line {line}, column {column}: {reason}")]
    NotJson {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// What the parser says.
        reason: String,
    },

    /// JSON, but not a manifest's: a wrong type, a field twice.
    #[error("not a manifest at line {line}, column {column}: {reason}")]
    WrongShape {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// What the parser says.
        reason: String,
    },

    /// A block height that JavaScript cannot hold exactly.
    #[error("block height {height} is above 2^53 - 1")]
    HeightTooLarge {
        /// The height.
        height: u64,
    },

    /// `artifactMode` names no mode.
    #[error(transparent)]
    UnknownMode(#[from] UnknownMode),

    /// An artifact or file name that is no name.
    #[error("bad name {name:?}: {reason}")]
    BadName {
        /// The name, cut short if it was long.
        name: String,
        /// Why it is refused.
        reason: &'static str,
    },

    /// Two artifacts of one name.
    #[error("artifact {name:?} is there twice")]
    DuplicateArtifact {
        /// The name.
        name: String,
    },

    /// Two uses of one file.
    #[error("file {file_name:?} is named twice")]
    DuplicateFile {
        /// The file name.
        file_name: String,
    },
}

/// The longest piece of foreign text that goes into an error.
const MAX_QUOTED_CHARS: usize = 200;

/// Returns `text`, cut at a length fit for a message.
pub(super) fn shorten(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTED_CHARS) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

/// Returns what the JSON parser says, without the position it appends and at a length fit for a message.
pub(super) fn json_reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&position).unwrap_or(&text) {
        // What it says of `\ud800` at the end of a string.
        "unexpected end of hex escape" => "lone surrogate or unfinished hex escape".to_owned(),
        reason => shorten(reason),
    }
}
