//! What export, import, verify and repair need of every substore, uniformly.
//!
//! A [`Substore`] stands for the committed rows of one part of the store. It has records (export data: trusted, in the
//! host's Merkle tree) and maybe artifacts (the content that records vouch for: untrusted, verified against them).
//! Tools walk a list of substores and know no tag by name.

use std::io::Read;

use crate::mode::ArtifactMode;
use crate::names::NameError;
use crate::records::RecordTextError;
use crate::session::{Reader, SessionError, Table, Writer};

/// An export record: its key and text.
pub type Record = (String, String);
/// Export records in their canonical order.
pub type Records<'a> = Box<dyn Iterator<Item = Result<Record, SubstoreError>> + 'a>;
/// Artifact names in their canonical order.
pub type Names<'a> = Box<dyn Iterator<Item = Result<String, SubstoreError>> + 'a>;
/// The bytes of an artifact, verified by their end: a mismatch is an error of the last read. They stream from the
/// reader's connection, so they stay on its thread.
pub type ArtifactBytes<'a> = Box<dyn Read + 'a>;

/// What is wrong with a record, an artifact or the rows behind them.
#[derive(Debug, thiserror::Error)]
pub enum SubstoreError {
    /// A key or name that is not one.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A record's text is not what it should be.
    #[error("export record {key:?}")]
    Text {
        /// The record's key.
        key: String,
        /// What is wrong with the text.
        #[source]
        source: RecordTextError,
    },
    /// A record contradicts its key, another record or what is stored.
    #[error("export record {key:?}: {reason}")]
    Record {
        /// The record's key.
        key: String,
        /// What is wrong.
        reason: String,
    },
    /// No record vouches for the artifact.
    #[error("artifact {name:?} has no export record")]
    NoRecord {
        /// The artifact's name.
        name: String,
    },
    /// The store does not have the artifact.
    #[error("artifact {name:?} is not available: {reason}")]
    NotAvailable {
        /// The artifact's name.
        name: String,
        /// Why not.
        reason: String,
    },
    /// The artifact is not what its record vouches for.
    #[error("artifact {name:?}: {reason}")]
    Artifact {
        /// The artifact's name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// The artifact could not be read to its end.
    #[error("artifact {name:?} could not be read")]
    Io {
        /// The artifact's name.
        name: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The database failed.
    #[error(transparent)]
    Session(#[from] SessionError),
}

/// Something that a completeness check wants and the store does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The artifact, or the vat, that is incomplete.
    pub what: String,
    /// What is missing.
    pub reason: String,
    /// The original's words for all that is missing of the same vat, where it has some; in the first gap of it.
    pub in_short: Option<String>,
}

/// Something that [`Substore::verify`] found wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The record, artifact or row.
    pub what: String,
    /// What is wrong with it.
    pub problem: String,
}

/// How much an import takes in before it gives up on its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest line of a transcript, in bytes.
    pub item: u64,
    /// The longest artifact, in bytes.
    pub artifact: u64,
    /// The longest bundle, which has to be held in memory.
    pub bundle: u64,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1 << 20;
        Self { item: 256 * MIB, artifact: 16 * 1024 * MIB, bundle: 256 * MIB }
    }
}

/// What became of an artifact that was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offered {
    /// It was verified and stored.
    Taken,
    /// The mode has no use for it; it was not read.
    Skipped,
    /// It was offered before; it was not read again.
    Repeated,
}

/// What became of a record that was offered for repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repaired {
    /// It was missing and is there now.
    Added,
    /// It was there and agrees.
    Agreed,
}

/// One part of a store, as tools see it.
pub trait Substore: Send + Sync {
    /// The first part of its record keys and artifact names.
    fn tag(&self) -> &'static str;

    /// Its tables.
    fn tables(&self) -> &'static [Table];

    /// Whether a record is itself the content, as a key-value pair is, and not a summary of content elsewhere.
    fn records_are_content(&self) -> bool {
        false
    }

    /// A value that is kept for the host and stands outside export data; `None` where there are none such.
    ///
    /// # Errors
    /// [`SubstoreError`] when the rows cannot be read.
    fn host_value(&self, _db: Reader<'_>, _key: &str) -> Result<Option<String>, SubstoreError> {
        Ok(None)
    }

    /// What tells the commit that is read from others, in words, if this part of a store does.
    ///
    /// # Errors
    /// [`SubstoreError`] when the rows cannot be read.
    fn witness(&self, _db: Reader<'_>) -> Result<Option<String>, SubstoreError> {
        Ok(None)
    }

    /// Its export records, the same in every mode.
    fn records<'a>(&self, db: Reader<'a>) -> Records<'a>;

    /// The same records in the order of their keys' bytes. All of them are held meanwhile, unless a substore knows better.
    fn records_by_key<'a>(&self, db: Reader<'a>) -> Records<'a> {
        match self.records(db).collect::<Result<Vec<_>, _>>() {
            Ok(mut all) => {
                all.sort();
                Box::new(all.into_iter().map(Ok))
            }
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }

    /// The names of the artifacts that a complete export in this mode has. In `debug`, of all that are complete.
    fn artifact_names<'a>(&self, db: Reader<'a>, mode: ArtifactMode) -> Names<'a>;

    /// The bytes of an artifact.
    ///
    /// # Errors
    /// [`SubstoreError`] when the name is not exactly that of an artifact that is there.
    fn artifact<'a>(&self, db: Reader<'a>, name: &str) -> Result<ArtifactBytes<'a>, SubstoreError>;

    /// What is missing for a complete export in this mode; for `debug` nothing ever is.
    ///
    /// # Errors
    /// [`SubstoreError`] when the rows cannot be read.
    fn gaps(&self, db: Reader<'_>, mode: ArtifactMode) -> Result<Vec<Gap>, SubstoreError>;

    /// Checks every row: content against its hash, rows against each other.
    ///
    /// # Errors
    /// [`SubstoreError`] when the rows cannot be read at all; what can be read and is wrong goes to `found`.
    fn verify(&self, db: Reader<'_>, found: &mut dyn FnMut(Finding)) -> Result<(), SubstoreError>;

    /// Begins an import into empty tables.
    fn import(&self, mode: ArtifactMode, limits: Limits) -> Box<dyn Import>;

    /// Compares a record with what is stored and adds it if it is missing.
    ///
    /// # Errors
    /// [`SubstoreError::Record`] when the store says otherwise.
    fn repair(&self, db: &mut Writer<'_>, key: &str, value: &str) -> Result<Repaired, SubstoreError>;
}

/// An import under way in one substore: first all records, then artifacts.
pub trait Import {
    /// Takes a record, or with `None` takes an earlier one back. The last word on a key counts.
    ///
    /// # Errors
    /// [`SubstoreError`]; the import has then failed.
    fn record(&mut self, db: &mut Writer<'_>, key: &str, value: Option<&str>) -> Result<(), SubstoreError>;

    /// Says that there are no more records: they are checked against each other and stored.
    ///
    /// # Errors
    /// [`SubstoreError`]; the import has then failed.
    fn records_done(&mut self, db: &mut Writer<'_>) -> Result<(), SubstoreError>;

    /// Takes an artifact, verified against its record. Reads no more of it than its record allows.
    ///
    /// # Errors
    /// [`SubstoreError`]; the import has then failed.
    fn artifact(&mut self, db: &mut Writer<'_>, name: &str, source: &mut dyn Read) -> Result<Offered, SubstoreError>;
}
