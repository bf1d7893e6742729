//! Making sure that nobody else has a store open that is to be changed.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use swing_core::session::{OpenError, WriterLock, is_open_elsewhere, store_file};

use crate::error::Refusal;
use crate::waiting::holders;

/// A `stat` that somebody has just begun is waited for.
const PATIENCE: Duration = Duration::from_millis(500);

/// Refuses if anybody has the store open. A node of ours is known by its lock; one of the original would lose the block that meets a
/// long transaction of ours.
pub(crate) fn insist(store: &Path) -> Result<()> {
    let lock = WriterLock::acquire(&store_file(store)).map_err(OpenError::from)?;
    // What else may be wrong with it tells whoever opens it.
    if let Ok(true) = is_open_elsewhere(lock.database(), PATIENCE) {
        let by = holders(lock.database());
        return Err(Refusal::InUse { store: store.to_owned(), by: by.iter().map(u32::to_string).collect() }.into());
    }
    Ok(())
}
