//! What an import finds where the new store is to be.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use fs_err as fs;
use serde::Serialize;
use swing_core::session::{Location, OpenError, OpenOptions, Session, WriterLock, is_open_elsewhere, store_file};

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

/// The store that is to be replaced, if there is one. One of a later release is not; what is no store at all, the importer
/// refuses. Before anything is built, whoever has it open is told of.
pub(super) fn check(
    store: &Path,
    block_height: u64,
    replace: Replace,
    wait: Option<Duration>,
    meter: &Meter,
) -> Result<Option<Replaced>> {
    for link in [store.to_owned(), store_file(store)] {
        if let Ok(target) = fs::read_link(&link)
            && !link.exists()
        {
            return Err(Refusal::DanglingLink { link, target }.into());
        }
    }
    let options = OpenOptions { read_only: true, ..OpenOptions::default() };
    let found = match Session::open(Location::File(store_file(store)), &options, &swing_store::tables()) {
        Err(OpenError::Missing { .. }) => return Ok(None),
        Err(error @ OpenError::NewerFormat { .. }) => return Err(error.into()),
        // A damaged store is what an import is good for.
        Err(_) => None,
        Ok(session) => height_of(&session, store),
    };
    if let Some(found) = found.filter(|found| *found > block_height)
        && replace == Replace::NotLater
    {
        return Err(Refusal::Later { store: store.to_owned(), found, dataset: block_height }.into());
    }
    tell_of_users(store, wait, meter)?;
    Ok(Some(Replaced { block_height: found }))
}

fn height_of(session: &Session, store: &Path) -> Option<u64> {
    const SQL: &str = "SELECT value FROM kvStore WHERE key = ?1";
    let text = session.read().one(SQL, [height::HOST_HEIGHT], |row| row.get::<_, Option<String>>(0)).ok().flatten();
    height::read(store, text.flatten().as_deref()).ok().flatten()
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
