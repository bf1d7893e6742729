//! The calls that are put to both, in the words of the Node driver (`xtask/node/README.md`).

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use swing_core::ArtifactMode;

use super::specimens::Specimen;

/// Whose end of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Host,
    Kernel,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Init,
    Open,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) callback: bool,
    pub(crate) keep_snapshots: bool,
    pub(crate) keep_transcripts: bool,
    pub(crate) archive: bool,
    /// Ours alone knows this: how small its memory is, from 0 (next to nothing) to 2 (as usual).
    pub(crate) memory: u8,
}

/// Bytes of a snapshot, some of which compress well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Blob {
    pub(crate) size: usize,
    pub(crate) salt: u8,
}

impl Blob {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut state = u32::from(self.salt) + 1;
        let mut next = |at: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if at % 64 < 48 { self.salt } else { (state >> 24) as u8 }
        };
        (0..self.size).map(&mut next).collect()
    }
}

/// Where the store is that a call is about.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) dir: PathBuf,
    pub(crate) archive: PathBuf,
}

#[derive(Debug, Clone)]
pub(crate) enum Call {
    /// Closes the store that is open, abandoning its changes. In a game of turns the other side opens it.
    Open(How, Options),
    /// Only in a game of turns: whoever has the store open dies, and the other side opens it.
    Kill(Options),
    Commit,
    /// The export callback will fail the next time it is called.
    FailCallback,

    Get(End, String),
    Has(End, String),
    NextKey(End, String),
    Set(End, String, String),
    Delete(End, String),

    StartCrank,
    EndCrank,
    Savepoint(String),
    Rollback(String),
    EmitHashes,
    Activityhash,

    InitTranscript(String),
    AddItem(String, String),
    Bounds(String),
    ReadSpan(String, Option<u64>),
    RolloverSpan(String),
    RolloverIncarnation(String),
    StopTranscript(String),
    DeleteTranscripts(String, Option<u64>),

    SaveSnapshot(String, u64, Blob),
    /// The source fails after its bytes.
    SaveBroken(String, u64, Blob),
    LoadSnapshot(String),
    SnapshotInfo(String),
    StopSnapshot(String),
    DeleteSnapshots(String, Option<u64>),
    DeleteUnused,

    /// The ID of the first, the content of the second; the same one unless the call is to fail.
    AddBundle(Arc<Specimen>, Arc<Specimen>),
    HasBundle(Arc<Specimen>),
    GetBundle(Arc<Specimen>),
    DeleteBundle(Arc<Specimen>),

    Dump(bool),
    /// Of the last commit, whatever is being written.
    Export(ArtifactMode),
}

impl Call {
    /// The call as the driver reads it.
    pub(crate) fn line(&self, place: &Place) -> Value {
        let kv = |end: &End, host: &'static str, kernel: &'static str| match end {
            End::Host => host,
            End::Kernel => kernel,
        };
        match self {
            Self::Open(how, options) => {
                let how = if *how == How::Init { "init" } else { "open" };
                json!(["ho", how, place.dir, options.json(place)])
            }
            Self::Kill(options) => json!(["KILL", place.dir, options.json(place)]),
            Self::Commit => json!(["hc"]),
            Self::FailCallback => json!(["xf", 1]),
            Self::Get(end, key) => json!([kv(end, "hg", "kg"), key]),
            Self::Has(end, key) => json!([kv(end, "hh", "kh"), key]),
            Self::NextKey(end, key) => json!([kv(end, "hn", "kn"), key]),
            Self::Set(end, key, value) => json!([kv(end, "hs", "ks"), key, value]),
            Self::Delete(end, key) => json!([kv(end, "hd", "kd"), key]),
            Self::StartCrank => json!(["C<"]),
            Self::EndCrank => json!(["C>"]),
            Self::Savepoint(name) => json!(["Cs", name]),
            Self::Rollback(name) => json!(["Cr", name]),
            Self::EmitHashes => json!(["Ce"]),
            Self::Activityhash => json!(["Ca"]),
            Self::InitTranscript(vat) => json!(["ti", vat]),
            Self::AddItem(vat, item) => json!(["ta", vat, item]),
            Self::Bounds(vat) => json!(["tb", vat]),
            Self::ReadSpan(vat, start) => json!(["tr", vat, start]),
            Self::RolloverSpan(vat) => json!(["to", vat]),
            Self::RolloverIncarnation(vat) => json!(["tn", vat]),
            Self::StopTranscript(vat) => json!(["tx", vat]),
            Self::DeleteTranscripts(vat, budget) => json!(["td", vat, budget]),
            Self::SaveSnapshot(vat, position, blob) => json!(["ss", vat, position, STANDARD.encode(blob.bytes())]),
            Self::SaveBroken(vat, position, blob) => {
                json!(["ss", vat, position, STANDARD.encode(blob.bytes()), "the source failed on purpose"])
            }
            Self::LoadSnapshot(vat) => json!(["sl", vat]),
            Self::SnapshotInfo(vat) => json!(["si", vat]),
            Self::StopSnapshot(vat) => json!(["sx", vat]),
            Self::DeleteSnapshots(vat, budget) => json!(["sd", vat, budget]),
            Self::DeleteUnused => json!(["su"]),
            Self::AddBundle(named, given) => json!(["ba", named.id, given.object()]),
            Self::HasBundle(bundle) => json!(["bh", bundle.id]),
            Self::GetBundle(bundle) => json!(["bg", bundle.id]),
            Self::DeleteBundle(bundle) => json!(["bd", bundle.id]),
            Self::Dump(historical) => json!(["dump", historical]),
            Self::Export(mode) => json!(["export", place.dir, mode.as_str(), true]),
        }
    }
}

impl Options {
    fn json(&self, place: &Place) -> Value {
        let mut options = json!({
            "exportCallback": self.callback,
            "keepSnapshots": self.keep_snapshots,
            "keepTranscripts": self.keep_transcripts,
            "memory": self.memory,
        });
        if self.archive {
            options["archiveDir"] = json!(place.archive);
        }
        options
    }
}
