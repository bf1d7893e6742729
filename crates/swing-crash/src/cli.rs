//! The command line: an engine, a seed, and how much.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use clap::{Parser, Subcommand};
use fs_err as fs;
use serde::Serialize;
use serde_json::{Value, json};

use crate::mount::Ability;
use crate::{child, disk_full, faults, kill, mount, power, readers, stage, syscalls};

/// Takes a store's power, process, disk and memory away, and looks at what is left.
#[derive(Debug, Parser)]
#[command(name = "swing-crash")]
pub struct Cli {
    #[command(subcommand)]
    engine: Engine,
    /// Write what was found to this file, as JSON.
    #[arg(long, global = true)]
    out: Option<PathBuf>,
    /// Stop after so many seconds, whatever was asked for besides.
    #[arg(long, global = true)]
    seconds: Option<u64>,
    /// All choices are drawn from it: the same seed makes the same run.
    #[arg(long, global = true, default_value_t = 1)]
    seed: u64,
}

#[derive(Debug, Subcommand)]
enum Engine {
    /// Cuts the power after every write and flush.
    Power {
        /// How many states to look at.
        #[arg(long, default_value_t = 20_000)]
        states: u64,
    },
    /// Kills a process at random times, and at its system calls.
    Kill {
        /// How many random kills.
        #[arg(long, default_value_t = 300)]
        cycles: u64,
        /// Kill at every so many-th system call; 0 for none.
        #[arg(long, default_value_t = 13)]
        stride: usize,
        /// So many times, each with another seed.
        #[arg(long, default_value_t = 1)]
        rounds: u64,
    },
    /// Lets each operation on files and each allocation fail.
    Faults {
        /// Let every so many-th operation fail.
        #[arg(long, default_value_t = 5)]
        stride: u64,
        /// So many times, each with another seed.
        #[arg(long, default_value_t = 1)]
        rounds: u64,
    },
    /// Checks that everything is flushed before it is acknowledged, and lets each system call fail.
    Syscalls {
        /// Let every so many-th call fail.
        #[arg(long, default_value_t = 7)]
        stride: usize,
        /// So many times, each with another seed.
        #[arg(long, default_value_t = 1)]
        rounds: u64,
    },
    /// Fills a small disk to the last KiB, and all but that. Also opens stores on a read-only one.
    DiskFull {
        /// Leave so many KiB more each time.
        #[arg(long, default_value_t = 4)]
        step: u64,
        /// So many times, each with another seed.
        #[arg(long, default_value_t = 1)]
        rounds: u64,
        /// Succeed, loudly, where a small disk cannot be mounted.
        #[arg(long)]
        allow_skip: bool,
        /// It runs in a namespace of its own already.
        #[arg(long, hide = true)]
        in_namespace: bool,
    },
    /// Commits while other threads and processes export.
    Readers {
        /// How many commits.
        #[arg(long, default_value_t = 3000)]
        commits: u64,
    },
    /// What is killed.
    #[command(hide = true)]
    Child {
        #[command(subcommand)]
        task: child::Task,
    },
}

/// What an engine has found.
struct Found {
    engine: &'static str,
    asked: Value,
    controls: Vec<Value>,
    counts: Value,
    bad: u64,
}

/// A control and what it lost.
fn control(name: &str, counts: impl Serialize) -> Result<Value> {
    let shown = json!({ "name": name, "counts": serde_json::to_value(counts)? });
    println!("control {}, as it should, failed: {}", shown["name"], shown["counts"]);
    Ok(shown)
}

fn controls<N: std::fmt::Debug, C: Serialize>(found: Vec<(N, C)>) -> Result<Vec<Value>> {
    found.into_iter().map(|(name, counts)| control(&format!("{name:?}"), counts)).collect()
}

/// Runs an engine.
///
/// # Errors
/// When anything was lost, or a control lost nothing.
pub fn run(cli: &Cli) -> Result<()> {
    let begin = Instant::now();
    let seed = cli.seed;
    if let Some(seconds) = cli.seconds {
        stage::limit(seconds);
    }
    let found = match &cli.engine {
        Engine::Child { task } => return child::run(task),
        Engine::Power { states } => {
            let controls = [controls(power::controls(seed, 4000)?)?, controls(power::import_controls(seed)?)?].concat();
            let begin = Instant::now();
            let counts = power::power(seed, *states)?;
            println!("{:.0} states a second", counts.states as f64 / begin.elapsed().as_secs_f64());
            let bad = counts.bad();
            let counts = serde_json::to_value(counts)?;
            Found { engine: "power", asked: json!({ "states": states }), controls, counts, bad }
        }
        Engine::Kill { cycles, stride, rounds } => {
            let controls = controls(kill::controls(seed, 200)?)?;
            let random = kill::random(seed, *cycles)?;
            let points = kill::points(seed, *rounds, *stride)?;
            let bad = random.bad() + points.bad;
            let asked = json!({ "cycles": cycles, "stride": stride, "rounds": rounds });
            Found { engine: "kill", asked, controls, counts: json!({ "random": random, "points": points }), bad }
        }
        Engine::Faults { stride, rounds } => {
            let controls = vec![control("NoPoisonCheck", faults::control(seed)?)?];
            let counts = faults::faults(seed, *rounds, (*stride).max(1))?;
            let bad = counts.bad();
            let asked = json!({ "stride": stride, "rounds": rounds });
            Found { engine: "faults", asked, controls, counts: serde_json::to_value(counts)?, bad }
        }
        Engine::Syscalls { stride, rounds } => {
            let counts = syscalls::syscalls(seed, *rounds, (*stride).max(1))?;
            let bad = counts.bad();
            let asked = json!({ "stride": stride, "rounds": rounds });
            Found { engine: "syscalls", asked, controls: Vec::new(), counts: serde_json::to_value(counts)?, bad }
        }
        Engine::DiskFull { step, rounds, allow_skip, in_namespace } => {
            match mount::ability(*in_namespace)? {
                Ability::Here => {}
                Ability::Elsewhere(true) => return Ok(()),
                Ability::Elsewhere(false) => bail!("in a namespace of its own it failed"),
                Ability::None(why) => {
                    println!("NOT TESTED: a full disk. {why}. Run it as root, or where users may have namespaces.");
                    ensure!(allow_skip, "a full disk was not tested (--allow-skip lets that pass)");
                    return Ok(());
                }
            }
            let controls = vec![control("NoPoisonCheck", disk_full::control(seed)?)?];
            mount::read_only_stores(seed)?;
            let counts = disk_full::disk_full(seed, *rounds, (*step).max(1))?;
            let bad = counts.bad();
            let asked = json!({ "step": step, "rounds": rounds });
            Found { engine: "disk-full", asked, controls, counts: serde_json::to_value(counts)?, bad }
        }
        Engine::Readers { commits } => {
            let controls = vec![control("NothingPinned", readers::control(seed, 300)?)?];
            let counts = readers::readers(seed, *commits)?;
            let (asked, bad) = (json!({ "commits": commits }), counts.bad());
            Found { engine: "readers", asked, controls, counts: serde_json::to_value(counts)?, bad }
        }
    };
    let report = json!({
        "engine": found.engine,
        "seed": seed,
        "asked": found.asked,
        "seconds": begin.elapsed().as_secs(),
        "controls": found.controls,
        "counts": found.counts,
    });
    println!("{report}");
    if let Some(out) = &cli.out {
        fs::write(out, serde_json::to_string_pretty(&report)? + "\n")?;
    }
    ensure!(found.bad == 0, "{} findings", found.bad);
    Ok(())
}
