//! Two programs of ours: which one is quicker?
//!
//! Both do the same work at the same time, each bound to a core of its own, then once more with the cores changed: that is a round.
//! Whatever makes the machine or one of its cores slower then makes both programs slower, and the ratio of the two repeats to a hundredth where
//! turns one after the other repeat to ten.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

use super::plan::{Planned, Scale, plan};
use super::report::Measured;
use super::side::{Clock, Side};
use super::stores::{Stores, renew};
use super::task::build;
use super::work::Figures;
use crate::shell::target;

/// Options of the task.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The program to compare with: one that `cargo build --profile shipped --package xtask` made of another state, put aside.
    before: PathBuf,
    /// The other one [default: this state, built].
    after: Option<PathBuf>,
    /// Only these works, as of the benchmark; those with several threads share one core here.
    #[arg(long, value_delimiter = ',', default_value = "trace,kv,transcript")]
    only: Vec<String>,
    #[arg(long, default_value_t = 9)]
    rounds: usize,
}

const NAMES: [&str; 2] = ["before", "after"];

pub(crate) fn run(args: &Args) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    ensure!(cores >= 2, "two programs at once take two cores");
    ensure!(args.rounds > 0, "at least one round");
    let after = args.after.clone().map_or_else(build, Ok)?;
    let folder = target().join("bench");
    let programs = [args.before.clone(), after].map(std::path::absolute);
    let [before, after] = programs;
    let programs = [before?, after?];
    // Each has stores of its own, made by the same program.
    let stores = NAMES.map(|name| Stores::new(folder.join(format!("stores-{name}")), programs[1].clone()));
    let [first, second] = stores;
    let stores = [first?, second?];
    let plans = stores.each_ref().map(|stores| plan(Scale::Quick, &args.only, stores, false));
    let mut measured = Measured::default();
    for works in plans[0].iter().zip(&plans[1]) {
        let works = [works.0, works.1];
        for (work, stores) in works.iter().zip(&stores) {
            work.needs.iter().try_for_each(|need| need.make(Scale::Quick, stores))?;
        }
        for _ in 0..args.rounds {
            let bound_to = |cores: [usize; 2]| [0, 1].map(|at| Side::bound(NAMES[at], &programs[at], cores[at]));
            let [there, back] = [[0, 1], [1, 0]].map(|cores| at_once(works, &bound_to(cores)));
            for (name, [there, back]) in NAMES.into_iter().zip(by_program(there?, back?)) {
                measured.add(works[0].name, name, both_ways(&there, &back));
            }
        }
    }
    println!("\n{}", measured.beside(NAMES));
    stores.iter().try_for_each(|stores| Ok(fs_err::remove_dir_all(&stores.folder)?))
}

fn by_program(there: [Figures; 2], back: [Figures; 2]) -> [[Figures; 2]; 2] {
    let ([a, b], [c, d]) = (there, back);
    [[a, c], [b, d]]
}

/// What is between the two.
fn both_ways(there: &Figures, back: &Figures) -> Figures {
    let between = |(name, figure): (&String, &f64)| Some((name.clone(), (figure * back.get(name)?).sqrt()));
    there.iter().filter_map(between).collect()
}

/// Each side does its own.
fn at_once(works: [&Planned; 2], sides: &[Side; 2]) -> Result<[Figures; 2]> {
    for work in works {
        if work.copy.is_some() || work.work.dir().ends_with("turn") {
            renew(work.copy.as_deref(), work.work.dir())?;
        }
    }
    let run = |at: usize| sides[at].run(&works[at].work, Clock::Wall);
    let (first, second) = std::thread::scope(|scope| {
        let second = scope.spawn(|| run(1));
        (run(0), second.join().expect("a program is run"))
    });
    let named = || format!("work {}", works[0].name);
    Ok([first.with_context(named)?, second.with_context(named)?])
}
