//! An exporter: a thread that holds one commit of a store and hands it out, batch by batch.
//!
//! Everything that an exporter gives streams from its one connection, so all of it happens on one thread, which owns the
//! connection and whatever is being read from it. JavaScript asks through a channel and is promised an answer. While it looks at a
//! batch, the thread makes the next one.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread;

use swing_core::ArtifactMode;
use swing_core::session::store_file;
use swing_core::substore::{Record, SubstoreError};
use swing_export::Exporter;
use swing_store::SUBSTORES;

use crate::error::{Answer, Failure, Kind};
use crate::js::{Body, Call, Js, Value};

/// What one answer holds, unless a single record or name is longer.
const BATCH_BYTES: usize = 256 << 10;
const BATCH_ITEMS: usize = 1024;

/// What JavaScript asks of the thread, and where the answer goes.
enum Ask {
    HostValue(String, Sender<Answer<Option<String>>>),
    Records(Sender<Answer<u64>>),
    Names(Sender<Answer<u64>>),
    Artifact(String, Sender<Answer<u64>>),
    Next(u64, Sender<Answer<Batch>>),
    Drop(u64),
    Close(Sender<Answer<()>>),
}

/// A part of something that is being read. An empty one is its end.
enum Batch {
    Records(Vec<Record>),
    Names(Vec<String>),
    Bytes(Vec<u8>),
}

/// How JavaScript holds the thread; with the last of these it ends.
struct Desk(Sender<Ask>);

impl Desk {
    fn ask<T>(&self, question: impl FnOnce(Sender<Answer<T>>) -> Ask) -> Answer<Receiver<Answer<T>>> {
        let (reply, answer) = channel();
        self.0.send(question(reply)).map_err(|_| closed())?;
        Ok(answer)
    }

    /// Asks, and waits for the answer here and now.
    fn ask_now<T>(&self, question: impl FnOnce(Sender<Answer<T>>) -> Ask) -> Answer<T> {
        wait(&self.ask(question)?)
    }
}

fn wait<T>(answer: &Receiver<Answer<T>>) -> Answer<T> {
    answer.recv().unwrap_or_else(|_| Err(closed()))
}

fn closed() -> Failure {
    Failure::new(Kind::CLOSED, "The database connection is not open (the exporter is closed)")
}

/// `exporter(dirPath, artifactMode)`: the functions of an exporter that has pinned the last commit.
pub(crate) fn exporter(_: &(), call: &Call) -> Answer<Value> {
    const FUNCTIONS: [(&str, Body<Arc<Desk>>); 5] =
        [("getHostKV", host_value), ("records", records), ("names", names), ("artifact", artifact), ("close", close)];
    let file = store_file(Path::new(&call.argument(0, "dirPath").string()?));
    let mode = call.argument(1, "artifactMode").string()?;
    let mode = mode.parse().map_err(|_| Failure::argument(format!("invalid artifactMode {mode:?}")))?;
    let (asks, desk) = channel();
    let (ready, pinned) = channel();
    thread::Builder::new()
        .name("swing-node-export".into())
        .spawn(move || serve(&file, mode, &ready, &desk))
        .map_err(|error| Failure::no_thread("an exporter", &error))?;
    wait(&pinned)?;
    call.js.functions(&Arc::new(Desk(asks)), &FUNCTIONS)
}

fn host_value(desk: &Arc<Desk>, call: &Call) -> Answer<Value> {
    let key = call.argument(0, "key").string()?;
    match desk.ask_now(|reply| Ask::HostValue(key, reply))? {
        Some(value) => call.js.string(&value),
        None => call.js.undefined(),
    }
}

fn records(desk: &Arc<Desk>, call: &Call) -> Answer<Value> {
    stream(desk, call.js, desk.ask_now(Ask::Records)?)
}

fn names(desk: &Arc<Desk>, call: &Call) -> Answer<Value> {
    stream(desk, call.js, desk.ask_now(Ask::Names)?)
}

fn artifact(desk: &Arc<Desk>, call: &Call) -> Answer<Value> {
    let name = call.argument(0, "artifact name").string()?;
    stream(desk, call.js, desk.ask_now(|reply| Ask::Artifact(name, reply))?)
}

fn close(desk: &Arc<Desk>, call: &Call) -> Answer<Value> {
    desk.ask_now(Ask::Close)?;
    call.js.undefined()
}

/// Something that is being read; dropped half-way, it is let go.
struct Stream {
    desk: Arc<Desk>,
    id: u64,
}

impl Drop for Stream {
    fn drop(&mut self) {
        // The thread may have ended, and everything with it.
        let _ = self.desk.0.send(Ask::Drop(self.id));
    }
}

/// Functions to read a stream: `next` promises a batch or undefined, `drop` ends it.
fn stream(desk: &Arc<Desk>, js: Js, id: u64) -> Answer<Value> {
    const FUNCTIONS: [(&str, Body<Arc<Stream>>); 2] = [("next", next), ("drop", let_go)];
    js.functions(&Arc::new(Stream { desk: Arc::clone(desk), id }), &FUNCTIONS)
}

fn next(stream: &Arc<Stream>, call: &Call) -> Answer<Value> {
    let answer = stream.desk.ask(|reply| Ask::Next(stream.id, reply))?;
    call.js.promise(move || wait(&answer), show)
}

