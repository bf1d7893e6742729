//! Loss of power while an import takes the place of a store.
//!
//! Half of what an import does SQLite knows nothing of: it flushes the new file and the old store's log, moves the one over the
//! store, and flushes the directory before and after. So the log is made of system calls here: the program is stopped after each,
//! and what has changed is found by looking at the files.

use std::ops::{ControlFlow, Range};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use fs_err as fs;

use super::disk::{Image, image_of, lay_out};
use super::explore::{Counts, Log};
use crate::kill::{Scenario, Staged};
use crate::rng::Rng;
use crate::stage::{complain, is_over, quietly, scratch};
use crate::trace::{Action, Call, Ended, Phase, trace};
use crate::vfs::{Event, Mark};

/// With ever more of the old store in the way: its file, its log, somebody who reads the log and keeps a first commit out.
const SCENARIOS: [Scenario; 3] = [Scenario::ImportOverClosed, Scenario::ImportOverKilled, Scenario::ImportRefused];
const STORE: &str = "swingstore.sqlite";
const STAGED: &str = "swingstore.sqlite-import";
const WAL: &str = "swingstore.sqlite-wal";
/// What a system writes back by itself. A write to several pages is told as several.
const PAGE: usize = 4096;

/// A flush of the importer's that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeftOut {
    /// That of the new store's file.
    NewStore,
    /// Those by which it is durable that the old log is gone, before the move.
    OldLog,
    /// That of the directory, after the move.
    Move,
}

impl LeftOut {
    const ALL: [Self; 3] = [Self::NewStore, Self::OldLog, Self::Move];

    /// Takes them out of a log.
    fn of(self, events: &mut Vec<Event>) -> Result<()> {
        let moved = events.iter().position(|event| matches!(event, Event::Rename { to, .. } if **to == *STORE));
        let moved = moved.context("nothing is moved over the store")?;
        // What was flushed of the old store before is not the importer's.
        let begun = events.iter().position(|event| matches!(event, Event::Mark(Mark::Begin(_)))).unwrap_or(0);
        let (before, all) = (events.len(), events.drain(..).enumerate().collect::<Vec<_>>());
        let is_left_out = |at: usize, event: &Event| match (self, event) {
            (Self::NewStore, Event::Flush { file }) => **file == *STAGED,
            (Self::OldLog, Event::Flush { file }) => (begun..moved).contains(&at) && **file == *WAL,
            (Self::OldLog, Event::FlushNames) => (begun..moved).contains(&at),
            (Self::Move, Event::FlushNames) => at > moved,
            _ => false,
        };
        events.extend(all.into_iter().filter(|(at, event)| !is_left_out(*at, event)).map(|(_, event)| event));
        ensure!(events.len() < before, "{self:?}: there is no such flush");
        Ok(())
    }
}

/// Cuts the power of imports over stores.
pub(super) fn imports(seeds: Range<u64>, counts: &mut Counts) -> Result<()> {
    for (seed, scenario) in seeds.flat_map(|seed| SCENARIOS.map(|scenario| (seed, scenario))) {
        if !is_over(100) {
            one(scenario, seed, None, counts)?;
        }
    }
    Ok(())
}

/// Imports that must be found out.
pub(crate) fn import_controls(seed: u64) -> Result<Vec<(LeftOut, Counts)>> {
    let mut found = Vec::new();
    for left_out in LeftOut::ALL {
        let mut counts = Counts::default();
        quietly(|| one(Scenario::ImportRefused, seed, Some(left_out), &mut counts))?;
        if counts.bad() == 0 {
            bail!("without the flush {left_out:?} nothing was lost in {} states: the engine is blind", counts.states);
        }
        found.push((left_out, counts));
    }
    Ok(found)
}

