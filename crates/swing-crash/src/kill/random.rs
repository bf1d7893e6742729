//! Killed after some microseconds or milliseconds, over and over: while it opens a store that was just killed, while it
//! plays a block, while it commits.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use fs_err as fs;

use super::scenario::{copy_dir, look_at, program};
use crate::rng::Rng;
use crate::stage::{History, Keeping, Verdict, complain, is_over, quietly, scratch};
use crate::workload::Size;

/// What came of kills.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Counts {
    pub(crate) kills: u64,
    /// Kills before the store was open: mostly while it recovered from the kill before.
    pub(crate) while_opening: u64,
    /// Kills between asking for a commit and its return.
    pub(crate) while_committing: u64,
    pub(crate) lost: u64,
    pub(crate) mixed: u64,
    pub(crate) unusable: u64,
    /// A closed span or a snapshot of the store that its archive did not have.
    pub(crate) archive_behind: u64,
}

impl Counts {
    pub(crate) fn bad(&self) -> u64 {
        self.lost + self.mixed + self.unusable + self.archive_behind
    }
}

/// A child that does something wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    NoJournal,
    EarlyAcknowledgement,
}

/// How long one store lives, in blocks and in kills.
const BLOCKS: u64 = 400;
const KILLS: u64 = 60;

/// Kills `kills` times.
pub(crate) fn random(seed: u64, kills: u64) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut at = seed;
    while counts.kills < kills && counts.bad() < 20 && !is_over(60) {
        one_store(at, kills, &[], &mut counts)?;
        at += 1;
    }
    Ok(counts)
}

/// Kills children that must be found out.
pub(crate) fn controls(seed: u64, kills: u64) -> Result<Vec<(Control, Counts)>> {
    let mut found = Vec::new();
    for (control, flag) in [(Control::NoJournal, "--no-journal"), (Control::EarlyAcknowledgement, "--early")] {
        let mut counts = Counts::default();
        let mut at = seed;
        while counts.kills < kills && counts.bad() == 0 {
            quietly(|| one_store(at, kills, &[flag], &mut counts))?;
            at += 1;
        }
        if counts.bad() == 0 {
            bail!("the control {control:?} lost nothing in {} kills: the engine is blind", counts.kills);
        }
        found.push((control, counts));
    }
    Ok(found)
}

struct Heard {
    acknowledged: Option<u64>,
    begun: u64,
    opened: bool,
    reached_end: bool,
}

fn one_store(seed: u64, most: u64, flags: &[&str], counts: &mut Counts) -> Result<()> {
    let (work, looked_at) = (scratch()?, scratch()?);
    let (dir, archive) = (work.path().join("store"), work.path().join("archive"));
    let mut history = History::new(seed, Size::SMALL);
    let mut rng = Rng::derived(seed, 77);
    let mut acknowledged = 0;
    for _ in 0..KILLS {
        if counts.kills >= most || counts.bad() > 3 || is_over(60) {
            break;
        }
        counts.kills += 1;
        let heard = match kill_one(&dir, &archive, seed, flags, &mut rng) {
            Ok(heard) => heard,
            Err(error) => {
                counts.unusable += 1;
                complain(&format!("seed {seed}, kill {}: {error:#}", counts.kills));
                break;
            }
        };
        counts.while_opening += u64::from(!heard.opened);
        counts.while_committing += u64::from(heard.begun > heard.acknowledged.unwrap_or(heard.begun.saturating_sub(1)));
        acknowledged = heard.acknowledged.unwrap_or(acknowledged);
        let begun = heard.begun.max(acknowledged);
        // A copy is looked at, so that the next child recovers by itself.
        let copy = looked_at.path().join("store");
        copy_dir(&dir, &copy)?;
        let keeping = Keeping::of_seed(seed);
        let wrong = match look_at(&copy, &archive, keeping, &mut history, acknowledged..=begun) {
            Ok((Verdict::Sound { height }, behind)) => {
                acknowledged = height;
                counts.archive_behind += u64::from(behind.is_some());
                behind.map(|name| format!("{name} is in the store and not in the archive"))
            }
            Ok((verdict @ Verdict::Mixed { .. }, _)) => {
                counts.mixed += 1;
                Some(format!("{verdict:?}"))
            }
            Ok((verdict, _)) => {
                counts.lost += 1;
                Some(format!("{verdict:?}"))
            }
            Err(error) => {
                counts.unusable += 1;
                Some(format!("{error:#}"))
            }
        };
        if let Some(wrong) = wrong {
            if counts.bad() <= 3 {
                complain(&format!("seed {seed}, kill {}: {wrong}", counts.kills));
            }
            // What follows would only say the same again.
            break;
        }
        if heard.reached_end || acknowledged >= BLOCKS {
            break;
        }
    }
    Ok(())
}

fn kill_one(dir: &Path, archive: &Path, seed: u64, flags: &[&str], rng: &mut Rng) -> Result<Heard> {
    fs::create_dir_all(dir)?;
    let mut command = program("blocks")?;
    command.arg("--dir").arg(dir).arg("--archive").arg(archive).args(["--seed", &seed.to_string()]);
    command.args(["--until", &(BLOCKS + 50).to_string()]).args(flags);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().context("could not start the child")?;
    let mut out = BufReader::new(child.stdout.take().context("the child has no output")?);
    let mut text = String::new();
    out.read_line(&mut text)?;
    // Every third very soon, while it opens and recovers.
    let most = if rng.chance(33) { 800 } else { 16_000 };
    std::thread::sleep(Duration::from_micros(rng.below(most)));
    child.kill()?;
    out.read_to_string(&mut text)?;
    let mut said = String::new();
    child.stderr.take().context("the child has no errors")?.read_to_string(&mut said)?;
    let status = child.wait()?;
    let mut heard = Heard { acknowledged: None, begun: 0, opened: false, reached_end: status.success() };
    for line in text.lines() {
        match line.split_once(' ') {
            Some(("ack", height)) => heard.acknowledged = Some(height.parse()?),
            Some(("begin", height)) => heard.begun = height.parse()?,
            Some(("opened", _)) => heard.opened = true,
            _ => {}
        }
    }
    if heard.acknowledged.is_none() && heard.begun > 0 {
        heard.acknowledged = Some(heard.begun - 1);
    }
    if !status.success() && std::os::unix::process::ExitStatusExt::signal(&status).is_none() {
        bail!("the child failed by itself ({status}) after {:?}: {said}", text.lines().last());
    }
    Ok(heard)
}
