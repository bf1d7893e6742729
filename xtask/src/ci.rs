//! `cargo xtask ci`: everything that must hold before a change lands, in the order of what fails fastest.
//!
//! The long steps are taken two at a time: those that need Node.js one after the other, and beside them those that do not.

use std::io::{self, Write};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use fs_err as fs;

use crate::shell::{self, cargo};
use crate::{deny, tidy};

/// Options of the task.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave out what needs Node.js: the hostile cases and the conformance run against the reference.
    #[arg(long)]
    no_node: bool,
    /// Leave out what needs valgrind: the count of instructions of hot operations.
    #[arg(long)]
    no_valgrind: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let warnings = ("RUSTDOCFLAGS", "-D warnings");
    step("fmt", || shell::run(&mut cargo(&["fmt", "--all", "--check"])))?;
    step("tidy", tidy::run)?;
    step("deny", deny::run)?;
    step("clippy", || {
        shell::run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"]))
    })?;
    step("doc", || {
        shell::run(
            cargo(&["doc", "--workspace", "--no-deps", "--all-features", "--document-private-items"])
                .env(warnings.0, warnings.1),
        )
    })?;
    let log = shell::target().join("ci-beside.log");
    let beside = thread::scope(|threads| -> Result<Result<()>> {
        let beside = threads.spawn(|| beside(args, &log));
        if !args.no_node {
            step("node", || crate::node_package::run(&crate::node_package::Args::tested()))?;
            step("hostile", || crate::hostile::run(&crate::hostile::Args::check()))?;
            step("conformance", || crate::conformance::run(&crate::conformance::Args::short()))?;
        }
        Ok(beside.join().expect("a step of CI does not panic"))
    });
    print!("{}", fs::read_to_string(&log).unwrap_or_default());
    beside??;
    step("clean tree", tidy::clean_tree)?;
    println!("\neverything holds");
    Ok(())
}

/// The row that does without Node.js, each step as a process of its own. What they print goes to `log`.
fn beside(args: &Args, log: &Path) -> Result<()> {
    let mut out = fs::File::create(log)?;
    let mut steps: Vec<(&str, &[&str])> = vec![("tour", &["tour"]), ("crash", &["crash"])];
    if !args.no_valgrind {
        steps.push(("instructions", &["bench", "instructions"]));
    }
    for (name, arguments) in steps {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(arguments).stdout(out.file().try_clone()?).stderr(out.file().try_clone()?);
        step_to(&mut out, name, || {
            let status = command.status()?;
            ensure!(status.success(), "{status}");
            Ok(())
        })?;
    }
    Ok(())
}

fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    step_to(&mut io::stdout(), name, work)
}

/// A step, and how long it took, between what it prints itself.
fn step_to(out: &mut impl Write, name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    writeln!(out, "\n── {name}")?;
    let start = Instant::now();
    work().with_context(|| format!("ci step {name}"))?;
    writeln!(out, "── {name}: {:.1} s", start.elapsed().as_secs_f64())?;
    Ok(())
}
