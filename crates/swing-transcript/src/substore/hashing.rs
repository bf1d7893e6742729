//! Hashing the items of an artifact beside the thread that stores them.
//!
//! Batches of items go to a thread; it is started with the first that is full and lives as long as the import. A span that
//! does not fill one is hashed here: handing it over would cost more than it saves.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, Builder, JoinHandle};

use swing_core::Digest;

use crate::hash::{extend, initial_hash};
use crate::texts::Texts;

/// How many batches may wait. None: an item can be long, and the one who hashes is mostly waiting for the one who stores.
const WAITING: usize = 0;

/// With so many bytes a batch is full.
const FULL: usize = 32 << 10;

pub(super) fn is_full(batch: &Texts) -> bool {
    batch.bytes() >= FULL
}

fn extended(hash: Digest, items: &Texts) -> Digest {
    items.iter().fold(hash, extend)
}

struct Worker {
    /// Taken only by `drop`, so that the thread ends. `None` is the end of a span.
    batches: Option<SyncSender<Option<Arc<Texts>>>>,
    hashes: Receiver<Digest>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    fn start() -> Option<Self> {
        let (batches, given) = mpsc::sync_channel::<Option<Arc<Texts>>>(WAITING);
        let (done, hashes) = mpsc::channel();
        let work = move || {
            let mut hash = initial_hash();
            for batch in given {
                match batch {
                    Some(batch) => hash = extended(hash, &batch),
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

    fn send(&self, batch: Option<Arc<Texts>>) -> Option<()> {
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
    /// The worker has batches of this span.
    sent: bool,
    /// Of what was hashed here.
    hash: Digest,
}

impl SpanHasher {
    pub(super) fn new() -> Self {
        // On one core there is nobody to hand anything to.
        let alone = thread::available_parallelism().map_or(1, usize::from) == 1;
        Self { worker: None, alone, sent: false, hash: initial_hash() }
    }

    /// Begins a span; one that was not finished is forgotten.
    pub(super) fn begin(&mut self) {
        self.hash = initial_hash();
        if std::mem::take(&mut self.sent) {
            self.worker = None;
        }
    }

    /// The next items of the span. `None`: the thread has gone, which nothing makes it do.
    pub(super) fn add(&mut self, batch: &Arc<Texts>) -> Option<()> {
        if self.worker.is_none() && !self.alone && is_full(batch) {
            self.worker = Worker::start();
            self.alone = self.worker.is_none();
        }
        match &self.worker {
            Some(worker) if self.sent || is_full(batch) => {
                self.sent = true;
                worker.send(Some(Arc::clone(batch)))
            }
            // Little enough to be done here; or no thread to be had.
            _ => {
                self.hash = extended(self.hash, batch);
                Some(())
            }
        }
    }

    /// The hash of the span. `None` as above.
    pub(super) fn finish(&mut self) -> Option<Digest> {
        if !std::mem::take(&mut self.sent) {
            return Some(self.hash);
        }
        let worker = self.worker.as_ref()?;
        worker.send(None)?;
        worker.hashes.recv().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(items: &[String]) -> Arc<Texts> {
        let mut batch = Texts::default();
        items.iter().for_each(|item| batch.push(item));
        Arc::new(batch)
    }

    #[test]
    fn a_batch_is_full_when_it_is_as_long_as_that() {
        let full = |length| is_full(&batch(&["x".repeat(length)]));
        assert!(!full(FULL - 1) && full(FULL) && full(3 * FULL));
    }

    #[test]
    fn hashes_are_the_same_whoever_makes_them() {
        let mut hasher = SpanHasher::new();
        for (count, length) in [(0, 0), (1, 5), (3, 0), (100, 700), (1, 3 * FULL), (2, 10), (500, 300)] {
            let items: Vec<_> = (0..count).map(|i| format!("{i}{}", "x".repeat(length))).collect();
            let expected = items.iter().fold(initial_hash(), |hash, item| extend(hash, item));
            for alone in [false, true] {
                // A span that is given up half-way leaves nothing behind.
                hasher.begin();
                hasher.add(&batch(&["y".repeat(2 * FULL)])).unwrap();
                hasher.alone = alone;
                hasher.begin();
                items.chunks(110).for_each(|items| hasher.add(&batch(items)).unwrap());
                assert_eq!(hasher.finish().unwrap(), expected, "{count} items of {length}");
            }
        }
    }
}
