//! The table as export, import, verify and repair see it: records of consensus keys, and no artifacts.

use std::io::Read;

use swing_core::names::ExportKey;
use swing_core::session::{Reader, Table, Writer, paged};
use swing_core::substore::{
    ArtifactBytes, Finding, Gap, Import, Limits, Names, Offered, Record, Records, Repaired, Substore, SubstoreError,
};
use swing_core::{ArtifactMode, SessionError};

use crate::digesting::commit_witness;
use crate::entries::successor;
use crate::schema::TABLES;
use crate::section::Section;
use crate::state::{DELETE, UPSERT};
use crate::view::GET;

const ROWS: &str = "SELECT key, value FROM kvStore WHERE key >= ?1 ORDER BY key";
const ALL_ROWS: &str = "SELECT rowid, key, value FROM kvStore ORDER BY rowid";
const TYPES: &str =
    "SELECT typeof(key), typeof(value), hex(substr(CAST(key AS BLOB), 1, 64)) FROM kvStore WHERE rowid = ?1";

/// The longest page, in rows and in bytes.
const MOST_ROWS: usize = 1024;
const MOST_BYTES: usize = 1 << 20;

/// The key-value store's part in export, import, verify and repair.
///
/// Its records are `kv.KEY` with the value as their text, for every consensus key in key order. The empty key is one of
/// them: `kv.`, which is not `kv`.
#[derive(Debug, Clone, Copy, Default)]
pub struct KvSubstore;

impl Substore for KvSubstore {
    fn tag(&self) -> &'static str {
        "kv"
    }

    fn tables(&self) -> &'static [Table] {
        TABLES
    }

    fn records_are_content(&self) -> bool {
        true
    }

    fn host_value(&self, db: Reader<'_>, key: &str) -> Result<Option<String>, SubstoreError> {
        if Section::of(key) != Section::Host {
            return Ok(None);
        }
        Ok(db.one(GET, [key], |row| row.get(0))?)
    }

    fn witness(&self, db: Reader<'_>) -> Result<Option<String>, SubstoreError> {
        Ok(Some(commit_witness(db)?))
    }

    fn records<'a>(&self, db: Reader<'a>) -> Records<'a> {
        let mut next = Some(String::new());
        Box::new(paged(move || {
            while let Some(low) = next.take() {
                let (records, rest) = page(db, &low)?;
                if rest.as_ref().is_some_and(|rest| *rest <= low) {
                    return Err(SessionError::OutOfOrder { table: "kvStore" }.into());
                }
                next = rest;
                if !records.is_empty() {
                    return Ok(records);
                }
            }
            Ok(Vec::new())
        }))
    }

    fn records_by_key<'a>(&self, db: Reader<'a>) -> Records<'a> {
        self.records(db)
    }

    fn artifact_names<'a>(&self, _db: Reader<'a>, _mode: ArtifactMode) -> Names<'a> {
        Box::new(std::iter::empty())
    }

    fn artifact<'a>(&self, _db: Reader<'a>, name: &str) -> Result<ArtifactBytes<'a>, SubstoreError> {
        Err(SubstoreError::NotAvailable {
            name: name.to_owned(),
            reason: "key-value pairs have no artifacts".to_owned(),
        })
    }

    fn gaps(&self, _db: Reader<'_>, _mode: ArtifactMode) -> Result<Vec<Gap>, SubstoreError> {
        Ok(Vec::new())
    }

    fn verify(&self, db: Reader<'_>, found: &mut dyn FnMut(Finding)) -> Result<(), SubstoreError> {
        db.each(ALL_ROWS, [], |row| {
            let (key, value) = (row.text(1), row.text(2));
            if key.is_err() || value.is_err() {
                let rowid = row.get(0)?;
                describe(db, rowid, key.ok(), value.is_ok(), found)?;
            }
            Ok::<_, SubstoreError>(true)
        })
    }

    fn import(&self, _mode: ArtifactMode, _limits: Limits) -> Box<dyn Import> {
        Box::<KvImport>::default()
    }

    /// Agrees with everything without looking, as the reference does: key-value pairs are state and not metadata, and
    /// the store's own are newer than the export that it is repaired from.
    fn repair(&self, _db: &mut Writer<'_>, _key: &str, _value: &str) -> Result<Repaired, SubstoreError> {
        Ok(Repaired::Agreed)
    }
}

