//! The snapStore: heap snapshots, at most one in use per vat.

use std::io::{Cursor, Read};

use super::state::{Snapshot, of_vat};
use super::store::{Model, ModelError, refuse};
use super::transcripts::most;
use crate::budget::{Budget, Cleanup};
use crate::digest::Digest;
use crate::ids::{Position, VatId};
use crate::names::ExportKey;
use crate::records::SnapshotRecord;
use crate::roles::{SnapStore, SnapshotBytes, SnapshotInfo, SnapshotSaved};
use crate::testing::Retention;

/// The snapshots of a [`Model`]. They are kept as they are, so to the model the compressed size is the size.
pub struct Snapshots<'m> {
    pub(super) model: &'m mut Model,
}

crate::opaque!(Snapshots<'_>);

impl Snapshots<'_> {
    fn in_use(&self, vat: &VatId) -> Option<&Snapshot> {
        of_vat(&self.model.now.snapshots, vat).map(|(_, snapshot)| snapshot).find(|snapshot| snapshot.record.in_use)
    }
}

impl SnapStore for Snapshots<'_> {
    type Error = ModelError;

    fn save_snapshot(
        &mut self,
        vat: &VatId,
        position: Position,
        source: &mut dyn Read,
    ) -> Result<SnapshotSaved, ModelError> {
        let mut bytes = Vec::new();
        source.read_to_end(&mut bytes).map_err(ModelError::Stream)?;
        let (hash, size) = (Digest::of(&bytes), bytes.len() as u64);
        self.stop_using_last_snapshot(vat)?;
        let record = SnapshotRecord { vat: vat.clone(), position, hash, in_use: true };
        self.model.note(record.key(), Some(record.to_json()));
        self.model.note(ExportKey::CurrentSnapshot(vat.clone()), Some(record.artifact().to_string()));
        let snapshot = Snapshot { record, size, bytes: Some(bytes.into()) };
        // One that was there at this position is replaced.
        self.model.now.snapshots.insert((vat.clone(), position), snapshot);
        Ok(SnapshotSaved {
            hash,
            uncompressed_size: size,
            compressed_size: size,
            compress_seconds: 0.0,
            db_save_seconds: 0.0,
            archive_write_seconds: None,
        })
    }

    fn load_snapshot(&mut self, vat: &VatId) -> Result<SnapshotBytes, ModelError> {
        match self.in_use(vat).and_then(|snapshot| snapshot.bytes.clone()) {
            Some(bytes) => Ok(Box::new(Cursor::new(bytes))),
            None => refuse(format!("no snapshot available for vat {vat}")),
        }
    }

    fn stop_using_last_snapshot(&mut self, vat: &VatId) -> Result<(), ModelError> {
        let Some(mut snapshot) = self.in_use(vat).cloned() else { return Ok(()) };
        snapshot.record.in_use = false;
        if self.model.options.keep_snapshots == Retention::Drop {
            snapshot.bytes = None;
        }
        self.model.note(snapshot.record.key(), Some(snapshot.record.to_json()));
        self.model.note(ExportKey::CurrentSnapshot(vat.clone()), None);
        self.model.now.snapshots.insert((vat.clone(), snapshot.record.position), snapshot);
        Ok(())
    }

    fn snapshot_info(&mut self, vat: &VatId) -> Result<Option<SnapshotInfo>, ModelError> {
        Ok(self.in_use(vat).map(|Snapshot { record, size, .. }| SnapshotInfo {
            position: record.position,
            hash: record.hash,
            uncompressed_size: Some(*size),
            compressed_size: Some(*size),
        }))
    }

    fn delete_vat_snapshots(&mut self, vat: &VatId, budget: Budget) -> Result<Cleanup, ModelError> {
        let newest_first = of_vat(&self.model.now.snapshots, vat).rev().map(|(_, snapshot)| snapshot.record.clone());
        let doomed: Vec<_> = newest_first.take(most(budget)).collect();
        for record in &doomed {
            self.model.note(record.key(), None);
            self.model.now.snapshots.remove(&(vat.clone(), record.position));
        }
        // Consensus: without a budget also for a vat that has no snapshot in use, or none at all.
        if budget == Budget::Unlimited || doomed.iter().any(|record| record.in_use) {
            self.model.note(ExportKey::CurrentSnapshot(vat.clone()), None);
        }
        let done = of_vat(&self.model.now.snapshots, vat).next().is_none();
        Ok(Cleanup { done, cleanups: doomed.len() as u64 })
    }

    fn delete_all_unused_snapshots(&mut self) -> Result<(), ModelError> {
        // As the original does it: the host is not told that the records are gone.
        self.model.now.snapshots.retain(|_, snapshot| snapshot.record.in_use);
        Ok(())
    }

    fn prune_unused_snapshots(&mut self) -> Result<u64, ModelError> {
        let unused = self.model.now.snapshots.values_mut().filter(|snapshot| !snapshot.record.in_use);
        Ok(unused.filter_map(|snapshot| snapshot.bytes.take()).count() as u64)
    }
}
