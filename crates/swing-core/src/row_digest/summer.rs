//! Changes of many rows, summed up on another thread while the caller goes on with them.
//!
//! The rows are handed on in batches, as bytes. Whoever asks for the sum takes his share of what the thread has not come to:
//! a thread that does not run, since the cores are busy with something else, keeps nobody waiting.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use super::batch::Batch;
use super::cells::Cell;
use super::lanes::RowDigest;

/// Rows are handed on when they are this many bytes. What is less is not worth waking a thread for; a row that is as large by
/// itself is not copied.
const BATCH: usize = 16 << 10;
/// So many rows of a batch are taken at a time.
const SHARE: usize = 16;
/// So many batches are kept of a sum, and twice as many may wait for the thread: four megabytes, and eight.
const MOST: usize = 128;

/// A batch that several take their shares of.
struct Shared {
    batch: Batch,
    /// The first row that nobody has taken.
    next: AtomicUsize,
}

impl Shared {
    /// Sums up rows until others have taken all that is left. Answers how many they were, too.
    fn share(&self) -> (RowDigest, usize) {
        let (mut digest, mut taken) = (RowDigest::default(), 0);
        loop {
            let from = self.next.fetch_add(SHARE, Ordering::Relaxed);
            let to = self.batch.rows().min(from + SHARE);
            if from >= to {
                return (digest, taken);
            }
            self.batch.sum(from..to, &mut digest);
            taken += to - from;
        }
    }
}

/// A batch, and where to say what the rows of it that one took add up to.
type Errand = (Arc<Shared>, SyncSender<RowDigest>);

/// A thread that sums up, from the first time on that there is enough to do.
#[derive(Default)]
pub struct Summer {
    errands: Option<SyncSender<Errand>>,
    thread: Option<JoinHandle<()>>,
    /// There is but one core, or no thread was to be had.
    alone: bool,
}

impl Summer {
    /// Begins a sum.
    pub fn begin(&mut self) -> Sum<'_> {
        Sum { summer: self, batch: Batch::default(), given: VecDeque::new(), digest: RowDigest::default() }
    }

    /// Gives a batch to the thread; gives it back when there is none.
    fn give(&mut self, batch: Batch) -> Result<Given, Batch> {
        let Some(errands) = self.errands() else { return Err(batch) };
        let (tell, theirs) = sync_channel(1);
        let shared = Arc::new(Shared { batch, next: AtomicUsize::new(0) });
        // Of what a thread that is gone, or has too much to do, is not told, everything is the asker's share.
        let _ = errands.try_send((Arc::clone(&shared), tell));
        Ok(Given { shared, theirs })
    }

    fn errands(&mut self) -> Option<&SyncSender<Errand>> {
        if self.errands.is_none() && !self.alone {
            let (errands, todo) = sync_channel::<Errand>(2 * MOST);
            let work = move || todo.iter().for_each(|(shared, tell)| drop(tell.send(shared.share().0)));
            let several = thread::available_parallelism().is_ok_and(|cores| cores.get() > 1);
            match several.then(|| thread::Builder::new().name("swing-digest".to_owned()).spawn(work)) {
                Some(Ok(thread)) => (self.errands, self.thread) = (Some(errands), Some(thread)),
                Some(Err(_)) | None => self.alone = true,
            }
        }
        self.errands.as_ref()
    }
}

