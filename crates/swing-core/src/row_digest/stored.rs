//! Where the digests lie in the file, and how writers that do not know of them are noticed.
//!
//! Another implementation writes the same rows and leaves the digests as they are. So that they are then known to be out
//! of date, and not taken for a sign of damage, each digested table has three triggers that say so in the same
//! transaction. A session that keeps the digests up to date does not run triggers at all.

use rusqlite::ErrorCode;

use super::lanes::RowDigest;
use super::ledger::Ledger;
use crate::session::{Digested, Reader, SessionError, Table, Writer};

/// The form of the digests that this release writes and reads.
pub const VERSION: i64 = 2;
/// The form before: numbers from BLAKE3's extendable output.
const EARLIER: i64 = 1;
/// The tables of ours. Their creation changes nothing where they are.
pub const CREATE: &str = include_str!("row_digest.sql");
/// What tells that a database has digests.
const STATE: &str = "rowDigestState";

/// Whether the digests are those of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// As far as the file tells: whoever wrote since kept them up to date.
    UpToDate,
    /// Somebody who does not keep them has written rows since.
    OutOfDate,
    /// A trigger is missing, so nobody would have noticed.
    Unguarded,
}

/// The digests of a store as its file has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Whether they are to be believed.
    pub kept: Kept,
    /// Which commit they are of, in words; empty when nothing tells one from another.
    pub witness: String,
    /// The digest of each table by its name.
    pub tables: Vec<(String, RowDigest)>,
}

impl Stored {
    /// The digest of a table.
    #[must_use]
    pub fn of(&self, table: &Table) -> Option<&RowDigest> {
        self.tables.iter().find(|(name, _)| name == table.name).map(|(_, digest)| digest)
    }
}

/// Digests that are there and cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RowDigestError {
    /// A later form.
    #[error("the row digests have version {found}; this release knows version {VERSION}: use a newer release")]
    NewerVersion {
        /// Their version.
        found: i64,
    },
    /// They are not what any release writes.
    #[error("the row digests are damaged: {what}")]
    Malformed {
        /// What is wrong with them.
        what: String,
    },
    /// The database failed.
    #[error(transparent)]
    Session(#[from] SessionError),
}

/// Those of `tables` whose rows are digested.
pub fn digested<'t>(tables: &'t [Table]) -> impl Iterator<Item = &'t Table> + use<'t> {
    tables.iter().filter(|table| table.digested == Digested::Rows)
}

