//! What an importer takes from: an exporter, a dataset on disk, or a host's own object.

use std::io::Read;

use crate::ahead::Ahead;
use crate::dataset::Dataset;

/// Whatever a source could not do.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;
/// Export records: a key and its text, or `None` to take an earlier one back.
pub type SourceRecords<'a> = Box<dyn Iterator<Item = Result<(String, Option<String>), SourceError>> + 'a>;
/// Names of artifacts.
pub type SourceNames<'a> = Box<dyn Iterator<Item = Result<String, SourceError>> + 'a>;

/// Trusted export records and untrusted artifacts.
///
/// Nothing that it offers is believed but the records; names and bytes are checked against them.
pub trait ExportSource {
    /// All records, in any order; the last word on a key counts.
    ///
    /// # Errors
    /// Anything; the import fails with it.
    fn records(&self) -> Result<SourceRecords<'_>, SourceError>;

    /// The names of the artifacts on offer.
    ///
    /// # Errors
    /// Anything; the import fails with it.
    fn artifact_names(&self) -> Result<SourceNames<'_>, SourceError>;

    /// The bytes of one of them. An error of reading fails the import.
    ///
    /// # Errors
    /// Anything; the import fails with it.
    fn artifact(&self, name: &str) -> Result<Box<dyn Read + '_>, SourceError>;
}

impl ExportSource for Dataset {
    fn records(&self) -> Result<SourceRecords<'_>, SourceError> {
        // Read and taken apart beside the thread that stores them.
        Ok(Box::new(Ahead::new(Dataset::records(self)?).map(|record| Ok(record?))))
    }

    fn artifact_names(&self) -> Result<SourceNames<'_>, SourceError> {
        Ok(Box::new(Dataset::artifact_names(self).map(|name| Ok(name.to_owned()))))
    }

    fn artifact(&self, name: &str) -> Result<Box<dyn Read + '_>, SourceError> {
        Ok(Box::new(Dataset::artifact(self, name)?))
    }
}
