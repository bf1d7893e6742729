//! Repair: adds the records that an early importer lost, from export data that can be trusted.

use std::collections::BTreeMap;

use swing_core::substore::{Gap, Repaired, SubstoreError};
use swing_core::{ArtifactMode, Session, SessionError};

use crate::exporter::{Substores, gaps, of_tag};
use crate::source::{ExportSource, SourceError};

/// A repair that failed. The store is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// The source of records failed.
    #[error("the source of export data failed")]
    Source(#[source] SourceError),
    /// A record contradicts the store, or is none.
    #[error(transparent)]
    Substore(#[from] SubstoreError),
    /// A record that no substore knows.
    #[error("unknown export-data type in key {key:?}")]
    UnknownKey {
        /// The record's key.
        key: String,
    },
    /// With all records in, the store still lacks content.
    #[error("the store is not complete: {} ({})", .gaps[0].what, .gaps[0].reason)]
    Incomplete {
        /// What is missing; at least one thing.
        gaps: Vec<Gap>,
    },
    /// The database failed.
    #[error(transparent)]
    Session(#[from] SessionError),
}

/// What a repair did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RepairReport {
    /// Records that were missing.
    pub added: u64,
    /// Records that were there.
    pub agreed: u64,
}

/// Adds the missing records of `source` to the store, then checks that it is complete for `operational` mode. Reads no
/// artifacts and commits nothing.
///
/// # Errors
/// [`RepairError`]; everything is then as it was.
pub fn repair(
    session: &mut Session,
    substores: Substores,
    source: &dyn ExportSource,
) -> Result<RepairReport, RepairError> {
    const SAVEPOINT: &str = "repair";
    let mut metadata = BTreeMap::new();
    for record in source.records().map_err(RepairError::Source)? {
        let (key, value) = record.map_err(RepairError::Source)?;
        let substore = of_tag(substores, &key).ok_or_else(|| RepairError::UnknownKey { key: key.clone() })?;
        if substore.records_are_content() {
            continue;
        }
        match value {
            Some(value) => metadata.insert(key, value),
            None => metadata.remove(&key),
        };
    }
    session.savepoint(SAVEPOINT, &mut [])?;
    let repaired = add(session, substores, &metadata);
    match repaired {
        Ok(_) => session.release(&mut [])?,
        // Where that fails too, the session is poisoned and nothing can be committed; what failed first says why.
        Err(_) => _ = session.rollback_to(SAVEPOINT, &mut []),
    }
    session.invalidate();
    repaired
}

fn add(
    session: &mut Session,
    substores: Substores,
    metadata: &BTreeMap<String, String>,
) -> Result<RepairReport, RepairError> {
    let mut report = RepairReport::default();
    for (key, value) in metadata {
        let substore = of_tag(substores, key).ok_or_else(|| RepairError::UnknownKey { key: key.clone() })?;
        match substore.repair(&mut session.write()?, key, value)? {
            Repaired::Added => report.added += 1,
            Repaired::Agreed => report.agreed += 1,
        }
    }
    let gaps = gaps(session.read(), substores, ArtifactMode::Operational)?;
    if gaps.is_empty() { Ok(report) } else { Err(RepairError::Incomplete { gaps }) }
}
