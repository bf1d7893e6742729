//! What an import finds where the new store is to be.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use fs_err as fs;
use rusqlite::ErrorCode;
use serde::Serialize;
use swing_core::SessionError;
use swing_core::session::{OpenError, Pinned, Reader, WriterLock, is_open_elsewhere, store_file};
use swing_export::SourceError;

use super::Replace;
use crate::error::Refusal;
use crate::height;
use crate::progress::Meter;
use crate::waiting;

/// The store that is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Replaced {
    /// The height that it was at; `None` if it had none, or could not be read.
    pub block_height: Option<u64>,
}

/// Before anything is built: what is to be replaced, and who has it open.
pub(super) fn check(
    store: &Path,
    block_height: u64,
    replace: Replace,
    wait: Option<Duration>,
    meter: &Meter,
) -> Result<Option<Replaced>> {
    let found = look(store, block_height, replace)?;
    if found.is_some() {
        tell_of_users(store, wait, meter)?;
    }
    Ok(found)
}

/// The store that is to be replaced, if there is one. One of a later release is not, nor one of a later block, unless it shall be; what
/// is no store at all, the importer refuses.
pub(super) fn look(store: &Path, block_height: u64, replace: Replace) -> Result<Option<Replaced>, Refusal> {
    for link in [store.to_owned(), store_file(store)] {
        if let Ok(target) = fs::read_link(&link)
            && !link.exists()
        {
            return Err(Refusal::DanglingLink { link, target });
        }
    }
    // Of the other tables one may be missing.
    let found = match Pinned::open(&store_file(store), &[]) {
        Err(OpenError::Missing { .. }) => return Ok(None),
        Err(error @ (OpenError::NewerFormat { .. } | OpenError::Foreign { .. })) => {
            return Err(Refusal::NotReplaced(error));
        }
        // A damaged store is what an import is good for.
        Err(OpenError::NotADatabase { .. }) => Ok(None),
        Err(OpenError::Sqlite { source, .. }) if is_damage(&source) => Ok(None),
        Err(error) => Err(error.into()),
        Ok(pinned) => height_of(pinned.read(), store),
    };
    match found {
        Ok(Some(found)) if found > block_height && replace == Replace::NotLater => {
            Err(Refusal::Later { store: store.to_owned(), found, dataset: block_height })
        }
        Err(source) if replace == Replace::NotLater => Err(Refusal::HeightUnknown { store: store.to_owned(), source }),
        found => Ok(Some(Replaced { block_height: found.ok().flatten() })),
    }
}

/// The height that a store is at; `None` if it has none or is damaged.
fn height_of(db: Reader<'_>, store: &Path) -> Result<Option<u64>, SourceError> {
    match swing_store::host_height(db) {
        Ok(text) => Ok(height::read(store, text.as_deref())?),
        Err(SessionError::Corrupt { source, .. }) if is_damage(&source) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Looks who has the store open, which the import will have to wait for.
fn tell_of_users(store: &Path, wait: Option<Duration>, meter: &Meter) -> Result<()> {
    let lock = WriterLock::acquire(&store_file(store)).map_err(OpenError::from)?;
    // What else may be wrong with it tells whoever replaces it.
    if let Ok(true) = is_open_elsewhere(lock.database(), Duration::ZERO) {
        let by = waiting::holders(lock.database());
        if wait == Some(Duration::ZERO) {
            return Err(
                Refusal::InTheWay { store: store.to_owned(), by: by.iter().map(u32::to_string).collect() }.into()
            );
        }
        meter.say(&waiting::foretell(lock.database(), &by));
    }
    Ok(())
}