fn show(js: Js, batch: Batch) -> Answer<Value> {
    match batch {
        Batch::Records(records) if records.is_empty() => js.undefined(),
        Batch::Names(names) if names.is_empty() => js.undefined(),
        Batch::Bytes(bytes) if bytes.is_empty() => js.undefined(),
        Batch::Records(records) => js.pairs(records.iter().map(|(key, value)| (&**key, Some(&**value)))),
        Batch::Names(names) => js.strings(names.iter().map(String::as_str)),
        Batch::Bytes(bytes) => js.buffer(&bytes),
    }
}

fn let_go(stream: &Arc<Stream>, call: &Call) -> Answer<Value> {
    // The thread may have ended, and everything with it.
    let _ = stream.desk.0.send(Ask::Drop(stream.id));
    call.js.undefined()
}

/// What is being read from an exporter.
enum Source<'e> {
    Records(Box<dyn Iterator<Item = Result<Record, SubstoreError>> + 'e>),
    Names(Box<dyn Iterator<Item = Result<String, SubstoreError>> + 'e>),
    Bytes(Box<dyn Read + 'e>),
}

impl Source<'_> {
    fn batch(&mut self) -> Answer<Batch> {
        match self {
            Self::Records(records) => Ok(Batch::Records(take(records, |(key, value)| key.len() + value.len())?)),
            Self::Names(names) => Ok(Batch::Names(take(names, String::len)?)),
            Self::Bytes(bytes) => {
                let mut chunk = Vec::with_capacity(BATCH_BYTES);
                match bytes.take(BATCH_BYTES as u64).read_to_end(&mut chunk) {
                    Ok(_) => Ok(Batch::Bytes(chunk)),
                    Err(error) => Err(Failure::of(Kind::MISMATCH, &error)),
                }
            }
        }
    }
}

fn take<T>(items: &mut dyn Iterator<Item = Result<T, SubstoreError>>, size: impl Fn(&T) -> usize) -> Answer<Vec<T>> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while batch.len() < BATCH_ITEMS && bytes < BATCH_BYTES {
        let Some(item) = items.next() else { break };
        let item = item?;
        bytes += size(&item);
        batch.push(item);
    }
    Ok(batch)
}

/// A source, and the batch that was made before it was asked for.
struct Reading<'e> {
    source: Source<'e>,
    ahead: Option<Answer<Batch>>,
}

/// The thread of an exporter.
fn serve(file: &Path, mode: ArtifactMode, ready: &Sender<Answer<()>>, asks: &Receiver<Ask>) {
    let exporter = match Exporter::open(file, SUBSTORES, mode) {
        Ok(exporter) => exporter,
        Err(error) => {
            let _ = ready.send(Err(error.into()));
            return;
        }
    };
    // Nobody who asked is gone yet, and if so the next receive ends it.
    let _ = ready.send(Ok(()));
    let reply = hand_out(&exporter, asks);
    let closed = exporter.close().map_err(Failure::from);
    if let Some(reply) = reply {
        let _ = reply.send(closed);
    }
}

/// Answers until it is told to close, or until nobody is left to ask. Whoever stops listening for an answer does not get it.
fn hand_out(exporter: &Exporter, asks: &Receiver<Ask>) -> Option<Sender<Answer<()>>> {
    let mut readings = HashMap::new();
    let mut ids = 0;
    let mut last_asked = None;
    loop {
        let ask = match asks.try_recv() {
            Ok(ask) => ask,
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => {
                if let Some(reading) = last_asked.take().and_then(|id| readings.get_mut(&id)) {
                    let Reading { source, ahead } = reading;
                    *ahead = Some(source.batch());
                    continue;
                }
                asks.recv().ok()?
            }
        };
        match ask {
            Ask::HostValue(key, reply) => drop(reply.send(exporter.host_kv(&key).map_err(Failure::from))),
            Ask::Records(reply) => {
                let source = Source::Records(Box::new(exporter.export_data()));
                drop(reply.send(Ok(keep(&mut readings, &mut ids, source))));
            }
            Ask::Names(reply) => {
                let names = exporter.artifact_names().map_err(Failure::from);
                let source = names.map(|names| Source::Names(Box::new(names)));
                drop(reply.send(source.map(|source| keep(&mut readings, &mut ids, source))));
            }
            Ask::Artifact(name, reply) => {
                let source = exporter.artifact(&name).map(Source::Bytes).map_err(Failure::from);
                drop(reply.send(source.map(|source| keep(&mut readings, &mut ids, source))));
            }
            Ask::Next(id, reply) => {
                let batch = match readings.get_mut(&id) {
                    Some(reading) => reading.ahead.take().unwrap_or_else(|| reading.source.batch()),
                    None => Err(Failure::new(Kind::STATE, "this was read to its end, or let go")),
                };
                let ended = batch.as_ref().map_or(true, Batch::is_end);
                drop(reply.send(batch));
                if ended {
                    readings.remove(&id);
                } else {
                    last_asked = Some(id);
                }
            }
            Ask::Drop(id) => drop(readings.remove(&id)),
            Ask::Close(reply) => return Some(reply),
        }
    }
}

fn keep<'e>(readings: &mut HashMap<u64, Reading<'e>>, ids: &mut u64, source: Source<'e>) -> u64 {
    *ids += 1;
    readings.insert(*ids, Reading { source, ahead: None });
    *ids
}

impl Batch {
    fn is_end(&self) -> bool {
        match self {
            Self::Records(records) => records.is_empty(),
            Self::Names(names) => names.is_empty(),
            Self::Bytes(bytes) => bytes.is_empty(),
        }
    }
}
