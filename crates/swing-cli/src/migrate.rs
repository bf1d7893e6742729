//! From the schema of an old release to today's.

use std::fmt;
use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;
use swing_core::session::{Creation, Location, OpenOptions, Session, store_file};
use swing_snap::migration::{self, Plan, Schema};

use crate::alone;
use crate::console::Console;
use crate::exit::Exit;
use crate::progress::Meter;
use crate::text::{Bytes, plural};

/// Whether to do what is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Execution {
    /// Only plan.
    PlanOnly,
    /// Plan, and do it.
    PlanAndMigrate,
}

/// What to migrate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The store's directory.
    pub store: PathBuf,
    /// How far to go.
    pub execution: Execution,
}

/// What was planned, and whether it was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The schema that was found.
    pub found: String,
    /// Today's.
    pub current: String,
    /// What was to be done, in order; empty when nothing was.
    pub steps: Vec<PlannedStep>,
    /// Whether it was done.
    pub migrated: bool,
}

/// One migration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedStep {
    /// Its number and name.
    pub name: String,
    /// How many rows it copies.
    pub rows: u64,
    /// How many bytes of snapshots it copies.
    pub bytes: u64,
    /// The SQL that it runs.
    pub statements: Vec<&'static str>,
}

/// Plans a migration, and unless told otherwise carries it out.
///
/// # Errors
/// When there is no store, it cannot be migrated, or (but for planning) somebody else is writing to it. It is then as it
/// was.
pub fn migrate(options: &Options, meter: &Meter) -> Result<Report> {
    let pinned = swing_store::reader(&options.store)?;
    let plan = migration::plan(pinned.read())?;
    pinned.close()?;
    let migrate = options.execution == Execution::PlanAndMigrate && !plan.steps.is_empty();
    if migrate {
        alone::insist(&options.store)?;
        meter.step(swing_export::Step::Stage("rebuilding the table of snapshots"));
        execute(options, &plan)?;
    }
    let steps = plan.steps.iter().map(|step| PlannedStep {
        name: step.name().to_owned(),
        rows: step.rows,
        bytes: step.bytes,
        statements: step.statements().collect(),
    });
    Ok(Report {
        found: plan.found.to_string(),
        current: Schema::CURRENT.to_string(),
        steps: steps.collect(),
        migrated: migrate,
    })
}

fn execute(options: &Options, plan: &Plan) -> Result<()> {
    let open = OpenOptions { creation: Creation::Never, ..OpenOptions::default() };
    let file = Location::File(store_file(&options.store));
    let mut session = Session::open(file, &open, &swing_store::tables())?;
    migration::execute(&mut session.write()?, plan)?;
    session.commit(&mut [])?;
    Ok(session.close()?)
}

pub(crate) fn command(options: &Options, console: Console) -> Result<Exit> {
    let report = migrate(options, &Meter::stderr("migrate"))?;
    console.report(&report)?;
    Ok(Exit::Ok)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            return writeln!(f, "schema {}: up to date, nothing to do", self.found);
        }
        let done = if self.migrated { "migrated" } else { "planned, not done" };
        writeln!(f, "schema {} to {}: {done}", self.found, self.current)?;
        for step in &self.steps {
            writeln!(f, "  {}: {}, {} of snapshots", step.name, plural(step.rows, "row"), Bytes(step.bytes))?;
            if !self.migrated {
                for statement in &step.statements {
                    writeln!(f)?;
                    statement.lines().try_for_each(|line| writeln!(f, "{}", format!("    {line}").trim_end()))?;
                }
            }
        }
        Ok(())
    }
}
