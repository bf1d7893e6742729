//! Our store in this process, answering as the driver does.

use std::mem::take;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result, anyhow, bail};
use fs_err as fs;
use serde_json::{Value, json};
use swing_archive::DirectoryArchive;
use swing_core::ArtifactMode;
use swing_core::roles::{HostStorage as _, KernelStorage as _, KvStore};
use swing_core::session::{ExportEntry, remove_store_files, store_file};
use swing_store::{History, SnapshotRetention, Store, TranscriptRetention};

use super::answer::{Answer, Batch};
use super::call::{Call, End, How, Options, Place};
use super::player::Player;
use super::{parts, transfer};

/// Our store, or none.
#[derive(Default)]
pub(crate) struct Ours {
    store: Option<Store>,
    host: Arc<Mutex<Host>>,
}

/// What stands behind the export callback.
#[derive(Default)]
struct Host {
    heard: Vec<Batch>,
    refused: Option<Batch>,
    fail_next: bool,
}

impl Host {
    fn take(&mut self, entries: &[ExportEntry]) -> Result<()> {
        let pair = |entry: &ExportEntry| (entry.key.to_string(), entry.value.as_deref().map(str::to_owned));
        let batch = entries.iter().map(pair).collect();
        if take(&mut self.fail_next) {
            self.refused = Some(batch);
            bail!("the export callback failed on purpose");
        }
        self.heard.push(batch);
        Ok(())
    }
}

fn lock(host: &Mutex<Host>) -> MutexGuard<'_, Host> {
    // A panic while it was held is found as a failure of that call.
    host.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Player for Ours {
    fn call(&mut self, place: &Place, call: &Call) -> Result<Answer> {
        let mut answer = Answer::of(self.perform(place, call));
        let mut host = lock(&self.host);
        answer.exports = take(&mut host.heard);
        answer.refused = host.refused.take();
        Ok(answer)
    }

    fn close(&mut self) -> Result<()> {
        lock(&self.host).fail_next = false;
        match self.store.take() {
            Some(store) => Ok(store.close()?),
            None => Ok(()),
        }
    }

    /// This process goes on, so the files are put back to what they were before it closed them.
    fn kill(&mut self, place: &Place) -> Result<()> {
        let file = store_file(&place.dir);
        let wal = file.with_extension("sqlite-wal");
        let (saved, saved_wal) = (file.with_extension("saved"), file.with_extension("saved-wal"));
        fs::copy(&file, &saved)?;
        let had_wal = wal.exists();
        if had_wal {
            fs::copy(&wal, &saved_wal)?;
        }
        let lock = file.with_extension("sqlite-lock");
        let holder = if lock.exists() { Some(fs::read(&lock)?) } else { None };
        self.close()?;
        remove_store_files(&file)?;
        if let Some(holder) = holder {
            fs::write(&lock, holder)?;
        }
        fs::rename(&saved, &file)?;
        if had_wal {
            fs::rename(&saved_wal, &wal)?;
        }
        Ok(())
    }

    fn import(&mut self, from: &Path, offered: ArtifactMode, to: &Path, taken: ArtifactMode) -> Result<Answer> {
        Ok(Answer::of(transfer::import_store(from, offered, to, taken).map(|()| Value::Null)))
    }

    fn import_dataset(&mut self, dataset: &Path, to: &Path, taken: ArtifactMode) -> Result<Answer> {
        Ok(Answer::of(transfer::import_dataset(dataset, to, taken).map(|()| Value::Null)))
    }
}

impl Ours {
    fn perform(&mut self, place: &Place, call: &Call) -> Result<Value> {
        match call {
            Call::Open(how, options) => {
                self.close()?;
                self.store = Some(self.open(place, *how, options)?);
                return Ok(Value::Null);
            }
            Call::FailCallback => {
                lock(&self.host).fail_next = true;
                return Ok(Value::Null);
            }
            Call::Export(mode) => return transfer::export(&place.dir, *mode),
            _ => {}
        }
        let store = self.store.as_mut().context("no store is open")?;
        match call {
            Call::Commit => {
                store.host().commit()?;
                Ok(Value::Null)
            }
            Call::Get(end, _)
            | Call::Has(end, _)
            | Call::NextKey(end, _)
            | Call::Set(end, ..)
            | Call::Delete(end, _) => match end {
                End::Host => kv(store.host().kv(), call),
                End::Kernel => kv(store.kernel().kv(), call),
            },
            Call::StartCrank
            | Call::EndCrank
            | Call::Savepoint(_)
            | Call::Rollback(_)
            | Call::EmitHashes
            | Call::Activityhash => crank(store, call),
            Call::Dump(historical) => {
                let history = if *historical { History::All } else { History::Current };
                transfer::dump(store.dump(history)?)
            }
            other => parts::perform(store, other),
        }
    }

    fn open(&self, place: &Place, how: How, options: &Options) -> Result<Store> {
        // Not the same for both: how much each may hold must not matter.
        let (overlay_bytes, cache_bytes) =
            [(0, 0), (400, 600), (32 << 20, 64 << 20)][usize::from(options.memory.min(2))];
        let mut ours = swing_store::Options {
            keep_snapshots: if options.keep_snapshots { SnapshotRetention::All } else { SnapshotRetention::InUse },
            keep_transcripts: if options.keep_transcripts {
                TranscriptRetention::Keep
            } else {
                TranscriptRetention::Drop
            },
            overlay_bytes,
            cache_bytes,
            ..swing_store::Options::default()
        };
        if options.archive {
            let archive = DirectoryArchive::open(&place.archive)?;
            ours.archive_snapshot = Some(Box::new(archive.clone()));
            ours.archive_transcript = Some(Box::new(archive));
        }
        if options.callback {
            let host = Arc::clone(&self.host);
            ours.export_callback = Some(Box::new(move |entries| lock(&host).take(entries)));
        }
        let opened = match how {
            How::Init => Store::init(&place.dir, ours),
            How::Open => Store::open(&place.dir, ours),
        };
        Ok(opened?)
    }
}

fn kv<S: KvStore>(mut kv: S, call: &Call) -> Result<Value> {
    let text = |found: Option<Arc<str>>| found.map_or(Value::Null, |text| text.as_ref().into());
    Ok(match call {
        Call::Get(_, key) => text(kv.get(key)?),
        Call::Has(_, key) => kv.has(key)?.into(),
        Call::NextKey(_, key) => text(kv.get_next_key(key)?),
        Call::Set(_, key, value) => {
            kv.set(key, value)?;
            Value::Null
        }
        Call::Delete(_, key) => {
            kv.delete(key)?;
            Value::Null
        }
        other => return Err(anyhow!("{other:?} is no call of a key-value store")),
    })
}

fn crank(store: &mut Store, call: &Call) -> Result<Value> {
    let mut kernel = store.kernel();
    match call {
        Call::StartCrank => kernel.start_crank()?,
        Call::EndCrank => kernel.end_crank()?,
        Call::Savepoint(name) => kernel.establish_crank_savepoint(name)?,
        Call::Rollback(name) => kernel.rollback_crank(name)?,
        Call::EmitHashes => {
            let hashes = kernel.emit_crank_hashes()?;
            return Ok(json!([hashes.crankhash.to_string(), hashes.activityhash.to_string()]));
        }
        Call::Activityhash => return Ok(kernel.activityhash()?.into()),
        other => bail!("{other:?} is no call about cranks"),
    }
    Ok(Value::Null)
}
