//! Deleting the snapshots of a vat that is gone.

use swing_core::session::Scope;
use swing_core::{Budget, Cleanup, ExportKey, Position, VatId};

use super::{Snapshots, note_current, row_of};
use crate::error::SnapError;
use crate::schema::SNAPSHOTS;

impl Snapshots<'_> {
    pub(super) fn delete_vat(&mut self, vat: &VatId, budget: Budget) -> Result<Cleanup, SnapError> {
        const NEWEST: &str = "SELECT snapPos, inUse IS NOT NULL FROM snapshots WHERE vatID = ?1
            ORDER BY snapPos DESC LIMIT ?2";
        const DELETE_ALL: &str = "DELETE FROM snapshots WHERE vatID = ?1";
        const DELETE_ONE: &str = "DELETE FROM snapshots WHERE vatID = ?1 AND snapPos = ?2";
        const ANY_LEFT: &str = "SELECT 1 FROM snapshots WHERE vatID = ?1 LIMIT 1";
        // SQLite takes a negative limit for none.
        let (limit, all) = match budget {
            Budget::Unlimited => (-1, true),
            Budget::AtMost(most) => (i64::try_from(most.get()).unwrap_or(i64::MAX), false),
        };
        self.session.begin_for(self.state)?;
        self.state.forget(vat);
        let mut writer = self.session.write()?;

        let doomed =
            writer.read().all(NEWEST, (vat, limit), |row| Ok((row.get::<_, Position>(0)?, row.get::<_, bool>(1)?)))?;
        if all {
            writer.run_over(SNAPSHOTS, Scope { condition: "vatID = ?1", params: [vat] }, DELETE_ALL, [vat])?;
        } else {
            for &(position, _) in &doomed {
                writer.run_over(SNAPSHOTS, row_of(vat, position), DELETE_ONE, (vat, position))?;
            }
        }
        for &(position, _) in &doomed {
            writer.note_export(ExportKey::Snapshot { vat: vat.clone(), position }.to_string(), None);
        }
        if all || doomed.iter().any(|(_, in_use)| *in_use) {
            note_current(&mut writer, vat, None);
        }

        let left = !all && writer.read().one(ANY_LEFT, [vat], |_| Ok(()))?.is_some();
        Ok(Cleanup { done: !left, cleanups: doomed.len() as u64 })
    }
}
