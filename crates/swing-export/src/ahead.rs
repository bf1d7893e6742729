//! Records read ahead on a thread of their own, a few batches and no more.

use std::sync::mpsc::{self, Receiver};
use std::thread::{Builder, JoinHandle};

use crate::dataset::{DatasetError, Record};

type Item = Result<Record, DatasetError>;

/// A batch is handed on with so many records or bytes.
const MOST_RECORDS: usize = 512;
const MOST_BYTES: usize = 256 << 10;
/// How many batches may wait.
const WAITING: usize = 2;

/// An iterator over what another one gives, which is made elsewhere.
pub(crate) struct Ahead {
    /// Taken only by `drop`, so that the thread ends.
    batches: Option<Receiver<Vec<Item>>>,
    batch: std::vec::IntoIter<Item>,
    thread: Option<JoinHandle<()>>,
    /// Without a thread to be had, read here.
    here: Option<Box<dyn Iterator<Item = Item> + Send>>,
}

impl Ahead {
    /// Starts reading.
    pub(crate) fn new(records: impl Iterator<Item = Item> + Send + 'static) -> Self {
        let (sender, batches) = mpsc::sync_channel(WAITING);
        let (give, given) = mpsc::channel::<Box<dyn Iterator<Item = Item> + Send>>();
        let work = move || {
            let Ok(mut records) = given.recv() else { return };
            loop {
                let batch = next_batch(&mut records);
                if batch.is_empty() || sender.send(batch).is_err() {
                    return;
                }
            }
        };
        let mut records: Option<Box<dyn Iterator<Item = Item> + Send>> = Some(Box::new(records));
        let thread = Builder::new().name("swing-export-records".into()).spawn(work).ok();
        if thread.is_some()
            && let Some(records) = records.take()
        {
            // It waits for them.
            let _ = give.send(records);
        }
        Self { batches: Some(batches), batch: Vec::new().into_iter(), thread, here: records }
    }
}

fn next_batch(records: &mut impl Iterator<Item = Item>) -> Vec<Item> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    for record in records {
        bytes += record.as_ref().map_or(0, |(key, value)| key.len() + value.as_ref().map_or(0, String::len));
        batch.push(record);
        if batch.len() >= MOST_RECORDS || bytes >= MOST_BYTES {
            break;
        }
    }
    batch
}

impl Iterator for Ahead {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        if let Some(here) = &mut self.here {
            return here.next();
        }
        loop {
            if let Some(record) = self.batch.next() {
                return Some(record);
            }
            match self.batches.as_ref()?.recv() {
                Ok(batch) => self.batch = batch.into_iter(),
                Err(_) => {
                    self.batches = None;
                    // A reader that panicked must not look like one that came to its end.
                    if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
                        std::panic::resume_unwind(panic);
                    }
                }
            }
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            // Nobody is interested any more.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    fn records(count: usize) -> impl Iterator<Item = Item> + Send {
        (0..count).map(|at| Ok((format!("k{at}"), Some("x".repeat(at % 700)))))
    }

    #[test]
    fn every_record_comes_once_and_in_order() {
        for count in [0, 1, MOST_RECORDS, MOST_RECORDS + 1, 5000] {
            let read: Vec<_> = Ahead::new(records(count)).map(|record| record.unwrap()).collect();
            assert_eq!(read, records(count).map(|record| record.unwrap()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_batch_ends_with_so_many_records_or_so_many_bytes() {
        assert_eq!(next_batch(&mut records(2 * MOST_RECORDS)).len(), MOST_RECORDS);
        // A key of two bytes and a value: a quarter of a batch together.
        let large = |at| Ok((format!("k{at}"), Some("x".repeat(MOST_BYTES / 4 - 2))));
        assert_eq!(next_batch(&mut (0..9).map(large)).len(), 4);
        let deletions = (0..2 * MOST_RECORDS).map(|at| Ok((format!("k{at}"), None)));
        assert_eq!(next_batch(&mut { deletions }).len(), MOST_RECORDS);
        assert_eq!((MOST_RECORDS, MOST_BYTES), (512, 262_144));
    }

    #[test]
    fn an_error_comes_where_it_was_and_a_reader_may_be_given_up() {
        let bad = || DatasetError::BadLine { path: "data".into(), line: 701, reason: "odd".to_owned() };
        let mut ahead = Ahead::new(records(700).chain(std::iter::once_with(move || Err(bad()))));
        assert!(ahead.by_ref().take(700).all(|record| record.is_ok()));
        assert!(ahead.next().unwrap().is_err());
        assert!(ahead.next().is_none());
        let mut endless = Ahead::new(records(usize::MAX));
        assert!(endless.next().unwrap().is_ok());
    }

    #[test]
    fn a_reader_that_was_given_up_has_ended_when_its_owner_is_gone() {
        let held = std::sync::Arc::new(());
        let reading = std::sync::Arc::clone(&held);
        // Slow, and each of them a batch of its own.
        let slow = std::iter::repeat_with(move || {
            let _reading = &reading;
            std::thread::sleep(std::time::Duration::from_millis(20));
            Ok(("k".to_owned(), Some("x".repeat(MOST_BYTES))))
        });
        let mut ahead = Ahead::new(slow);
        assert!(ahead.next().is_some());
        drop(ahead);
        assert_eq!(std::sync::Arc::strong_count(&held), 1);
    }

    #[test]
    fn a_reader_that_panics_does_not_look_like_one_at_its_end() {
        let ahead = Ahead::new(records(700).inspect(|record| assert!(record.as_ref().unwrap().0 != "k600")));
        assert!(catch_unwind(AssertUnwindSafe(|| ahead.count())).is_err());
    }
}
