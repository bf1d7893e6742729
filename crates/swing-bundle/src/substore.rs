//! Bundles as export, import, verify and repair see them. A bundle's record is its ID, which is its hash, so the record
//! vouches for every byte that the hash covers.

use std::collections::BTreeSet;
use std::io::{Cursor, Read};

use swing_core::session::{Reader, Table, paged};
use swing_core::substore::{
    ArtifactBytes, Finding, Gap, Import, Limits, Names, Offered, Records, Repaired, Substore, SubstoreError,
};
use swing_core::{ArtifactMode, ArtifactName, BundleId, BundleKind, ExportKey, SessionError, Writer, error_chain};

use crate::content::{Stored, b0_id, check_b1, from_artifact};
use crate::error::ContentError;
use crate::schema::TABLES;
use crate::view::stored;

/// The committed bundles of a store, as a [`Substore`].
#[derive(Debug, Clone, Copy, Default)]
pub struct BundleSubstore;

impl Substore for BundleSubstore {
    fn tag(&self) -> &'static str {
        "bundle"
    }

    fn tables(&self) -> &'static [Table] {
        TABLES
    }

    fn records<'a>(&self, db: Reader<'a>) -> Records<'a> {
        Box::new(ids(db, "SELECT bundleID FROM bundles WHERE bundleID > ?1 ORDER BY bundleID LIMIT 256").map(|id| {
            let id = id?;
            Ok((format!("bundle.{id}"), id.to_string()))
        }))
    }

    fn artifact_names<'a>(&self, db: Reader<'a>, _mode: ArtifactMode) -> Names<'a> {
        const SQL: &str = "SELECT bundleID FROM bundles WHERE bundleID > ?1 AND bundle IS NOT NULL
            ORDER BY bundleID LIMIT 256";
        Box::new(ids(db, SQL).map(|id| Ok(format!("bundle.{}", id?))))
    }

    fn artifact<'a>(&self, db: Reader<'a>, name: &str) -> Result<ArtifactBytes<'a>, SubstoreError> {
        let id = id_of_artifact(name)?;
        let missing = |reason: &str| SubstoreError::NotAvailable { name: name.to_owned(), reason: reason.to_owned() };
        let bytes = stored(db, &id)?
            .ok_or_else(|| missing("there is no such bundle"))?
            .ok_or_else(|| missing("the store has its record but not its content"))?;
        match check_stored(&id, &bytes) {
            Ok(()) => Ok(Box::new(Cursor::new(bytes))),
            Err(error) => Err(SubstoreError::Artifact { name: name.to_owned(), reason: error_chain(&error) }),
        }
    }

    fn gaps(&self, db: Reader<'_>, mode: ArtifactMode) -> Result<Vec<Gap>, SubstoreError> {
        const SQL: &str = "SELECT bundleID FROM bundles WHERE bundleID > ?1 AND bundle IS NULL
            ORDER BY bundleID LIMIT 256";
        if mode == ArtifactMode::Debug {
            return Ok(Vec::new());
        }
        let gap =
            |id| Gap { what: format!("bundle.{id}"), reason: "its content is missing".to_owned(), in_short: None };
        ids(db, SQL).map(|id| Ok(gap(id?))).collect()
    }

    fn verify(&self, db: Reader<'_>, found: &mut dyn FnMut(Finding)) -> Result<(), SubstoreError> {
        const SQL: &str = "SELECT rowid, CAST(bundleID AS TEXT), typeof(bundleID), typeof(bundle) FROM bundles
            ORDER BY rowid";
        const BUNDLE: &str = "SELECT bundle FROM bundles WHERE rowid = ?1";
        let rows = db.all(SQL, [], |row| {
            let id = row.get_ref(1)?.as_bytes_or_null()?.map(|id| String::from_utf8_lossy(id).into_owned());
            Ok((row.get::<_, i64>(0)?, id.unwrap_or_default(), row.get::<_, String>(2)?, row.get::<_, String>(3)?))
        })?;
        for (rowid, text, id_type, bundle_type) in rows {
            let mut wrong = |problem: String| found(Finding { what: format!("bundle.{text}"), problem });
            let id = match text.parse::<BundleId>() {
                Ok(id) if id_type == "text" => id,
                Ok(_) => {
                    wrong(format!("its ID is of type {id_type}, not text"));
                    continue;
                }
                Err(error) => {
                    wrong(error.to_string());
                    continue;
                }
            };
            let expected = match id.kind() {
                BundleKind::NestedEvaluate => "text",
                BundleKind::EndoZip => "blob",
            };
            if bundle_type == "null" {
                // Told by the completeness check.
                continue;
            }
            if bundle_type != expected {
                wrong(format!("its content is of type {bundle_type}, not {expected}"));
            }
            if matches!(bundle_type.as_str(), "text" | "blob") {
                let bytes = db.one(BUNDLE, [rowid], |row| Ok(row.get_ref(0)?.as_bytes()?.to_vec()))?;
                if let Err(error) = check_stored(&id, &bytes.unwrap_or_default()) {
                    wrong(error_chain(&error));
                }
            }
        }
        Ok(())
    }

    fn import(&self, _mode: ArtifactMode, limits: Limits) -> Box<dyn Import> {
        Box::new(BundleImport { limits, wanted: BTreeSet::new(), taken: BTreeSet::new() })
    }

    fn repair(&self, db: &mut Writer<'_>, key: &str, value: &str) -> Result<Repaired, SubstoreError> {
        let id = id_of_record(key, value)?;
        if stored(db.read(), &id)?.is_some() {
            return Ok(Repaired::Agreed);
        }
        // A repair has no artifacts, and a bundle has no history: a record without content would never be complete.
        let reason = "a bundle that the store does not have".to_owned();
        Err(SubstoreError::Record { key: key.to_owned(), reason })
    }
}