/// The digests that the file has of `tables`; `None` when it has none at all, or some of an earlier form, which are as good as none.
///
/// # Errors
/// [`RowDigestError`] when it has some that cannot be used.
pub fn load(db: Reader<'_>, tables: &[Table]) -> Result<Option<Stored>, RowDigestError> {
    const HEAD: &str = "SELECT version, kept IS 1, witness FROM rowDigestState";
    const DIGESTS: &str = "SELECT tableName, rowCount, lanes FROM rowDigests ORDER BY id";
    let malformed = |what: &str| RowDigestError::Malformed { what: what.to_owned() };
    let Some(triggers) = known_triggers(db)? else { return Ok(None) };
    let heads = db.all(HEAD, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let heads: Vec<(i64, bool, String)> = heads.map_err(|error| unreadable(error, STATE))?;
    let [(version, kept, witness)] = &heads[..] else { return Err(malformed("they have not one state")) };
    match *version {
        VERSION => {}
        EARLIER => return Ok(None),
        found => return Err(RowDigestError::NewerVersion { found }),
    }
    let rows = db.all(DIGESTS, [], |row| {
        let (table, count, lanes): (String, i64, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok((table, u64::try_from(count).ok().and_then(|rows| RowDigest::from_bytes(rows, &lanes))))
    });
    let mut found = Vec::new();
    for (table, digest) in rows.map_err(|error| unreadable(error, "rowDigests"))? {
        let digest = digest.ok_or_else(|| malformed(&format!("that of {table:?} is none")))?;
        found.push((table, digest));
    }
    let names = digested(tables).map(|table| table.name);
    if !names.eq(found.iter().map(|(name, _)| name.as_str())) {
        return Err(malformed("they are of other tables"));
    }
    let kept = match (kept, has_guards(tables, &triggers)) {
        (false, _) => Kept::OutOfDate,
        (true, false) => Kept::Unguarded,
        (true, true) => Kept::UpToDate,
    };
    Ok(Some(Stored { kept, witness: witness.clone(), tables: found }))
}

/// What is no digest is told as such; what cannot be read at all is the database's failure.
fn unreadable(error: SessionError, table: &str) -> RowDigestError {
    match error {
        SessionError::Corrupt { .. } => {
            RowDigestError::Malformed { what: format!("{table}: {}", crate::error_chain(&error)) }
        }
        SessionError::Sql { ref source, .. } if is_of_the_text(source) => {
            RowDigestError::Malformed { what: format!("{table} has other columns") }
        }
        error => error.into(),
    }
}

/// Whether SQLite says of a statement that it makes no sense, for want of the table or a column. A disk's failure has a code.
fn is_of_the_text(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqlInputError { .. }) || error.sqlite_error_code() == Some(ErrorCode::Unknown)
}

/// The name of a table's trigger and the statement that makes it.
fn guards(table: &Table) -> [(String, String); 3] {
    ["insert", "update", "delete"].map(|event| {
        let name = format!("rowDigest_{}_{event}", table.name);
        let sql = format!(
            "CREATE TRIGGER {name} AFTER {} ON {} BEGIN UPDATE rowDigestState SET kept = 0 WHERE kept <> 0; END",
            event.to_uppercase(),
            table.name
        );
        (name, sql)
    })
}

/// Whether `sql` in a schema makes a trigger of ours.
#[must_use]
pub fn is_guard(tables: &[Table], sql: &str) -> bool {
    digested(tables).flat_map(guards).any(|(_, own)| own == sql)
}

/// Whether all triggers are there.
///
/// # Errors
/// [`SessionError`] when the schema cannot be read.
pub fn is_guarded(db: Reader<'_>, tables: &[Table]) -> Result<bool, SessionError> {
    const SQL: &str = "SELECT sql FROM sqlite_schema WHERE type = 'trigger'";
    let found: Vec<Option<String>> = db.all(SQL, [], |row| row.get(0))?;
    Ok(has_guards(tables, &found))
}

fn has_guards(tables: &[Table], triggers: &[Option<String>]) -> bool {
    let is_there = |sql: &String| triggers.iter().flatten().any(|found| found == sql);
    digested(tables).flat_map(guards).all(|(_, sql)| is_there(&sql))
}

/// The texts of all triggers in a database that has digests.
fn known_triggers(db: Reader<'_>) -> Result<Option<Vec<Option<String>>>, SessionError> {
    const SQL: &str = "SELECT type = 'table', sql FROM sqlite_schema
        WHERE type = 'trigger' OR type = 'table' AND name = ?1";
    let mut has_state = false;
    let mut triggers = Vec::new();
    for (is_state, sql) in db.all(SQL, [STATE], |row| Ok((row.get(0)?, row.get(1)?)))? {
        if is_state {
            has_state = true;
        } else {
            triggers.push(sql);
        }
    }
    Ok(has_state.then_some(triggers))
}

/// The statements that make the tables and triggers in a database where `tables` are, and empty.
pub(crate) fn create(tables: &[Table]) -> String {
    let state = format!("{CREATE}INSERT INTO rowDigestState (version, kept, witness) VALUES ({VERSION}, 1, '');\n");
    let digests = digested(tables).zip(1..).map(|(Table { name, .. }, id)| {
        let length = super::lanes::BYTES;
        format!(
            "INSERT INTO rowDigests (id, tableName, rowCount, lanes) VALUES ({id}, '{name}', 0, zeroblob({length}));\n"
        )
    });
    let triggers = digested(tables).flat_map(guards).map(|(_, sql)| format!("{sql};\n"));
    std::iter::once(state).chain(digests).chain(triggers).collect()
}

/// Makes triggers that are missing, in a database that has digests: those of a table that was rebuilt went with it.
///
/// # Errors
/// [`SessionError`] from the writer.
pub fn guard(db: &mut Writer<'_>, tables: &[Table]) -> Result<(), SessionError> {
    const HAS: &str = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    if db.read().one(HAS, [STATE], |_| Ok(()))?.is_some() {
        for (name, sql) in digested(tables).flat_map(guards) {
            // One of that name may do something else.
            db.run(&format!("DROP TRIGGER IF EXISTS {name}"), [])?;
            db.run(&sql, [])?;
        }
    }
    Ok(())
}

/// Makes the tables and triggers, or makes them right, with nothing in them that is believed.
pub(crate) fn prepare(db: &mut Writer<'_>, tables: &[Table]) -> Result<(), SessionError> {
    // From scratch: what is there may have any form.
    for table in ["rowDigests", STATE] {
        db.run(&format!("DROP TABLE IF EXISTS {table}"), [])?;
    }
    for sql in CREATE.split_inclusive(";\n") {
        db.run(sql, [])?;
    }
    guard(db, tables)
}

/// Writes what has changed.
pub(crate) fn save(db: &mut Writer<'_>, ledger: &mut Ledger) -> Result<(), SessionError> {
    const DIGEST: &str = "INSERT INTO rowDigests (id, tableName, rowCount, lanes) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (id) DO UPDATE SET tableName = excluded.tableName, rowCount = excluded.rowCount, lanes = excluded.lanes";
    const HEAD: &str = "INSERT INTO rowDigestState (rowid, version, kept, witness) VALUES (1, ?1, 1, ?2)
        ON CONFLICT (rowid) DO UPDATE SET version = excluded.version, kept = 1, witness = excluded.witness";
    for (at, table, digest) in ledger.changed() {
        db.run(DIGEST, (at as i64 + 1, table, digest.rows().cast_signed(), digest.to_bytes()))?;
    }
    if ledger.witness_changed {
        db.run(HEAD, (VERSION, &ledger.witness))?;
    }
    Ok(())
}
