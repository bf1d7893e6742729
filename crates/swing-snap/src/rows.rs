//! Rows of the table without their bytes.

use rusqlite::Row;
use swing_core::{ArtifactName, Digest, Position, SnapshotRecord, VatId};

/// The longest string, blob or row that SQLite takes unless it was built otherwise.
const SQLITE_MOST: u64 = 1_000_000_000;

/// The largest gzip that fits a row of this vat, beside its other columns.
pub(crate) fn largest_gzip(vat: &VatId) -> u64 {
    const OTHER_COLUMNS: u64 = 1024;
    SQLITE_MOST.saturating_sub(OTHER_COLUMNS + vat.as_str().len() as u64)
}

/// What the store knows of a snapshot, besides its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotRow {
    /// Whose heap.
    pub vat: VatId,
    /// The position of the item that saved it.
    pub position: Position,
    /// Whether the vat would be restarted from it.
    pub in_use: bool,
    /// SHA-256 of the raw bytes.
    pub hash: Digest,
    /// Raw bytes; `None` if this store never had them.
    pub uncompressed_size: Option<u64>,
    /// Stored bytes, or what they were before they were dropped; `None` if this store never had them.
    pub compressed_size: Option<u64>,
}

impl SnapshotRow {
    /// Reads `vatID, snapPos, inUse, hash, uncompressedSize, compressedSize`.
    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            vat: row.get(0)?,
            position: row.get(1)?,
            in_use: row.get::<_, Option<i64>>(2)? == Some(1),
            hash: row.get(3)?,
            uncompressed_size: row.get(4)?,
            compressed_size: row.get(5)?,
        })
    }

    /// Its export record.
    #[must_use]
    pub fn record(&self) -> SnapshotRecord {
        SnapshotRecord { vat: self.vat.clone(), position: self.position, hash: self.hash, in_use: self.in_use }
    }

    /// Its artifact's name.
    #[must_use]
    pub fn name(&self) -> ArtifactName {
        ArtifactName::Snapshot { vat: self.vat.clone(), position: self.position }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gzip_may_have_what_a_row_may_less_some_room_and_the_vats_id() {
        assert_eq!(largest_gzip(&VatId::parse("v123").unwrap()), 999_998_972);
    }
}
