//! A look at everything in a store, for tests and for people.

use std::collections::BTreeMap;
use std::sync::Arc;

use swing_bundle::Bundles;
use swing_core::{BundleId, MonotonicClock, Position, Session, VatId};
use swing_kv::KvState;
use swing_snap::{DumpedSnapshot, Extent, SnapOptions, SnapState};
use swing_transcript::{History, TranscriptOptions, TranscriptState};

use crate::error::StoreError;
use crate::import::ImportedStore;
use crate::store::Store;

/// Everything in a store, uncommitted changes included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dump {
    /// All key-value pairs, of every section.
    pub kv_entries: BTreeMap<String, String>,
    /// The items that are there, by vat and position.
    pub transcripts: BTreeMap<VatId, BTreeMap<Position, String>>,
    /// The snapshots, by vat, oldest first.
    pub snapshots: BTreeMap<VatId, Vec<DumpedSnapshot>>,
    /// The bundles' stored bytes; `None` for one whose content is missing.
    pub bundles: BTreeMap<BundleId, Option<Vec<u8>>>,
}

impl Store {
    /// Everything in the store, or with [`History::Current`] only current spans and snapshots in use. The whole of it
    /// is held in memory.
    ///
    /// # Errors
    /// [`StoreError`] when something cannot be read.
    pub fn dump(&mut self, history: History) -> Result<Dump, StoreError> {
        let Self { session, kv, transcripts, snapshots, .. } = self;
        dump(session, kv, transcripts, snapshots, history)
    }
}

impl ImportedStore {
    /// Everything in the new store, as [`Store::dump`] tells it.
    ///
    /// # Errors
    /// [`StoreError`] when something cannot be read.
    pub fn dump(&mut self, history: History) -> Result<Dump, StoreError> {
        let (session, kv) = self.parts();
        let mut transcripts = TranscriptState::new(TranscriptOptions::default());
        let mut snapshots = SnapState::new(SnapOptions::new(Arc::new(MonotonicClock::default())));
        dump(session, kv, &mut transcripts, &mut snapshots, history)
    }
}

fn dump(
    session: &mut Session,
    kv: &mut KvState,
    transcripts: &mut TranscriptState,
    snapshots: &mut SnapState,
    history: History,
) -> Result<Dump, StoreError> {
    let mut kv_entries = BTreeMap::new();
    for entry in kv.bind(session).entries() {
        let (key, value) = entry?;
        kv_entries.insert(key.to_string(), value.to_string());
    }
    let extent = match history {
        History::Current => Extent::InUse,
        History::All => Extent::All,
    };
    let transcripts = transcripts.bind(session).dump(history)?;
    let snapshots = snapshots.bind(session).dump(extent)?;
    let stored = Bundles::new(session);
    let mut bundles = BTreeMap::new();
    for id in stored.ids()? {
        let bytes = stored.stored(&id)?;
        bundles.insert(id, bytes);
    }
    Ok(Dump { kv_entries, transcripts, snapshots, bundles })
}
