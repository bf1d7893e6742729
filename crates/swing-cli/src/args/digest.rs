//! `swing-store digest`

use std::path::PathBuf;

use clap::Subcommand;

use crate::digest::{Execution, Options};

/// The digest of a store's rows, by which `verify` finds damage without trusted data.
///
/// A store made by this software has one, kept with every commit. A store made by other software has none, and one that other
/// software has written to has one that is out of date.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    Rebuild(Rebuild),
}

/// Makes the digest of all rows anew.
///
/// First the rows are compared with the digest that is there. If they agree there is nothing to do; if the digest is absent,
/// or out of date because other software has written, it is made anew. If rows are damaged it is not, since nothing would
/// show the damage any more.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
struct Rebuild {
    /// The store's directory.
    dir: PathBuf,
    /// Print what would be done, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Make the digest anew even if it says that rows are damaged: what is there now is taken for right.
    #[arg(long)]
    accept_rows: bool,
}

const AFTER: &str = "\
Examples:
  swing-store digest rebuild ~/.agoric/data/agoric --dry-run
  swing-store digest rebuild ~/.agoric/data/agoric

In JSON: found (what the digest that is there says, as in verify), needed (whether it has to be made), rebuilt (whether it \
was).";

impl Args {
    pub(super) fn options(self) -> Options {
        let Action::Rebuild(Rebuild { dir, dry_run, accept_rows }) = self.action;
        let execution = if dry_run { Execution::PlanOnly } else { Execution::PlanAndRebuild };
        Options { store: dir, execution, accept_rows }
    }
}
