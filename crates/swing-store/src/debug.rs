//! A look at everything in a store, for tests and for people.

use std::collections::BTreeMap;

use swing_bundle::Bundles;
use swing_core::{BundleId, Position, VatId};
use swing_snap::{DumpedSnapshot, Extent};
use swing_transcript::History;

use crate::error::StoreError;
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
        let mut kv_entries = BTreeMap::new();
        for entry in self.kv.bind(&mut self.session).entries() {
            let (key, value) = entry?;
            kv_entries.insert(key.to_string(), value.to_string());
        }
        let extent = match history {
            History::Current => Extent::InUse,
            History::All => Extent::All,
        };
        let transcripts = self.transcripts.bind(&mut self.session).dump(history)?;
        let snapshots = self.snapshots.bind(&mut self.session).dump(extent)?;
        let stored = Bundles::new(&mut self.session);
        let mut bundles = BTreeMap::new();
        for id in stored.ids()? {
            let bytes = stored.stored(&id)?;
            bundles.insert(id, bytes);
        }
        Ok(Dump { kv_entries, transcripts, snapshots, bundles })
    }
}
