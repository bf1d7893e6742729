//! An importer: a thread that builds a store, and asks JavaScript for what it needs.
//!
//! The exporter that an import reads from may be anybody's object, and its iterators are JavaScript's. So the thread utters a wish
//! and sleeps; JavaScript, which was promised the next wish, fulfils it and asks for the one after.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use swing_core::roles::KvStore as _;
use swing_export::{EmptyExport, ExportSource, ImportOptions, Respelled, SourceError, SourceNames, SourceRecords};
use swing_store::{HostKv, ImportedStore, Options, StoreError, import_file, import_in_memory};

use crate::cell::{Cell, Inside};
use crate::error::{Answer, Failure, Kind};
use crate::js::{Body, Call, Js, Value};
use crate::store::record;

/// What the thread needs next.
enum Wish {
    Records,
    Names,
    /// The first bytes of this artifact.
    Artifact(String),
    /// More bytes of the same.
    Bytes,
    Done,
}

/// What JavaScript answers. Nothing at all is the end of what was wished for.
enum Granted {
    Records(Vec<(String, Option<String>)>),
    Names(Vec<String>),
    Bytes(Vec<u8>),
    End,
    Failed(String),
}

/// An import that is under way, as JavaScript holds it.
struct Importing {
    granted: Sender<Granted>,
    wishes: Arc<Mutex<Receiver<Answer<Wish>>>>,
    landed: Arc<Mutex<Option<ImportedStore>>>,
    file: Option<PathBuf>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `importer(path, artifactMode, options)`: functions that tell what is wished for and take it.
pub(crate) fn importer(_: &(), call: &Call) -> Answer<Value> {
    const FUNCTIONS: [(&str, Body<Rc<Importing>>); 6] = [
        ("wish", wish),
        ("grantRecords", grant_records),
        ("grantNames", grant_names),
        ("grantBytes", grant_bytes),
        ("grantNothing", grant_nothing),
        ("imported", imported),
    ];
    let (mode, options) = (call.argument(1, "artifactMode").string()?, call.argument(2, "options"));
    let mode = mode.parse().map_err(|_| Failure::argument(format!("invalid artifactMode {mode:?}")))?;
    let file = crate::open::location(call.argument(0, "dirPath"), options)?;
    // The import has its own ways of being fast; the store that follows is durable.
    let store = Options { durability: swing_store::Durability::Full, ..crate::open::store_options(options)? };
    let patience = Duration::from_millis(options.property(c"patienceMs")?.integer()?);
    let (granted, grants) = channel();
    let (wish, wishes) = channel();
    let landed = Arc::new(Mutex::new(None));
    let importing =
        Importing { granted, wishes: Arc::new(Mutex::new(wishes)), landed: Arc::clone(&landed), file: file.clone() };
    let work = move || {
        let host = Host { wishes: wish, grants, ahead: RefCell::default() };
        // As much as the original takes of what is only spelled in another way.
        let source = Respelled(&host);
        let options = ImportOptions { mode, patience, empty: EmptyExport::Accepted, ..ImportOptions::default() };
        let done = match file {
            Some(file) => import_file(&source, file, options, store, &mut |_| {}),
            None => import_in_memory(&source, options, store, &mut |_| {}),
        };
        let last = done.map(|store| *locked(&landed) = Some(store)).map(|()| Wish::Done).map_err(Failure::from);
        // Whoever stopped asking does not want to know.
        let _ = host.wishes.send(last);
    };
    thread::Builder::new()
        .name("swing-node-import".into())
        .spawn(work)
        .map_err(|error| Failure::no_thread("an import", &error))?;
    call.js.functions(&Rc::new(importing), &FUNCTIONS)
}

/// A promise of the next wish: `["records"]`, `["names"]`, `["artifact", name]`, `["bytes"]` or `["done"]`.
fn wish(importing: &Rc<Importing>, call: &Call) -> Answer<Value> {
    let wishes = Arc::clone(&importing.wishes);
    let wait = move || locked(&wishes).recv().unwrap_or_else(|_| Err(over()));
    call.js.promise(wait, |js, wish| {
        let words = match &wish {
            Wish::Records => vec!["records"],
            Wish::Names => vec!["names"],
            Wish::Artifact(name) => vec!["artifact", name],
            Wish::Bytes => vec!["bytes"],
            Wish::Done => vec!["done"],
        };
        js.strings(words.into_iter())
    })
}

fn over() -> Failure {
    Failure::new(Kind::STATE, "the import is over")
}

fn grant(importing: &Importing, js: Js, granted: Granted) -> Answer<Value> {
    importing.granted.send(granted).map_err(|_| over())?;
    js.undefined()
}

fn grant_records(importing: &Rc<Importing>, call: &Call) -> Answer<Value> {
    let pairs = call.argument(0, "export data").elements()?;
    let records = pairs.map(|pair| record(pair?)).collect::<Answer<Vec<_>>>()?;
    grant(importing, call.js, Granted::Records(records))
}

fn grant_names(importing: &Rc<Importing>, call: &Call) -> Answer<Value> {
    let names = call.argument(0, "artifact name").elements()?;
    let names = names.map(|name| name?.named("artifact name").string()).collect::<Answer<Vec<_>>>()?;
    grant(importing, call.js, Granted::Names(names))
}

fn grant_bytes(importing: &Rc<Importing>, call: &Call) -> Answer<Value> {
    let mut bytes = Vec::new();
    for chunk in call.argument(0, "artifact chunk").elements()? {
        bytes.extend_from_slice(chunk?.named("artifact chunk").bytes()?);
    }
    grant(importing, call.js, Granted::Bytes(bytes))
}

/// `grantNothing(reason)`: the end of what was wished for, or with a reason, that it cannot be had.
fn grant_nothing(importing: &Rc<Importing>, call: &Call) -> Answer<Value> {
    let reason = call.argument(0, "reason");
    let granted = if reason.is_absent()? { Granted::End } else { Granted::Failed(reason.string()?) };
    grant(importing, call.js, granted)
}

/// After `["done"]`: the handle of the new store.
fn imported(importing: &Rc<Importing>, call: &Call) -> Answer<Value> {
    let store = locked(&importing.landed).take().ok_or_else(over)?;
    let cell = Cell::imported(call.js, store, importing.file.clone());
    call.js.handle(Rc::new(cell))
}

/// JavaScript as a source of records and artifacts.
struct Host {
    wishes: Sender<Answer<Wish>>,
    grants: Receiver<Granted>,
    ahead: RefCell<Ahead>,
}

/// What was granted and is not used yet.
#[derive(Default)]
struct Ahead {
    records: VecDeque<(String, Option<String>)>,
    names: VecDeque<String>,
}

impl Host {
    fn ask(&self, wish: Wish) -> Result<Granted, SourceError> {
        let gone = "the import was abandoned";
        self.wishes.send(Ok(wish)).map_err(|_| gone)?;
        match self.grants.recv().map_err(|_| gone)? {
            Granted::Failed(reason) => Err(reason.into()),
            granted => Ok(granted),
        }
    }
}

fn unasked() -> SourceError {
    "something was granted that was not wished for".into()
}

impl ExportSource for Host {
    fn records(&self) -> Result<SourceRecords<'_>, SourceError> {
        Ok(Box::new(std::iter::from_fn(|| {
            let ahead = &mut self.ahead.borrow_mut().records;
            if ahead.is_empty() {
                match self.ask(Wish::Records) {
                    Ok(Granted::Records(records)) => ahead.extend(records),
                    Ok(Granted::End) => return None,
                    Ok(_) => return Some(Err(unasked())),
                    Err(error) => return Some(Err(error)),
                }
            }
            ahead.pop_front().map(Ok)
        })))
    }

