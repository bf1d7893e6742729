//! What the store asks of the file system by itself, besides what SQLite asks: whether everything is flushed before it
//! is acknowledged, and what comes of each call that fails.

use std::path::Path;

use anyhow::{Result, bail, ensure};
use fs_err as fs;

use crate::kill::{Scenario, Staged};
use crate::stage::{is_over, scratch};
use crate::trace::{Action, Broken, Call, Ended, Ledger, Phase, trace};

/// What was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Counts {
    /// Acknowledgements before which everything has to be flushed.
    pub(crate) acknowledgements: u64,
    /// Flushes in the traces.
    pub(crate) flushes: u64,
    /// Flushes without which the rule would have been broken: the controls.
    pub(crate) flushes_missed: u64,
    /// Runs in which one call failed.
    pub(crate) failed_calls: u64,
    /// The rule was broken.
    pub(crate) unflushed: u64,
    /// A run with a failed call left what may not be.
    pub(crate) wrong: u64,
}

impl Counts {
    pub(crate) fn bad(&self) -> u64 {
        self.unflushed + self.wrong
    }
}

/// Calls that failed as the tracer wanted, and what a program did and said.
#[derive(Default)]
struct Heard {
    calls: Vec<Call>,
    ledger: Ledger,
    acknowledgements: u64,
    begun: Option<u64>,
    acknowledged: Option<u64>,
    /// Why commits were refused that were then asked for again.
    again: Vec<String>,
}

impl Heard {
    fn take(&mut self, call: &Call, work: &Path) {
        match call {
            Call::Say(text) => match text.split_once(' ') {
                Some(("begin", height)) => self.begun = height.parse().ok(),
                Some(("again", reason)) => self.again.push(reason.to_owned()),
                Some(("ack", height)) => {
                    self.acknowledged = height.parse().ok();
                    self.acknowledgements += 1;
                    self.ledger.acknowledged(|path| is_rebuilt(path, work));
                }
                _ => {}
            },
            call => self.ledger.take(call),
        }
        self.calls.push(call.clone());
    }
}

/// What is not part of what was promised: things outside of the scenario's folder, and a log that nothing is in.
fn is_rebuilt(path: &Path, work: &Path) -> bool {
    let is_log = path.to_string_lossy().ends_with("-wal");
    !path.starts_with(work) || is_log && fs::metadata(path).is_ok_and(|data| data.len() == 0)
}

/// Traces every scenario, and lets every `stride`th of its calls fail.
pub(crate) fn syscalls(seed: u64, rounds: u64, stride: usize) -> Result<Counts> {
    let mut counts = Counts::default();
    let seeds = seed..seed + rounds;
    for (seed, scenario) in seeds.flat_map(|seed| Scenario::ALL.map(|scenario| (seed, scenario))) {
        let place = scratch()?;
        let mut staged = Staged::new(scenario, seed, place.path())?;
        let calls = flushed(&mut staged, &mut counts)?;
        for (code, name) in [(libc::EIO, "EIO"), (libc::ENOSPC, "ENOSPC")] {
            failing(&mut staged, calls, code, name, stride, &mut counts)?;
        }
    }
    if counts.flushes_missed == 0 {
        bail!("no flush is missed when it is taken out of a trace: the rule is blind");
    }
    Ok(counts)
}

/// Checks the rule, and that it would notice if a flush were missing. Answers how many calls there are.
fn flushed(staged: &mut Staged, counts: &mut Counts) -> Result<usize> {
    staged.reset()?;
    let work = staged.work.clone();
    let mut heard = Heard::default();
    let ended = trace(&mut staged.command()?, |phase, call, answer| {
        if phase == Phase::After && answer >= 0 {
            heard.take(call, &work);
        }
        Action::Continue
    })?;
    ensure!(ended == Ended::Exited(0), "{:?} ends by itself: {ended:?}", staged.scenario);
    let refusals = if staged.scenario == Scenario::ImportRefused { &["read"][..] } else { &[] };
    ensure!(heard.again == refusals, "{:?} was refused: {:?}", staged.scenario, heard.again);
    counts.acknowledgements += heard.acknowledgements;
    for broken in &heard.ledger.broken {
        counts.unflushed += 1;
        println!("  {:?}: {}", staged.scenario, shown(broken, &work));
    }
    for (at, _) in heard.calls.iter().enumerate().filter(|(_, call)| matches!(call, Call::Flush(_))) {
        counts.flushes += 1;
        let mut without = Heard::default();
        let others = heard.calls.iter().enumerate().filter(|(number, _)| *number != at);
        others.for_each(|(_, call)| without.take(call, &work));
        if without.ledger.broken.len() > heard.ledger.broken.len() {
            counts.flushes_missed += 1;
        }
    }
    Ok(heard.calls.len())
}

fn shown(broken: &Broken, work: &Path) -> String {
    let (what, path) = match broken {
        Broken::Content(path) => ("acknowledged without its content flushed", path),
        Broken::Name(path) => ("acknowledged without its name flushed", path),
        Broken::LogGone(path) => ("its log is gone before what was copied from it is flushed", path),
        Broken::OldLog(path) => ("replaced before it is durable that its old log is gone", path),
        Broken::OldFiles(path) => ("made anew before it is durable that the old one and its log are gone", path),
        Broken::RenamedUnflushed(path) => ("moved into place without its content flushed", path),
    };
    format!("{}: {what}", path.strip_prefix(work).unwrap_or(path).display())
}

fn failing(staged: &mut Staged, calls: usize, code: i32, name: &str, stride: usize, counts: &mut Counts) -> Result<()> {
    let work = staged.work.clone();
    for at in (0..calls).step_by(stride).take_while(|_| !is_over(100)) {
        staged.reset()?;
        let (mut seen, mut heard, mut failed, mut is_flush) = (0, Heard::default(), None, false);
        let ended = trace(&mut staged.command()?, |phase, call, answer| {
            if phase == Phase::After {
                if answer >= 0 {
                    heard.take(call, &work);
                }
                return Action::Continue;
            }
            let here = seen == at;
            seen += 1;
            // Nothing is to be learnt from a child that cannot speak.
            if here && !matches!(call, Call::Say(_)) {
                failed = Some(format!("{} {}", call.verb(), call.kind()));
                is_flush = matches!(call, Call::Flush(_));
                return Action::Fail(code);
            }
            Action::Continue
        })?;
        let Some(failed) = failed else { continue };
        counts.failed_calls += 1;
        let mut wrong = match ended {
            Ended::Exited(0 | 1) => None,
            ended => Some(format!("it ends with {ended:?}")),
        };
        // Of a flush of ours there is no second try. SQLite's own of the old store are another matter: it writes again what it flushes.
        if is_flush && heard.again.iter().any(|reason| reason == "other") {
            wrong.get_or_insert("its commit may be asked for again".to_owned());
        }
        wrong = wrong.or_else(|| heard.ledger.broken.first().map(|broken| shown(broken, &work)));
        let wrong = match wrong {
            Some(wrong) => Some(wrong),
            None => staged.check(heard.begun, heard.acknowledged).unwrap_or_else(|error| Some(format!("{error:#}"))),
        };
        if let Some(wrong) = wrong {
            counts.wrong += 1;
            if counts.wrong <= 12 {
                println!("  {:?}, call {at} ({failed}) fails with {name}: {wrong}", staged.scenario);
            }
        }
    }
    Ok(())
}
