//! For tools and tests; a kernel has no use for these.

use std::collections::BTreeMap;

use swing_core::session::Scope;
use swing_core::{Digest, Position, VatId};

use super::Snapshots;
use crate::error::SnapError;
use crate::rows::SnapshotRow;
use crate::schema::SNAPSHOTS;

/// How much [`Snapshots::dump`] tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The snapshot in use of each vat.
    InUse,
    /// Every snapshot.
    All,
}

/// A snapshot with its stored bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpedSnapshot {
    /// The position of the item that saved it.
    pub position: Position,
    /// SHA-256 of the raw bytes.
    pub hash: Digest,
    /// The gzip, if the store has it.
    pub compressed: Option<Vec<u8>>,
    /// Whether the vat would be restarted from it.
    pub in_use: bool,
}

impl Snapshots<'_> {
    /// Whether the vat has a snapshot with this hash, with or without its bytes.
    ///
    /// # Errors
    /// [`SnapError::Session`] when the table cannot be read.
    pub fn has_hash(&self, vat: &VatId, hash: &Digest) -> Result<bool, SnapError> {
        const SQL: &str = "SELECT 1 FROM snapshots WHERE vatID = ?1 AND hash = ?2 LIMIT 1";
        Ok(self.session.read().one(SQL, (vat, hash), |_| Ok(()))?.is_some())
    }

    /// Every snapshot there is a record of, by vat and position.
    ///
    /// # Errors
    /// [`SnapError::Session`] when the table cannot be read, or what was put off cannot be written.
    pub fn list_all(&mut self) -> Result<Vec<SnapshotRow>, SnapError> {
        const SQL: &str = "SELECT vatID, snapPos, inUse, hash, uncompressedSize, compressedSize FROM snapshots
            ORDER BY vatID, snapPos";
        self.store_behind()?;
        Ok(self.session.read().all(SQL, [], SnapshotRow::read)?)
    }

    /// Deletes the vat's snapshots with this hash, **without** export records, as the original does.
    ///
    /// # Errors
    /// [`SnapError::Session`] when they cannot be deleted.
    pub fn delete_snapshot_by_hash(&mut self, vat: &VatId, hash: &Digest) -> Result<(), SnapError> {
        const SQL: &str = "DELETE FROM snapshots WHERE vatID = ?1 AND hash = ?2";
        self.session.begin_for(self.state)?;
        self.state.forget(vat);
        let rows = Scope { condition: "vatID = ?1 AND hash = ?2", params: (vat, hash) };
        self.session.write()?.run_over(SNAPSHOTS, rows, SQL, (vat, hash))?;
        Ok(())
    }

    /// Snapshots with their bytes, all in memory, by vat and position.
    ///
    /// # Errors
    /// [`SnapError::Session`] when the table cannot be read, or what was put off cannot be written.
    pub fn dump(&mut self, extent: Extent) -> Result<BTreeMap<VatId, Vec<DumpedSnapshot>>, SnapError> {
        const IN_USE: &str = "SELECT vatID, snapPos, hash, compressedSnapshot, inUse IS NOT NULL FROM snapshots
            WHERE inUse = 1 ORDER BY vatID, snapPos";
        const ALL: &str = "SELECT vatID, snapPos, hash, compressedSnapshot, inUse IS NOT NULL FROM snapshots
            ORDER BY vatID, snapPos";
        let sql = match extent {
            Extent::InUse => IN_USE,
            Extent::All => ALL,
        };
        self.store_behind()?;
        let mut dump = BTreeMap::<VatId, Vec<_>>::new();
        self.session.read().each(sql, [], |row| {
            let snapshot = DumpedSnapshot {
                position: row.get(1)?,
                hash: row.get(2)?,
                compressed: row.get(3)?,
                in_use: row.get(4)?,
            };
            dump.entry(row.get(0)?).or_default().push(snapshot);
            Ok::<_, SnapError>(true)
        })?;
        Ok(dump)
    }
}
