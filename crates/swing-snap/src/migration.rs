//! Taking the table of an older release to the schema of this one: plan, look at the plan, execute.
//!
//! A migration is a numbered `.sql` file that runs once, inside the caller's transaction. [`plan`] only reads and says
//! what would be done; [`execute`] does exactly that, checks that not a byte was lost, and leaves the commit to its
//! caller. Migrating what is up to date does nothing.

mod statements;
mod variant;

#[cfg(test)]
mod tests;

use std::fmt;

use swing_core::row_digest::stored;
use swing_core::session::Reader;
use swing_core::{SessionError, Writer};

use statements::statements;
pub use variant::Schema;

use crate::schema::TABLES;

/// Why a table cannot be migrated. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationError {
    /// There is no table to migrate.
    #[error("the database has no table \"snapshots\"")]
    NoTable,
    /// The table is of neither schema that any release had.
    #[error("the table \"snapshots\" has a schema that no release of a swing-store had: {sql}")]
    UnknownSchema {
        /// The statement it was made with.
        sql: String,
    },
    /// Something of somebody else's hangs on the table and would not survive its rebuilding.
    #[error("the {kind} {name:?}, which is not a swing-store's, depends on the table \"snapshots\" and would be lost")]
    Foreign {
        /// Index, trigger, view or table.
        kind: String,
        /// Its name.
        name: String,
    },
    /// The copy was not equal to the original and was undone.
    #[error("migration {migration} lost {rows} rows and was undone")]
    Lossy {
        /// Its number and name.
        migration: &'static str,
        /// How many rows were missing or different.
        rows: u64,
    },
    /// The database failed.
    #[error(transparent)]
    Session(#[from] SessionError),
}

/// A migration: a numbered file.
#[derive(Debug, PartialEq, Eq)]
struct Migration {
    name: &'static str,
    sql: &'static str,
    /// Counts rows that are not the same before and after; runs before the last statement, which drops the old table.
    compare: &'static str,
}

static FROM_1A_TO_1B: Migration = Migration {
    name: "001_snapshots_1a_to_1b",
    sql: include_str!("migrations/001_snapshots_1a_to_1b.sql"),
    compare: "SELECT count(*) FROM snapshots_1a AS old LEFT JOIN snapshots AS new ON new.rowid = old.rowid
        WHERE new.rowid IS NULL OR new.vatID IS NOT old.vatID OR new.snapPos IS NOT old.snapPos
            OR new.inUse IS NOT old.inUse OR new.hash IS NOT old.hash
            OR new.uncompressedSize IS NOT old.uncompressedSize OR new.compressedSize IS NOT old.compressedSize
            OR new.compressedSnapshot IS NOT old.compressedSnapshot",
};

/// One thing that a [`Plan`] would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    migration: &'static Migration,
    /// How many rows it copies.
    pub rows: u64,
    /// How many bytes of snapshots it copies.
    pub bytes: u64,
}

impl Step {
    /// The migration's number and name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.migration.name
    }

    /// The statements it runs, in order.
    pub fn statements(&self) -> impl Iterator<Item = &'static str> {
        statements(self.migration.sql)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: rebuild the table of {} rows ({} bytes of snapshots)", self.name(), self.rows, self.bytes)
    }
}

/// What [`execute`] would do to a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The schema that was found.
    pub found: Schema,
    /// What would be done, in order; empty when nothing has to be.
    pub steps: Vec<Step>,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "snapshots: schema {}", self.found)?;
        if self.steps.is_empty() {
            return write!(f, ", up to date");
        }
        self.steps.iter().try_for_each(|step| write!(f, "\n  {step}"))
    }
}

/// Looks at the table and plans how to take it to [`Schema::CURRENT`]. Changes nothing.
///
/// # Errors
/// [`MigrationError`] when the table is missing, is none of ours, or has something of somebody else's on it.
pub fn plan(db: Reader<'_>) -> Result<Plan, MigrationError> {
    const SIZE: &str = "SELECT count(*), coalesce(sum(length(compressedSnapshot)), 0) FROM snapshots";
    let found = Schema::of(db)?;
    let steps = match found {
        Schema::V1B => Vec::new(),
        Schema::V1A => {
            variant::refuse_foreigners(db)?;
            let size = db.one(SIZE, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let (rows, bytes) = size.unwrap_or_default();
            vec![Step { migration: &FROM_1A_TO_1B, rows, bytes }]
        }
    };
    Ok(Plan { found, steps })
}

/// Executes a plan inside the writer's transaction, which its caller commits. A plan that was executed already, by
/// whomever, does nothing.
///
/// # Errors
/// [`MigrationError`]. What was done is undone then; a failure of the database also poisons the session, as any does.
pub fn execute(db: &mut Writer<'_>, plan: &Plan) -> Result<(), MigrationError> {
    // Somebody may have written since the plan was made.
    let now = self::plan(db.read())?;
    let planned = |step: &&Step| plan.steps.iter().any(|planned| planned.name() == step.name());
    now.steps.iter().filter(planned).try_for_each(|step| run_or_undo(db, step.migration))
}

fn run_or_undo(db: &mut Writer<'_>, migration: &Migration) -> Result<(), MigrationError> {
    db.run("SAVEPOINT migration", [])?;
    let done = run(db, migration);
    if done.is_err() {
        // If this fails too the session is poisoned, and nothing of it can be committed.
        let _ = db.run("ROLLBACK TO migration", []);
    }
    let released = db.run("RELEASE migration", []);
    done?;
    released?;
    Ok(())
}

fn run(db: &mut Writer<'_>, migration: &Migration) -> Result<(), MigrationError> {
    let statements: Vec<_> = statements(migration.sql).collect();
    let guarded = stored::is_guarded(db.read(), TABLES)?;
    let (last, others) = statements.split_last().expect("a migration has statements");
    for sql in others {
        db.run(sql, [])?;
    }
    let rows = db.read().one(migration.compare, [], |row| row.get(0))?.unwrap_or_default();
    if rows != 0 {
        return Err(MigrationError::Lossy { migration: migration.name, rows });
    }
    db.run(last, [])?;
    if guarded {
        // They went with the old table. The rows are the same, and so is their digest.
        stored::guard(db, TABLES)?;
    }
    Ok(())
}
