//! The calls that a kernel makes all the time, as plain functions bound to their store: key-value pairs, cranks.

use std::rc::Rc;

use serde::Serialize;
use swing_core::roles::{CrankHashes, HostStorage as _, KernelStorage as _, KvStore};
use swing_store::{Store, StoreError};

use crate::cell::Cell;
use crate::error::Answer;
use crate::js::{Body, Call, Value};

/// The kernel's key-value store.
pub(crate) static KERNEL_KV: [Named; 5] = key_value::<Kernel>();

/// The host's.
pub(crate) static HOST_KV: [Named; 5] = key_value::<Host>();

/// That of a tool that stands between the two and the store.
pub(crate) static UNGUARDED_KV: [Named; 5] = key_value::<Unguarded>();

type Named = (&'static str, Body<Rc<Cell>>);

/// Cranks and their hashes.
pub(crate) static CRANKS: [Named; 12] = [
    ("startCrank", start_crank),
    ("establishCrankSavepoint", establish_crank_savepoint),
    ("rollbackCrank", rollback_crank),
    ("emitCrankHashes", emit_crank_hashes),
    ("endCrank", end_crank),
    ("getActivityhash", activityhash),
    ("settleCrank", settle_crank),
    ("leaveCrank", leave_crank),
    ("beginAccounting", begin_accounting),
    ("accountSet", account_set),
    ("accountDelete", account_delete),
    ("chainCrankHash", chain_crank_hash),
];

/// Who asks for key-value pairs.
trait End {
    type Kv<'s>: KvStore<Error = StoreError>;
    fn kv<R>(store: &mut Store, ask: impl FnOnce(&mut Self::Kv<'_>) -> Result<R, StoreError>) -> Result<R, StoreError>;
}

struct Kernel;
struct Host;
struct Unguarded;

impl End for Kernel {
    type Kv<'s> = swing_store::KernelKv<'s>;
    fn kv<R>(store: &mut Store, ask: impl FnOnce(&mut Self::Kv<'_>) -> Result<R, StoreError>) -> Result<R, StoreError> {
        ask(&mut store.kernel().kv())
    }
}

impl End for Host {
    type Kv<'s> = swing_store::HostKv<'s>;
    fn kv<R>(store: &mut Store, ask: impl FnOnce(&mut Self::Kv<'_>) -> Result<R, StoreError>) -> Result<R, StoreError> {
        ask(&mut store.host().kv())
    }
}

impl End for Unguarded {
    type Kv<'s> = swing_store::UnguardedKv<'s>;
    fn kv<R>(store: &mut Store, ask: impl FnOnce(&mut Self::Kv<'_>) -> Result<R, StoreError>) -> Result<R, StoreError> {
        ask(&mut store.unguarded_kv())
    }
}

const fn key_value<E: End>() -> [Named; 5] {
    [
        ("has", has::<E>),
        ("get", get::<E>),
        ("getNextKey", get_next_key::<E>),
        ("set", set::<E>),
        ("delete", delete::<E>),
    ]
}

fn has<E: End>(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let open = &mut *cell.read()?;
    let key = call.text(0, "key", &mut open.texts[0])?;
    call.js.boolean(E::kv(&mut open.store, |kv| kv.has(key))?)
}

fn get<E: End>(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let open = &mut *cell.read()?;
    let key = call.text(0, "key", &mut open.texts[0])?;
    match E::kv(&mut open.store, |kv| kv.get(key))? {
        Some(value) => call.js.string(&value),
        None => call.js.undefined(),
    }
}

fn get_next_key<E: End>(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let open = &mut *cell.read()?;
    let previous = call.text(0, "previousKey", &mut open.texts[0])?;
    match E::kv(&mut open.store, |kv| kv.get_next_key(previous))? {
        Some(key) => call.js.string(&key),
        None => call.js.undefined(),
    }
}

fn set<E: End>(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let open = &mut *cell.write()?;
    let [key, value] = &mut open.texts;
    let (key, value) = (call.text(0, "key", key)?, call.text(1, "value", value)?);
    E::kv(&mut open.store, |kv| kv.set(key, value))?;
    call.js.undefined()
}

fn delete<E: End>(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let open = &mut *cell.write()?;
    let key = call.text(0, "key", &mut open.texts[0])?;
    E::kv(&mut open.store, |kv| kv.delete(key))?;
    call.js.undefined()
}

fn start_crank(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    cell.write()?.store.kernel().start_crank()?;
    call.js.undefined()
}

fn establish_crank_savepoint(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let open = &mut *cell.write()?;
    let name = call.text(0, "savepoint", &mut open.texts[0])?;
    open.store.kernel().establish_crank_savepoint(name)?;
    call.js.undefined()
}

fn rollback_crank(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let open = &mut *cell.write()?;
    let name = call.text(0, "savepoint", &mut open.texts[0])?;
    open.store.kernel().rollback_crank(name)?;
    call.js.undefined()
}

#[derive(Serialize)]
struct Hashes {
    crankhash: String,
    activityhash: String,
}

fn hashes(call: &Call, CrankHashes { crankhash, activityhash }: CrankHashes) -> Answer<Value> {
    call.js.json(&Hashes { crankhash: crankhash.to_string(), activityhash: activityhash.to_string() })
}

fn emit_crank_hashes(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let emitted = cell.write()?.store.kernel().emit_crank_hashes()?;
    hashes(call, emitted)
}

fn activityhash(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    call.js.string(&cell.read()?.store.kernel().activityhash()?)
}

/// Ends a crank of a store that has no callback.
fn end_crank(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    cell.write()?.store.kernel().end_crank()?;
    call.js.undefined()
}

/// The first half of the end of a crank. Answers the batch for the callback, if there is one: until the host has said what
/// became of it, nothing may change.
fn settle_crank(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let open = &mut *cell.write()?;
    open.store.settle_crank()?;
    let batch = open.store.pending_exports()?;
    if batch.is_empty() {
        open.store.leave_crank()?;
        return call.js.undefined();
    }
    let pairs = call.js.pairs(batch.iter().map(|entry| (&*entry.key, entry.value.as_deref())))?;
    open.handing_over = true;
    Ok(pairs)
}

/// The second half, after the callback has taken the batch.
fn leave_crank(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    cell.write()?.store.leave_crank()?;
    call.js.undefined()
}

/// Refuses what would be refused when it is accounted for, while nothing has changed yet.
fn begin_accounting(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    cell.write()?.store.begin_accounting()?;
    call.js.undefined()
}

fn account_set(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let open = &mut *cell.write()?;
    let [key, value] = &mut open.texts;
    let (key, value) = (call.text(0, "key", key)?, call.text(1, "value", value)?);
    open.store.account(key, Some(value))?;
    call.js.undefined()
}

fn account_delete(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let open = &mut *cell.write()?;
    let key = call.text(0, "key", &mut open.texts[0])?;
    open.store.account(key, None)?;
    call.js.undefined()
}

fn chain_crank_hash(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let open = &mut *cell.write()?;
    let old = call.text(0, "activityhash", &mut open.texts[0])?;
    let chained = open.store.chain_crank_hash(old)?;
    hashes(call, chained)
}
