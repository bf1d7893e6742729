//! `cargo xtask damage`: flips single bits of a real store and of its write-ahead log, and counts what a verification finds.
//!
//! The store is that of the recorded kernel. Of each flip it is first asked, by other means than those that are tested,
//! whether it changes anything that the store says; then whether `verify` finds it, without and with trusted export data.

mod flips;
mod oracle;
mod report;
mod wal;

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use fs_err as fs;

use crate::shell::{self, cargo, root, target};

/// Options of the task.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the random flips begin; the same seed flips the same bits.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Bits to flip in the database.
    #[arg(long, default_value_t = 2000)]
    flips: u64,
    /// Bits to flip in the write-ahead log.
    #[arg(long, default_value_t = 1000)]
    wal_flips: u64,
    /// Put the counts into docs/damage.md.
    #[arg(long)]
    write: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    shell::run(&mut cargo(&["build", "--quiet", "--release", "--package", "swing-cli"]))?;
    let out = target().join("damage");
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    fs::create_dir_all(&out)?;
    let store = out.join("store");
    let replayed = Command::new(target().join("release/swing-store"))
        .arg("replay")
        .arg(root().join("fixtures/trace/trace.jsonl.gz"))
        .arg(&store)
        .args(["--no-check", "--json"])
        .output()
        .context("could not run swing-store")?;
    ensure!(replayed.status.success(), "the replay failed: {}", String::from_utf8_lossy(&replayed.stderr));
    println!("the recorded kernel's store: {} bytes", fs::metadata(store.join("swingstore.sqlite"))?.len());
    let database = flips::run(&store, args.seed, args.flips)?;
    let log = wal::run(&store, &out, args.seed, args.wal_flips)?;
    let table = report::table(args.seed, &database, &log);
    println!("\n{table}");
    if args.write {
        report::write(&table)?;
    }
    ensure!(database.alone.found_share() >= 0.999, "without trusted data too few were found");
    ensure!(database.trusted.missed == 0, "with trusted data some were missed");
    ensure!(log.missed == 0, "with the height some lost commits were missed");
    Ok(())
}
