//! A digest whose changes are summed up on another thread while the caller goes on with them.
//!
//! The rows are handed on in batches, as bytes. Whoever asks for the digest takes his share of what the thread has not come to:
//! a thread that does not run, since the cores are busy with something else, keeps nobody waiting.

use std::collections::VecDeque;
use std::num::NonZero;
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
/// So many batches are kept of a digest: two megabytes.
const MOST: usize = 128;
/// So many may wait for the thread: four megabytes.
const WAITING: usize = 256;

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
pub(super) struct Summer {
    errands: Option<SyncSender<Errand>>,
    thread: Option<JoinHandle<()>>,
    /// There is but one core, or no thread was to be had.
    alone: bool,
}

impl Summer {
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
            let (errands, todo) = sync_channel::<Errand>(WAITING);
            let work = move || todo.iter().for_each(|(shared, tell)| drop(tell.send(shared.share().0)));
            let several = thread::available_parallelism().is_ok_and(|cores| cores != NonZero::<usize>::MIN);
            match several.then(|| thread::Builder::new().name("swing-digest".to_owned()).spawn(work)) {
                Some(Ok(thread)) => (self.errands, self.thread) = (Some(errands), Some(thread)),
                Some(Err(_)) | None => self.alone = true,
            }
        }
        self.errands.as_ref()
    }
}

