//! The task: builds both sides, lets them take turns, tells.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use fs_err as fs;

use super::making::clear;
use super::plan::{Planned, Scale, plan};
use super::report::Measured;
use super::side::{Clock, Side};
use super::stores::Stores;
use super::work::Work;
use super::{growth, instructions, pair};
use crate::guided;
use crate::shell::{self, cargo, output, target};

/// Options of the task.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    other: Option<Other>,
    #[command(flatten)]
    extent: Extent,
    /// Without the reference, and so without Node.js.
    #[arg(long)]
    ours_alone: bool,
    /// Build ours by the profile of these same works. Takes two builds, and needs `llvm-profdata`.
    #[arg(long)]
    profile_guided: bool,
    /// The reference's module; the other release is swing-store-u17.
    #[arg(long, default_value = "@agoric/swing-store")]
    module: String,
}

/// Options of the same measurements with our npm package on our side.
#[derive(clap::Args)]
pub(crate) struct NodeArgs {
    #[command(flatten)]
    extent: Extent,
    /// The reference's module; the other release is swing-store-u17.
    #[arg(long, default_value = "@agoric/swing-store")]
    module: String,
    /// Measure the package that `cargo xtask node` left there last, and do not build it.
    #[arg(long, conflicts_with = "profile_guided")]
    as_it_is: bool,
    /// Build it by the profile of these same works. Takes two builds, and needs `llvm-profdata`.
    #[arg(long)]
    profile_guided: bool,
}

/// How much is measured, and how.
#[derive(clap::Args)]
struct Extent {
    /// Small stores and few rounds: all rows in less than two minutes.
    #[arg(long, conflicts_with = "large")]
    quick: bool,
    /// Stores of a chain's size: half an hour, 20 GB of disk.
    #[arg(long)]
    large: bool,
    /// Rounds, in each of which both take their turns [default: 5, with --quick 3, with --large 1].
    #[arg(long)]
    rounds: Option<usize>,
    /// Only these works: trace, kv, transcript, snapshot (of all sizes, or snapshot-20), export-data, export, replay,
    /// import, import-floor, delete, delete-all, delete-half, open, ready, verify, floor.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// A real heap snapshot, for rows of its own: a file as a worker wrote it, gzipped or not, or a store's, of which the
    /// greatest is taken [default: the store of the reference that `conformance --part kernel` leaves].
    #[arg(long)]
    heap: Option<PathBuf>,
    /// Count time on the wall, or the processor's: all threads together, and without waiting for the disk. On a machine that
    /// others use, too, only the latter can be repeated.
    #[arg(long, value_enum, default_value_t = Clock::Wall)]
    clock: Clock,
}

#[derive(clap::Subcommand)]
enum Other {
    /// Counts the instructions of hot operations (valgrind) and holds them to the committed figures.
    Instructions(instructions::Args),
    /// The same measurements between the reference and our npm package, both in Node.js.
    Node(NodeArgs),
    /// Two programs of ours at the same time: what a change is worth.
    Pair(pair::Args),
    /// Plots what operations cost as the store and the session grow, and what a block costs with something beside it.
    Growth(growth::Args),
}

pub(crate) fn run(args: &Args) -> Result<()> {
    match &args.other {
        Some(Other::Instructions(args)) => instructions::run(args),
        Some(Other::Growth(args)) => growth::run(args),
        Some(Other::Node(args)) => measure_node(args),
        Some(Other::Pair(args)) => pair::run(args),
        None => measure(args),
    }
}

/// Builds this program, optimised as the npm package is, and answers where it is.
pub(crate) fn build() -> Result<PathBuf> {
    shell::run(&mut cargo(&["build", "--quiet", "--profile", "shipped", "--package", "xtask"]))?;
    Ok(target().join("shipped/xtask"))
}

fn measure(args: &Args) -> Result<()> {
    let mut sides = Vec::new();
    if !args.ours_alone {
        sides.push(Side::node("reference", &crate::node::install()?, &args.module));
    }
    let program = if args.profile_guided { build_by_profile()? } else { build()? };
    sides.push(Side::ours(program.clone()));
    take_turns(&args.extent, &sides, program, "")
}

fn measure_node(args: &NodeArgs) -> Result<()> {
    let (folder, package) = (crate::node::install()?, crate::node_package::folder());
    if !args.as_it_is {
        crate::node_package::build(&package, false, args.profile_guided)?;
    }
    let sides = [Side::node("reference", &folder, &args.module), of_package(&folder, &package)?];
    take_turns(&args.extent, &sides, build()?, "node-")
}

fn of_package(folder: &Path, package: &Path) -> Result<Side> {
    let module = std::path::absolute(package.join("src/index.js"))?;
    Ok(Side::node("ours", folder, &module.display().to_string()))
}

