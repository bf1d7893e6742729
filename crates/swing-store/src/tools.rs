//! What tools ask of an open store: queries of their own, and one substore's records and artifacts.
//!
//! All of it is read from the tables. What the block has changed and not written yet is written into the open transaction
//! first, so a tool sees what the kernel does. Below a savepoint that is not possible, and such a question is refused.

use std::io::Read as _;

use swing_core::session::{Query, Rows, SqlValue};
use swing_core::substore::{Record, Substore, SubstoreError};
use swing_core::{ArtifactMode, Reader, error_chain};
use swing_export::ExportError;

use crate::error::StoreError;
use crate::store::Store;

impl Store {
    /// Reads tables that have all there is in the store.
    fn written(&mut self, call: &'static str) -> Result<Reader<'_>, StoreError> {
        if self.session.depth() > 0 && !self.session.is_read_only() {
            return Err(StoreError::InCrank { call });
        }
        if self.session.generation_of_block().is_some() {
            self.flush()?;
        }
        Ok(self.session.read())
    }

    /// What is read by `read`. If that fails, SQLite may have ended the block.
    fn reading<T>(
        &mut self,
        call: &'static str,
        read: impl FnOnce(Reader<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let found = self.written(call).and_then(read);
        if found.is_err() {
            self.session.look_after_failure();
        }
        found
    }

    /// The names of a query's parameters, `None` for one that has none.
    ///
    /// # Errors
    /// [`StoreError::Session`] when SQLite does not understand it.
    pub fn parameters(&self, query: &Query) -> Result<Vec<Option<String>>, StoreError> {
        Ok(self.session.read().parameters(query)?)
    }

    /// Asks a query of the whole store, uncommitted changes included, and takes in at most so many rows.
    ///
    /// # Errors
    /// [`StoreError::InCrank`] while savepoints are open, [`StoreError::Session`] when SQLite cannot run it.
    pub fn ask(&mut self, query: &Query, parameters: &[SqlValue], most: usize) -> Result<Rows, StoreError> {
        self.reading("query the database", |db| Ok(db.ask(query, parameters, most)?))
    }

    /// The export records of one substore, uncommitted changes included, in their canonical order.
    ///
    /// # Errors
    /// [`StoreError::InCrank`] while savepoints are open, [`StoreError::Export`] when they cannot be read.
    pub fn export_records(&mut self, substore: &dyn Substore) -> Result<Vec<Record>, StoreError> {
        self.reading("read export records", |db| {
            Ok(substore.records(db).collect::<Result<_, _>>().map_err(ExportError::from)?)
        })
    }

    /// The names of the artifacts of one substore that an export in this mode has, whether it is complete or not.
    ///
    /// # Errors
    /// As [`Store::export_records`].
    pub fn artifact_names(&mut self, substore: &dyn Substore, mode: ArtifactMode) -> Result<Vec<String>, StoreError> {
        self.reading("read artifact names", |db| {
            Ok(substore.artifact_names(db, mode).collect::<Result<_, _>>().map_err(ExportError::from)?)
        })
    }

    /// The bytes of an artifact of one substore, verified, and all in memory: an export streams them.
    ///
    /// # Errors
    /// As [`Store::export_records`]; also when there is no such artifact, or it is not what its record says.
    pub fn artifact(&mut self, substore: &dyn Substore, name: &str) -> Result<Vec<u8>, StoreError> {
        self.reading("export an artifact", |db| {
            let mut bytes = Vec::new();
            let mut artifact = substore.artifact(db, name).map_err(ExportError::from)?;
            artifact.read_to_end(&mut bytes).map_err(|error| {
                ExportError::from(SubstoreError::Artifact { name: name.to_owned(), reason: error_chain(&error) })
            })?;
            Ok(bytes)
        })
    }

    /// Checks that one substore has all that this mode of export needs.
    ///
    /// # Errors
    /// [`StoreError::Export`] says what is missing; [`StoreError::InCrank`] while savepoints are open.
    pub fn check_complete(&mut self, substore: &dyn Substore, mode: ArtifactMode) -> Result<(), StoreError> {
        let gaps =
            self.reading("look for what is missing", |db| Ok(substore.gaps(db, mode).map_err(ExportError::from)?))?;
        if gaps.is_empty() { Ok(()) } else { Err(ExportError::Incomplete { mode, gaps }.into()) }
    }
}
