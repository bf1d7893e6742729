//! `swing-store migrate`

use std::path::PathBuf;

use crate::migrate::{Execution, Options};

/// Brings a store that was made by an old release to the schema of today.
///
/// First a plan is made, by reading only; then exactly that is done, in one transaction. A store made before August 2023 has
/// schema 1A, which refuses to record a snapshot without its bytes; 1B is today's. Both can be used as they are.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// The store's directory.
    dir: PathBuf,
    /// Print the plan, with the SQL that would run, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

const AFTER: &str = "\
Examples:
  swing-store migrate ~/.agoric/data/agoric --dry-run
  swing-store migrate ~/.agoric/data/agoric

In JSON: found and current (schemas), steps (a list of {name, rows, bytes, statements}), migrated (whether they were run).";

impl Args {
    pub(super) fn options(self) -> Options {
        let execution = if self.dry_run { Execution::PlanOnly } else { Execution::PlanAndMigrate };
        Options { store: self.dir, execution }
    }
}