/// An import: the records say which bundles are wanted, each artifact is one of them whole.
struct BundleImport {
    limits: Limits,
    wanted: BTreeSet<BundleId>,
    taken: BTreeSet<BundleId>,
}

impl Import for BundleImport {
    fn record(&mut self, _db: &mut Writer<'_>, key: &str, value: Option<&str>) -> Result<(), SubstoreError> {
        match value {
            Some(value) => self.wanted.insert(id_of_record(key, value)?),
            None => self.wanted.remove(&id_of_key(key)?),
        };
        Ok(())
    }

    fn records_done(&mut self, db: &mut Writer<'_>) -> Result<(), SubstoreError> {
        for id in &self.wanted {
            db.run("INSERT INTO bundles (bundleID, bundle) VALUES (?1, NULL)", [id])?;
        }
        Ok(())
    }

    fn artifact(&mut self, db: &mut Writer<'_>, name: &str, source: &mut dyn Read) -> Result<Offered, SubstoreError> {
        const SQL: &str = "UPDATE bundles SET bundle = ?2 WHERE bundleID = ?1";
        let id = id_of_artifact(name)?;
        let refused = |reason: String| SubstoreError::Artifact { name: name.to_owned(), reason };
        if !self.wanted.contains(&id) {
            return Err(SubstoreError::NoRecord { name: name.to_owned() });
        }
        if !self.taken.insert(id.clone()) {
            return Ok(Offered::Repeated);
        }
        let limit = self.limits.bundle.min(self.limits.artifact);
        let mut bytes = Vec::new();
        let read = source.take(limit.saturating_add(1)).read_to_end(&mut bytes);
        let read = read.map_err(|source| SubstoreError::Io { name: name.to_owned(), source })?;
        if read as u64 > limit {
            return Err(refused(format!("longer than the limit of {limit} bytes")));
        }
        match from_artifact(id.as_str(), &bytes).map_err(|error| refused(error_chain(&error)))? {
            Stored::Text(text) => db.run(SQL, (&id, text.as_ref()))?,
            Stored::Zip(zip) => db.run(SQL, (&id, zip.as_ref()))?,
        };
        Ok(Offered::Taken)
    }
}

/// A stored bundle is what was added: a text with the right hash, whatever the order of its members, or such a zip.
fn check_stored(id: &BundleId, bytes: &[u8]) -> Result<(), ContentError> {
    match id.kind() {
        BundleKind::EndoZip => check_b1(id.as_str(), bytes),
        BundleKind::NestedEvaluate => {
            let actual = b0_id(&String::from_utf8_lossy(bytes));
            if actual == id.as_str() { Ok(()) } else { Err(ContentError::IdMismatch { id: id.to_string(), actual }) }
        }
    }
}

/// IDs page by page; `sql` takes the last one seen.
fn ids<'a>(db: Reader<'a>, sql: &'static str) -> impl Iterator<Item = Result<BundleId, SubstoreError>> + use<'a> {
    let mut last = String::new();
    paged(move || {
        let page: Vec<BundleId> = db.all(sql, [&last], |row| row.get(0))?;
        if let Some(id) = page.last() {
            if id.as_str() <= last.as_str() {
                return Err(SessionError::OutOfOrder { table: "bundles" }.into());
            }
            last = id.to_string();
        }
        Ok(page)
    })
}

fn id_of_artifact(name: &str) -> Result<BundleId, SubstoreError> {
    match name.parse()? {
        ArtifactName::Bundle(id) => Ok(id),
        _ => Err(SubstoreError::NoRecord { name: name.to_owned() }),
    }
}

fn id_of_key(key: &str) -> Result<BundleId, SubstoreError> {
    match key.parse()? {
        ExportKey::Bundle(id) => Ok(id),
        _ => Err(SubstoreError::Record { key: key.to_owned(), reason: "not a bundle's".to_owned() }),
    }
}

fn id_of_record(key: &str, value: &str) -> Result<BundleId, SubstoreError> {
    let id = id_of_key(key)?;
    if id.as_str() != value {
        let reason = format!("its text should be the bundle's ID, not {value:?}");
        return Err(SubstoreError::Record { key: key.to_owned(), reason });
    }
    Ok(id)
}
