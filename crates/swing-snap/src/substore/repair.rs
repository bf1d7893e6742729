//! Repair: what a record says against what is stored.

use swing_core::session::Scope;
use swing_core::substore::{Repaired, SubstoreError};
use swing_core::{ArtifactName, Position, SnapshotRecord, VatId, Writer};

use super::{Key, parse_record, record_error};
use crate::schema::SNAPSHOTS;

pub(super) fn repair(db: &mut Writer<'_>, key: &str, value: &str) -> Result<Repaired, SubstoreError> {
    match Key::parse(key)? {
        Key::Snapshot(..) => repair_snapshot(db, key, &parse_record(key, value)?),
        Key::Current(vat) => check_current(db, key, &vat, value),
    }
}

fn repair_snapshot(db: &mut Writer<'_>, key: &str, record: &SnapshotRecord) -> Result<Repaired, SubstoreError> {
    const STORED: &str = "SELECT hash, inUse IS NOT NULL FROM snapshots WHERE vatID = ?1 AND snapPos = ?2";
    const ADD: &str = "INSERT INTO snapshots (vatID, snapPos, inUse, hash) VALUES (?1, ?2, ?3, ?4)";
    let SnapshotRecord { vat, position, hash, in_use } = record;
    let stored = db.read().one(STORED, (vat, position), |row| Ok((row.get(0)?, row.get(1)?)))?;
    if let Some((hash, in_use)) = stored {
        let stored = SnapshotRecord { vat: vat.clone(), position: *position, hash, in_use };
        return if stored == *record {
            Ok(Repaired::Agreed)
        } else {
            Err(record_error(key, &format!("the store has {}", stored.to_json())))
        };
    }
    if *in_use && let Some(other) = in_use_now(db, vat)? {
        return Err(record_error(key, &format!("the store has another snapshot in use, {other}")));
    }
    let row = Scope { condition: "vatID = ?1 AND snapPos = ?2", params: (vat, position) };
    match db.run_over(SNAPSHOTS, row, ADD, (vat, position, in_use.then_some(1), hash)) {
        Ok(_) => Ok(Repaired::Added),
        Err(error) if error.is_constraint() => Err(record_error(
            key,
            "the table has no room for a record in use without its bytes (schema 1A): migrate the store first",
        )),
        Err(error) => Err(error.into()),
    }
}

fn check_current(db: &Writer<'_>, key: &str, vat: &VatId, value: &str) -> Result<Repaired, SubstoreError> {
    match in_use_now(db, vat)? {
        Some(name) if name.to_string() == value => Ok(Repaired::Agreed),
        Some(name) => Err(record_error(key, &format!("it is {value:?}, but the store has {name} in use"))),
        None => Err(record_error(key, &format!("it is {value:?}, but the store has no snapshot of the vat in use"))),
    }
}

fn in_use_now(db: &Writer<'_>, vat: &VatId) -> Result<Option<ArtifactName>, SubstoreError> {
    const SQL: &str = "SELECT snapPos FROM snapshots WHERE vatID = ?1 AND inUse = 1";
    let found = db.read().one(SQL, [vat], |row| row.get::<_, Position>(0))?;
    Ok(found.map(|position| ArtifactName::Snapshot { vat: vat.clone(), position }))
}
