//! Calls as values, what they answer, and how they are made.

use std::error::Error;
use std::io::Read;

use crate::budget::{Budget, Cleanup};
use crate::digest::Digest;
use crate::ids::{BundleId, Position, VatId};
use crate::roles::{
    Bundle, BundleStore, CrankHashes, HostStorage, KernelStorage, KvStore, SnapStore, SpanBounds, TranscriptStore,
};
use crate::testing::StoreUnderTest;

/// Which end a key-value call goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The kernel's.
    Kernel,
    /// The host's.
    Host,
}

/// A key-value call. The fields are those of [`KvStore`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the method of that name")]
pub enum KvOp {
    Get(String),
    Has(String),
    GetNextKey(String),
    Set(String, String),
    Delete(String),
}

/// A call of any role, or what a host does besides.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the method of that name")]
pub enum Op {
    Kv(End, KvOp),
    StartCrank,
    EstablishCrankSavepoint(String),
    RollbackCrank(String),
    EmitCrankHashes,
    EndCrank,
    Activityhash,
    InitTranscript(VatId),
    AddItem(VatId, String),
    RolloverSpan(VatId),
    RolloverIncarnation(VatId),
    ReadSpan(VatId, Option<Position>),
    CurrentSpanBounds(VatId),
    StopUsingTranscript(VatId),
    DeleteVatTranscripts(VatId, Budget),
    SaveSnapshot(VatId, Position, Vec<u8>),
    /// The stream fails after these bytes.
    SaveBrokenSnapshot(VatId, Position, Vec<u8>),
    LoadSnapshot(VatId),
    StopUsingLastSnapshot(VatId),
    SnapshotInfo(VatId),
    DeleteVatSnapshots(VatId, Budget),
    DeleteAllUnusedSnapshots,
    PruneUnusedSnapshots,
    AddBundle(BundleId, Bundle),
    HasBundle(BundleId),
    GetBundle(BundleId),
    DeleteBundle(BundleId),
    Commit,
    /// Closes the store and opens it again.
    Reopen,
    /// Lets the next call of the export callback fail.
    FailNextCallback,
}

/// What a call answered, without what may differ from one store to another: times, and sizes after compression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Nothing but that it worked.
    Done,
    /// A text, or none.
    Text(Option<String>),
    /// Yes or no.
    Flag(bool),
    /// A number.
    Number(u64),
    /// Items of a span.
    Items(Vec<String>),
    /// A span.
    Span(SpanBounds),
    /// Bytes of a snapshot.
    Bytes(Vec<u8>),
    /// A snapshot that was saved: its hash and raw size.
    Saved(Digest, u64),
    /// The snapshot in use, if there is one: its position, hash, raw size, and whether it has a compressed size.
    Info(Option<(Position, Digest, Option<u64>, bool)>),
    /// A budgeted deletion.
    Cleanup(Cleanup),
    /// A bundle.
    Bundle(Bundle),
    /// The hashes of a crank.
    Hashes(CrankHashes),
}

/// An error, in its own words and those of its sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(pub String);

impl<E: Error> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self(crate::error_chain(&error))
    }
}

/// An answer or an error.
pub type Outcome = Result<Answer, Refusal>;

/// A stream that fails after its bytes.
struct Broken<'b>(&'b [u8]);

impl Read for Broken<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(buffer)? {
            0 if !buffer.is_empty() => Err(std::io::Error::other("the stream failed on purpose")),
            read => Ok(read),
        }
    }
}

fn kv<K: KvStore>(mut kv: K, op: &KvOp) -> Outcome {
    let text = |text: Option<std::sync::Arc<str>>| Answer::Text(text.as_deref().map(str::to_owned));
    Ok(match op {
        KvOp::Get(key) => text(kv.get(key)?),
        KvOp::Has(key) => Answer::Flag(kv.has(key)?),
        KvOp::GetNextKey(previous) => text(kv.get_next_key(previous)?),
        KvOp::Set(key, value) => done(kv.set(key, value)?),
        KvOp::Delete(key) => done(kv.delete(key)?),
    })
}

fn done((): ()) -> Answer {
    Answer::Done
}

fn saved<S: SnapStore>(mut snapshots: S, vat: &VatId, at: Position, source: &mut dyn Read) -> Outcome {
    // To a kernel both are the same.
    let (hash, size) = if at.get().is_multiple_of(2) {
        let saved = snapshots.save_snapshot(vat, at, source)?;
        (saved.hash, saved.uncompressed_size)
    } else {
        let taken = snapshots.save_snapshot_behind(vat, at, source)?;
        (taken.hash, taken.uncompressed_size)
    };
    Ok(Answer::Saved(hash, size))
}

