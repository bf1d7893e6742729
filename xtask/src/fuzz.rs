//! `cargo xtask fuzz`: lets libFuzzer look for bytes of which something does not hold.
//!
//! The targets are functions of `crates/swing-fuzz`, where it says what must hold; cargo-fuzz builds them with the flags that show
//! libFuzzer what an input reaches. It begins with `fixtures/fuzz`, with seeds that are made of the other fixtures, and with what
//! earlier runs have left under `target/fuzz/corpus`. A finding is kept under `target/fuzz/found`, with the command that shows it
//! again.

mod build;
mod session;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Mutex;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};

use build::Built;
pub(crate) use build::Sanitizer;
use session::{Outcome, Session};

/// Options of the task.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Targets; all of them if there is none.
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// How long each target is run.
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u64,
    /// How many targets are run at a time.
    #[arg(long, value_name = "N", default_value_t = 1)]
    jobs: usize,
    /// What libFuzzer's choices are drawn from; by default another one each time.
    #[arg(long, value_name = "N")]
    seed: Option<u32>,
    /// What watches the memory. AddressSanitizer makes everything four times slower, and sees only Rust code.
    #[arg(long, value_enum, default_value_t = Sanitizer::None)]
    sanitizer: Sanitizer,
    /// Runs one target on this input alone.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "minimise"])]
    replay: Option<PathBuf>,
    /// Afterwards replaces the corpora of `fixtures/fuzz` by the fewest inputs, of all that are known, that reach as much.
    #[arg(long)]
    minimise: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let built = Built::make(args.sanitizer)?;
    let chosen = built.choose(&args.targets)?;
    if let Some(input) = &args.replay {
        ensure!(chosen.len() == 1, "an input is replayed on one target: say which");
        return session::replay(&built, &chosen[0], input);
    }
    let seed = args.seed.map_or_else(drawn, Ok)?;
    println!("{} targets, {} seconds each, --seed {seed}", chosen.len(), args.seconds);
    let waiting = Mutex::new(chosen.iter().cloned().collect::<VecDeque<_>>());
    let outcomes = thread::scope(|scope| {
        let work = || -> Result<Vec<Outcome>> {
            let mut outcomes = Vec::new();
            loop {
                // Not held while the target runs.
                let next = waiting.lock().map_err(|_| anyhow::anyhow!("another job has panicked"))?.pop_front();
                let Some(target) = next else { return Ok(outcomes) };
                outcomes.push(Session::new(&built, target, seed)?.run(args.seconds)?);
            }
        };
        let jobs: Vec<_> = (0..args.jobs.max(1)).map(|_| scope.spawn(work)).collect();
        let mut outcomes = Vec::new();
        for job in jobs {
            outcomes.extend(job.join().map_err(|_| anyhow::anyhow!("a job has panicked"))??);
        }
        Ok::<_, anyhow::Error>(outcomes)
    })?;
    table(&outcomes);
    let found: Vec<_> = outcomes.iter().filter(|outcome| outcome.failed).collect();
    for outcome in &found {
        outcome.tell();
    }
    if args.minimise {
        for target in chosen.iter().filter(|target| found.iter().all(|outcome| outcome.target != target.name)) {
            session::minimise(&built, target)?;
        }
    }
    if !found.is_empty() {
        bail!("found: {}", found.iter().map(|outcome| outcome.target.as_str()).collect::<Vec<_>>().join(", "));
    }
    Ok(())
}

fn drawn() -> Result<u32> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    Ok(now.as_secs() as u32 ^ now.subsec_nanos())
}

fn table(outcomes: &[Outcome]) {
    println!("\n| target | seconds | runs | runs a second | coverage | new inputs | findings |");
    println!("|---|---|---|---|---|---|---|");
    for Outcome { target, seconds, runs, coverage, new, failed } in outcomes {
        let (rate, findings) = (runs / (*seconds).max(1), u8::from(*failed));
        println!("| `{target}` | {seconds} | {runs} | {rate} | {coverage} | {new} | {findings} |");
    }
}
