//! `cargo xtask crash`: takes a store's power, process, disk and memory away, and looks at what is left.
//!
//! The engines are a program of their own (`crates/swing-crash`), since they take over SQLite's file system and memory.
//! Each begins with its controls, which must fail. What a run found is kept under `target/crash`, from which the table
//! in docs/reliability.md is written.

mod record;

use std::process::Command;

use anyhow::{Result, bail};
use fs_err as fs;

use crate::shell::{self, cargo, target};

/// Options of the task.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Some of `power`, `kill`, `faults`, `syscalls`, `disk-full` and `readers`; all of them if there is none. Or one of them and what is
    /// the engine's own: `--seed`, and how much (`--states`, `--cycles`, `--stride`, `--rounds`, `--step`, `--commits`,
    /// `--seconds`); `--help` tells.
    #[arg(value_name = "ENGINE", trailing_var_arg = true, allow_hyphen_values = true)]
    engine: Vec<String>,
    /// As much as it takes to be sure, hours on a slow machine; then the table in docs/reliability.md.
    #[arg(long)]
    long: bool,
    /// Only writes the table, from what the last runs have found.
    #[arg(long)]
    record: bool,
    /// Succeed, loudly, where a small disk cannot be mounted; so does `SWING_CRASH_ALLOW_SKIP`, set to anything.
    #[arg(long)]
    allow_skip: bool,
}

const SHORT: [&[&str]; 6] = [
    &["power", "--states", "12000"],
    &["kill", "--cycles", "400", "--stride", "13"],
    &["faults", "--stride", "7"],
    &["syscalls", "--stride", "7"],
    &["disk-full", "--step", "4"],
    &["readers", "--commits", "3000"],
];

const LONG: [&[&str]; 6] = [
    &["power", "--states", "1000000"],
    &["kill", "--cycles", "8000", "--stride", "1", "--rounds", "2"],
    &["faults", "--stride", "1"],
    &["syscalls", "--stride", "1", "--rounds", "3"],
    &["disk-full", "--step", "1", "--rounds", "3"],
    &["readers", "--commits", "100000"],
];

pub(crate) fn run(args: &Args) -> Result<()> {
    if args.record {
        return record::write();
    }
    shell::run(&mut cargo(&["build", "--quiet", "--release", "--package", "swing-crash"]))?;
    fs::create_dir_all(target().join("crash"))?;
    let wanted: Vec<_> = args.engine.iter().map(String::as_str).collect();
    if !wanted.iter().all(|wanted| SHORT.iter().any(|run| run[0] == *wanted)) {
        return engine(&wanted, args.allow_skip);
    }
    let mut failed = Vec::new();
    let runs = if args.long { LONG } else { SHORT };
    for run in runs.into_iter().filter(|run| wanted.is_empty() || wanted.contains(&run[0])) {
        // One that fails does not keep the others from telling what they find.
        if let Err(error) = engine(run, args.allow_skip) {
            println!("{error:#}");
            failed.push(run[0]);
        }
        if args.long {
            record::write()?;
        }
    }
    if !failed.is_empty() {
        bail!("not survived: {}", failed.join(", "));
    }
    Ok(())
}

fn engine(run: &[&str], allow_skip: bool) -> Result<()> {
    let mut command = Command::new(target().join("release/swing-crash"));
    command.args(run);
    let allow_skip = allow_skip || std::env::var_os("SWING_CRASH_ALLOW_SKIP").is_some();
    if run[0] == "disk-full" && allow_skip {
        command.arg("--allow-skip");
    }
    if !run.contains(&"--help") {
        command.arg("--out").arg(target().join("crash").join(format!("{}.json", run[0])));
    }
    println!();
    shell::run(&mut command)
}
