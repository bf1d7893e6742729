//! Seeds, cases, shrinking, and how a difference is shown.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use super::answer::shortened;
use super::call::{Call, How, Place};
use super::duel::{Bench, Case, Game, play};
use super::generate::{self, Focus};
use super::minimize::minimize;

/// Which cases to play.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) game: Game,
    pub(crate) focus: Focus,
    /// How many calls a case has, about.
    pub(crate) calls: usize,
}

/// A difference, and the fewest calls that show it.
#[derive(Debug)]
pub(crate) struct Found {
    case: Case,
    reason: String,
}

/// What became of a case.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// No difference. Here is our store, if the reference can judge it.
    Same(Option<PathBuf>),
    Different(Found),
}

/// Plays the case that `seed` makes. If it shows a difference, shrinks it.
pub(crate) fn hunt(bench: &mut Bench, plan: Plan, seed: u64, scratch: &Path) -> Result<Outcome> {
    let config = Config {
        cases: 1,
        failure_persistence: None,
        max_shrink_iters: 400,
        max_shrink_time: 30_000,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8] = plan.game as u8;
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let bench = RefCell::new(bench);
    let left = RefCell::new(None);
    let fails = |case: &Case| match attempt(&mut bench.borrow_mut(), plan.game, case, scratch) {
        Ok(store) => {
            *left.borrow_mut() = store;
            None
        }
        Err(error) => Some(format!("{error:#}")),
    };
    let ran = runner.run(&generate::case(plan.game, plan.focus, plan.calls), |case| {
        fails(&case).map_or(Ok(()), |reason| Err(TestCaseError::fail(reason)))
    });
    let (reason, case) = match ran {
        Ok(()) => return Ok(Outcome::Same(left.take())),
        Err(TestError::Fail(reason, case)) => (reason.message().to_owned(), case),
        Err(TestError::Abort(reason)) => bail!("no case could be made: {reason}"),
    };
    let Case { start, options, calls } = case;
    let with = |calls: &[Call]| Case { start, options: options.clone(), calls: calls.to_vec() };
    let (calls, reason) = minimize(calls, reason, |calls| fails(&with(calls)));
    Ok(Outcome::Different(Found { case: with(&calls), reason }))
}

/// Plays a case in a folder of its own.
fn attempt(bench: &mut Bench, game: Game, case: &Case, scratch: &Path) -> Result<Option<PathBuf>> {
    let folder = scratch.join("case");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| play(bench, game, case, &folder)));
    match played {
        Ok(played) => played,
        Err(_) => bail!("ours panicked"),
    }
}

impl Found {
    /// What differs, and the calls that lead there, as the driver takes them.
    pub(crate) fn shown(&self) -> String {
        let mut shown = format!("{}\n\nthe fewest calls that show it:\n", self.reason);
        for line in self.lines() {
            // Writing to a String cannot fail.
            let _ = writeln!(shown, "  {}", shortened(&line));
        }
        shown
    }

    fn lines(&self) -> impl Iterator<Item = serde_json::Value> {
        let place = Place { dir: self.case.start.unwrap_or("STORE").into(), archive: "ARCHIVE".into() };
        let first = Call::Open(How::Open, self.case.options.clone());
        std::iter::once(&first).chain(&self.case.calls).map(|call| call.line(&place)).collect::<Vec<_>>().into_iter()
    }

    /// Leaves the calls in a file, whole, and answers which.
    pub(crate) fn keep(&self, folder: &Path, name: &str) -> Result<PathBuf> {
        fs::create_dir_all(folder)?;
        let path = folder.join(format!("{name}.jsonl"));
        let lines: String = self.lines().map(|line| format!("{line}\n")).collect();
        fs::write(&path, lines).context("could not keep the calls")?;
        Ok(path)
    }
}
