//! An import: all records first, checked against each other; then artifacts, checked against their records.

use std::collections::{BTreeMap, HashSet};
use std::io::Read;

use swing_core::substore::{Import, Limits, Offered, SubstoreError};
use swing_core::{ArtifactMode, ArtifactName, Digest, ExportKey, Position, SnapshotRecord, VatId, Writer};

use super::{Key, artifact_parts, parse_record, record_error};
use crate::codec::{self, CodecError, Compressed, Level, compress};
use crate::migration::{self, MigrationError};
use crate::rows::largest_gzip;

/// Records by vat and position, as [`SnapImport::artifact`] needs them.
struct Vouched {
    hash: Digest,
    in_use: bool,
    taken: bool,
}

pub(super) struct SnapImport {
    mode: ArtifactMode,
    limits: Limits,
    level: Level,
    /// The last word on every key, until [`SnapImport::records_done`].
    texts: BTreeMap<Key, String>,
    vouched: BTreeMap<(VatId, Position), Vouched>,
}

impl SnapImport {
    pub(super) fn new(mode: ArtifactMode, limits: Limits, level: Level) -> Self {
        Self { mode, limits, level, texts: BTreeMap::new(), vouched: BTreeMap::new() }
    }

    /// Parses all records, in key order: those of snapshots, then the current ones.
    fn agreed(&mut self) -> Result<Vec<SnapshotRecord>, SubstoreError> {
        let mut records = Vec::new();
        let mut in_use = BTreeMap::<VatId, ArtifactName>::new();
        let mut named = HashSet::new();
        for (key, text) in std::mem::take(&mut self.texts) {
            match key {
                Key::Snapshot(vat, position) => {
                    let key = ExportKey::Snapshot { vat: vat.clone(), position }.to_string();
                    let record = parse_record(&key, &text)?;
                    if record.in_use
                        && let Some(other) = in_use.insert(vat, record.artifact())
                    {
                        return Err(record_error(&key, &format!("the vat has another snapshot in use, {other}")));
                    }
                    records.push(record);
                }
                Key::Current(vat) => {
                    let key = ExportKey::CurrentSnapshot(vat.clone()).to_string();
                    match in_use.get(&vat) {
                        None => return Err(record_error(&key, "the vat has no snapshot in use")),
                        Some(name) if name.to_string() != text => {
                            return Err(record_error(&key, &format!("it is {text:?}, but {name} is in use")));
                        }
                        Some(_) => named.insert(vat),
                    };
                }
            }
        }
        match in_use.iter().find(|(vat, _)| !named.contains(*vat)) {
            Some((vat, name)) => {
                let key = ExportKey::CurrentSnapshot(vat.clone()).to_string();
                Err(record_error(&key, &format!("it is missing, and {name} is in use")))
            }
            None => Ok(records),
        }
    }
}

/// Schema 1A has no place for a record in use whose artifact is still to come, and the table is empty.
fn make_room(db: &mut Writer<'_>) -> Result<(), SubstoreError> {
    match migration::plan(db.read()).and_then(|plan| migration::execute(db, &plan)) {
        Err(MigrationError::Session(error)) => Err(error.into()),
        // A table of another schema may have room.
        Ok(()) | Err(_) => Ok(()),
    }
}

impl Import for SnapImport {
    fn record(&mut self, _db: &mut Writer<'_>, key: &str, value: Option<&str>) -> Result<(), SubstoreError> {
        let parsed = Key::parse(key)?;
        match value {
            Some(text) => self.texts.insert(parsed, text.to_owned()),
            None => self.texts.remove(&parsed),
        };
        Ok(())
    }

    fn records_done(&mut self, db: &mut Writer<'_>) -> Result<(), SubstoreError> {
        const SQL: &str = "INSERT INTO snapshots (vatID, snapPos, inUse, hash) VALUES (?1, ?2, ?3, ?4)";
        let records = self.agreed()?;
        make_room(db)?;
        for SnapshotRecord { vat, position, hash, in_use } in records {
            db.run(SQL, (&vat, position, in_use.then_some(1), hash))?;
            self.vouched.insert((vat, position), Vouched { hash, in_use, taken: false });
        }
        Ok(())
    }

    fn artifact(&mut self, db: &mut Writer<'_>, name: &str, source: &mut dyn Read) -> Result<Offered, SubstoreError> {
        const SQL: &str = "UPDATE snapshots SET uncompressedSize = ?3, compressedSize = ?4, compressedSnapshot = ?5
            WHERE vatID = ?1 AND snapPos = ?2";
        let wrong = |reason: String| SubstoreError::Artifact { name: name.to_owned(), reason };
        let (vat, position) = artifact_parts(name)?;
        let key = (vat, position);
        let Some(vouched) = self.vouched.get_mut(&key) else {
            return Err(SubstoreError::NoRecord { name: name.to_owned() });
        };
        if std::mem::replace(&mut vouched.taken, true) {
            return Err(wrong("it was offered before".to_owned()));
        }
        if !vouched.in_use && self.mode != ArtifactMode::Debug {
            return Ok(Offered::Skipped);
        }

        let limits = codec::Limits {
            max_raw_len: Some(self.limits.artifact),
            max_gzip_len: Some(largest_gzip(&key.0)),
            ..codec::Limits::default()
        };
        let Compressed { hash, raw_len, gzip } = compress(source, self.level, limits).map_err(|error| match error {
            CodecError::Source { source, .. } => SubstoreError::Io { name: name.to_owned(), source },
            other => wrong(other.to_string()),
        })?;
        let (hash, expected) = (Digest::from_bytes(hash), vouched.hash);
        if hash != expected {
            return Err(wrong(format!("hash mismatch (expected {expected}, got {hash})")));
        }
        if db.run(SQL, (&key.0, position, raw_len, gzip.len() as u64, gzip))? != 1 {
            return Err(wrong("its record has gone from the store".to_owned()));
        }
        Ok(Offered::Taken)
    }
}
