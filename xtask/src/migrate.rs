//! `cargo xtask migrate DIR`: brings an old store's schema up to date, by the program's own `migrate`.

use std::path::PathBuf;

use anyhow::Result;

use crate::shell;

/// Options of the task.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The store's directory.
    dir: PathBuf,
    /// Only print the plan.
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    // The directory is relative to where the caller is.
    let dir = std::path::absolute(&args.dir)?;
    let mut command = shell::cargo(&["run", "--quiet", "--release", "--package", "swing-cli", "--", "migrate"]);
    command.arg(dir);
    if args.dry_run {
        command.arg("--dry-run");
    }
    shell::run(&mut command)
}