impl Drop for Summer {
    fn drop(&mut self) {
        self.errands = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A batch that the thread has.
struct Given {
    shared: Arc<Shared>,
    theirs: Receiver<RowDigest>,
}

impl Given {
    fn sum(self) -> RowDigest {
        let Self { shared, theirs } = self;
        let (mut sum, taken) = shared.share();
        if taken < shared.batch.rows() {
            match theirs.recv() {
                Ok(theirs) => sum.merge(&theirs),
                // It has taken rows, and will never say what came of them.
                Err(_) => {
                    sum = RowDigest::default();
                    shared.batch.sum_all(&mut sum);
                }
            }
        }
        sum
    }
}

/// A sum over changes of rows, begun by [`Summer::begin`].
pub struct Sum<'s> {
    summer: &'s mut Summer,
    batch: Batch,
    given: VecDeque<Given>,
    /// Of what is summed up already.
    digest: RowDigest,
}

impl Sum<'_> {
    /// A row is there now.
    pub fn add(&mut self, row: &[Cell<'_>]) {
        self.push(row, false);
    }

    /// A row is there no more.
    pub fn remove(&mut self, row: &[Cell<'_>]) {
        self.push(row, true);
    }

    fn push(&mut self, row: &[Cell<'_>], removed: bool) {
        if row.iter().map(|cell| cell.len()).sum::<usize>() >= BATCH {
            let mut scratch = Vec::new();
            if removed {
                self.digest.remove(row, &mut scratch)
            } else {
                self.digest.add(row, &mut scratch)
            }
            return;
        }
        row.iter().for_each(|&cell| self.batch.write(cell));
        self.batch.end_row(removed);
        if self.batch.bytes() >= BATCH {
            self.hand_on();
        }
    }

    fn hand_on(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        if self.given.len() >= MOST
            && let Some(oldest) = self.given.pop_front()
        {
            self.digest.merge(&oldest.sum());
        }
        match self.summer.give(batch) {
            Ok(given) => self.given.push_back(given),
            Err(batch) => batch.sum_all(&mut self.digest),
        }
    }

    /// There are no more changes for now: what there is of them goes to the thread, if it is awake anyway.
    pub fn that_is_all(&mut self) {
        if !self.given.is_empty() {
            self.hand_on();
        }
    }

    /// What all of them add up to.
    #[must_use]
    pub fn end(self) -> RowDigest {
        let Self { batch, given, mut digest, .. } = self;
        batch.sum_all(&mut digest);
        // The thread begins with the first.
        given.into_iter().rev().for_each(|given| digest.merge(&given.sum()));
        digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of about a hundred bytes, every third of them taken off.
    fn rows(count: usize) -> impl Iterator<Item = (String, bool)> {
        (0..count).map(|at| (format!("{at:0100}"), at % 3 == 0))
    }

    fn begun(summer: &mut Summer, count: usize) -> Sum<'_> {
        let mut sum = summer.begin();
        for (row, removed) in rows(count) {
            let row = [row.as_str().into()];
            if removed { sum.remove(&row) } else { sum.add(&row) }
        }
        sum
    }

    fn plain(count: usize) -> RowDigest {
        let (mut digest, mut scratch) = (RowDigest::default(), Vec::new());
        for (row, removed) in rows(count) {
            let row = [row.as_str().into()];
            if removed { digest.remove(&row, &mut scratch) } else { digest.add(&row, &mut scratch) }
        }
        digest
    }

    #[test]
    fn it_is_the_sum_of_all_rows_however_many_they_are() {
        let mut summer = Summer::default();
        for count in [0, 1, SHARE, 149, 150, 151, 1000, 5000] {
            assert_eq!(begun(&mut summer, count).end(), plain(count), "{count}");
        }
    }

    #[test]
    fn few_rows_need_no_thread() {
        let mut summer = Summer::default();
        let _ = begun(&mut summer, 100).end();
        assert!(summer.thread.is_none());
    }

    #[test]
    fn a_sum_that_is_given_up_is_in_no_other() {
        let mut summer = Summer::default();
        drop(begun(&mut summer, 1000));
        assert_eq!(begun(&mut summer, 700).end(), plain(700));
    }

    #[test]
    fn alone_it_sums_up_all_by_itself() {
        let mut summer = Summer { errands: None, thread: None, alone: true };
        assert_eq!(begun(&mut summer, 1000).end(), plain(1000));
        assert!(summer.thread.is_none());
    }

    /// A thread that does nothing but keep what it is given.
    #[test]
    fn a_thread_that_does_not_run_keeps_nobody_waiting() {
        let (errands, todo) = sync_channel(2 * MOST);
        let mut summer = Summer { errands: Some(errands), thread: None, alone: false };
        assert_eq!(begun(&mut summer, 1000).end(), plain(1000));
        assert!(todo.try_iter().count() > 2);
    }

    /// One that takes a few rows of each batch, and ends.
    #[test]
    fn a_thread_that_is_lost_takes_no_rows_with_it() {
        let (errands, todo) = sync_channel::<Errand>(2 * MOST);
        let mut summer = Summer { errands: Some(errands), thread: None, alone: false };
        let sum = begun(&mut summer, 1000);
        let mut lost = 0;
        todo.try_iter().for_each(|(shared, _)| {
            shared.next.fetch_add(SHARE, Ordering::Relaxed);
            lost += 1;
        });
        assert!(lost > 2);
        assert_eq!(sum.end(), plain(1000));
        drop(todo);
        assert_eq!(begun(&mut summer, 1000).end(), plain(1000));
    }

    #[test]
    fn what_is_kept_and_what_waits_for_the_thread_is_bounded() {
        let (errands, todo) = sync_channel::<Errand>(2 * MOST);
        let mut summer = Summer { errands: Some(errands), thread: None, alone: false };
        let count = (MOST + 10) * BATCH / 100;
        for _ in 0..3 {
            let sum = begun(&mut summer, count);
            assert_eq!(sum.given.len(), MOST);
            assert_eq!(sum.end(), plain(count));
        }
        assert_eq!(todo.try_iter().count(), 2 * MOST);
    }

    #[test]
    fn a_large_row_is_summed_up_at_once() {
        let (errands, _todo) = sync_channel::<Errand>(2 * MOST);
        let mut summer = Summer { errands: Some(errands), thread: None, alone: false };
        let (mut sum, mut expected) = (summer.begin(), RowDigest::default());
        for (length, given) in [(BATCH - 2, 1), (BATCH - 1, 1), (10 * BATCH, 1)] {
            let row = "x".repeat(length);
            let row: [Cell<'_>; 2] = ["k".into(), row.as_str().into()];
            sum.add(&row);
            expected.add(&row, &mut Vec::new());
            sum.remove(&row[..1]);
            expected.remove(&row[..1], &mut Vec::new());
            assert_eq!(sum.given.len(), given, "{length}");
        }
        assert_eq!(sum.end(), expected);
    }
}
