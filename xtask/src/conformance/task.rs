//! The task: which parts are run, on which release of the reference, with which seeds.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, anyhow, bail};

use super::driver::Driver;
use super::duel::{Bench, Game};
use super::generate::Focus;
use super::hunt::{self, Outcome, Plan};
use super::ours::Ours;
use super::player::Player;
use super::tally::Tally;
use super::{fixtures, packages, trace};
use crate::{node, shell};

const MODULES: [&str; 2] = ["@agoric/swing-store", "swing-store-u17"];

/// After so many differences there is enough to think about.
const ENOUGH: usize = 3;

/// The reference looks at the store of one case in so many, which takes it a second.
const JUDGED: u64 = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Part {
    /// Random calls, ours and the reference each on its own store.
    Lockstep,
    /// Random calls, ours and the reference taking turns on one store.
    Turns,
    /// Random calls, ours and the reference with the same store open, block by block.
    Shared,
    /// The committed stores and datasets.
    Fixtures,
    /// The recorded kernel.
    Trace,
    /// The reference package's own tests, on our npm package.
    Peer,
    /// The real kernel, on the reference and on our npm package.
    Kernel,
    /// The kernel's own tests, on our npm package.
    Suite,
    /// The chain's tool for looking into a store, on the reference and on our npm package.
    Inquisitor,
}

/// Parts that are played with the crate, or with a module of the driver's.
const PLAYED: [Part; 5] = [Part::Lockstep, Part::Turns, Part::Shared, Part::Fixtures, Part::Trace];

/// Options of the task.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// The first seed. Every case has its own, counted up from here.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many cases of each game are played against each release.
    #[arg(long, default_value_t = 25)]
    cases: u64,
    /// About how many calls a case has.
    #[arg(long, default_value_t = 120)]
    calls: usize,
    /// Play for so many seconds instead, from a seed that nobody chose.
    #[arg(long, conflicts_with_all = ["seed", "cases"])]
    seconds: Option<u64>,
    /// Which release of the reference; both if not given.
    #[arg(long = "module", value_name = "NAME")]
    modules: Vec<String>,
    /// A module for Node.js with our store in it, to be compared in place of the crate.
    #[arg(long, value_name = "NAME")]
    store_module: Option<String>,
    /// Only these parts.
    #[arg(long = "part", value_enum)]
    parts: Vec<Part>,
    /// Only calls of this part of the store, with cranks and commits.
    #[arg(long, value_enum, default_value = "all")]
    focus: Focus,
    /// Show how many calls of each kind were made.
    #[arg(long)]
    tally: bool,
    #[command(flatten)]
    packages: packages::Options,
}

impl Args {
    /// What every change is held to: the same cases each time.
    pub(crate) fn short() -> Self {
        Self {
            seed: 1,
            cases: 10,
            calls: 150,
            seconds: None,
            modules: Vec::new(),
            store_module: None,
            parts: Vec::new(),
            focus: Focus::All,
            tally: false,
            packages: packages::Options::default(),
        }
    }

    fn wants(&self, part: Part) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }

    fn games(&self) -> Vec<Game> {
        let games = [(Part::Lockstep, Game::Lockstep), (Part::Turns, Game::Turns), (Part::Shared, Game::Shared)];
        games.into_iter().filter(|(part, _)| self.wants(*part)).map(|(_, game)| game).collect()
    }

    fn first_seed(&self) -> Result<u64> {
        match self.seconds {
            // So that the seeds of two runs do not overlap.
            Some(_) => Ok(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs() << 16),
            None => Ok(self.seed),
        }
    }
}

/// What all threads share.
struct Run<'a> {
    args: &'a Args,
    folder: &'a Path,
    /// Stores of ours that the reference is to judge.
    written: Vec<PathBuf>,
    traced: Option<PathBuf>,
    seed: u64,
    until: Option<Instant>,
    found: AtomicUsize,
}

#[derive(Default)]
struct Played {
    cases: usize,
    tally: Tally,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    if PLAYED.into_iter().any(|part| args.wants(part)) {
        played(args)?;
    }
    packages::run(&args.packages, &args.parts)
}

