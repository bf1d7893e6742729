//! Bytes on their way from JavaScript to the threads that hash and compress them.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// What may wait for the compressing threads before JavaScript is asked to wait.
const ENOUGH: usize = 8 << 20;

#[derive(Default)]
struct Waiting {
    chunks: VecDeque<Vec<u8>>,
    bytes: usize,
    /// JavaScript has given all there is.
    ended: bool,
    /// One of the two ends is gone.
    abandoned: bool,
}

/// A queue of chunks between two threads.
#[derive(Default)]
pub(crate) struct Pipe {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

impl Pipe {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Nothing panics while it holds the lock, and what is in there is whole between any two statements.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a chunk. Answers whether there is room for more; a chunk is taken in any case.
    pub(crate) fn push(&self, chunk: &[u8]) -> bool {
        let mut waiting = self.waiting();
        if !waiting.abandoned && !chunk.is_empty() {
            waiting.bytes += chunk.len();
            waiting.chunks.push_back(chunk.to_vec());
        }
        self.changed.notify_all();
        waiting.bytes < ENOUGH
    }

    /// Waits until there is room, or until nobody reads any more.
    pub(crate) fn wait_for_room(&self) {
        let mut waiting = self.waiting();
        while waiting.bytes >= ENOUGH / 2 && !waiting.abandoned {
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// There is no more to come.
    pub(crate) fn end(&self) {
        self.waiting().ended = true;
        self.changed.notify_all();
    }

    /// Whoever waits on the other side is to give up.
    pub(crate) fn abandon(&self) {
        self.waiting().abandoned = true;
        self.changed.notify_all();
    }

    fn next(&self) -> io::Result<Option<Vec<u8>>> {
        let mut waiting = self.waiting();
        loop {
            if let Some(chunk) = waiting.chunks.pop_front() {
                waiting.bytes -= chunk.len();
                self.changed.notify_all();
                return Ok(Some(chunk));
            }
            if waiting.abandoned {
                return Err(io::Error::other("the snapshot's stream was abandoned"));
            }
            if waiting.ended {
                return Ok(None);
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// The reading end.
pub(crate) struct PipeReader {
    pipe: Arc<Pipe>,
    chunk: Vec<u8>,
    at: usize,
}

impl PipeReader {
    pub(crate) fn new(pipe: Arc<Pipe>) -> Self {
        Self { pipe, chunk: Vec::new(), at: 0 }
    }
}

impl Read for PipeReader {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        while self.at == self.chunk.len() {
            match self.pipe.next()? {
                Some(chunk) => (self.chunk, self.at) = (chunk, 0),
                None => return Ok(0),
            }
        }
        let ready = &self.chunk[self.at..];
        let length = ready.len().min(room.len());
        room[..length].copy_from_slice(&ready[..length]);
        self.at += length;
        Ok(length)
    }
}

impl Drop for PipeReader {
    fn drop(&mut self) {
        self.pipe.abandon();
    }
}
