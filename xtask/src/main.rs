//! Every task of the project, one way in: `cargo xtask TASK`. CI calls exactly what a person calls.

#![expect(clippy::print_stdout, reason = "a task talks to the person who runs it")]

mod bench;
mod ci;
mod conformance;
mod crash;
mod damage;
mod deny;
mod fixtures;
mod fuzz;
mod guided;
mod hostile;
mod kernel;
mod migrate;
mod mutants;
mod node;
mod node_package;
mod node_tests;
mod peer;
mod shell;
mod tidy;
mod tour;
mod under_test;

use clap::{Parser, Subcommand};

/// The tasks of swing-store.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything that must hold before a change lands: fmt, tidy, deny, clippy, doc, tour, crash, the npm package and its tests,
    /// hostile input, conformance, instruction counts.
    Ci(ci::Args),
    /// The unwritten rules: module docs, the arrows between crates, file sizes, no stray std::fs, no machine's paths.
    Tidy,
    /// Licences, sources and duplicate versions of all dependencies (cargo-deny, installed if it is absent).
    Deny,
    /// Remakes the fixtures with the reference implementation.
    Fixtures(fixtures::Args),
    /// Brings an old store's schema up to date; prints the plan first.
    Migrate(migrate::Args),
    /// Random calls, fixtures and the recorded kernel: does this store answer as the reference does?
    Conformance(conformance::Args),
    /// Builds the npm package in target/npm, and with --test runs its own tests.
    Node(node_package::Args),
    /// Measures: the reference and ours by turns, against the goals and the machine's limits; or counts instructions.
    Bench(bench::Args),
    /// One piece of work of a benchmark, in this process.
    #[command(hide = true)]
    BenchWork {
        /// What to do, in JSON.
        request: String,
    },
    /// Writes down what the reference and this store do with each hostile dataset, database and archive.
    Hostile(hostile::Args),
    /// Flips bits of a real store and counts what a verification finds.
    Damage(damage::Args),
    /// Takes a store's power, process, disk and memory away at every point, and looks at what is left.
    Crash(crash::Args),
    /// Makes deliberate mistakes, one at a time, and fails if the tests let one pass that is not listed.
    Mutants(mutants::Args),
    /// Lets libFuzzer look for input of which something does not hold.
    Fuzz(fuzz::Args),
    /// Runs the recorded kernel through a fresh store, exports it, imports it, verifies both, and tells the story.
    Tour(tour::Args),
}

fn main() -> anyhow::Result<()> {
    match Args::parse().task {
        Task::Ci(args) => ci::run(&args),
        Task::Tidy => tidy::run(),
        Task::Deny => deny::run(),
        Task::Fixtures(args) => fixtures::run(&args),
        Task::Migrate(args) => migrate::run(&args),
        Task::Conformance(args) => conformance::run(&args),
        Task::Node(args) => node_package::run(&args),
        Task::Bench(args) => bench::run(&args),
        Task::BenchWork { request } => bench::serve(&request),
        Task::Hostile(args) => hostile::run(&args),
        Task::Damage(args) => damage::run(&args),
        Task::Crash(args) => crash::run(&args),
        Task::Mutants(args) => mutants::run(&args),
        Task::Fuzz(args) => fuzz::run(&args),
        Task::Tour(args) => tour::run(&args),
    }
}