fn played(args: &Args) -> Result<()> {
    let folder = node::install()?;
    let scratch = tempfile::tempdir()?;
    let start = Instant::now();
    let mut run = Run {
        args,
        folder: &folder,
        written: Vec::new(),
        traced: None,
        seed: args.first_seed()?,
        until: None,
        found: AtomicUsize::new(0),
    };
    if args.wants(Part::Fixtures) {
        run.written = fixtures::write(&scratch.path().join("fixtures"))?;
    }
    if args.wants(Part::Trace) {
        run.traced = Some(trace::replay(&scratch.path().join("trace"))?);
    }
    run.until = args.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let modules: Vec<_> = match args.modules.is_empty() {
        true => MODULES.map(str::to_owned).into(),
        false => args.modules.clone(),
    };
    let mut all = Played::default();
    for played in side_by_side(&run, &modules, scratch.path())? {
        all.cases += played.cases;
        all.tally.add(&played.tally);
    }
    if args.tally {
        print!("{}", all.tally.table());
    }
    let (found, seconds) = (run.found.into_inner(), start.elapsed().as_secs_f64());
    println!("{} cases from seed {} on: {} ({seconds:.0} s)", all.cases, run.seed, all.tally);
    if found > 0 {
        bail!("{found} cases show that ours and the reference differ");
    }
    Ok(())
}

/// One thread for each release: most of the time goes into waiting for Node.
fn side_by_side(run: &Run<'_>, modules: &[String], scratch: &Path) -> Result<Vec<Played>> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = modules
            .iter()
            .enumerate()
            .map(|(at, module)| {
                // Each release judges its share.
                let share: Vec<_> = run.written.iter().skip(at).step_by(modules.len()).cloned().collect();
                let scratch = scratch.join(format!("module-{at}"));
                scope.spawn(move || against(run, module, &share, &scratch).with_context(|| module.clone()))
            })
            .collect();
        let joined = threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(anyhow!("a panic"))));
        joined.collect()
    })
}

fn against(run: &Run<'_>, module: &str, share: &[PathBuf], scratch: &Path) -> Result<Played> {
    fs_err::create_dir_all(scratch)?;
    let start = Instant::now();
    if !share.is_empty() {
        fixtures::judge(run.folder, module, share)?;
        println!("{module} goes on with {} stores that we wrote ({:.0} s)", share.len(), start.elapsed().as_secs_f64());
    }
    if let Some(store) = &run.traced {
        let start = Instant::now();
        trace::compare(run.folder, module, store)?;
        println!("{module} has the kernel's store as we have it ({:.0} s)", start.elapsed().as_secs_f64());
    }
    play(run, module, scratch)
}

fn play(run: &Run<'_>, module: &str, scratch: &Path) -> Result<Played> {
    let args = run.args;
    let ours = || -> Box<dyn Player> {
        match &args.store_module {
            Some(module) => Box::new(Driver::new(run.folder, module)),
            None => Box::<Ours>::default(),
        }
    };
    let node = || Driver::new(run.folder, module);
    let mut bench =
        Bench { ours: ours(), ours_too: ours(), reference: node(), witness: node(), tally: Tally::default() };
    let mut cases = 0;
    'rounds: for round in 0.. {
        for game in args.games() {
            let over = run.until.map_or(round >= args.cases, |until| Instant::now() >= until);
            if over || run.found.load(Ordering::Relaxed) >= ENOUGH {
                break 'rounds;
            }
            let seed = run.seed.wrapping_add(round);
            let plan = Plan { game, focus: args.focus, calls: args.calls };
            cases += 1;
            match hunt::hunt(&mut bench, plan, seed, scratch)? {
                Outcome::Different(found) => {
                    run.found.fetch_add(1, Ordering::Relaxed);
                    show(args, module, game, seed, &found)?;
                }
                Outcome::Same(Some(store)) if round % JUDGED == 0 => {
                    fixtures::judge(run.folder, module, &[store]).with_context(|| format!("{game:?}, seed {seed}"))?;
                }
                Outcome::Same(_) => {}
            }
        }
        if args.games().is_empty() {
            break;
        }
    }
    Ok(Played { cases, tally: bench.tally })
}

fn show(args: &Args, module: &str, game: Game, seed: u64, found: &hunt::Found) -> Result<()> {
    let part = format!("{game:?}").to_lowercase();
    let kept = found.keep(&shell::target().join("conformance"), &format!("{part}-{seed}"))?;
    println!(
        "\n── {part} against {module}, seed {seed}\n{}\nwhole in {}\nagain with: cargo xtask conformance --part {part} \
         --module {module} --seed {seed} --cases 1 --calls {}\n",
        found.shown(),
        kept.display(),
        args.calls
    );
    Ok(())
}
