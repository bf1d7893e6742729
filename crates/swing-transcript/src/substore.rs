//! Transcripts as export, import, verify and repair see them: committed rows only.

mod hashing;
mod import;
mod lines;
mod orphans;
mod repair;
mod rows;
mod verify;

use swing_core::session::Table;
use swing_core::substore::{
    ArtifactBytes, Finding, Gap, Import, Limits, Names, Records, Repaired, Substore, SubstoreError,
};
use swing_core::{ArtifactMode, Reader, Writer};

use crate::schema::TABLES;

/// The transcripts of a store, for tools.
#[derive(Debug, Clone, Copy, Default)]
pub struct TranscriptSubstore;

impl Substore for TranscriptSubstore {
    fn tag(&self) -> &'static str {
        "transcript"
    }

    fn tables(&self) -> &'static [Table] {
        TABLES
    }

    fn records<'a>(&self, db: Reader<'a>) -> Records<'a> {
        rows::records(db)
    }

    fn records_by_key<'a>(&self, db: Reader<'a>) -> Records<'a> {
        rows::records_by_key(db)
    }

    fn artifact_names<'a>(&self, db: Reader<'a>, mode: ArtifactMode) -> Names<'a> {
        rows::artifact_names(db, mode)
    }

    fn artifact<'a>(&self, db: Reader<'a>, name: &str) -> Result<ArtifactBytes<'a>, SubstoreError> {
        rows::artifact(db, name)
    }

    fn gaps(&self, db: Reader<'_>, mode: ArtifactMode) -> Result<Vec<Gap>, SubstoreError> {
        rows::gaps(db, mode)
    }

    fn verify(&self, db: Reader<'_>, found: &mut dyn FnMut(Finding)) -> Result<(), SubstoreError> {
        verify::verify(db, found)
    }

    fn import(&self, mode: ArtifactMode, limits: Limits) -> Box<dyn Import> {
        Box::new(import::SpanImport::new(mode, limits))
    }

    fn repair(&self, db: &mut Writer<'_>, key: &str, value: &str) -> Result<Repaired, SubstoreError> {
        repair::repair(db, key, value)
    }
}
