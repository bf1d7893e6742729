//! An import: all records first, checked against each other; then artifacts, checked against their records.

use std::collections::BTreeMap;
use std::io::Read;

use swing_core::substore::{Import, Limits, Offered, SubstoreError};
use swing_core::{ArtifactMode, ArtifactName, Digest, ExportKey, Position, SnapshotRecord, VatId, Writer};

use super::{Key, artifact_parts, parse_record, record_error};
use crate::codec::{self, CodecError, Compressed, Level, compress};
use crate::migration::{self, MigrationError};
use crate::rows::largest_gzip;

/// What is remembered of a record until its artifact comes. There may be hundreds of thousands, so it is not their text.
struct Known {
    hash: Digest,
    in_use: bool,
    was_offered: bool,
}

/// The last word on a key, which may be none that can be taken.
type Word = Result<Known, Box<SubstoreError>>;

/// What records say of a vat.
#[derive(Default)]
struct Said {
    snapshots: BTreeMap<Position, Word>,
    /// Which one is in use.
    current: Option<String>,
}

pub(super) struct SnapImport {
    mode: ArtifactMode,
    limits: Limits,
    level: Level,
    /// Until there are no more records.
    said: BTreeMap<VatId, Said>,
    expected: BTreeMap<VatId, BTreeMap<Position, Known>>,
}

impl SnapImport {
    pub(super) fn new(mode: ArtifactMode, limits: Limits, level: Level) -> Self {
        Self { mode, limits, level, said: BTreeMap::new(), expected: BTreeMap::new() }
    }
}

/// A vat's snapshots, and the name of the one that is in use.
fn snapshots(
    vat: &VatId,
    said: BTreeMap<Position, Word>,
) -> Result<(BTreeMap<Position, Known>, Option<ArtifactName>), SubstoreError> {
    let (mut snapshots, mut in_use) = (BTreeMap::new(), None);
    for (position, word) in said {
        let known = word.map_err(|error| *error)?;
        if known.in_use
            && let Some(other) = in_use.replace(ArtifactName::Snapshot { vat: vat.clone(), position })
        {
            let key = ExportKey::Snapshot { vat: vat.clone(), position }.to_string();
            return Err(record_error(&key, &format!("the vat has another snapshot in use, {other}")));
        }
        snapshots.insert(position, known);
    }
    Ok((snapshots, in_use))
}

/// What `.current` says is in use must be, and something must be said of what is.
fn expect_current(vat: &VatId, current: Option<&str>, in_use: Option<&ArtifactName>) -> Result<(), SubstoreError> {
    let wrong = |reason: &str| Err(record_error(&ExportKey::CurrentSnapshot(vat.clone()).to_string(), reason));
    match (current, in_use) {
        (Some(_), None) => wrong("the vat has no snapshot in use"),
        (Some(text), Some(name)) if name.to_string() != text => wrong(&format!("it is {text:?}, but {name} is in use")),
        (None, Some(name)) => wrong(&format!("it is missing, and {name} is in use")),
        (Some(_), Some(_)) | (None, None) => Ok(()),
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
        match Key::parse(key)? {
            Key::Current(vat) => self.said.entry(vat).or_default().current = value.map(str::to_owned),
            Key::Snapshot(vat, position) => {
                let word = value.map(|text| {
                    // A later one may take its place, if it is none.
                    let SnapshotRecord { hash, in_use, .. } = parse_record(key, text).map_err(Box::new)?;
                    Ok(Known { hash, in_use, was_offered: false })
                });
                let said = &mut self.said.entry(vat).or_default().snapshots;
                match word {
                    Some(word) => drop(said.insert(position, word)),
                    None => drop(said.remove(&position)),
                }
            }
        }
        Ok(())
    }

    fn records_done(&mut self, db: &mut Writer<'_>) -> Result<(), SubstoreError> {
        const SQL: &str = "INSERT INTO snapshots (vatID, snapPos, inUse, hash) VALUES (?1, ?2, ?3, ?4)";
        let mut currents = Vec::new();
        for (vat, Said { snapshots: said, current }) in std::mem::take(&mut self.said) {
            let (snapshots, in_use) = snapshots(&vat, said)?;
            currents.push((vat.clone(), current, in_use));
            self.expected.insert(vat, snapshots);
        }
        // What is said wrong is told before what is not said.
        currents.sort_by_key(|(_, current, _)| current.is_none());
        for (vat, current, in_use) in &currents {
            expect_current(vat, current.as_deref(), in_use.as_ref())?;
        }
        make_room(db)?;
        for (vat, snapshots) in &self.expected {
            for (position, Known { hash, in_use, .. }) in snapshots {
                db.run(SQL, (vat, position, in_use.then_some(1), hash))?;
            }
        }
        Ok(())
    }

    fn artifact(&mut self, db: &mut Writer<'_>, name: &str, source: &mut dyn Read) -> Result<Offered, SubstoreError> {
        const SQL: &str = "UPDATE snapshots SET uncompressedSize = ?3, compressedSize = ?4, compressedSnapshot = ?5
            WHERE vatID = ?1 AND snapPos = ?2";
        let wrong = |reason: String| SubstoreError::Artifact { name: name.to_owned(), reason };
        let (vat, position) = artifact_parts(name)?;
        let known = self.expected.get_mut(&vat).and_then(|snapshots| snapshots.get_mut(&position));
        let Some(known) = known else {
            return Err(SubstoreError::NoRecord { name: name.to_owned() });
        };
        if std::mem::replace(&mut known.was_offered, true) {
            return Ok(Offered::Repeated);
        }
        if !known.in_use && self.mode != ArtifactMode::Debug {
            return Ok(Offered::Skipped);
        }

        let limits = codec::Limits {
            max_raw_len: Some(self.limits.artifact),
            max_gzip_len: Some(largest_gzip(&vat)),
            ..codec::Limits::default()
        };
        let Compressed { hash, raw_len, gzip } = compress(source, self.level, limits).map_err(|error| match error {
            CodecError::Source { source, .. } => SubstoreError::Io { name: name.to_owned(), source },
            other => wrong(other.to_string()),
        })?;
        let expected = known.hash;
        if hash != expected {
            return Err(wrong(format!("hash mismatch (expected {expected}, got {hash})")));
        }
        if db.run(SQL, (&vat, position, raw_len, gzip.len() as u64, gzip))? != 1 {
            return Err(wrong("its record has gone from the store".to_owned()));
        }
        Ok(Offered::Taken)
    }
}