/// Makes a call at the kernel's end.
///
/// # Errors
/// Whatever the store says, and a call that is not the kernel's.
pub fn call_kernel<K: KernelStorage>(mut kernel: K, op: &Op) -> Outcome {
    Ok(match op {
        Op::Kv(_, op) => kv(kernel.kv(), op)?,
        Op::StartCrank => done(kernel.start_crank()?),
        Op::EstablishCrankSavepoint(name) => done(kernel.establish_crank_savepoint(name)?),
        Op::RollbackCrank(name) => done(kernel.rollback_crank(name)?),
        Op::EmitCrankHashes => Answer::Hashes(kernel.emit_crank_hashes()?),
        Op::EndCrank => done(kernel.end_crank()?),
        Op::Activityhash => Answer::Text(Some(kernel.activityhash()?)),
        Op::InitTranscript(vat) => done(kernel.transcripts().init_transcript(vat)?),
        Op::AddItem(vat, item) => done(kernel.transcripts().add_item(vat, item)?),
        Op::RolloverSpan(vat) => Answer::Number(kernel.transcripts().rollover_span(vat)?.get()),
        Op::RolloverIncarnation(vat) => Answer::Number(kernel.transcripts().rollover_incarnation(vat)?.get()),
        Op::ReadSpan(vat, start) => {
            let mut transcripts = kernel.transcripts();
            let items = transcripts.read_span(vat, *start)?.collect::<Result<_, _>>()?;
            Answer::Items(items)
        }
        Op::CurrentSpanBounds(vat) => Answer::Span(kernel.transcripts().current_span_bounds(vat)?),
        Op::StopUsingTranscript(vat) => done(kernel.transcripts().stop_using_transcript(vat)?),
        Op::DeleteVatTranscripts(vat, budget) => {
            Answer::Cleanup(kernel.transcripts().delete_vat_transcripts(vat, *budget)?)
        }
        Op::SaveSnapshot(vat, at, bytes) => saved(kernel.snapshots(), vat, *at, &mut bytes.as_slice())?,
        Op::SaveBrokenSnapshot(vat, at, bytes) => saved(kernel.snapshots(), vat, *at, &mut Broken(bytes))?,
        Op::LoadSnapshot(vat) => {
            let (mut stream, mut bytes) = (kernel.snapshots().load_snapshot(vat)?, Vec::new());
            stream.read_to_end(&mut bytes)?;
            Answer::Bytes(bytes)
        }
        Op::StopUsingLastSnapshot(vat) => done(kernel.snapshots().stop_using_last_snapshot(vat)?),
        Op::SnapshotInfo(vat) => Answer::Info(
            kernel
                .snapshots()
                .snapshot_info(vat)?
                .map(|info| (info.position, info.hash, info.uncompressed_size, info.compressed_size.is_some())),
        ),
        Op::DeleteVatSnapshots(vat, budget) => Answer::Cleanup(kernel.snapshots().delete_vat_snapshots(vat, *budget)?),
        Op::DeleteAllUnusedSnapshots => done(kernel.snapshots().delete_all_unused_snapshots()?),
        Op::PruneUnusedSnapshots => Answer::Number(kernel.snapshots().prune_unused_snapshots()?),
        Op::AddBundle(id, bundle) => done(kernel.bundles().add_bundle(id, bundle)?),
        Op::HasBundle(id) => Answer::Flag(kernel.bundles().has_bundle(id)?),
        Op::GetBundle(id) => Answer::Bundle(kernel.bundles().get_bundle(id)?),
        Op::DeleteBundle(id) => done(kernel.bundles().delete_bundle(id)?),
        Op::Commit | Op::Reopen | Op::FailNextCallback => return Err(Refusal("not the kernel's".to_owned())),
    })
}

/// Makes a call at the host's end.
///
/// # Errors
/// Whatever the store says, and a call that is not the host's.
pub fn call_host<H: HostStorage>(mut host: H, op: &Op) -> Outcome {
    match op {
        Op::Kv(End::Host, op) => kv(host.kv(), op),
        Op::Commit => Ok(done(host.commit()?)),
        _ => Err(Refusal("not the host's".to_owned())),
    }
}

/// Makes a call. [`Op::Reopen`] takes the store and is up to the driver.
pub(super) fn call<S: StoreUnderTest>(store: &mut S, op: &Op) -> Outcome {
    match op {
        Op::Kv(End::Host, _) | Op::Commit => call_host(store.host(), op),
        Op::FailNextCallback => {
            store.fail_next_callback();
            Ok(Answer::Done)
        }
        op => call_kernel(store.kernel(), op),
    }
}
