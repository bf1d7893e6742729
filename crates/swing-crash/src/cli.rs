//! The command line: an engine, a seed, and how much.

use anyhow::{Result, bail, ensure};
use clap::{Parser, Subcommand};

use crate::disk_full::Ability;
use crate::{child, disk_full, faults, kill, power, syscalls};

/// Takes a store's power, process, disk and memory away, and looks at what is left.
#[derive(Debug, Parser)]
#[command(name = "swing-crash")]
pub struct Cli {
    #[command(subcommand)]
    engine: Engine,
}

#[derive(Debug, Subcommand)]
enum Engine {
    /// Cuts the power after every write and flush.
    Power {
        /// The first seed.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// How many states to look at.
        #[arg(long, default_value_t = 20_000)]
        states: u64,
        /// Only the controls.
        #[arg(long)]
        controls: bool,
    },
    /// Kills a process at random times, and at each of its system calls.
    Kill {
        /// The first seed.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// How many random kills.
        #[arg(long, default_value_t = 500)]
        cycles: u64,
        /// Kill at every so many-th system call; 0 for none.
        #[arg(long, default_value_t = 7)]
        stride: usize,
        /// Only the controls.
        #[arg(long)]
        controls: bool,
    },
    /// Lets each operation on files and each allocation fail.
    Faults {
        /// The seed.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Let every so many-th operation fail.
        #[arg(long, default_value_t = 5)]
        stride: u64,
        /// Only the control.
        #[arg(long)]
        controls: bool,
    },
    /// Checks that everything is flushed before it is acknowledged, and lets each system call fail.
    Syscalls {
        /// The seed.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Let every so many-th call fail.
        #[arg(long, default_value_t = 11)]
        stride: usize,
    },
    /// Fills a small disk to the last KiB, and all but that.
    DiskFull {
        /// The seed.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Leave so many KiB more each time.
        #[arg(long, default_value_t = 1)]
        step: u64,
        /// Succeed, loudly, where a small disk cannot be mounted.
        #[arg(long)]
        allow_skip: bool,
        /// Only the control.
        #[arg(long)]
        controls: bool,
        /// It runs in a namespace of its own already.
        #[arg(long, hide = true)]
        in_namespace: bool,
    },
    /// What is killed.
    #[command(hide = true)]
    Child {
        #[command(subcommand)]
        task: child::Task,
    },
}

/// Runs an engine.
///
/// # Errors
/// When anything was lost, or a control lost nothing.
pub fn run(cli: Cli) -> Result<()> {
    match cli.engine {
        Engine::Power { seed, states, controls } => {
            if controls {
                for (control, counts) in power::controls(power::Setup { seed, states: states.min(3000) })? {
                    println!("control {control:?}: {}", serde_json::to_string(&counts)?);
                }
                return Ok(());
            }
            let (counts, seconds) = power::power(power::Setup { seed, states })?;
            println!("{} in {seconds:.1} s, {:.0}/s", serde_json::to_string(&counts)?, counts.states as f64 / seconds);
            if counts.bad() > 0 {
                bail!("{} states were wrong", counts.bad());
            }
            Ok(())
        }
        Engine::Kill { seed, cycles, stride, controls } => {
            if controls {
                for (control, counts) in kill::controls(seed, cycles)? {
                    println!("control {control:?}: {}", serde_json::to_string(&counts)?);
                }
                return Ok(());
            }
            let counts = kill::random(seed, cycles)?;
            println!("{}", serde_json::to_string(&counts)?);
            let mut bad = counts.bad();
            if stride > 0 {
                let points = kill::points(seed, stride)?;
                println!("{}", serde_json::to_string(&points)?);
                bad += points.bad;
            }
            if bad > 0 {
                bail!("{bad} kills were not survived");
            }
            Ok(())
        }
        Engine::Faults { seed, stride, controls } => {
            if controls {
                println!("control NoPoisonCheck: {}", serde_json::to_string(&faults::control(seed)?)?);
                return Ok(());
            }
            let counts = faults::faults(seed, stride.max(1))?;
            println!("{}", serde_json::to_string(&counts)?);
            if counts.bad() > 0 {
                bail!("{} faults were not survived", counts.bad());
            }
            Ok(())
        }
        Engine::Syscalls { seed, stride } => {
            let counts = syscalls::syscalls(seed, stride.max(1))?;
            println!("{}", serde_json::to_string(&counts)?);
            if counts.bad() > 0 {
                bail!("{} findings", counts.bad());
            }
            Ok(())
        }
        Engine::DiskFull { seed, step, allow_skip, controls, in_namespace } => {
            match disk_full::ability(in_namespace)? {
                Ability::Here => {}
                Ability::Elsewhere(true) => return Ok(()),
                Ability::Elsewhere(false) => bail!("in a namespace of its own it failed"),
                Ability::None(why) => {
                    println!("NOT TESTED: a full disk. {why}. Run it as root, or where namespaces of users are allowed.");
                    ensure!(allow_skip, "a full disk was not tested (--allow-skip lets that pass)");
                    return Ok(());
                }
            }
            if controls {
                println!("control NoPoisonCheck: {}", serde_json::to_string(&disk_full::control(seed)?)?);
                return Ok(());
            }
            let counts = disk_full::disk_full(seed, step.max(1))?;
            println!("{}", serde_json::to_string(&counts)?);
            if counts.bad() > 0 {
                bail!("{} runs on a full disk were not survived", counts.bad());
            }
            Ok(())
        }
        Engine::Child { task } => child::run(&task),
    }
}
