//! Snapshots that are packed while the block goes on.
//!
//! Their rows are there at once, with hash and length, so every record of them is right; what is missing is the gzip and its
//! length. Both are put in place before the commit, so no commit holds a row that lacks them. Until then they are known here:
//! whoever loads such a snapshot, or asks for its sizes, waits for its packing and gets them from here; whoever reads the bytes of
//! many rows has them put in place first.
//!
//! A row that waits is told by its lengths: it has the raw one and not the packed one, as no other row has. One that was rolled back
//! or deleted meanwhile is not found and not missed, one that went out of use gets the length and, unless all bytes are kept, no
//! bytes: as if it had been packed at once.

use std::io::Read;
use std::sync::Arc;

use swing_core::roles::{SnapshotInfo, SnapshotTaken};
use swing_core::{ArtifactName, Digest, Position, Session, SessionError, VatId, Writer};

use super::{Snapshots, row_of};
use crate::codec::{CodecError, Limits, Packing, compress_behind};
use crate::error::SnapError;
use crate::migration::Schema;
use crate::options::Retention;
use crate::rows::largest_gzip;
use crate::schema::SNAPSHOTS;

/// Raw bytes of all snapshots that may wait to be packed. Beyond, who brings more has to help.
const MOST_WAITING: usize = 64 << 20;

/// The snapshots whose rows may lack their bytes.
#[derive(Debug, Default)]
pub(crate) struct Behind {
    pending: Vec<Pending>,
    /// Whether the table takes a row in use without bytes; `None` until it was looked at.
    table_allows: Option<bool>,
}

#[derive(Debug)]
struct Pending {
    vat: VatId,
    position: Position,
    hash: Digest,
    bytes: Bytes,
    /// Its row has had them, unless that was rolled back.
    stored: bool,
}

#[derive(Debug)]
enum Bytes {
    Packing(Packing),
    Packed(Vec<u8>),
    Lost,
}

/// Waits for the packing.
fn packed(bytes: &mut Bytes) -> Result<&[u8], CodecError> {
    *bytes = match std::mem::replace(bytes, Bytes::Lost) {
        Bytes::Packing(packing) => Bytes::Packed(packing.finish()?.gzip),
        other => other,
    };
    match bytes {
        Bytes::Packed(gzip) => Ok(gzip),
        Bytes::Packing(_) | Bytes::Lost => Err(CodecError::ThreadLost),
    }
}

impl Pending {
    fn name(&self) -> ArtifactName {
        ArtifactName::Snapshot { vat: self.vat.clone(), position: self.position }
    }

    fn waits(&self, writer: &Writer<'_>) -> Result<bool, SessionError> {
        const SQL: &str = "SELECT 1 FROM snapshots WHERE vatID = ?1 AND snapPos = ?2 AND hash = ?3
            AND uncompressedSize IS NOT NULL AND compressedSize IS NULL";
        Ok(writer.read().one(SQL, (&self.vat, self.position, self.hash), |_| Ok(()))?.is_some())
    }

    /// Puts the bytes in place, if the row waits for them.
    fn store(&mut self, writer: &mut Writer<'_>, keep: Retention) -> Result<(), SessionError> {
        const SQL: &str = "UPDATE snapshots SET compressedSize = ?3,
            compressedSnapshot = CASE WHEN inUse = 1 OR ?4 THEN ?5 END WHERE vatID = ?1 AND snapPos = ?2";
        if self.stored || !self.waits(writer)? {
            return Ok(());
        }
        let what = self.name();
        let lost = |source| SessionError::PutOff { what: what.to_string(), source: Box::new(source) };
        let gzip = packed(&mut self.bytes).map_err(lost)?;
        let (length, all) = (gzip.len() as u64, keep == Retention::All);
        let row = row_of(&self.vat, self.position);
        writer.run_over(SNAPSHOTS, row, SQL, (&self.vat, self.position, length, all, gzip))?;
        self.stored = true;
        Ok(())
    }
}

impl Behind {
    /// Whether nothing has been put off.
    pub(crate) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Puts all bytes in place. What was put in place may yet be rolled back, so they are kept.
    pub(crate) fn store(&mut self, writer: &mut Writer<'_>, keep: Retention) -> Result<(), SessionError> {
        self.pending.iter_mut().try_for_each(|pending| pending.store(writer, keep))
    }

    /// Puts all bytes in place where nothing will be rolled back, and forgets them.
    pub(crate) fn settle(&mut self, writer: &mut Writer<'_>, keep: Retention) -> Result<(), SessionError> {
        self.store(writer, keep)?;
        self.pending.clear();
        Ok(())
    }

