//! Cutting the power after each entry of a log.

use std::fmt;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use anyhow::{Result, anyhow};
use swing_core::session::store_file;
use swing_core::testing::suite::Op;
use swing_store::Store;

use super::disk::{Disk, Image, Loss, image_of, lay_out};
use crate::dump::{Dump, insist_on_row_digests};
use crate::rng::Rng;
use crate::stage::{History, Keeping, Verdict, complain, is_over, judge, play};
use crate::vfs::{Beside, Event, Mark, mark, record, stop_recording};

/// How many states there were, and what was wrong with how many of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Counts {
    pub(crate) states: u64,
    /// States that come from a second loss of power, while a store recovers from a first one.
    pub(crate) during_recovery: u64,
    /// States that come from a loss of power during an import.
    pub(crate) during_import: u64,
    /// An acknowledged block was gone.
    pub(crate) lost: u64,
    /// What was there was no block's state.
    pub(crate) mixed: u64,
    /// The store could not be opened, or was damaged.
    pub(crate) unusable: u64,
}

impl Counts {
    pub(crate) fn bad(&self) -> u64 {
        self.lost + self.mixed + self.unusable
    }
}

/// When the log is copied into the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passes {
    /// Behind the commits that find it long enough, before anything else.
    AtCommits,
    /// After every so many writes and flushes, by another connection. A control does not flush what it copies.
    Anywhere { every: u64, flushed: bool },
}

/// The blocks of a run, and what each height holds.
pub(super) struct Script<'s> {
    pub(super) seed: u64,
    pub(super) blocks: &'s [(u64, Vec<Op>)],
    pub(super) history: &'s mut History,
    pub(super) keeping: Keeping,
    /// Stop after so many states.
    pub(super) most: u64,
    /// How much may be found wrong before the run is given up.
    pub(super) patience: u64,
}

/// What is done with a store that is opened on what is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    AtRows,
    /// And whether their digest is theirs, which takes as long as all the rest.
    AtDigestToo,
    /// Then it is used for a block, whose log is explored.
    AndUse,
}

/// A log and what the disk held before it.
pub(super) struct Log {
    pub(super) begin: Image,
    pub(super) events: Vec<Event>,
    /// The height that was acknowledged before it.
    pub(super) acknowledged: u64,
    pub(super) depth: u32,
}

/// A moment at which the power goes, and what is left.
pub(super) struct Cut<'l> {
    pub(super) entry: usize,
    pub(super) event: &'l Event,
    pub(super) loss: Loss,
    pub(super) image: Image,
    /// The last height that was acknowledged by then, and the last whose commit had been asked for.
    pub(super) acknowledged: u64,
    pub(super) begun: u64,
}

