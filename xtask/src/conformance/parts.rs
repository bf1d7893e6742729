//! Transcripts, snapshots and bundles of our store, their answers as the driver words them.

use std::io::{Read, copy};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use swing_core::roles::{Bundle, BundleStore, KernelStorage as _, SnapStore, TranscriptStore};
use swing_core::{Budget, BundleId, Cleanup, Digest, Position, VatId};
use swing_store::Store;

use super::call::Call;
use super::specimens::Specimen;
use super::transfer::zip_object;

pub(crate) fn perform(store: &mut Store, call: &Call) -> Result<Value> {
    let mut kernel = store.kernel();
    match call {
        Call::InitTranscript(vat)
        | Call::AddItem(vat, _)
        | Call::Bounds(vat)
        | Call::ReadSpan(vat, _)
        | Call::RolloverSpan(vat)
        | Call::RolloverIncarnation(vat)
        | Call::StopTranscript(vat)
        | Call::DeleteTranscripts(vat, _) => transcript(&mut kernel.transcripts(), &VatId::parse(vat)?, call),
        Call::SaveSnapshot(vat, ..)
        | Call::SaveBroken(vat, ..)
        | Call::LoadSnapshot(vat)
        | Call::SnapshotInfo(vat)
        | Call::StopSnapshot(vat)
        | Call::DeleteSnapshots(vat, _) => snapshot(&mut kernel.snapshots(), &VatId::parse(vat)?, call),
        Call::DeleteUnused => {
            kernel.snapshots().delete_all_unused_snapshots()?;
            Ok(Value::Null)
        }
        Call::AddBundle(named, given) => {
            kernel.bundles().add_bundle(&id(named)?, &given.bundle())?;
            Ok(Value::Null)
        }
        Call::HasBundle(bundle) => Ok(kernel.bundles().has_bundle(&id(bundle)?)?.into()),
        Call::GetBundle(bundle) => match kernel.bundles().get_bundle(&id(bundle)?)? {
            Bundle::NestedEvaluate(text) => Ok(serde_json::from_str(&text)?),
            Bundle::EndoZip { sha512, zip } => Ok(zip_object(&sha512, &zip)),
        },
        Call::DeleteBundle(bundle) => {
            kernel.bundles().delete_bundle(&id(bundle)?)?;
            Ok(Value::Null)
        }
        other => bail!("{other:?} is not a call of a part"),
    }
}

fn id(bundle: &Specimen) -> Result<BundleId> {
    Ok(BundleId::parse(&bundle.id)?)
}

fn position(number: u64) -> Result<Position> {
    Position::new(number).context("no such position")
}

fn budget(units: Option<u64>) -> Result<Budget> {
    match units {
        None => Ok(Budget::Unlimited),
        Some(units) => Budget::at_most(units).context("a budget of nothing"),
    }
}

fn cleanup(Cleanup { done, cleanups }: Cleanup) -> Value {
    json!({"done": done, "cleanups": cleanups})
}

fn transcript(store: &mut impl TranscriptStore, vat: &VatId, call: &Call) -> Result<Value> {
    Ok(match call {
        Call::InitTranscript(_) => {
            store.init_transcript(vat)?;
            Value::Null
        }
        Call::AddItem(_, item) => {
            store.add_item(vat, item)?;
            Value::Null
        }
        Call::Bounds(_) => {
            let span = store.current_span_bounds(vat)?;
            json!({
                "startPos": span.start.get(),
                "endPos": span.end.get(),
                "hash": span.hash.to_string(),
                "incarnation": span.incarnation.get(),
            })
        }
        Call::ReadSpan(_, start) => {
            let start = start.map(position).transpose()?;
            store.read_span(vat, start)?.collect::<Result<Vec<_>, _>>()?.into()
        }
        Call::RolloverSpan(_) => store.rollover_span(vat)?.get().into(),
        Call::RolloverIncarnation(_) => store.rollover_incarnation(vat)?.get().into(),
        Call::StopTranscript(_) => {
            store.stop_using_transcript(vat)?;
            Value::Null
        }
        Call::DeleteTranscripts(_, units) => cleanup(store.delete_vat_transcripts(vat, budget(*units)?)?),
        other => bail!("{other:?} is no call about transcripts"),
    })
}

fn snapshot(store: &mut impl SnapStore, vat: &VatId, call: &Call) -> Result<Value> {
    Ok(match call {
        Call::SaveSnapshot(_, at, blob) => {
            let saved = store.save_snapshot(vat, position(*at)?, &mut blob.bytes().as_slice())?;
            json!({"hash": saved.hash.to_string(), "uncompressedSize": saved.uncompressed_size})
        }
        Call::SaveBroken(_, at, blob) => {
            let bytes = blob.bytes();
            store.save_snapshot(vat, position(*at)?, &mut bytes.as_slice().chain(Broken))?;
            Value::Null
        }
        Call::LoadSnapshot(_) => {
            let mut bytes = Vec::new();
            let size = copy(&mut store.load_snapshot(vat)?, &mut bytes)?;
            json!([size, Digest::of(&bytes).to_string()])
        }
        Call::SnapshotInfo(_) => store.snapshot_info(vat)?.map_or(Value::Null, |info| {
            json!({
                "snapPos": info.position.get(),
                "hash": info.hash.to_string(),
                "uncompressedSize": info.uncompressed_size,
            })
        }),
        Call::StopSnapshot(_) => {
            store.stop_using_last_snapshot(vat)?;
            Value::Null
        }
        Call::DeleteSnapshots(_, units) => cleanup(store.delete_vat_snapshots(vat, budget(*units)?)?),
        other => bail!("{other:?} is no call about snapshots"),
    })
}

/// A source that fails at once.
struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("the source failed on purpose"))
    }
}
