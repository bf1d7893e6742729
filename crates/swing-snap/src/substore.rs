//! Snapshots as export, import, verify and repair see them.

mod import;
mod records;
mod repair;
mod verify;

#[cfg(test)]
mod import_tests;
#[cfg(test)]
mod tests;

use swing_core::session::{Reader, Table};
use swing_core::substore::{
    ArtifactBytes, Finding, Gap, Import, Limits, Names, Records, Repaired, Substore, SubstoreError,
};
use swing_core::{ArtifactMode, ArtifactName, Digest, ExportKey, Position, SnapshotRecord, VatId, Writer};

use crate::bytes::StoredBytes;
use crate::codec::Level;
use crate::schema::TABLES;

/// The committed snapshots of a store, as a [`Substore`].
#[derive(Debug, Clone, Copy, Default)]
pub struct SnapSubstore {
    /// How hard an import compresses. Not consensus.
    pub level: Level,
}

impl Substore for SnapSubstore {
    fn tag(&self) -> &'static str {
        "snapshot"
    }

    fn tables(&self) -> &'static [Table] {
        TABLES
    }

    fn records<'a>(&self, db: Reader<'a>) -> Records<'a> {
        records::records(db)
    }

    fn artifact_names<'a>(&self, db: Reader<'a>, mode: ArtifactMode) -> Names<'a> {
        records::artifact_names(db, mode)
    }

    fn artifact<'a>(&self, db: Reader<'a>, name: &str) -> Result<ArtifactBytes<'a>, SubstoreError> {
        const SQL: &str = "SELECT hash, uncompressedSize, compressedSnapshot FROM snapshots
            WHERE vatID = ?1 AND snapPos = ?2";
        let (vat, position) = artifact_parts(name)?;
        let not_available =
            |reason: &str| SubstoreError::NotAvailable { name: name.to_owned(), reason: reason.to_owned() };
        let (hash, raw_len, gzip) = db
            .one(SQL, (&vat, position), |row| {
                let (hash, raw_len): (Digest, Option<u64>) = (row.get(0)?, row.get(1)?);
                Ok((hash, raw_len, row.get::<_, Option<Vec<u8>>>(2)?))
            })?
            .ok_or_else(|| not_available("there is no such snapshot"))?;
        let gzip = gzip.ok_or_else(|| not_available("the store has its record but not its bytes"))?;
        Ok(Box::new(StoredBytes::new(ArtifactName::Snapshot { vat, position }, gzip, hash, raw_len)))
    }

    fn gaps(&self, db: Reader<'_>, mode: ArtifactMode) -> Result<Vec<Gap>, SubstoreError> {
        records::gaps(db, mode)
    }

    /// Beside what every [`Substore`] checks: at most one snapshot in use per vat, and sizes that are those of the bytes.
    /// Sizes may be absent where bytes are.
    fn verify(&self, db: Reader<'_>, found: &mut dyn FnMut(Finding)) -> Result<(), SubstoreError> {
        verify::verify(db, found)
    }

    fn import(&self, mode: ArtifactMode, limits: Limits) -> Box<dyn Import> {
        Box::new(import::SnapImport::new(mode, limits, self.level))
    }

    /// A record of the form `snapshot.VAT.current` adds nothing: it must name the snapshot that is in use, whose own
    /// record has to be repaired first. The order of an export, and that of key bytes, sees to it.
    fn repair(&self, db: &mut Writer<'_>, key: &str, value: &str) -> Result<Repaired, SubstoreError> {
        repair::repair(db, key, value)
    }
}

/// Whose snapshot an artifact is, and from where.
fn artifact_parts(name: &str) -> Result<(VatId, Position), SubstoreError> {
    match name.parse()? {
        ArtifactName::Snapshot { vat, position } => Ok((vat, position)),
        _ => Err(SubstoreError::Artifact { name: name.to_owned(), reason: "it is not a snapshot".to_owned() }),
    }
}

/// The key of a record of this substore.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Snapshot(VatId, Position),
    Current(VatId),
}

impl Key {
    fn parse(key: &str) -> Result<Self, SubstoreError> {
        match key.parse()? {
            ExportKey::Snapshot { vat, position } => Ok(Self::Snapshot(vat, position)),
            ExportKey::CurrentSnapshot(vat) => Ok(Self::Current(vat)),
            _ => Err(record_error(key, "it is not of a snapshot")),
        }
    }
}

/// A record whose text agrees with its key.
fn parse_record(key: &str, value: &str) -> Result<SnapshotRecord, SubstoreError> {
    let record = SnapshotRecord::parse(value).map_err(|source| SubstoreError::Text { key: key.to_owned(), source })?;
    let own = record.key().to_string();
    if own != key {
        return Err(record_error(key, &format!("its text is that of {own:?}")));
    }
    Ok(record)
}

fn record_error(key: &str, reason: &str) -> SubstoreError {
    SubstoreError::Record { key: key.to_owned(), reason: reason.to_owned() }
}