impl Log {
    /// Cuts the power after each entry, in every way that makes a difference, until `look` has seen enough.
    pub(super) fn cuts(
        &self,
        rng: &mut Rng,
        mut look: impl FnMut(Cut<'_>, &mut Rng) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let mut disk = Disk::holding(&self.begin);
        let (mut acknowledged, mut begun) = (self.acknowledged, self.acknowledged);
        let mut flushed_since = true;
        for (entry, event) in self.events.iter().enumerate() {
            disk.apply(event);
            match event {
                Event::Mark(Mark::Begin(height)) => begun = *height,
                Event::Mark(Mark::Ack(height)) => acknowledged = *height,
                Event::Sync { .. } | Event::Delete { .. } | Event::Flush { .. } | Event::FlushNames => {
                    flushed_since = true;
                }
                _ => {}
            }
            if matches!(event, Event::Mark(_)) && disk.pending() > 0 {
                // The same states as before it; only what is allowed has changed, and the next entry shows that.
                flushed_since |= matches!(event, Event::Mark(Mark::Ack(_)));
                continue;
            }
            for loss in Loss::ALL {
                let differs = match (disk.pending(), loss) {
                    (0, Loss::None) => true,
                    (0, _) => false,
                    // Until something is flushed there is one such state.
                    (_, Loss::All) => std::mem::take(&mut flushed_since),
                    (1, Loss::Some) => false,
                    _ => true,
                };
                if !differs {
                    continue;
                }
                // Of a file that takes another's place it matters which names are there and which are not, in all combinations.
                let tries = if matches!(event, Event::Rename { .. }) && loss.is_random() { 16 } else { 1 };
                for _ in 0..tries {
                    let image = disk.cut(loss, rng);
                    if look(Cut { entry, event, loss, image, acknowledged, begun }, rng)?.is_break() {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }
}

impl Script<'_> {
    fn done(&self, counts: &Counts) -> bool {
        counts.states >= self.most || counts.bad() >= self.patience || is_over(100)
    }

    /// Looks at what is left whenever the power may go.
    pub(super) fn explore(&mut self, log: &Log, dir: &Path, counts: &mut Counts) -> Result<()> {
        let mut rng = Rng::derived(self.seed, 0x1000 + u64::from(log.depth));
        log.cuts(&mut rng, |cut, rng| {
            if self.done(counts) {
                return Ok(ControlFlow::Break(()));
            }
            let again = log.depth == 0 && rng.below(400) == 0;
            counts.states += 1;
            counts.during_recovery += u64::from(log.depth > 0);
            let look = match counts.states % 4 {
                _ if again => Look::AndUse,
                0 => Look::AtDigestToo,
                _ => Look::AtRows,
            };
            let allowed = cut.acknowledged..=cut.begun;
            let looked = catch_unwind(AssertUnwindSafe(|| self.look(&cut.image, dir, allowed, look)));
            let (verdict, next) = looked
                .unwrap_or_else(|_| Err(anyhow!("it panicked")))
                .map_or_else(|error| (Err(error), None), |(verdict, next)| (Ok(verdict), next));
            let shown = match verdict {
                Ok(Verdict::Sound { .. }) => None,
                Ok(Verdict::Mixed { height, difference }) => {
                    counts.mixed += 1;
                    Some(format!("height {height} is mixed: {difference}"))
                }
                Ok(other) => {
                    counts.lost += 1;
                    Some(format!("{other:?}"))
                }
                Err(error) => {
                    counts.unusable += 1;
                    Some(format!("{error:#}"))
                }
            };
            if let Some(shown) = shown.filter(|_| counts.bad() <= 3) {
                complain(&format!("seed {}, depth {}, {cut}: {shown}", self.seed, log.depth));
            }
            if let Some(next) = next {
                self.explore(&next, dir, counts)?;
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Opens the store on what is left.
    fn look(
        &mut self,
        image: &Image,
        dir: &Path,
        allowed: std::ops::RangeInclusive<u64>,
        look: Look,
    ) -> Result<(Verdict, Option<Log>)> {
        lay_out(image, dir)?;
        if look == Look::AndUse {
            record();
        }
        let opened = Store::open(dir, self.keeping.options(None)?);
        let mut store = match opened {
            Ok(store) => store,
            Err(error) => {
                stop_recording();
                return Err(error.into());
            }
        };
        let verdict = Dump::of_store(dir).and_then(|found| judge(&found, self.history, allowed));
        if look == Look::AtDigestToo && matches!(verdict, Ok(Verdict::Sound { .. })) {
            insist_on_row_digests(dir)?;
        }
        let mut next = None;
        if look == Look::AndUse {
            if let Ok(Verdict::Sound { height }) = verdict {
                let index = usize::try_from(height)?;
                if let Some((height, ops)) = self.blocks.get(index) {
                    play(&mut store, *height, ops)?;
                    mark(Mark::Begin(*height));
                    play(&mut store, *height, &[Op::Commit])?;
                    mark(Mark::Ack(*height));
                }
                store.close()?;
                next = Some(Log { begin: image.clone(), events: stop_recording(), acknowledged: height, depth: 1 });
            } else {
                stop_recording();
            }
        }
        Ok((verdict?, next))
    }
}

impl fmt::Display for Cut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "after entry {} ({}), {:?}", self.entry, name(self.event), self.loss)
    }
}

fn name(event: &Event) -> String {
    match event {
        Event::Create { file } => format!("create {file}"),
        Event::Write { file, at, bytes } => format!("write {file} {at}+{}", bytes.len()),
        Event::Truncate { file, size } => format!("truncate {file} to {size}"),
        Event::Sync { file } | Event::Flush { file } => format!("flush {file}"),
        Event::FlushNames => "flush the directory".to_owned(),
        Event::Rename { from, to } => format!("rename {from} to {to}"),
        Event::Delete { file, .. } => format!("delete {file}"),
        Event::Mark(mark) => format!("{mark:?}"),
    }
}

/// The log of a run: from nothing, or from a store that is there.
pub(super) fn log_of_run(
    dir: &Path,
    keeping: Keeping,
    blocks: &[(u64, Vec<Op>)],
    reopen_every: usize,
    passes: Passes,
) -> Result<Log> {
    let begin = image_of(dir)?;
    record();
    let run = || -> Result<()> {
        for blocks in blocks.chunks(reopen_every) {
            let mut store = Store::open(dir, keeping.options(None)?)?;
            let beside = match passes {
                Passes::AtCommits => None,
                Passes::Anywhere { every, flushed } => Some(Beside::begin(&store_file(dir), every, flushed)?),
            };
            for (height, ops) in blocks {
                play(&mut store, *height, ops)?;
                mark(Mark::Begin(*height));
                play(&mut store, *height, &[Op::Commit])?;
                mark(Mark::Ack(*height));
                if let Some(beside) = beside.as_ref().filter(|_| height % 3 == 1) {
                    // All that there is, so that the log begins anew.
                    beside.pass();
                }
            }
            drop(beside);
            store.close()?;
        }
        Ok(())
    };
    let ran = run();
    let events = stop_recording();
    ran?;
    Ok(Log { begin, events, acknowledged: 0, depth: 0 })
}
