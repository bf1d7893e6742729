//! Killed before and after each thing that a program does to a file, one run for each.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail, ensure};

use super::scenario::{Scenario, Staged};
use crate::stage::{complain, is_over, scratch};
use crate::trace::{Action, Call, Ended, Phase, trace};

/// What came of killing a program at each of its points.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Points {
    pub(crate) kills: u64,
    pub(crate) bad: u64,
    /// How often each kind of point was one.
    pub(crate) kinds: BTreeMap<String, u64>,
}

/// What a run has said by the time it ended.
#[derive(Debug, Clone, Copy, Default)]
struct Said {
    begun: Option<u64>,
    acknowledged: Option<u64>,
}

impl Said {
    fn hear(&mut self, text: &str) {
        match text.split_once(' ') {
            Some(("begin", height)) => self.begun = height.parse().ok(),
            Some(("ack", height)) => self.acknowledged = height.parse().ok(),
            _ => {}
        }
    }
}

/// Kills every program at each of its points, or at every `stride`th.
pub(crate) fn points(seed: u64, rounds: u64, stride: usize) -> Result<Points> {
    let mut found = Points::default();
    if stride == 0 {
        return Ok(found);
    }
    for round in 0..rounds {
        for scenario in Scenario::ALL {
            let place = scratch()?;
            one(scenario, seed + round, stride, place.path(), &mut found)?;
        }
    }
    Ok(found)
}

fn one(scenario: Scenario, seed: u64, stride: usize, place: &Path, found: &mut Points) -> Result<()> {
    let mut staged = Staged::new(scenario, seed, place)?;
    staged.reset()?;
    let mut labels = Vec::new();
    let ended = trace(&mut staged.command()?, |phase, call, _| {
        labels.push(label(phase, call));
        Action::Continue
    })?;
    ensure!(ended == Ended::Exited(0), "{scenario:?} ends by itself: {ended:?}");
    if let Some(wrong) = staged.check(None, None).err().map(|error| format!("{error:#}")) {
        bail!("{scenario:?}, not killed: {wrong}");
    }
    // Another start in each run, so that several seeds meet all points between them.
    let begin = usize::try_from(seed)? % stride;
    for at in (begin..labels.len()).step_by(stride) {
        if is_over(100) {
            break;
        }
        staged.reset()?;
        let (mut seen, mut said, mut killed_at) = (0, Said::default(), String::new());
        let ended = trace(&mut staged.command()?, |phase, call, _| {
            // What is said is heard once it is written, which a kill before prevents.
            if let (Phase::After, Call::Say(text)) = (phase, call) {
                said.hear(text);
            }
            let here = seen == at;
            seen += 1;
            if here {
                killed_at = label(phase, call);
                Action::Kill
            } else {
                Action::Continue
            }
        })?;
        if ended == Ended::Exited(0) {
            // Threads make runs differ by a few calls.
            continue;
        }
        found.kills += 1;
        *found.kinds.entry(killed_at.clone()).or_default() += 1;
        let wrong = staged.check(said.begun, said.acknowledged).unwrap_or_else(|error| Some(format!("{error:#}")));
        let again = if at % 5 == 0 && wrong.is_none() { staged.again()? } else { None };
        if let Some(wrong) = wrong.or(again) {
            found.bad += 1;
            if found.bad <= 5 {
                complain(&format!("seed {seed}, {scenario:?}, point {at} ({killed_at}): {wrong}"));
            }
        }
    }
    Ok(())
}

fn label(phase: Phase, call: &Call) -> String {
    let when = match phase {
        Phase::Before => "before",
        Phase::After => "after",
    };
    format!("{when} {} {}", call.verb(), call.kind())
}
