//! A store and the model of it, played the same blocks.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use swing_archive::DirectoryArchive;
use swing_core::testing::Retention;
use swing_core::testing::model::{Model, ModelOptions};
use swing_core::testing::suite::{End, Op, Outcome, call_host, call_kernel};
use swing_store::{Options, SnapshotRetention, Store, TranscriptRetention};

use crate::dump::Dump;
use crate::workload::{Plan, Size};

/// What a store keeps of what is past. One of four, chosen by the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keeping {
    snapshots: Retention,
    transcripts: Retention,
}

impl Keeping {
    pub(crate) fn of_seed(seed: u64) -> Self {
        let keep = |bit: u64| if seed >> bit & 1 == 0 { Retention::Drop } else { Retention::Keep };
        Self { snapshots: keep(0), transcripts: keep(1) }
    }

    /// Options for a store that keeps so much, has a callback that works, and archives to `archive` if there is one.
    pub(crate) fn options(self, archive: Option<&Path>) -> Result<Options> {
        let mut options = Options {
            export_callback: Some(Box::new(|_| Ok(()))),
            keep_snapshots: match self.snapshots {
                Retention::Keep => SnapshotRetention::All,
                Retention::Drop => SnapshotRetention::InUse,
            },
            keep_transcripts: match self.transcripts {
                Retention::Keep => TranscriptRetention::Keep,
                Retention::Drop => TranscriptRetention::Drop,
            },
            cache_bytes: 1 << 16,
            ..Options::default()
        };
        if let Some(archive) = archive {
            let archive = DirectoryArchive::open(archive)?;
            options.archive_snapshot = Some(Box::new(archive.clone()));
            options.archive_transcript = Some(Box::new(archive));
        }
        Ok(options)
    }

    pub(crate) fn model(self) -> Model {
        Model::new(ModelOptions {
            export_callback: Some(Box::new(|_| Ok(()))),
            keep_snapshots: self.snapshots,
            keep_transcripts: self.transcripts,
        })
    }
}

/// Makes a call on a store.
pub(crate) fn on_store(store: &mut Store, op: &Op) -> Outcome {
    match op {
        Op::Kv(End::Host, _) | Op::Commit => call_host(store.host(), op),
        op => call_kernel(store.kernel(), op),
    }
}

/// Makes a call on the model.
pub(crate) fn on_model(model: &mut Model, op: &Op) -> Outcome {
    match op {
        Op::Kv(End::Host, _) | Op::Commit => call_host(model.host(), op),
        op => call_kernel(model.kernel(), op),
    }
}

/// Plays a block on a store, without its commit. Every call has to succeed.
pub(crate) fn play(store: &mut Store, height: u64, ops: &[Op]) -> Result<()> {
    for op in ops {
        on_store(store, op)
            .map_err(|refusal| anyhow!("{}", refusal.0))
            .with_context(|| format!("block {height}: {op:?}"))?;
    }
    Ok(())
}

/// The model, played as far as is asked for: what each height holds.
pub(crate) struct History {
    plan: Plan,
    model: Model,
    /// What the last heights hold; the last entry is of `height`.
    recent: Vec<Dump>,
    height: u64,
}

impl History {
    pub(crate) fn new(seed: u64, size: Size) -> Self {
        let model = Keeping::of_seed(seed).model();
        let recent = vec![Dump::of_model(&model)];
        Self { plan: Plan::new(seed, size), model, recent, height: 0 }
    }

    /// What a store holds at `height`. One cannot go far back.
    pub(crate) fn at(&mut self, height: u64) -> Result<&Dump> {
        while self.height < height {
            let (next, ops) = self.plan.next_block();
            for op in ops.iter().chain([&Op::Commit]) {
                if let Err(refusal) = on_model(&mut self.model, op) {
                    bail!("the model refuses {op:?} in block {next}: {}", refusal.0);
                }
            }
            self.recent.push(Dump::of_model(&self.model));
            self.height = next;
            if self.recent.len() > 512 {
                self.recent.drain(..256);
            }
        }
        let back = usize::try_from(self.height - height)?;
        ensure!(back < self.recent.len(), "height {height} is long past ({})", self.height);
        Ok(&self.recent[self.recent.len() - 1 - back])
    }
}

/// Says what is wrong with what a store holds, if it is not exactly what one of the heights in `allowed` holds.
pub(crate) fn judge(found: &Dump, history: &mut History, allowed: std::ops::RangeInclusive<u64>) -> Result<Verdict> {
    let height = found.height();
    if height < *allowed.start() {
        return Ok(Verdict::Lost { height, acknowledged: *allowed.start() });
    }
    if height > *allowed.end() {
        return Ok(Verdict::FromNowhere { height });
    }
    let expected = history.at(height)?;
    if found == expected {
        return Ok(Verdict::Sound { height });
    }
    Ok(Verdict::Mixed { height, difference: found.difference(expected) })
}

/// What is to be said of a store that could be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Sound {
        height: u64,
    },
    /// Less than was acknowledged.
    Lost {
        height: u64,
        acknowledged: u64,
    },
    /// More than was begun.
    FromNowhere {
        height: u64,
    },
    /// Not what its own height holds.
    Mixed {
        height: u64,
        difference: String,
    },
}

static CLOCK: OnceLock<(Instant, Duration)> = OnceLock::new();

/// Ends every engine after so many seconds, wherever it is by then.
pub(crate) fn limit(seconds: u64) {
    CLOCK.get_or_init(|| (Instant::now(), Duration::from_secs(seconds)));
}

/// Whether this share of the time, in hundredths, is over.
pub(crate) fn is_over(share: u32) -> bool {
    CLOCK.get().is_some_and(|(begin, limit)| begin.elapsed() > *limit * share / 100)
}

static QUIET: AtomicBool = AtomicBool::new(false);

/// Runs something that is meant to find much wrong, without a line for each.
pub(crate) fn quietly<T>(run: impl FnOnce() -> T) -> T {
    QUIET.store(true, Ordering::SeqCst);
    let done = run();
    QUIET.store(false, Ordering::SeqCst);
    done
}

/// Says what was found wrong, and how to see it again.
pub(crate) fn complain(text: &str) {
    if !QUIET.load(Ordering::SeqCst) {
        let shown: String = text.chars().take(600).collect();
        println!("  {shown}");
    }
}

/// A directory to work in: in memory where there is such a file system, since what is flushed is known by other means.
pub(crate) fn scratch() -> Result<tempfile::TempDir> {
    let memory = Path::new("/dev/shm");
    let builder = tempfile::Builder::new();
    match builder.tempdir_in(memory) {
        Ok(dir) => Ok(dir),
        Err(_) => Ok(builder.tempdir()?),
    }
}
