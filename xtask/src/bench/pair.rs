//! Two programs of ours: which one is quicker?
//!
//! Both do the same work at the same time, each bound to a core of its own, then once more with the cores swapped: that is a round.
//! Whatever makes the machine or one of its cores slower then makes both programs slower, and the ratio of the two repeats to one hundredth;
//! by turns, to about ten.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use fs_err as fs;

use super::plan::{Planned, Scale, plan};
use super::report::Measured;
use super::side::{Clock, Side};
use super::stores::Stores;
use super::task::build;
use super::work::Figures;
use crate::shell::{exists, target};

/// Options of the task.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The program to compare with: one that `cargo build --profile shipped --package xtask` made of another state, put aside. It must understand
    /// this state's works and stores.
    before: PathBuf,
    /// The other one [default: this state, built].
    after: Option<PathBuf>,
    /// Only these works, as of the benchmark. Each program has one core, so what it does on other threads (commits, snapshots) is
    /// not as quick as otherwise.
    #[arg(long, value_delimiter = ',', default_value = "trace,kv,transcript")]
    only: Vec<String>,
    /// Rounds, in each of which both work twice, on either core.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// The two cores.
    #[arg(long, value_delimiter = ',', default_values_t = [0, 1])]
    cores: Vec<usize>,
}

const NAMES: [&str; 2] = ["before", "after"];

pub(crate) fn run(args: &Args) -> Result<()> {
    let Ok(cores) = <[usize; 2]>::try_from(&args.cores[..]) else { anyhow::bail!("two cores, such as 0,1") };
    ensure!(args.rounds > 0, "at least one round");
    ensure!(args.before.is_file(), "{} is no program", args.before.display());
    ensure!(exists("taskset"), "taskset is needed (util-linux)");
    let after = args.after.clone().map_or_else(build, Ok)?;
    let programs = [std::path::absolute(&args.before)?, std::path::absolute(after)?];
    // Each has stores of its own, made by the same program.
    let folder = target().join("bench");
    let made = |name| Stores::new(folder.join(format!("stores-{name}")), programs[1].clone());
    let stores = [made(NAMES[0])?, made(NAMES[1])?];
    let plans = stores.each_ref().map(|stores| plan(Scale::Quick, &args.only, stores, false));
    ensure!(!plans[0].is_empty(), "no work is called {}", args.only.join(" or "));
    let mut measured = Measured::default();
    for (first, second) in plans[0].iter().zip(&plans[1]) {
        let works = [first, second];
        for (work, stores) in works.iter().zip(&stores) {
            work.needs.iter().try_for_each(|need| need.make(Scale::Quick, stores))?;
        }
        for _ in 0..args.rounds {
            let bound = |cores: [usize; 2]| [0, 1].map(|at| Side::bound(NAMES[at], &programs[at], cores[at]));
            let [before, after] = at_once(works, &bound(cores))?;
            let [before_swapped, after_swapped] = at_once(works, &bound([cores[1], cores[0]]))?;
            measured.add(first.name, NAMES[0], mean(&before, &before_swapped));
            measured.add(first.name, NAMES[1], mean(&after, &after_swapped));
        }
        println!("{}: {} rounds", first.name, args.rounds);
        fs::write(folder.join("pair-figures.json"), serde_json::to_string_pretty(&measured.to_json())?)?;
    }
    println!("\n{}", measured.beside(NAMES));
    stores.iter().try_for_each(|stores| Ok(fs::remove_dir_all(&stores.folder)?))
}

/// The geometric mean of each figure.
fn mean(one: &Figures, other: &Figures) -> Figures {
    let mean = |(name, figure): (&String, &f64)| Some((name.clone(), (figure * other.get(name)?).sqrt()));
    one.iter().filter_map(mean).collect()
}

/// Both at the same time, each in a store of its own.
fn at_once(works: [&Planned; 2], sides: &[Side; 2]) -> Result<[Figures; 2]> {
    works.iter().try_for_each(|work| work.renew())?;
    let run = |at: usize| sides[at].run(&works[at].work, Clock::Wall);
    let (first, second) = std::thread::scope(|scope| {
        let second = scope.spawn(|| run(1));
        (run(0), second.join().expect("a program is run"))
    });
    let named = || format!("work {}", works[0].name);
    Ok([first.with_context(named)?, second.with_context(named)?])
}
