//! The digest of all rows of a table, from the table: to build it, and to compare.
//!
//! One thread reads, others hash. The sum does not care who adds which row.

use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, Scope, ScopedJoinHandle};

use rusqlite::Params;

use super::batch::Batch;
use super::cells::Cell;
use super::lanes::RowDigest;
use crate::session::{Reader, RowValue, SessionError, Table};

/// Rows go to another thread in batches of this many bytes.
const BATCH: usize = 64 << 10;
const MOST_WORKERS: usize = 4;

/// The digest of all rows of `table`.
///
/// # Errors
/// [`SessionError`] when they cannot be read.
pub fn scan(db: Reader<'_>, table: &Table) -> Result<RowDigest, SessionError> {
    let sql = format!("SELECT rowid, {} FROM {} NOT INDEXED ORDER BY rowid", table.columns.join(", "), table.name);
    let mut last = None;
    sum_of(db, &sql, [], 1..table.columns.len() + 1, |row| {
        let rowid: i64 = row.get(0)?;
        // A damaged tree may lead in a circle.
        if last.is_some_and(|last| rowid <= last) {
            return Err(SessionError::OutOfOrder { table: table.name });
        }
        last = Some(rowid);
        Ok(())
    })
}

/// The digest of the rows that `sql` answers, each of which is in these columns of the answer. Many of them are hashed on
/// other threads.
///
/// # Errors
/// [`SessionError`] when they cannot be read, or `check` says so.
pub(crate) fn sum_of<E: From<SessionError>>(
    db: Reader<'_>,
    sql: &str,
    params: impl Params,
    columns: Range<usize>,
    mut check: impl FnMut(&RowValue<'_, '_>) -> Result<(), E>,
) -> Result<RowDigest, E> {
    thread::scope(|scope| {
        let mut workers = Workers { scope, hashing: Vec::new(), most: None, turn: 0, digest: RowDigest::default() };
        let mut batch = Batch::default();
        let read = db.each(sql, params, |row| {
            check(row)?;
            for column in columns.clone() {
                batch.write(Cell::from(row.value(column)?));
            }
            batch.end_row(false);
            if batch.bytes() >= BATCH {
                workers.hand_on(std::mem::replace(&mut batch, Batch::with_room(BATCH)));
            }
            Ok::<_, E>(true)
        });
        batch.sum_all(&mut workers.digest);
        let digest = workers.finish();
        read.map(|()| digest)
    })
}

/// Threads that hash batches by turns, each from its first turn on.
struct Workers<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    hashing: Vec<(SyncSender<Batch>, ScopedJoinHandle<'scope, RowDigest>)>,
    /// How many of them there may be, once that is asked.
    most: Option<usize>,
    turn: usize,
    /// Of batches that none of them takes.
    digest: RowDigest,
}

impl Workers<'_, '_> {
    fn hand_on(&mut self, batch: Batch) {
        let cores = || thread::available_parallelism().map_or(1, |cores| cores.get().clamp(1, MOST_WORKERS));
        let most = *self.most.get_or_insert_with(cores);
        if self.hashing.len() < most {
            self.begin_one();
        }
        let turn = self.turn;
        self.turn = (turn + 1) % most;
        // Without a thread to be had this one does it.
        let left = match self.hashing.get(turn) {
            Some((batches, _)) => batches.send(batch).map_err(|returned| returned.0),
            None => Err(batch),
        };
        if let Err(batch) = left {
            batch.sum_all(&mut self.digest);
        }
    }

    fn begin_one(&mut self) {
        let (batches, todo) = sync_channel(2);
        if let Ok(worker) = thread::Builder::new().spawn_scoped(self.scope, move || hash_all(todo)) {
            self.hashing.push((batches, worker));
        }
    }

    fn finish(self) -> RowDigest {
        let mut digest = self.digest;
        for (batches, worker) in self.hashing {
            drop(batches);
            match worker.join() {
                Ok(part) => digest.merge(&part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        digest
    }
}

fn hash_all(todo: Receiver<Batch>) -> RowDigest {
    let mut digest = RowDigest::default();
    todo.iter().for_each(|batch| batch.sum_all(&mut digest));
    digest
}
