//! Snapshots. Their bytes are hashed, compressed and decompressed on other threads; the store sees whole snapshots only.

use std::io::Read as _;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use serde::Serialize;
use swing_core::roles::{KernelStorage as _, SnapStore as _, SnapshotBytes, SnapshotInfo};
use swing_core::{Digest, error_chain};
use swing_snap::codec::{Compressed, Level, Limits, compress};
use swing_snap::{SnapError, SnapshotRow};

use crate::cell::Cell;
use crate::error::{Answer, Failure, Kind};
use crate::js::{Body, Call, Value};
use crate::packing::{Pipe, PipeReader};
use crate::transcripts::{budget, cleanup, position, vat};

pub(crate) static FUNCTIONS: [(&str, Body<Rc<Cell>>); 9] = [
    ("pack", pack),
    ("loadSnapshot", load_snapshot),
    ("stopUsingLastSnapshot", stop_using_last_snapshot),
    ("getSnapshotInfo", snapshot_info),
    ("deleteVatSnapshots", delete_vat_snapshots),
    ("deleteAllUnusedSnapshots", delete_all_unused_snapshots),
    ("hasHash", has_hash),
    ("listAllSnapshots", list_all_snapshots),
    ("deleteSnapshotByHash", delete_snapshot_by_hash),
];

/// One read of a snapshot.
const CHUNK: usize = 256 << 10;

/// More than this does not fit a row of the database.
const LARGEST_GZIP: u64 = 1_000_000_000;

/// A snapshot that is being packed, or is packed and not stored yet.
struct Packing {
    cell: Rc<Cell>,
    pipe: Arc<Pipe>,
    thread: Arc<Mutex<Option<JoinHandle<Answer<Compressed>>>>>,
    packed: Arc<Mutex<Option<Compressed>>>,
}

impl Drop for Packing {
    fn drop(&mut self) {
        self.pipe.abandon();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `pack()`: functions that take a snapshot in, chunk by chunk, and store it at the end.
fn pack(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    const FUNCTIONS: [(&str, Body<Rc<Packing>>); 6] =
        [("push", push), ("room", room), ("finish", finish), ("gzip", gzip), ("store", store), ("abandon", abandon)];
    drop(cell.write()?);
    let pipe = Arc::new(Pipe::default());
    let mut reader = PipeReader::new(Arc::clone(&pipe));
    let work = move || {
        let limits = Limits { max_gzip_len: Some(LARGEST_GZIP), ..Limits::default() };
        compress(&mut reader, Level::DEFAULT, limits).map_err(|error| Failure::of(Kind::SOURCE, &error))
    };
    let thread = thread::Builder::new()
        .name("swing-node-pack".into())
        .spawn(work)
        .map_err(|error| Failure::no_thread("packing a snapshot", &error))?;
    let packing = Packing {
        cell: Rc::clone(cell),
        pipe,
        thread: Arc::new(Mutex::new(Some(thread))),
        packed: Arc::new(Mutex::new(None)),
    };
    call.js.functions(&Rc::new(packing), &FUNCTIONS)
}

fn push(packing: &Rc<Packing>, call: &Call) -> Answer<Value> {
    call.js.boolean(packing.pipe.push(call.argument(0, "snapshot chunk").bytes()?))
}

fn room(packing: &Rc<Packing>, call: &Call) -> Answer<Value> {
    let pipe = Arc::clone(&packing.pipe);
    let wait = move || {
        pipe.wait_for_room();
        Ok(())
    };
    call.js.promise(wait, |js, ()| js.undefined())
}

/// A promise of what the snapshot is, once all of it is packed.
fn finish(packing: &Rc<Packing>, call: &Call) -> Answer<Value> {
    packing.pipe.end();
    let (thread, packed) = (Arc::clone(&packing.thread), Arc::clone(&packing.packed));
    let wait = move || {
        let thread =
            locked(&thread).take().ok_or_else(|| Failure::new(Kind::STATE, "the snapshot is packed already"))?;
        let done = thread.join().map_err(|_| Failure::new(Kind::INTERNAL, "the packing thread failed: a bug"))??;
        let known = Packed {
            hash: done.hash.to_string(),
            uncompressed_size: done.raw_len,
            compressed_size: done.gzip.len() as u64,
        };
        *locked(&packed) = Some(done);
        Ok(known)
    };
    call.js.promise(wait, |js, known| js.json(&known))
}

/// What a snapshot is, once it is packed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Packed {
    hash: String,
    uncompressed_size: u64,
    compressed_size: u64,
}

fn not_packed() -> Failure {
    Failure::new(Kind::STATE, "the snapshot is not packed yet")
}

/// The compressed bytes, for an archiver.
fn gzip(packing: &Rc<Packing>, call: &Call) -> Answer<Value> {
    call.js.buffer(&locked(&packing.packed).as_ref().ok_or_else(not_packed)?.gzip)
}

/// `store(vatID, snapPos)`: makes it the snapshot in use.
fn store(packing: &Rc<Packing>, call: &Call) -> Answer<Value> {
    let open = &mut *packing.cell.write()?;
    let (vat, position) = (vat(call, &mut open.texts[0])?, position(call.argument(1, "snapPos"))?);
    let packed = locked(&packing.packed).take().ok_or_else(not_packed)?;
    open.store.kernel().snapshots().store_packed(&vat, position, &packed)?;
    call.js.undefined()
}

fn abandon(packing: &Rc<Packing>, call: &Call) -> Answer<Value> {
    packing.pipe.abandon();
    call.js.undefined()
}

/// `loadSnapshot(vatID)`: a function that promises the next bytes, or undefined at the end.
fn load_snapshot(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let bytes = {
        let open = &mut *cell.read()?;
        let vat = vat(call, &mut open.texts[0])?;
        open.store.kernel().snapshots().load_snapshot(&vat)?
    };
    call.js.function("read", Arc::new(Mutex::new(bytes)), read_chunk)
}

fn read_chunk(bytes: &Arc<Mutex<SnapshotBytes>>, call: &Call) -> Answer<Value> {
    let bytes = Arc::clone(bytes);
    let read = move || {
        let mut chunk = Vec::with_capacity(CHUNK);
        let read = (&mut *locked(&bytes)).take(CHUNK as u64).read_to_end(&mut chunk);
        read.map(|_| chunk).map_err(|error| snapshot_failure(&error))
    };
    call.js.promise(read, |js, chunk| if chunk.is_empty() { js.undefined() } else { js.buffer(&chunk) })
}

fn snapshot_failure(error: &std::io::Error) -> Failure {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<SnapError>()) {
        Some(SnapError::HashMismatch { actual, expected, .. }) => {
            Failure::new(Kind::MISMATCH, format!("actual hash \"{actual}\" !== expected \"{expected}\""))
        }
        Some(error) => Failure::new(Kind::MISMATCH, error_chain(error)),
        None => Failure::of(Kind::IO, error),
    }
}