    fn artifact_names(&self) -> Result<SourceNames<'_>, SourceError> {
        Ok(Box::new(std::iter::from_fn(|| {
            let ahead = &mut self.ahead.borrow_mut().names;
            if ahead.is_empty() {
                match self.ask(Wish::Names) {
                    Ok(Granted::Names(names)) => ahead.extend(names),
                    Ok(Granted::End) => return None,
                    Ok(_) => return Some(Err(unasked())),
                    Err(error) => return Some(Err(error)),
                }
            }
            ahead.pop_front().map(Ok)
        })))
    }

    fn artifact(&self, name: &str) -> Result<Box<dyn Read + '_>, SourceError> {
        Ok(Box::new(Bytes { host: self, first: Some(name.to_owned()), chunk: Vec::new(), at: 0, ended: false }))
    }
}

/// The bytes of an artifact, as JavaScript gives them.
struct Bytes<'h> {
    host: &'h Host,
    first: Option<String>,
    chunk: Vec<u8>,
    at: usize,
    ended: bool,
}

impl Read for Bytes<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        while self.at == self.chunk.len() && !self.ended {
            let wish = self.first.take().map_or(Wish::Bytes, Wish::Artifact);
            match self.host.ask(wish).map_err(io::Error::other)? {
                Granted::Bytes(bytes) => (self.chunk, self.at) = (bytes, 0),
                Granted::End => self.ended = true,
                _ => return Err(io::Error::other(unasked())),
            }
        }
        let ready = self.chunk.get(self.at..).unwrap_or_default();
        let length = ready.len().min(room.len());
        room[..length].copy_from_slice(&ready[..length]);
        self.at += length;
        Ok(length)
    }
}

/// The host's keys of a store that is imported and not in place yet.
pub(crate) static HOST_KV: [(&str, Body<Rc<Cell>>); 5] =
    [("has", has), ("get", get), ("getNextKey", get_next_key), ("set", set), ("delete", delete)];

fn with_host_kv<R>(cell: &Rc<Cell>, ask: impl FnOnce(&mut HostKv<'_>) -> Result<R, StoreError>) -> Answer<R> {
    match &mut *cell.inside()? {
        Inside::Imported(imported) => Ok(ask(&mut imported.host_kv())?),
        Inside::Away { what, .. } => Err(Inside::away(what)),
        _ => Err(Failure::new(Kind::STATE, "the import is in place, or given up")),
    }
}

fn has(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let key = call.argument(0, "key").string()?;
    call.js.boolean(with_host_kv(cell, |kv| kv.has(&key))?)
}

fn get(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let key = call.argument(0, "key").string()?;
    let value = with_host_kv(cell, |kv| kv.get(&key))?;
    value.map_or_else(|| call.js.undefined(), |value| call.js.string(&value))
}

fn get_next_key(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let previous = call.argument(0, "previousKey").string()?;
    let key = with_host_kv(cell, |kv| kv.get_next_key(&previous))?;
    key.map_or_else(|| call.js.undefined(), |key| call.js.string(&key))
}

fn set(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let (key, value) = (call.argument(0, "key").string()?, call.argument(1, "value").string()?);
    with_host_kv(cell, |kv| kv.set(&key, &value))?;
    call.js.undefined()
}

fn delete(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let key = call.argument(0, "key").string()?;
    with_host_kv(cell, |kv| kv.delete(&key))?;
    call.js.undefined()
}
