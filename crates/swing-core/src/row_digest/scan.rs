//! The digest of all rows of a table, from the table: to build it, and to compare.
//!
//! One thread reads, others hash. The sum does not care who adds which row.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::cells::Cell;
use super::lanes::RowDigest;
use crate::session::{Reader, SessionError, Table};

/// Rows go to another thread in batches of this many bytes.
const BATCH: usize = 256 << 10;
const MOST_WORKERS: usize = 4;

/// Rows as bytes, one after the other.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Batch {
    fn hash(&self, digest: &mut RowDigest) {
        let mut start = 0;
        for &end in &self.ends {
            digest.add_bytes(&self.bytes[start..end]);
            start = end;
        }
    }
}

/// The digest of all rows of `table`.
///
/// # Errors
/// [`SessionError`] when they cannot be read.
pub fn scan(db: Reader<'_>, table: &Table) -> Result<RowDigest, SessionError> {
    let workers = thread::available_parallelism().map_or(1, |most| most.get().clamp(1, MOST_WORKERS));
    thread::scope(|scope| {
        let mut hashing = Vec::new();
        for _ in 0..workers {
            let (batches, todo) = sync_channel(2);
            // Without a thread to be had this one does it all.
            if let Ok(worker) = thread::Builder::new().spawn_scoped(scope, move || hash_all(todo)) {
                hashing.push((batches, worker));
            }
        }
        let mut digest = RowDigest::default();
        let read = read(db, table, hashing.iter().map(|(batches, _)| batches), &mut digest);
        for (batches, worker) in hashing {
            drop(batches);
            match worker.join() {
                Ok(part) => digest.merge(&part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        read.map(|()| digest)
    })
}

fn hash_all(todo: Receiver<Batch>) -> RowDigest {
    let mut digest = RowDigest::default();
    todo.iter().for_each(|batch| batch.hash(&mut digest));
    digest
}

/// Reads all rows and hands them round; into `digest` go those that nobody takes.
fn read<'w>(
    db: Reader<'_>,
    table: &Table,
    workers: impl Iterator<Item = &'w SyncSender<Batch>> + Clone,
    digest: &mut RowDigest,
) -> Result<(), SessionError> {
    let sql = format!("SELECT rowid, {} FROM {} NOT INDEXED ORDER BY rowid", table.columns.join(", "), table.name);
    let mut next = workers.cycle();
    let mut hand_on = |batch: Batch| match next.next() {
        Some(worker) => {
            if let Err(returned) = worker.send(batch) {
                returned.0.hash(digest);
            }
        }
        None => batch.hash(digest),
    };
    let (mut batch, mut last) = (Batch::default(), None);
    db.each(&sql, [], |row| {
        let rowid: i64 = row.get(0)?;
        // A damaged tree may lead in a circle.
        if last.is_some_and(|last| rowid <= last) {
            return Err(SessionError::OutOfOrder { table: table.name });
        }
        last = Some(rowid);
        for column in 1..=table.columns.len() {
            Cell::from(row.value(column)?).write(&mut batch.bytes);
        }
        batch.ends.push(batch.bytes.len());
        if batch.bytes.len() >= BATCH {
            hand_on(std::mem::take(&mut batch));
        }
        Ok(true)
    })?;
    hand_on(batch);
    Ok(())
}