fn one(scenario: Scenario, seed: u64, left_out: Option<LeftOut>, counts: &mut Counts) -> Result<()> {
    let place = scratch()?;
    let mut staged = Staged::new(scenario, seed, place.path())?;
    let mut log = log_of_import(&staged)?;
    if let Some(left_out) = left_out {
        left_out.of(&mut log.events)?;
    }
    let dir = staged.work.join("store");
    log.cuts(&mut Rng::derived(seed, 0x2000), |cut, _| {
        if is_over(100) {
            return Ok(ControlFlow::Break(()));
        }
        counts.states += 1;
        counts.during_import += 1;
        let said = |height: u64| (height > 0).then_some(height);
        let acknowledged = said(cut.acknowledged);
        let looked = catch_unwind(AssertUnwindSafe(|| {
            lay_out(&cut.image, &dir)?;
            staged.check(said(cut.begun), acknowledged)
        }));
        let wrong = match looked.unwrap_or_else(|_| Err(anyhow!("it panicked"))) {
            Ok(None) => return Ok(ControlFlow::Continue(())),
            Ok(Some(wrong)) => {
                let count = if acknowledged.is_some() { &mut counts.lost } else { &mut counts.mixed };
                *count += 1;
                wrong
            }
            Err(error) => {
                counts.unusable += 1;
                format!("{error:#}")
            }
        };
        if counts.bad() <= 3 {
            complain(&format!("seed {seed}, {scenario:?}, {cut}: {wrong}"));
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// What an import does to the files in the store's directory.
fn log_of_import(staged: &Staged) -> Result<Log> {
    staged.reset()?;
    let dir = fs::canonicalize(staged.work.join("store"))?;
    let begin = image_of(&dir)?;
    let mut watch = Watch { dir, seen: begin.clone(), events: Vec::new(), refusals: 0 };
    let mut failed = None;
    let ended = trace(&mut staged.command()?, |phase, call, answer| {
        if phase == Phase::After && answer >= 0 && failed.is_none() {
            failed = watch.take(call).err();
        }
        Action::Continue
    })?;
    failed.map_or(Ok(()), Err)?;
    ensure!(ended == Ended::Exited(0), "{:?} ends by itself: {ended:?}", staged.scenario);
    ensure!(watch.refusals == u64::from(staged.scenario == Scenario::ImportRefused), "{} refusals", watch.refusals);
    Ok(Log { begin, events: watch.events, acknowledged: 0, depth: 0 })
}

/// What the files were like when they were last looked at, and what has become of them since.
struct Watch {
    dir: PathBuf,
    seen: Image,
    events: Vec<Event>,
    /// How often a commit was refused that could be asked for again.
    refusals: u64,
}

impl Watch {
    fn take(&mut self, call: &Call) -> Result<()> {
        match call {
            Call::Create(path) => {
                if let Some(file) = self.name(path).filter(|file| !self.seen.contains_key(file)) {
                    self.seen.insert(file.clone(), Vec::new());
                    self.events.push(Event::Create { file });
                }
            }
            Call::Write(path) | Call::Lengthen(path) | Call::Begin(path) | Call::Truncate(path) => {
                self.compare(path)?;
            }
            Call::Flush(path) if *path == self.dir => self.events.push(Event::FlushNames),
            Call::Flush(path) => self.events.extend(self.name(path).map(|file| Event::Flush { file })),
            Call::Rename { from, to } => {
                if let (Some(from), Some(to)) = (self.name(from), self.name(to)) {
                    let content = self.seen.remove(&from).with_context(|| format!("{from} comes from nowhere"))?;
                    self.seen.insert(to.clone(), content);
                    self.events.push(Event::Rename { from, to });
                }
            }
            Call::Unlink(path) => {
                if let Some(file) = self.name(path) {
                    self.seen.remove(&file);
                    self.events.push(Event::Delete { file, synced: false });
                }
            }
            Call::MakeDir(_) => {}
            Call::Say(text) => match text.split_once(' ') {
                Some(("begin", height)) => self.events.push(Event::Mark(Mark::Begin(height.parse()?))),
                Some(("ack", height)) => self.events.push(Event::Mark(Mark::Ack(height.parse()?))),
                Some(("again", _)) => self.refusals += 1,
                _ => {}
            },
        }
        Ok(())
    }

    /// The name of a file that is there after a loss of power.
    fn name(&self, path: &Path) -> Option<Arc<str>> {
        let name = path.file_name()?.to_str()?;
        let passes = ["-shm", "-lock", " (deleted)"].iter().any(|end| name.ends_with(end));
        (path.parent() == Some(&*self.dir) && !passes).then(|| name.into())
    }

    /// Writes down how a file differs from what it was.
    fn compare(&mut self, path: &Path) -> Result<()> {
        let Some(file) = self.name(path) else { return Ok(()) };
        let now = fs::read(path)?;
        let before = self.seen.entry(file.clone()).or_default();
        if now.len() < before.len() {
            before.truncate(now.len());
            self.events.push(Event::Truncate { file: file.clone(), size: now.len() });
        }
        for (page, now) in now.chunks(PAGE).enumerate() {
            let before = before.get(page * PAGE..).unwrap_or_default();
            let differs = |at: &usize| before.get(*at) != Some(&now[*at]);
            let Some(first) = (0..now.len()).find(differs) else { continue };
            let last = (first..now.len()).rfind(differs).unwrap_or(first);
            let (at, bytes) = (page * PAGE + first, now[first..=last].into());
            self.events.push(Event::Write { file: file.clone(), at, bytes });
        }
        *before = now;
        Ok(())
    }
}