/// The same program built by the profile of all that is measured of it.
fn build_by_profile() -> Result<PathBuf> {
    let folder = guided::build("xtask", |counting| work_once(&Side::ours(counting.join("xtask")), build()?))?;
    Ok(folder.join("xtask"))
}

/// Has an npm package do all that is measured of it, once.
pub(crate) fn work_with_package(package: &Path) -> Result<()> {
    work_once(&of_package(&crate::node::install()?, package)?, build()?)
}

/// Everything that is measured of a side, once, with small stores, which `program` makes.
fn work_once(side: &Side, program: PathBuf) -> Result<()> {
    let stores = Stores::new(target().join("guided/stores"), program)?;
    for planned in plan(Scale::Quick, &[], &stores, false) {
        let is_of_the_machine = matches!(planned.work, Work::Floor { .. } | Work::ImportFloor { .. });
        if is_of_the_machine || (side.is_node() && planned.work.is_ours_alone()) {
            continue;
        }
        planned.needs.iter().try_for_each(|need| need.make(Scale::Quick, &stores))?;
        turns(&planned, 0, std::slice::from_ref(side), Clock::Wall, &mut Measured::default())?;
    }
    Ok(fs::remove_dir_all(&stores.folder)?)
}

/// Everybody does everything, and the tables are told. Their files' names begin with `prefix`.
fn take_turns(args: &Extent, sides: &[Side], program: PathBuf, prefix: &str) -> Result<()> {
    let in_node = sides.iter().all(Side::is_node);
    let scale = if args.quick {
        Scale::Quick
    } else if args.large {
        Scale::Large
    } else {
        Scale::Full
    };
    let rounds = args.rounds.unwrap_or(scale.of(3, 5, 1));
    ensure!(rounds > 0, "at least one round");
    println!("{}", machine());
    let folder = target().join("bench");
    let mut stores = Stores::new(folder.join("stores"), program)?;
    stores.real_heap = args.heap.clone().or_else(real_heap);
    let mut works = plan(scale, &args.only, &stores, stores.real_heap.is_some());
    works.retain(|planned| !(in_node && planned.work.is_ours_alone()));
    let mut measured = Measured::default();
    for (at, work) in works.iter().enumerate() {
        let start = Instant::now();
        work.needs.iter().try_for_each(|need| need.make(scale, &stores))?;
        let made = start.elapsed().as_secs();
        for round in 0..rounds.min(work.rounds) {
            turns(work, round, sides, args.clock, &mut measured)?;
        }
        clear(work, &works[at + 1..], &stores)?;
        let took = start.elapsed().as_secs();
        println!("{}, in {took} s, of which its store {made} s", progress(work, sides, &measured));
        // What was measured so far stays if a later work fails.
        fs::write(folder.join(format!("{prefix}figures.json")), serde_json::to_string_pretty(&measured.to_json())?)?;
    }
    // The goals are those of the crates; across the boundary of JavaScript the goal is to be ahead.
    let mut tables = vec![measured.comparison("reference", in_node.then_some(1.0))];
    if args.clock == Clock::Wall && !in_node {
        tables.push(measured.against_the_floor());
        tables.push(measured.machine());
    }
    // A table of a head alone tells nothing.
    tables.retain(|table| table.lines().count() > 2);
    let tables = tables.join("\n");
    println!("\n{tables}");
    fs::write(folder.join(format!("{prefix}tables.md")), tables)?;
    fs::remove_dir_all(&stores.folder)?;
    println!(
        "The figures of every round are in target/bench/{prefix}figures.json, the tables in {prefix}tables.md there."
    );
    Ok(())
}

/// What the recorded run of a real kernel has left, if there was one.
fn real_heap() -> Option<PathBuf> {
    let store = target().join("kernel/run/reference/store/swingstore.sqlite");
    store.exists().then_some(store)
}

/// Everybody once, who begins changing from round to round.
fn turns(planned: &Planned, round: usize, sides: &[Side], clock: Clock, measured: &mut Measured) -> Result<()> {
    for turn in 0..sides.len() {
        let side = &sides[(turn + round) % sides.len()];
        if side.name != "ours" && planned.work.is_ours_alone() {
            continue;
        }
        planned.renew()?;
        let figures = side.run(&planned.work, clock).with_context(|| format!("work {}", planned.name))?;
        measured.add(planned.name, side.name, figures);
    }
    Ok(())
}

fn progress(planned: &Planned, sides: &[Side], measured: &Measured) -> String {
    let done =
        sides.iter().map(|side| format!("{} {}×", side.name, measured.all(planned.name, side.name, "rss").len()));
    format!("{}: {}", planned.name, done.collect::<Vec<_>>().join(", "))
}

/// What the figures are of.
fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or("?", |(_, m)| m);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let node = output(Command::new("node").arg("--version")).unwrap_or_default();
    format!("{cores} cores, {model}; SQLite {}, Node.js {}", rusqlite::version(), node.trim())
}
