//! Saving: everything that can fail without SQLite happens before SQLite is touched.

use std::io::Read;
use std::sync::Arc;

use swing_core::roles::{SnapshotInfo, SnapshotSaved};
use swing_core::{ArtifactName, Position, VatId};

use super::{Snapshots, note_current, note_record, retire, row_of};
use crate::codec::{CodecError, Compressed, Limits, compress};
use crate::error::SnapError;
use crate::rows::largest_gzip;
use crate::schema::SNAPSHOTS;

impl Snapshots<'_> {
    pub(super) fn save(
        &mut self,
        vat: &VatId,
        position: Position,
        source: &mut dyn Read,
    ) -> Result<SnapshotSaved, SnapError> {
        let name = ArtifactName::Snapshot { vat: vat.clone(), position };
        // A store that cannot be written is found out before the source is read and the archive written.
        self.session.begin_for(self.state)?;
        let clock = Arc::clone(&self.state.options.clock);

        let started = clock.now();
        let limits = Limits { max_gzip_len: Some(largest_gzip(vat)), ..Limits::default() };
        let packed =
            compress(source, self.state.options.level, limits).map_err(|source| self.not_taken_in(&name, source))?;
        let compress_seconds = clock.now().saturating_sub(started).as_secs_f64();

        let started = clock.now();
        let archive_write_seconds = match &mut self.state.options.archive {
            Some(archive) => {
                archive
                    .snapshot(&name, &packed.gzip)
                    .map_err(|source| SnapError::Archive { name: name.clone(), source })?;
                Some(clock.now().saturating_sub(started).as_secs_f64())
            }
            None => None,
        };

        let started = clock.now();
        self.store_packed(vat, position, &packed)?;
        let db_save_seconds = clock.now().saturating_sub(started).as_secs_f64();

        Ok(SnapshotSaved {
            hash: packed.hash,
            uncompressed_size: packed.raw_len,
            compressed_size: packed.gzip.len() as u64,
            compress_seconds,
            db_save_seconds,
            archive_write_seconds,
        })
    }

    /// Stores what [`compress`] made of a snapshot, and makes it the one in use: for callers that pack on a thread of
    /// their own. Nothing is archived.
    ///
    /// # Errors
    /// [`SnapError::TooLarge`], or [`SnapError::Session`]; nothing is changed then.
    pub fn store_packed(&mut self, vat: &VatId, position: Position, packed: &Compressed) -> Result<(), SnapError> {
        let name = ArtifactName::Snapshot { vat: vat.clone(), position };
        let (limit, length) = (largest_gzip(vat), packed.gzip.len() as u64);
        if length > limit {
            return Err(SnapError::TooLarge { name, limit });
        }
        let hash = packed.hash;
        let info =
            SnapshotInfo { position, hash, uncompressed_size: Some(packed.raw_len), compressed_size: Some(length) };
        self.store(vat, &name, info, Some(&packed.gzip))
    }

    /// Without bytes the row waits for them.
    pub(super) fn store(
        &mut self,
        vat: &VatId,
        name: &ArtifactName,
        new: SnapshotInfo,
        gzip: Option<&[u8]>,
    ) -> Result<(), SnapError> {
        // A snapshot saved again at the same position replaces the first one.
        const SQL: &str = "INSERT OR REPLACE INTO snapshots
            (vatID, snapPos, inUse, hash, uncompressedSize, compressedSize, compressedSnapshot)
            VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6)";
        let old = self.about_to_replace(vat)?;
        let mut writer = self.session.write()?;
        if let Some(old) = &old {
            retire(&mut writer, vat, old.position, self.state.options.keep)?;
        }
        let row = row_of(vat, new.position);
        writer.run_over(
            SNAPSHOTS,
            row,
            SQL,
            (vat, new.position, new.hash, new.uncompressed_size, new.compressed_size, gzip),
        )?;
        if let Some(old) = old {
            note_record(&mut writer, vat, old.position, old.hash, false);
        }
        note_record(&mut writer, vat, new.position, new.hash, true);
        note_current(&mut writer, vat, Some(name));
        self.state.remember(vat, new);
        Ok(())
    }

    /// What the codec's error means for a save.
    pub(super) fn not_taken_in(&self, name: &ArtifactName, source: CodecError) -> SnapError {
        match source {
            CodecError::PackedTooLong { limit } => SnapError::TooLarge { name: name.clone(), limit },
            source => SnapError::Source { name: name.clone(), source },
        }
    }
}
