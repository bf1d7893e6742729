//! The view through which a kernel saves, loads and deletes snapshots.

mod behind;
mod delete;
mod save;
mod tools;

#[cfg(test)]
mod behind_tests;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

use std::io::Read;
use std::sync::Arc;

use swing_core::roles::{SnapStore, SnapshotBytes, SnapshotInfo, SnapshotSaved, SnapshotTaken};
use swing_core::session::Scope;
use swing_core::{
    ArtifactName, Budget, Cleanup, Digest, ExportKey, Position, Session, SessionError, SnapshotRecord, VatId, Writer,
};

pub(crate) use behind::Behind;
pub use tools::{DumpedSnapshot, Extent};

use crate::bytes::{StoredBytes, read_gzip};
use crate::error::SnapError;
use crate::options::Retention;
use crate::schema::SNAPSHOTS;
use crate::state::SnapState;

/// The snapStore of an open session. Beside the [role](SnapStore) it has a few methods for tools and tests.
///
/// Every write goes to the session's transaction at once and follows its savepoints; it is durable after the session's
/// commit. Every change of export data is queued in the session.
pub struct Snapshots<'s> {
    state: &'s mut SnapState,
    session: &'s mut Session,
}

swing_core::opaque!(Snapshots<'_>);

impl<'s> Snapshots<'s> {
    pub(crate) fn new(state: &'s mut SnapState, session: &'s mut Session) -> Self {
        Self { state, session }
    }

    /// What is known of the snapshot in use, once it is certain that it can be replaced. Forgets it, so that a write
    /// that fails leaves nothing to be believed.
    fn about_to_replace(&mut self, vat: &VatId) -> Result<Option<SnapshotInfo>, SessionError> {
        self.session.begin_for(self.state)?;
        let old = self.state.in_use(self.session, vat)?;
        self.state.forget(vat);
        Ok(old)
    }
}

/// The row of a snapshot.
fn row_of(vat: &VatId, position: Position) -> Scope<(&VatId, Position)> {
    Scope { condition: "vatID = ?1 AND snapPos = ?2", params: (vat, position) }
}

/// All rows of no snapshot in use.
const UNUSED: Scope<()> = Scope { condition: "inUse IS NULL", params: () };

/// Takes the snapshot in use of `vat`, which is at `position`, out of use.
fn retire(writer: &mut Writer<'_>, vat: &VatId, position: Position, keep: Retention) -> Result<(), SessionError> {
    const KEEPING_BYTES: &str = "UPDATE snapshots SET inUse = NULL WHERE vatID = ?1 AND inUse = 1";
    // In one statement: schema 1A forbids a snapshot in use without bytes, be it for a moment.
    const DROPPING_BYTES: &str =
        "UPDATE snapshots SET inUse = NULL, compressedSnapshot = NULL WHERE vatID = ?1 AND inUse = 1";
    let sql = match keep {
        Retention::All => KEEPING_BYTES,
        Retention::InUse => DROPPING_BYTES,
    };
    writer.run_over(SNAPSHOTS, row_of(vat, position), sql, [vat]).map(drop)
}

fn note_record(writer: &mut Writer<'_>, vat: &VatId, position: Position, hash: Digest, in_use: bool) {
    let record = SnapshotRecord { vat: vat.clone(), position, hash, in_use };
    writer.note_export(record.key().to_string(), Some(record.to_json().into()));
}

fn note_current(writer: &mut Writer<'_>, vat: &VatId, current: Option<&ArtifactName>) {
    let name: Option<Arc<str>> = current.map(|name| name.to_string().into());
    writer.note_export(ExportKey::CurrentSnapshot(vat.clone()).to_string(), name);
}

impl SnapStore for Snapshots<'_> {
    type Error = SnapError;

    fn save_snapshot(
        &mut self,
        vat: &VatId,
        position: Position,
        source: &mut dyn Read,
    ) -> Result<SnapshotSaved, SnapError> {
        self.save(vat, position, source)
    }

    fn save_snapshot_behind(
        &mut self,
        vat: &VatId,
        position: Position,
        source: &mut dyn Read,
    ) -> Result<SnapshotTaken, SnapError> {
        self.save_behind(vat, position, source)
    }

    /// The bytes are verified while they are read, and the last of them is withheld until hash and length have proved
    /// right. What is wrong with them is a [`SnapError`] inside the reader's [`std::io::Error`].
    fn load_snapshot(&mut self, vat: &VatId) -> Result<SnapshotBytes, SnapError> {
        const SQL: &str = "SELECT snapPos, hash, uncompressedSize, rowid, typeof(compressedSnapshot) FROM snapshots
            WHERE vatID = ?1 AND inUse = 1";
        let db = self.session.read();
        let found = db.one(SQL, [vat], |row| {
            let (position, hash, raw_len): (Position, Digest, Option<u64>) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((position, hash, raw_len, row.get(3)?, row.get::<_, String>(4)?))
        })?;
        let Some((position, hash, raw_len, rowid, kind)) = found else {
            return Err(SnapError::NoSnapshot { vat: vat.clone() });
        };
        let gzip = read_gzip(db, rowid, &kind)?;
        let name = ArtifactName::Snapshot { vat: vat.clone(), position };
        let gzip = match gzip {
            Some(gzip) => gzip,
            // A row without a length is one that nobody has ever had the bytes of.
            None if raw_len.is_some() => match self.state.behind.gzip(vat, position, hash)? {
                Some(gzip) => gzip.to_vec(),
                None => return Err(SnapError::NotPopulated { vat: vat.clone(), name }),
            },
            None => return Err(SnapError::NotPopulated { vat: vat.clone(), name }),
        };
        Ok(Box::new(StoredBytes::new(name, gzip, hash, raw_len)))
    }

    fn stop_using_last_snapshot(&mut self, vat: &VatId) -> Result<(), SnapError> {
        let Some(old) = self.about_to_replace(vat)? else { return Ok(()) };
        let mut writer = self.session.write()?;
        retire(&mut writer, vat, old.position, self.state.options.keep)?;
        note_record(&mut writer, vat, old.position, old.hash, false);
        note_current(&mut writer, vat, None);
        Ok(())
    }

    fn snapshot_info(&mut self, vat: &VatId) -> Result<Option<SnapshotInfo>, SnapError> {
        let found = self.state.in_use(self.session, vat)?;
        match found {
            Some(mut info) if info.compressed_size.is_none() && info.uncompressed_size.is_some() => {
                let gzip = self.state.behind.gzip(vat, info.position, info.hash)?;
                info.compressed_size = gzip.map(|gzip| gzip.len() as u64);
                self.state.remember(vat, info.clone());
                Ok(Some(info))
            }
            found => Ok(found),
        }
    }

    /// Newest first. Without a budget the vat's `.current` record is deleted in any case, even of a vat that never had
    /// a snapshot; with one only when the snapshot in use goes. Consensus has seen both.
    fn delete_vat_snapshots(&mut self, vat: &VatId, budget: Budget) -> Result<Cleanup, SnapError> {
        self.delete_vat(vat, budget)
    }

    fn delete_all_unused_snapshots(&mut self) -> Result<(), SnapError> {
        const SQL: &str = "DELETE FROM snapshots WHERE inUse IS NULL";
        self.session.write()?.run_over(SNAPSHOTS, UNUSED, SQL, [])?;
        Ok(())
    }

    fn prune_unused_snapshots(&mut self) -> Result<u64, SnapError> {
        const SQL: &str = "UPDATE snapshots SET compressedSnapshot = NULL
            WHERE inUse IS NULL AND compressedSnapshot IS NOT NULL";
        self.store_behind()?;
        Ok(self.session.write()?.run_over(SNAPSHOTS, UNUSED, SQL, [])? as u64)
    }
}
