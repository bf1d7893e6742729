//! Makes the calls of a trace to a store of ours, and times them.

use std::collections::VecDeque;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};
use swing_core::roles::{BundleStore as _, HostStorage as _, KernelStorage as _, KvStore as _};
use swing_core::roles::{SnapStore as _, TranscriptStore as _};
use swing_core::{Budget, BundleId, Position, VatId};
use swing_store::{ExportCallback, Options, SnapshotRetention, Store, TranscriptRetention};

use super::Checking;
use super::answer::{self, Answer};
use super::blobs::{self, Blobs};
use super::line::{Arguments, Batch, Opened, Opening, Text};
use super::op::Op;
use super::tally::Tally;

const CHUNK: usize = 1 << 20;

/// What the export callback got, in the words of a trace.
#[derive(Default)]
struct Callback {
    batches: VecDeque<Batch<String>>,
    buffer: Vec<u8>,
    /// Time that the callback itself took, which is not the store's.
    spent: Duration,
}

/// A store that a trace is played to.
pub(super) struct Player {
    dir: PathBuf,
    blobs: Blobs,
    checking: Checking,
    store: Option<Store>,
    callback: Arc<Mutex<Callback>>,
    pub(super) tally: Tally,
    /// The last one that the store told.
    pub(super) activityhash: String,
}

/// Times a call and nothing else.
macro_rules! timed {
    ($tally:expr, $op:expr, $call:expr) => {{
        let start = Instant::now();
        let answer = $call;
        let took = start.elapsed();
        $tally.count($op, took);
        answer
    }};
}

impl Player {
    pub(super) fn new(dir: PathBuf, blobs: PathBuf, checking: Checking) -> Self {
        let blobs = Blobs { dir: blobs };
        let callback = Arc::default();
        Self { dir, blobs, checking, store: None, callback, tally: Tally::default(), activityhash: String::new() }
    }

    /// Makes a call. The inner result is the store's own.
    ///
    /// # Errors
    /// When what the trace refers to cannot be read.
    pub(super) fn perform(&mut self, op: Op, arguments: &Arguments<'_>) -> Result<Result<Answer>> {
        let blob = match (op, arguments) {
            (Op::SaveSnapshot, Arguments::Snapshot(_, _, hash)) | (Op::AddBundle, Arguments::Two(_, hash)) => {
                Some(self.blobs.get(hash)?)
            }
            _ => None,
        };
        Ok(self.call(op, arguments, blob.unwrap_or_default()))
    }

    /// What the export callback got since it was last asked for, oldest first.
    pub(super) fn next_batch(&mut self) -> Option<Batch<String>> {
        self.lock().batches.pop_front()
    }

    /// Abandons what is not committed.
    pub(super) fn close(&mut self) -> Result<()> {
        self.store.take().map_or(Ok(()), |store| Ok(store.close()?))
    }

    fn call(&mut self, op: Op, arguments: &Arguments<'_>, blob: Vec<u8>) -> Result<Answer> {
        match (op, arguments) {
            (Op::Open, Arguments::Open(opening, opened)) => return self.open(*opening, *opened),
            (Op::Close, _) => {
                let store = self.store.take().context("no store is open")?;
                timed!(self.tally, op, store.close())?;
                return Ok(Answer::Nothing);
            }
            _ => {}
        }
        let store = self.store.as_mut().context("no store is open")?;
        let tally = &mut self.tally;
        let done = match (op, arguments) {
            (Op::Commit, _) => timed!(tally, op, store.host().commit()).map(|()| Answer::Nothing)?,
            (Op::EndCrank, _) => timed!(tally, op, store.kernel().end_crank()).map(|()| Answer::Nothing)?,
            (_, Arguments::None) => crank(store, tally, op, "")?,
            (Op::Savepoint | Op::Rollback, Arguments::One(name)) => crank(store, tally, op, name)?,
            (Op::AddBundle, Arguments::Two(id, _)) => {
                let (id, bundle) = (BundleId::parse(id)?, blobs::bundle(blob)?);
                timed!(tally, op, store.kernel().bundles().add_bundle(&id, &bundle))?;
                Answer::Nothing
            }
            (Op::HasBundle | Op::GetBundle | Op::DeleteBundle, Arguments::One(id)) => bundle(store, tally, op, id)?,
            (Op::AddItem, Arguments::Two(vat, item)) => {
                let vat = VatId::parse(vat)?;
                timed!(tally, op, store.kernel().transcripts().add_item(&vat, item))?;
                Answer::Nothing
            }
            (_, Arguments::Two(key, value)) => set(store, tally, op, key, value)?,
            (_, Arguments::Number(vat, number)) => numbered(store, tally, op, &VatId::parse(vat)?, *number)?,
            (_, Arguments::Snapshot(vat, position, _)) => {
                let (vat, position) = (VatId::parse(vat)?, self::position(*position)?);
                let saved =
                    timed!(tally, op, store.kernel().snapshots().save_snapshot(&vat, position, &mut &blob[..]))?;
                Answer::Saved(saved)
            }
            (Op::LoadSnapshot, Arguments::One(vat)) => load(store, tally, &VatId::parse(vat)?, self.checking)?,
            (
                Op::KernelGet
                | Op::KernelHas
                | Op::KernelNext
                | Op::KernelDelete
                | Op::HostGet
                | Op::HostHas
                | Op::HostNext
                | Op::HostDelete,
                Arguments::One(key),
            ) => get(store, tally, op, key)?,
            (_, Arguments::One(vat)) => of_vat(store, tally, op, &VatId::parse(vat)?)?,
            (_, Arguments::Open(..)) => anyhow::bail!("{:?} does not open a store", op.letters()),
        };
        match &done {
            Answer::Hashes(hashes) => self.activityhash = hashes.activityhash.to_string(),
            Answer::Activityhash(hash) => self.activityhash.clone_from(hash),
            _ => {}
        }
        if matches!(op, Op::Commit | Op::EndCrank) {
            let spent = std::mem::take(&mut self.lock().spent);
            self.tally.take_back(op, spent);
        }
        Ok(done)
    }

