//! `cargo xtask fixtures`: remakes the committed stores and datasets with the reference implementation.

use std::process::Command;

use anyhow::Result;

use crate::node;
use crate::shell;

/// Options of the task.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where to write them instead of the fixtures folder.
    #[arg(long, value_name = "DIR")]
    out: Option<std::path::PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let folder = node::install()?;
    let out = args.out.clone().unwrap_or_else(|| shell::root().join("fixtures"));
    shell::run(Command::new("node").arg(folder.join("fixtures.mjs")).arg(out))
}
