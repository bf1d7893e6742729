//! `cargo xtask ci`: everything that must hold before a change lands, in the order of what fails fastest.

use std::time::Instant;

use anyhow::{Context as _, Result};

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
    step("tour", || crate::tour::run(&crate::tour::Args::default()))?;
    step("crash", || crate::crash::run(&crate::crash::Args::short()))?;
    if !args.no_node {
        step("node", || crate::node_package::run(&crate::node_package::Args::tested()))?;
        step("hostile", || crate::hostile::run(&crate::hostile::Args::check()))?;
        step("conformance", || crate::conformance::run(&crate::conformance::Args::short()))?;
    }
    if !args.no_valgrind {
        step("instructions", crate::bench::check_instructions)?;
    }
    step("clean tree", tidy::clean_tree)?;
    println!("\neverything holds");
    Ok(())
}

fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("\n── {name}");
    let start = Instant::now();
    work().with_context(|| format!("ci step {name}"))?;
    println!("── {name}: {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}