    fn open(&mut self, opening: Opening, opened: Opened) -> Result<Answer> {
        self.close()?;
        let Opened { keep_transcripts, keep_snapshots, export_callback } = opened;
        let options = Options {
            export_callback: export_callback.then(|| self.callback()),
            keep_transcripts: if keep_transcripts { TranscriptRetention::Keep } else { TranscriptRetention::Drop },
            keep_snapshots: if keep_snapshots { SnapshotRetention::All } else { SnapshotRetention::InUse },
            ..Options::default()
        };
        let store = match opening {
            Opening::Init => timed!(self.tally, Op::Open, Store::init(&self.dir, options))?,
            Opening::Open => timed!(self.tally, Op::Open, Store::open(&self.dir, options))?,
        };
        self.store = Some(store);
        Ok(Answer::Nothing)
    }

    fn callback(&self) -> ExportCallback {
        if self.checking != Checking::Everything {
            return Box::new(|_| Ok(()));
        }
        let shared = Arc::clone(&self.callback);
        Box::new(move |entries| {
            let start = Instant::now();
            let callback = &mut *shared.lock().unwrap_or_else(PoisonError::into_inner);
            callback.batches.push_back(answer::batch(entries, &mut callback.buffer)?);
            callback.spent += start.elapsed();
            Ok(())
        })
    }