    /// Says that rows may be as they were before.
    pub(crate) fn rolled_back(&mut self) {
        self.pending.iter_mut().for_each(|pending| pending.stored = false);
    }

    /// About how many packed bytes are kept here.
    pub(crate) fn bytes(&self) -> usize {
        let held = |pending: &Pending| match &pending.bytes {
            Bytes::Packing(packing) => packing.packed(),
            Bytes::Packed(gzip) => gzip.len(),
            Bytes::Lost => 0,
        };
        self.pending.iter().map(held).sum()
    }

    fn waiting(&self) -> usize {
        let waiting = |pending: &Pending| match &pending.bytes {
            Bytes::Packing(packing) => packing.waiting(),
            Bytes::Packed(_) | Bytes::Lost => 0,
        };
        self.pending.iter().map(waiting).sum()
    }

    fn find(&mut self, vat: &VatId, position: Position, hash: Digest) -> Option<&mut Pending> {
        let same = |pending: &&mut Pending| pending.position == position && pending.hash == hash && pending.vat == *vat;
        self.pending.iter_mut().find(same)
    }

    /// The gzip of a snapshot whose row waits for it, once it is packed.
    pub(crate) fn gzip(&mut self, vat: &VatId, at: Position, hash: Digest) -> Result<Option<&[u8]>, SnapError> {
        let Some(pending) = self.find(vat, at, hash) else { return Ok(None) };
        let name = pending.name();
        packed(&mut pending.bytes).map(Some).map_err(|source| SnapError::Source { name, source })
    }

    /// Whether a row of this table may wait for its bytes while it is in use. Not in schema 1A, nor in one that we do not know.
    fn may_wait(&mut self, session: &Session) -> bool {
        let look = || matches!(Schema::of(session.read()), Ok(Schema::V1B));
        *self.table_allows.get_or_insert_with(look)
    }

    #[cfg(test)]
    pub(crate) fn lose_all(&mut self) {
        self.pending.iter_mut().for_each(|pending| pending.bytes = Bytes::Lost);
    }
}

impl Snapshots<'_> {
    /// A snapshot too large for a row is found out only when it is packed, so what might be one is packed at once. So is what an
    /// archive wants, and what a table of schema 1A has to have.
    pub(super) fn save_behind(
        &mut self,
        vat: &VatId,
        position: Position,
        source: &mut dyn Read,
    ) -> Result<SnapshotTaken, SnapError> {
        if self.state.options.archive.is_some() || !self.state.behind.may_wait(self.session) {
            return self.save(vat, position, source).map(SnapshotTaken::from);
        }
        let name = ArtifactName::Snapshot { vat: vat.clone(), position };
        self.session.begin_for(self.state)?;
        let clock = Arc::clone(&self.state.options.clock);

        let started = clock.now();
        let limits = Limits { max_gzip_len: Some(largest_gzip(vat)), ..Limits::default() };
        let room = MOST_WAITING.saturating_sub(self.state.behind.waiting());
        let packing = compress_behind(source, self.state.options.level, limits, room)
            .map_err(|source| self.not_taken_in(&name, source))?;
        let compress_seconds = clock.now().saturating_sub(started).as_secs_f64();

        let started = clock.now();
        let (hash, uncompressed_size) = (packing.hash(), packing.raw_len());
        if may_be_too_large(vat, uncompressed_size) {
            let packed = packing.finish().map_err(|source| self.not_taken_in(&name, source))?;
            self.store_packed(vat, position, &packed)?;
        } else {
            let info =
                SnapshotInfo { position, hash, uncompressed_size: Some(uncompressed_size), compressed_size: None };
            self.store(vat, &name, info, None)?;
            let pending = Pending { vat: vat.clone(), position, hash, bytes: Bytes::Packing(packing), stored: false };
            self.state.behind.pending.push(pending);
        }
        let db_save_seconds = clock.now().saturating_sub(started).as_secs_f64();
        Ok(SnapshotTaken { hash, uncompressed_size, compress_seconds, db_save_seconds })
    }

    /// Puts in place what was put off, for whoever reads bytes of rows.
    pub(super) fn store_behind(&mut self) -> Result<(), SnapError> {
        if !self.state.behind.is_empty() {
            let mut writer = self.session.write()?;
            self.state.behind.store(&mut writer, self.state.options.keep)?;
        }
        Ok(())
    }
}

/// Whether the gzip might not fit a row, were the bytes such as do not pack: then it is larger by a few bytes in thousands.
pub(super) fn may_be_too_large(vat: &VatId, raw_len: u64) -> bool {
    raw_len + raw_len / 512 + 1024 > largest_gzip(vat)
}
