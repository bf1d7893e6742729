//! What the snapStore keeps between calls: its options, and the snapshots in use that it was asked about.

use std::collections::HashMap;

use swing_core::roles::SnapshotInfo;
use swing_core::session::Reader;
use swing_core::{Part, PartId, Session, SessionError, VatId, Writer};

use crate::options::SnapOptions;
use crate::snapshots::{Behind, Snapshots};

/// Vats whose snapshot in use is remembered; past it all are forgotten and asked for again.
const MOST_REMEMBERED: usize = 4096;

/// The snapStore's part of a store. [`SnapState::bind`] lends the view that works.
#[derive(Debug)]
pub struct SnapState {
    pub(crate) id: PartId,
    pub(crate) options: SnapOptions,
    /// The snapshot in use of each vat asked about since `generation`; `None`: it has none.
    in_use: HashMap<VatId, Option<SnapshotInfo>>,
    generation: u64,
    /// The snapshots whose bytes are not in place yet.
    pub(crate) behind: Behind,
}

impl SnapState {
    /// A state that remembers nothing yet.
    #[must_use]
    pub fn new(options: SnapOptions) -> Self {
        Self { id: PartId::default(), options, in_use: HashMap::new(), generation: 0, behind: Behind::default() }
    }

    /// The snapStore, bound to the session that its table is in.
    pub fn bind<'s>(&'s mut self, session: &'s mut Session) -> Snapshots<'s> {
        Snapshots::new(self, session)
    }

    /// The snapshot in use of `vat`.
    pub(crate) fn in_use(&mut self, session: &mut Session, vat: &VatId) -> Result<Option<SnapshotInfo>, SessionError> {
        let generation = session.generation()?;
        if generation != self.generation || self.in_use.len() >= MOST_REMEMBERED {
            self.in_use.clear();
            self.generation = generation;
        }
        if let Some(known) = self.in_use.get(vat) {
            return Ok(known.clone());
        }
        let found = read_in_use(session.read(), vat)?;
        self.in_use.insert(vat.clone(), found.clone());
        Ok(found)
    }

    /// Remembers what was just written.
    pub(crate) fn remember(&mut self, vat: &VatId, info: SnapshotInfo) {
        self.in_use.insert(vat.clone(), Some(info));
    }

    /// Forgets a vat. Called before its rows are written, so that a failed write leaves nothing to be believed.
    pub(crate) fn forget(&mut self, vat: &VatId) {
        self.in_use.remove(vat);
    }
}

fn read_in_use(db: Reader<'_>, vat: &VatId) -> Result<Option<SnapshotInfo>, SessionError> {
    const SQL: &str = "SELECT snapPos, hash, uncompressedSize, compressedSize FROM snapshots
        WHERE vatID = ?1 AND inUse = 1";
    db.one(SQL, [vat], |row| {
        Ok(SnapshotInfo {
            position: row.get(0)?,
            hash: row.get(1)?,
            uncompressed_size: row.get(2)?,
            compressed_size: row.get(3)?,
        })
    })
}

/// Every write goes to SQLite at once, but for bytes that are still being packed: there are few, and their bytes are large.
impl Part for SnapState {
    fn id(&self) -> PartId {
        self.id
    }

    fn mark(&mut self) {}

    fn rollback_to(&mut self, _depth: usize) {
        self.in_use.clear();
        self.behind.rolled_back();
    }

    fn release(&mut self) {}

    fn flush(&mut self, writer: &mut Writer<'_>) -> Result<(), SessionError> {
        if !self.behind.is_empty() {
            self.in_use.clear();
            self.behind.settle(writer, self.options.keep)?;
        }
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.behind.bytes()
    }
}