    fn lock(&self) -> MutexGuard<'_, Callback> {
        self.callback.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn position(number: u64) -> Result<Position> {
    Position::new(number).context("the position is beyond 2^53 - 1")
}

fn crank(store: &mut Store, tally: &mut Tally, op: Op, name: &str) -> Result<Answer> {
    let mut kernel = store.kernel();
    Ok(match op {
        Op::StartCrank => timed!(tally, op, kernel.start_crank()).map(|()| Answer::Nothing)?,
        Op::Savepoint => timed!(tally, op, kernel.establish_crank_savepoint(name)).map(|()| Answer::Nothing)?,
        Op::Rollback => timed!(tally, op, kernel.rollback_crank(name)).map(|()| Answer::Nothing)?,
        Op::EmitHashes => Answer::Hashes(timed!(tally, op, kernel.emit_crank_hashes())?),
        Op::Activityhash => Answer::Activityhash(timed!(tally, op, kernel.activityhash())?),
        // The one that is left: deleteAllUnusedSnapshots.
        _ => timed!(tally, op, kernel.snapshots().delete_all_unused_snapshots()).map(|()| Answer::Nothing)?,
    })
}

fn get(store: &mut Store, tally: &mut Tally, op: Op, key: &str) -> Result<Answer> {
    Ok(match op {
        Op::KernelGet => Answer::Value(timed!(tally, op, store.kernel().kv().get(key))?),
        Op::KernelHas => Answer::Flag(timed!(tally, op, store.kernel().kv().has(key))?),
        Op::KernelNext => Answer::Key(timed!(tally, op, store.kernel().kv().get_next_key(key))?),
        Op::KernelDelete => timed!(tally, op, store.kernel().kv().delete(key)).map(|()| Answer::Nothing)?,
        Op::HostGet => Answer::Value(timed!(tally, op, store.host().kv().get(key))?),
        Op::HostHas => Answer::Flag(timed!(tally, op, store.host().kv().has(key))?),
        Op::HostNext => Answer::Key(timed!(tally, op, store.host().kv().get_next_key(key))?),
        _ => timed!(tally, op, store.host().kv().delete(key)).map(|()| Answer::Nothing)?,
    })
}

fn set(store: &mut Store, tally: &mut Tally, op: Op, key: &Text<'_>, value: &Text<'_>) -> Result<Answer> {
    match op {
        Op::KernelSet => timed!(tally, op, store.kernel().kv().set(key, value))?,
        _ => timed!(tally, op, store.host().kv().set(key, value))?,
    }
    Ok(Answer::Nothing)
}

fn bundle(store: &mut Store, tally: &mut Tally, op: Op, id: &str) -> Result<Answer> {
    let id = BundleId::parse(id)?;
    let mut kernel = store.kernel();
    Ok(match op {
        Op::HasBundle => Answer::Flag(timed!(tally, op, kernel.bundles().has_bundle(&id))?),
        Op::GetBundle => Answer::Bundle(timed!(tally, op, kernel.bundles().get_bundle(&id))?),
        _ => timed!(tally, op, kernel.bundles().delete_bundle(&id)).map(|()| Answer::Nothing)?,
    })
}

fn of_vat(store: &mut Store, tally: &mut Tally, op: Op, vat: &VatId) -> Result<Answer> {
    let mut kernel = store.kernel();
    Ok(match op {
        Op::InitTranscript => timed!(tally, op, kernel.transcripts().init_transcript(vat)).map(|()| Answer::Nothing)?,
        Op::SpanBounds => Answer::Bounds(timed!(tally, op, kernel.transcripts().current_span_bounds(vat))?),
        Op::RolloverSpan => Answer::Incarnation(timed!(tally, op, kernel.transcripts().rollover_span(vat))?),
        Op::RolloverIncarnation => {
            Answer::Incarnation(timed!(tally, op, kernel.transcripts().rollover_incarnation(vat))?)
        }
        Op::StopTranscript => {
            timed!(tally, op, kernel.transcripts().stop_using_transcript(vat)).map(|()| Answer::Nothing)?
        }
        Op::SnapshotInfo => Answer::Info(timed!(tally, op, kernel.snapshots().snapshot_info(vat))?),
        _ => timed!(tally, op, kernel.snapshots().stop_using_last_snapshot(vat)).map(|()| Answer::Nothing)?,
    })
}

fn numbered(store: &mut Store, tally: &mut Tally, op: Op, vat: &VatId, number: Option<u64>) -> Result<Answer> {
    let mut kernel = store.kernel();
    let budget = || number.map_or(Some(Budget::Unlimited), Budget::at_most).context("the budget must be at least 1");
    Ok(match op {
        Op::ReadSpan => {
            let start = number.map(position).transpose()?;
            let mut transcripts = kernel.transcripts();
            // With everything that it yields, since that is where the work is.
            let items = timed!(
                tally,
                op,
                transcripts.read_span(vat, start).and_then(|items| items.collect::<Result<Vec<_>, _>>())
            );
            Answer::Items(items?)
        }
        Op::DeleteTranscripts => {
            let budget = budget()?;
            Answer::Cleanup(timed!(tally, op, kernel.transcripts().delete_vat_transcripts(vat, budget))?)
        }
        _ => {
            let budget = budget()?;
            Answer::Cleanup(timed!(tally, op, kernel.snapshots().delete_vat_snapshots(vat, budget))?)
        }
    })
}

/// The stream is read to its end, of which the hashing here is not the store's.
fn load(store: &mut Store, tally: &mut Tally, vat: &VatId, checking: Checking) -> Result<Answer> {
    let mut chunk = vec![0; CHUNK];
    let mut hasher = Sha256::new();
    let mut bytes = 0;
    let mut clock = Instant::now();
    let mut stream = store.kernel().snapshots().load_snapshot(vat)?;
    let mut took = clock.elapsed();
    loop {
        clock = Instant::now();
        let read = stream.read(&mut chunk);
        took += clock.elapsed();
        let read = read?;
        if read == 0 {
            break;
        }
        bytes += read as u64;
        if checking == Checking::Everything {
            hasher.update(&chunk[..read]);
        }
    }
    clock = Instant::now();
    drop(stream);
    tally.count(Op::LoadSnapshot, took + clock.elapsed());
    Ok(Answer::Loaded { bytes, hash: hasher.into() })
}
