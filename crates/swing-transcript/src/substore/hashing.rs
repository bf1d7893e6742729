//! Hashing the items of an artifact beside the thread that stores them.
//!
//! Items go to a thread in batches; it is started with the first batch that is full and lives as long as the import. What
//! does not fill one batch is hashed here: handing it over would cost more than it saves.

use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, Builder, JoinHandle};

use swing_core::Digest;

use crate::hash::{extend, initial_hash};

/// So many bytes of items make a batch.
const BATCH: usize = 32 << 10;
/// How many batches may wait; with the one being made, the one being hashed and its items, this bounds the memory.
const WAITING: usize = 2;

/// Items that follow one another, without anything between them.
#[derive(Default)]
struct Batch {
    text: String,
    ends: Vec<usize>,
}

impl Batch {
    fn add(&mut self, item: &str) {
        self.text.push_str(item);
        self.ends.push(self.text.len());
    }

    fn extend(&self, hash: Digest) -> Digest {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).fold(hash, |hash, (start, end)| extend(hash, &self.text[start..*end]))
    }
}

struct Worker {
    /// Taken only by `drop`, so that the thread ends. `None` is the end of a span.
    batches: Option<SyncSender<Option<Batch>>>,
    hashes: Receiver<Digest>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    fn start() -> Option<Self> {
        let (batches, given) = mpsc::sync_channel::<Option<Batch>>(WAITING);
        let (done, hashes) = mpsc::channel();
        let work = move || {
            let mut hash = initial_hash();
            for batch in given {
                match batch {
                    Some(batch) => hash = batch.extend(hash),
                    None => {
                        if done.send(std::mem::replace(&mut hash, initial_hash())).is_err() {
                            return;
                        }
                    }
                }
            }
        };
        let thread = Builder::new().name("swing-span-hash".into()).spawn(work).ok()?;
        Some(Self { batches: Some(batches), hashes, thread: Some(thread) })
    }

    fn send(&self, batch: Option<Batch>) -> Option<()> {
        self.batches.as_ref()?.send(batch).ok()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            // It panics at nothing; if it had, its hash was missed.
            let _ = thread.join();
        }
    }
}

/// Hashes one span after the other.
pub(super) struct SpanHasher {
    worker: Option<Worker>,
    alone: bool,
    /// Batches of this span that the worker has.
    sent: u64,
    batch: Batch,
}

impl SpanHasher {
    pub(super) fn new() -> Self {
        // On one core there is nobody to hand anything to.
        let alone = thread::available_parallelism().map_or(1, usize::from) == 1;
        Self { worker: None, alone, sent: 0, batch: Batch::default() }
    }

    /// Begins a span; one that was not finished is forgotten.
    pub(super) fn begin(&mut self) {
        self.batch = Batch::default();
        if std::mem::take(&mut self.sent) > 0 {
            self.worker = None;
        }
    }

    /// The next item of the span.
    pub(super) fn add(&mut self, item: &str) -> Option<()> {
        self.batch.add(item);
        if self.batch.text.len() < BATCH {
            return Some(());
        }
        if self.worker.is_none() && !self.alone {
            self.worker = Worker::start();
        }
        match &self.worker {
            Some(worker) => {
                self.sent += 1;
                worker.send(Some(std::mem::take(&mut self.batch)))
            }
            // No thread to be had: the batch grows into the whole span, which is hashed at its end.
            None => Some(()),
        }
    }

    /// The hash of the span. `None`: the thread has gone, which nothing makes it do.
    pub(super) fn finish(&mut self) -> Option<Digest> {
        let batch = std::mem::take(&mut self.batch);
        if std::mem::take(&mut self.sent) == 0 {
            return Some(batch.extend(initial_hash()));
        }
        let worker = self.worker.as_ref()?;
        worker.send(Some(batch))?;
        worker.send(None)?;
        worker.hashes.recv().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_the_same_whoever_makes_them() {
        let mut hasher = SpanHasher::new();
        for (count, length) in [(0, 0), (1, 5), (3, 0), (100, 700), (1, 3 * BATCH), (2, 10), (500, 300)] {
            let items: Vec<_> = (0..count).map(|i| format!("{i}{}", "x".repeat(length))).collect();
            let expected = items.iter().fold(initial_hash(), |hash, item| extend(hash, item));
            // A span that is given up half-way leaves nothing behind.
            hasher.begin();
            hasher.add(&"y".repeat(2 * BATCH)).unwrap();
            for alone in [false, true] {
                hasher.alone = alone;
                hasher.begin();
                items.iter().for_each(|item| hasher.add(item).unwrap());
                assert_eq!(hasher.finish().unwrap(), expected, "{count} items of {length}");
            }
        }
    }
}