fn stop_using_last_snapshot(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let open = &mut *cell.write()?;
    let vat = vat(call, &mut open.texts[0])?;
    open.store.kernel().snapshots().stop_using_last_snapshot(&vat)?;
    call.js.undefined()
}

fn snapshot_info(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let open = &mut *cell.read()?;
    let vat = vat(call, &mut open.texts[0])?;
    let Some(info) = open.store.kernel().snapshots().snapshot_info(&vat)? else { return call.js.undefined() };
    let SnapshotInfo { position, hash, uncompressed_size, compressed_size } = info;
    call.js.json(&Info { snap_pos: position.get(), hash: hash.to_string(), uncompressed_size, compressed_size })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    snap_pos: u64,
    hash: String,
    uncompressed_size: Option<u64>,
    compressed_size: Option<u64>,
}

fn delete_vat_snapshots(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let open = &mut *cell.write()?;
    let vat = vat(call, &mut open.texts[0])?;
    let budget = budget(call.argument(1, "budget"))?;
    cleanup(call.js, open.store.kernel().snapshots().delete_vat_snapshots(&vat, budget)?)
}

fn delete_all_unused_snapshots(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    cell.write()?.store.kernel().snapshots().delete_all_unused_snapshots()?;
    call.js.undefined()
}

/// The digest in argument 1; none if it is no digest at all, which is that of no snapshot.
fn digest(call: &Call) -> Answer<Option<Digest>> {
    Ok(call.argument(1, "hash").string()?.parse().ok())
}

fn has_hash(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let open = &mut *cell.read()?;
    let vat = vat(call, &mut open.texts[0])?;
    let has = match digest(call)? {
        Some(hash) => open.store.kernel().snapshots().has_hash(&vat, &hash)?,
        None => false,
    };
    call.js.boolean(has)
}

fn delete_snapshot_by_hash(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let open = &mut *cell.write()?;
    let vat = vat(call, &mut open.texts[0])?;
    if let Some(hash) = digest(call)? {
        open.store.kernel().snapshots().delete_snapshot_by_hash(&vat, &hash)?;
    }
    call.js.undefined()
}

fn list_all_snapshots(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let rows = cell.read()?.store.kernel().snapshots().list_all()?;
    let row = |row: &SnapshotRow| Row {
        vat: row.vat.to_string(),
        snap_pos: row.position.get(),
        in_use: row.in_use.then_some(1),
        hash: row.hash.to_string(),
        uncompressed_size: row.uncompressed_size,
        compressed_size: row.compressed_size,
    };
    call.js.json(&rows.iter().map(row).collect::<Vec<_>>())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    #[serde(rename = "vatID")]
    vat: String,
    snap_pos: u64,
    in_use: Option<u8>,
    hash: String,
    uncompressed_size: Option<u64>,
    compressed_size: Option<u64>,
}