/// Records from key `low` on, and where to look for those that did not fit.
fn page(db: Reader<'_>, low: &str) -> Result<(Vec<Record>, Option<String>), SubstoreError> {
    let (mut records, mut bytes, mut rest) = (Vec::<Record>::new(), 0, None);
    db.each(ROWS, [low], |row| {
        let key = match row.text(0) {
            Ok(key) => key,
            Err(error) if records.is_empty() => return Err(error.into()),
            // First those before it; then it is the first of a page.
            Err(_) => {
                rest = records.last().map(|(key, _)| successor(&key["kv.".len()..]));
                return Ok(false);
            }
        };
        if let Some(past) = Section::of(key).past() {
            rest = Some(past.to_owned());
            return Ok(false);
        }
        if records.len() >= MOST_ROWS || bytes >= MOST_BYTES {
            rest = Some(key.to_owned());
            return Ok(false);
        }
        match row.text(1) {
            Ok(value) => {
                bytes += key.len() + value.len();
                records.push((record_key(key), value.to_owned()));
                Ok(true)
            }
            Err(_) if records.is_empty() => {
                Err(SubstoreError::Record { key: record_key(key), reason: "its value is not text".to_owned() })
            }
            Err(_) => {
                rest = Some(key.to_owned());
                Ok(false)
            }
        }
    })?;
    Ok((records, rest))
}

fn record_key(key: &str) -> String {
    ["kv.", key].concat()
}

/// Tells of a row with something else than text in it.
fn describe(
    db: Reader<'_>,
    rowid: i64,
    key: Option<&str>,
    value_is_text: bool,
    found: &mut dyn FnMut(Finding),
) -> Result<(), SessionError> {
    let types: Option<(String, String, String)> =
        db.one(TYPES, [rowid], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let (key_type, value_type, hex) = types.unwrap_or_default();
    let is = |kind: &str| match kind {
        "text" => "text that is not UTF-8".to_owned(),
        "null" => "NULL".to_owned(),
        kind => format!("of type {kind} and not text"),
    };
    let what = match key {
        Some(key) => format!("kvStore key {key:?}"),
        None => {
            let what = format!("kvStore row {rowid}");
            let problem = format!("its key is {} (x'{hex}')", is(&key_type));
            found(Finding { what: what.clone(), problem });
            what
        }
    };
    if !value_is_text {
        found(Finding { what, problem: format!("its value is {}", is(&value_type)) });
    }
    Ok(())
}

/// Writes records in batches as they come: there is nothing to check them against.
#[derive(Default)]
struct KvImport {
    waiting: Vec<(String, String)>,
    bytes: usize,
}

impl KvImport {
    fn write(&mut self, db: &mut Writer<'_>) -> Result<(), SessionError> {
        self.bytes = 0;
        db.run_all(UPSERT, self.waiting.drain(..))
    }
}

impl Import for KvImport {
    fn record(&mut self, db: &mut Writer<'_>, key: &str, value: Option<&str>) -> Result<(), SubstoreError> {
        let refuse = |reason: &str| Err(SubstoreError::Record { key: key.to_owned(), reason: reason.to_owned() });
        let Some(row) = key.strip_prefix("kv.") else {
            key.parse::<ExportKey>()?;
            return refuse("not a key-value pair");
        };
        match Section::of(row) {
            Section::Consensus => {}
            Section::Host => return refuse("the host's keys are not export data"),
            Section::Local => return refuse("local keys are not export data"),
        }
        match value {
            Some(value) => {
                self.bytes += row.len() + value.len();
                self.waiting.push((row.to_owned(), value.to_owned()));
                if self.waiting.len() >= MOST_ROWS || self.bytes >= MOST_BYTES {
                    self.write(db)?;
                }
            }
            None => {
                // The last word counts, so the earlier ones have to be said before.
                self.write(db)?;
                db.run(DELETE, [row])?;
            }
        }
        Ok(())
    }

    fn records_done(&mut self, db: &mut Writer<'_>) -> Result<(), SubstoreError> {
        Ok(self.write(db)?)
    }

    fn artifact(&mut self, _db: &mut Writer<'_>, name: &str, _source: &mut dyn Read) -> Result<Offered, SubstoreError> {
        Err(SubstoreError::NoRecord { name: name.to_owned() })
    }
}
