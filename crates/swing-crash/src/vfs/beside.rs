//! A connection that checkpoints in the middle of what another one writes.
//!
//! A store's own thread does so whenever the system lets it. Here it is done between two operations on files that are counted, on
//! the thread that writes, so that the same seed gives the same order of all of them.

use std::cell::Cell;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

thread_local! {
    /// What a checkpoint itself writes is no occasion for another.
    static IS_AT_WORK: Cell<bool> = const { Cell::new(false) };
}

struct State {
    connection: Connection,
    every: u64,
    left: u64,
}

static BESIDE: Mutex<Option<State>> = Mutex::new(None);

/// Checkpoints after every so many writes and flushes, until it is dropped.
pub(crate) struct Beside;

impl Beside {
    /// Of the database at `path`, which is open. A control does not flush what it copies.
    pub(crate) fn begin(path: &Path, every: u64, flushes: bool) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        if !flushes {
            connection.execute_batch("PRAGMA synchronous=OFF")?;
        }
        *BESIDE.lock().unwrap_or_else(PoisonError::into_inner) = Some(State { connection, every, left: every });
        Ok(Self)
    }

    /// Checkpoints now.
    pub(crate) fn pass(&self) {
        if let Some(state) = &*BESIDE.lock().unwrap_or_else(PoisonError::into_inner) {
            pass(&state.connection);
        }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let state = BESIDE.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Outside of the lock: closing writes, too.
        drop(state);
    }
}

/// A write or a flush has been done.
pub(super) fn turn() {
    if IS_AT_WORK.get() {
        return;
    }
    // Held by nobody else but while a store is opened or closed.
    let Ok(mut beside) = BESIDE.try_lock() else { return };
    let Some(state) = &mut *beside else { return };
    state.left -= 1;
    if state.left > 0 {
        return;
    }
    state.left = state.every;
    pass(&state.connection);
}

fn pass(connection: &Connection) {
    IS_AT_WORK.set(true);
    // What another one holds it cannot have now.
    let _ = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    IS_AT_WORK.set(false);
}
