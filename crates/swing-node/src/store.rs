//! A store as a whole: the end of a block, the host's callback, and what tools ask.

use std::rc::Rc;
use std::sync::{Arc, Mutex};

use swing_export::{ExportSource, PublishError, Respelled, SourceError, SourceNames, SourceRecords};
use swing_store::DiskUsage;
use swing_transcript::History;

use crate::cell::{Cell, Inside, closed};
use crate::error::{Answer, Failure, Kind};
use crate::js::{Argument, Body, Call, Value};

pub(crate) static FUNCTIONS: [(&str, Body<Rc<Cell>>); 12] = [
    ("kernelKv", kernel_kv),
    ("recordExports", record_exports),
    ("exportsTaken", exports_taken),
    ("drainExports", drain_exports),
    ("settleBlock", settle_block),
    ("sealBlock", seal_block),
    ("publish", publish),
    ("close", close),
    ("diskUsage", disk_usage),
    ("serialize", serialize),
    ("dump", dump),
    ("repair", repair),
];

/// The kernel's key-value store, as functions of its own: they are called so often that to be bound to their store saves more than
/// to make them takes.
fn kernel_kv(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    call.js.functions(cell, &crate::calls::KERNEL_KV)
}

fn record_exports(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    cell.write()?.store.record_exports()?;
    call.js.undefined()
}

/// `exportsTaken(taken)`: what became of the batch that was handed out. One that was not taken stays queued.
fn exports_taken(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let open = &mut *cell.read()?;
    open.handing_over = false;
    if call.argument(0, "taken").is_true()? {
        open.store.exports_taken()?;
    }
    call.js.undefined()
}

/// All changes since the last time, in the order of the calls that made them.
fn drain_exports(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let changes = cell.write()?.store.take_exports_in_order()?;
    call.js.pairs(changes.iter().map(|entry| (&*entry.key, entry.value.as_deref())))
}

/// The first half of a commit. Answers the batch for the callback, if there is one: until the host has said what became of
/// it, nothing may change.
fn settle_block(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let open = &mut *cell.write()?;
    open.store.settle_block()?;
    let batch = open.store.pending_exports()?;
    if batch.is_empty() {
        return call.js.undefined();
    }
    let pairs = call.js.pairs(batch.iter().map(|entry| (&*entry.key, entry.value.as_deref())))?;
    open.handing_over = true;
    Ok(pairs)
}

fn seal_block(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    cell.write()?.store.seal_block()?;
    call.js.undefined()
}

/// The commit of an import: a promise that the new store is durable and in its place. If it is rejected and the import
/// is whole, that is as it was, to be committed again.
fn publish(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let (imported, back) = {
        let inside = &mut *cell.inside()?;
        let back = Arc::new(Mutex::new(None));
        match std::mem::replace(inside, Inside::Away { what: "being put in place", back: Arc::clone(&back) }) {
            Inside::Imported(imported) => (imported, back),
            Inside::GivenUp => {
                *inside = Inside::GivenUp;
                return Err(Failure::new(
                    Kind::STATE,
                    "the import could not be put in place, and nothing is left of it",
                ));
            }
            other => {
                *inside = other;
                return Err(Failure::new(Kind::STATE, "there is no import to commit"));
            }
        }
    };
    let work = move || {
        let (inside, done) = match imported.commit() {
            Ok(store) => (Inside::open(store), Ok(())),
            Err(PublishError { error, import }) => (
                import.map_or(Inside::GivenUp, |held| Inside::Imported(Box::new(held.into_import()))),
                Err(error.into()),
            ),
        };
        *back.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(inside);
        done
    };
    call.js.promise(work, |js, ()| js.undefined())
}

/// Abandons what is not committed.
fn close(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let inside = &mut *cell.inside()?;
    match std::mem::replace(inside, Inside::Closed) {
        Inside::Open(open) if open.handing_over => {
            *inside = Inside::Open(open);
            return Err(Failure::new(Kind::STATE, "the store cannot be closed from inside its export callback"));
        }
        Inside::Open(open) => open.store.close()?,
        Inside::Imported(imported) => drop(imported),
        // Nothing is left of it, but its host has not closed it yet.
        Inside::GivenUp => {}
        Inside::Closed => return Err(Failure::new(Kind::CLOSED, "db not initialized (the store is closed)")),
        Inside::Away { what, back } => {
            *inside = Inside::Away { what, back };
            return Err(Inside::away(what));
        }
    }
    cell.lighten();
    call.js.undefined()
}

fn disk_usage(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let usage = match &*cell.inside()? {
        Inside::Open(open) => open.store.disk_usage()?.unwrap_or(DiskUsage { database: 0, wal: 0 }),
        Inside::Imported(_) | Inside::Away { .. } => DiskUsage { database: 0, wal: 0 },
        // As in the original, which looks at the file and not at the store.
        Inside::Closed => cell.file.as_deref().map_or(Ok(DiskUsage { database: 0, wal: 0 }), DiskUsage::of)?,
        Inside::GivenUp => return Err(closed()),
    };
    call.js.json(&[usage.database, usage.wal])
}

fn serialize(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    if cell.file.is_some() {
        return Err(Failure::new(Kind::STATE, "on-disk DBs with WAL mode enabled do not serialize well"));
    }
    call.js.buffer(&cell.read()?.store.serialize()?)
}

/// `dump(includeHistorical)`.
fn dump(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let history = if call.argument(0, "includeHistorical").is_true()? { History::All } else { History::Current };
    let dump = match &mut *cell.inside()? {
        Inside::Open(open) => open.store.dump(history)?,
        Inside::Imported(imported) => imported.dump(history)?,
        Inside::Away { what, .. } => return Err(Inside::away(what)),
        Inside::GivenUp | Inside::Closed => return Err(closed()),
    };
    crate::dump::show(call.js, &dump)
}

/// `repair(pairs)`: adds the records that are missing.
fn repair(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let records = call.argument(0, "export data").elements()?.map(|pair| record(pair?)).collect::<Answer<Vec<_>>>()?;
    cell.write()?.store.repair_metadata(&Respelled(&Records(records)))?;
    call.js.undefined()
}

/// One `[key, value]` of export data; a value that is null or missing is a deletion.
pub(crate) fn record(pair: Argument<'_>) -> Answer<(String, Option<String>)> {
    let mut elements = pair.elements()?;
    let mut next = |what| elements.next().transpose().map(|element| element.map(|element| element.named(what)));
    let key = next("export-data key")?.ok_or_else(|| Failure::argument("export data must be pairs"))?.string()?;
    let value = match next("export-data value")? {
        Some(value) if !value.is_absent()? => Some(value.string()?),
        _ => None,
    };
    Ok((key, value))
}

/// Records that are all here already.
struct Records(Vec<(String, Option<String>)>);

impl ExportSource for Records {
    fn records(&self) -> Result<SourceRecords<'_>, SourceError> {
        Ok(Box::new(self.0.iter().cloned().map(Ok)))
    }

    fn artifact_names(&self) -> Result<SourceNames<'_>, SourceError> {
        Ok(Box::new(std::iter::empty()))
    }

    fn artifact(&self, name: &str) -> Result<Box<dyn std::io::Read + '_>, SourceError> {
        Err(format!("there are no artifacts, so not {name} either").into())
    }
}
