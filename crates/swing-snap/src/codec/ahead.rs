//! Inflating on a thread of its own, a few blocks ahead of whoever hashes and reads them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::thread::{Builder, JoinHandle};

use super::error::CodecError;
use super::inflate::{Block, Blocks};

/// How many blocks may wait to be read.
const DEPTH: usize = 2;

/// A thread that inflates, and its channels: blocks come out, spent buffers go back.
///
/// Dropping it ends the thread and waits for that, which takes no longer than the inflating of one block.
pub(super) struct Ahead {
    /// Taken only by `drop`, so that the thread cannot be waiting to hand over a block while it is waited for.
    blocks: Option<Receiver<Result<Block, CodecError>>>,
    spent: Sender<Vec<u8>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ahead {
    /// Starts inflating. `stop` is the sign that the blocks' inflater looks at.
    ///
    /// # Errors
    ///
    /// The system's own if it has no thread to give.
    pub(super) fn start(blocks: Blocks, stop: Arc<AtomicBool>) -> io::Result<Self> {
        let (made, receiver) = mpsc::sync_channel(DEPTH);
        let (spent, returned) = mpsc::channel();
        let work = move || inflate_all(blocks, &made, &returned);
        let thread = Builder::new().name("swing-snap-inflate".into()).spawn(work)?;
        Ok(Self { blocks: Some(receiver), spent, stop, thread: Some(thread) })
    }

    /// Waits for the next block and gives a spent buffer back.
    ///
    /// # Errors
    ///
    /// What [`Blocks::next`] says, or [`CodecError::ThreadLost`].
    pub(super) fn next(&mut self, spent: Vec<u8>) -> Result<Block, CodecError> {
        // It may have ended already, having no use for buffers any more.
        let _ = self.spent.send(spent);
        let blocks = self.blocks.as_ref().ok_or(CodecError::ThreadLost)?;
        blocks.recv().unwrap_or(Err(CodecError::ThreadLost))
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.blocks = None;
        if let Some(thread) = self.thread.take() {
            // A panic in it was told as a lost thread, or came after the last block that anyone asked for.
            let _ = thread.join();
        }
    }
}

fn inflate_all(mut blocks: Blocks, made: &SyncSender<Result<Block, CodecError>>, returned: &Receiver<Vec<u8>>) {
    loop {
        let block = blocks.next(returned.try_recv().unwrap_or_default());
        let last = block.as_ref().map_or(true, |block| block.last);
        if made.send(block).is_err() || last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::inflate::{BLOCK_LEN, Inflater};
    use super::*;
    use crate::codec::testing::{gzip, heap};

    fn start(gzip: &Arc<Vec<u8>>) -> Ahead {
        let stop = Arc::new(AtomicBool::new(false));
        let blocks = Blocks::new(Inflater::new(Arc::clone(gzip), None, Arc::clone(&stop)));
        Ahead::start(blocks, stop).unwrap()
    }

    #[test]
    fn thread_is_gone_after_a_drop_at_any_point() {
        let packed = Arc::new(gzip(&heap(12 * BLOCK_LEN, 1)));
        for reads in 0..=12 {
            let mut ahead = start(&packed);
            for _ in 0..reads {
                ahead.next(Vec::new()).unwrap();
            }
            drop(ahead);
            assert_eq!(Arc::strong_count(&packed), 1, "the thread still holds the gzip after {reads} blocks");
        }
    }

    #[test]
    fn thread_is_gone_after_a_drop_amid_members_that_yield_nothing() {
        let packed = Arc::new(gzip(b"").repeat(200_000));
        drop(start(&packed));
        assert_eq!(Arc::strong_count(&packed), 1);
    }

    #[test]
    fn error_arrives_once_and_then_the_thread_is_lost() {
        let packed = Arc::new(b"not a gzip".to_vec());
        let mut ahead = start(&packed);
        assert!(matches!(ahead.next(Vec::new()), Err(CodecError::Corrupt { .. })));
        assert!(matches!(ahead.next(Vec::new()), Err(CodecError::ThreadLost)));
    }
}