#[cfg(test)]
impl Summer {
    /// One whose thread is gone, so that what it is given stays with the sum.
    pub(super) fn lost() -> Self {
        Self { errands: Some(sync_channel(1).0), thread: None, alone: false }
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

/// A digest, and changes that are not in it yet.
#[derive(Default)]
pub(super) struct Sum {
    digest: RowDigest,
    batch: Batch,
    given: VecDeque<Given>,
}

impl Sum {
    /// Begins with a digest.
    pub(super) fn of(digest: RowDigest) -> Self {
        Self { digest, ..Self::default() }
    }

    /// A row is there now, or is there no more.
    pub(super) fn note(&mut self, row: &[Cell<'_>], removed: bool, summer: &mut Summer) {
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
            self.hand_on(summer);
        }
    }

    /// The same of many rows, whose changes were summed up elsewhere.
    pub(super) fn merge(&mut self, changes: &RowDigest) {
        self.digest.merge(changes);
    }

    fn hand_on(&mut self, summer: &mut Summer) {
        let batch = std::mem::take(&mut self.batch);
        if self.given.len() >= MOST
            && let Some(oldest) = self.given.pop_front()
        {
            self.digest.merge(&oldest.sum());
        }
        match summer.give(batch) {
            Ok(given) => self.given.push_back(given),
            Err(batch) => batch.sum_all(&mut self.digest),
        }
    }

    /// There are no more changes for now: what there is of them is summed up beside what the caller does next.
    pub(super) fn that_is_all(&mut self, summer: &mut Summer) {
        if self.batch.rows() > 0 {
            self.hand_on(summer);
        }
    }

    /// How many batches were handed on.
    pub(super) fn handed_on(&self) -> usize {
        self.given.len()
    }

    /// With all changes.
    pub(super) fn digest(&mut self) -> &RowDigest {
        std::mem::take(&mut self.batch).sum_all(&mut self.digest);
        // The thread begins with the first.
        while let Some(given) = self.given.pop_back() {
            self.digest.merge(&given.sum());
        }
        &self.digest
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Rows of about a hundred bytes, every third of them taken off.
    fn rows(count: usize) -> impl Iterator<Item = (String, bool)> {
        (0..count).map(|at| (format!("{at:0100}"), at % 3 == 0))
    }

    fn begun(summer: &mut Summer, count: usize) -> Sum {
        let mut sum = Sum::default();
        for (row, removed) in rows(count) {
            sum.note(&[row.as_str().into()], removed, summer);
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
            let mut sum = begun(&mut summer, count);
            if count % 2 == 0 {
                sum.that_is_all(&mut summer);
            }
            assert_eq!(*sum.digest(), plain(count), "{count}");
            assert_eq!(*sum.digest(), plain(count), "{count}, asked again");
        }
    }

    #[test]
    fn changes_go_on_after_the_digest_was_asked_for() {
        let mut summer = Summer::default();
        let (mut sum, mut expected) = (begun(&mut summer, 700), plain(700));
        sum.digest();
        expected.merge(&plain(900));
        sum.merge(&plain(900));
        for (row, removed) in rows(300) {
            sum.note(&[row.as_str().into()], removed, &mut summer);
        }
        expected.merge(&plain(300));
        assert_eq!(*sum.digest(), expected);
        assert_eq!(*Sum::of(expected.clone()).digest(), expected);
    }

    #[test]
    fn a_thread_is_begun_with_the_first_batch_where_there_are_several_cores() {
        let mut summer = Summer::default();
        let mut sum = begun(&mut summer, 100);
        assert!(summer.thread.is_none() && !summer.alone);
        sum.that_is_all(&mut summer);
        let several = thread::available_parallelism().unwrap().get() > 1;
        assert_eq!((summer.thread.is_some(), summer.errands.is_some(), summer.alone), (several, several, !several));
        assert_eq!(*sum.digest(), plain(100));
    }

    /// A thread that has something left to do when it is told to end: it waits for a word that comes too late.
    #[test]
    fn the_thread_has_ended_once_nobody_needs_it() {
        let (errands, todo) = sync_channel::<Errand>(WAITING);
        let (word, words) = sync_channel::<()>(1);
        let thread = thread::spawn(move || {
            todo.iter().for_each(drop);
            let _ = words.recv_timeout(Duration::from_millis(200));
        });
        drop(Summer { errands: Some(errands), thread: Some(thread), alone: false });
        assert!(word.send(()).is_err(), "nobody is there to hear it");
    }

    #[test]
    fn rows_are_handed_on_when_they_are_many_bytes_and_at_the_end_if_there_are_any() {
        let mut summer = Summer::lost();
        let mut sum = Sum::default();
        sum.that_is_all(&mut summer);
        assert_eq!(sum.handed_on(), 0);
        for (row, removed) in rows(150) {
            sum.note(&[row.as_str().into()], removed, &mut summer);
        }
        assert_eq!(sum.handed_on(), 0);
        sum.that_is_all(&mut summer);
        assert_eq!(sum.handed_on(), 1);
        assert_eq!(begun(&mut summer, 200).handed_on(), 1);
    }

    #[test]
    fn a_sum_that_is_given_up_is_in_no_other() {
        let mut summer = Summer::default();
        drop(begun(&mut summer, 1000));
        assert_eq!(*begun(&mut summer, 700).digest(), plain(700));
    }

    #[test]
    fn alone_it_sums_up_all_by_itself() {
        let mut summer = Summer { errands: None, thread: None, alone: true };
        assert_eq!(*begun(&mut summer, 1000).digest(), plain(1000));
        assert!(summer.thread.is_none());
    }

    /// A thread that does nothing but keep what it is given.
    #[test]
    fn a_thread_that_does_not_run_keeps_nobody_waiting() {
        let (errands, todo) = sync_channel(WAITING);
        let mut summer = Summer { errands: Some(errands), thread: None, alone: false };
        assert_eq!(*begun(&mut summer, 1000).digest(), plain(1000));
        assert!(todo.try_iter().count() > 2);
    }

    /// One that takes a few rows of each batch, and ends.
    #[test]
    fn a_thread_that_is_lost_takes_no_rows_with_it() {
        let (errands, todo) = sync_channel::<Errand>(WAITING);
        let mut summer = Summer { errands: Some(errands), thread: None, alone: false };
        let mut sum = begun(&mut summer, 1000);
        let mut lost = 0;
        todo.try_iter().for_each(|(shared, _)| {
            shared.next.fetch_add(SHARE, Ordering::Relaxed);
            lost += 1;
        });
        assert!(lost > 2);
        assert_eq!(*sum.digest(), plain(1000));
        drop(todo);
        assert_eq!(*begun(&mut summer, 1000).digest(), plain(1000));
    }

    #[test]
    fn what_is_kept_and_what_waits_for_the_thread_is_bounded() {
        let (errands, todo) = sync_channel::<Errand>(WAITING);
        let mut summer = Summer { errands: Some(errands), thread: None, alone: false };
        let count = (MOST + 10) * BATCH / 100;
        for _ in 0..3 {
            let mut sum = begun(&mut summer, count);
            assert_eq!(sum.given.len(), MOST);
            assert_eq!(*sum.digest(), plain(count));
        }
        assert_eq!(todo.try_iter().count(), WAITING);
    }

    #[test]
    fn a_large_row_is_summed_up_at_once() {
        let mut summer = Summer::lost();
        let (mut sum, mut expected) = (Sum::default(), RowDigest::default());
        for (length, given) in [(BATCH - 2, 1), (BATCH - 1, 1), (10 * BATCH, 1)] {
            let row = "x".repeat(length);
            let row: [Cell<'_>; 2] = ["k".into(), row.as_str().into()];
            sum.note(&row, false, &mut summer);
            expected.add(&row, &mut Vec::new());
            sum.note(&row[..1], true, &mut summer);
            expected.remove(&row[..1], &mut Vec::new());
            assert_eq!(sum.given.len(), given, "{length}");
        }
        assert_eq!(*sum.digest(), expected);
    }

    #[test]
    fn a_large_row_is_taken_off_as_it_was_added() {
        let (mut summer, mut sum) = (Summer::lost(), Sum::default());
        let row = "x".repeat(BATCH);
        let row: [Cell<'_>; 1] = [row.as_str().into()];
        sum.note(&row, true, &mut summer);
        assert_ne!(*sum.digest(), RowDigest::default());
        sum.note(&row, false, &mut summer);
        assert_eq!(*sum.digest(), RowDigest::default());
    }
}
