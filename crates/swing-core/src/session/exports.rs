//! Changes of export data on their way to the host.
//!
//! A change is appended to a log; marks are its length, so rolling a crank back is truncating it. The batch that the
//! host gets is the log sorted by key, the last change of each key.

use std::cmp::Ordering;
use std::sync::Arc;

/// One change of export data: the record's new text, or `None` when it is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportEntry {
    /// The record's key.
    pub key: Arc<str>,
    /// Its text.
    pub value: Option<Arc<str>>,
}

/// Above this many entries outside savepoints the log is compacted when it doubles.
const COMPACT_AT: usize = 4096;

/// By key bytes. Most keys differ in their first sixteen, which are compared as two numbers.
fn by_key(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    match (a.first_chunk::<16>(), b.first_chunk::<16>()) {
        (Some(a_first), Some(b_first)) => {
            u128::from_be_bytes(*a_first).cmp(&u128::from_be_bytes(*b_first)).then_with(|| a[16..].cmp(&b[16..]))
        }
        _ => a.cmp(b),
    }
}

#[derive(Debug, Default)]
pub(crate) struct ExportQueue {
    log: Vec<ExportEntry>,
    marks: Vec<usize>,
    /// Length after the last compaction.
    compacted: usize,
}

impl ExportQueue {
    pub(crate) fn push(&mut self, entry: ExportEntry) {
        self.log.push(entry);
        if self.marks.is_empty() && self.log.len() >= COMPACT_AT && self.log.len() / 2 >= self.compacted {
            self.compact();
            self.compacted = self.log.len();
        }
    }

    /// Sorts by key and keeps the last entry of each.
    fn compact(&mut self) {
        self.log.sort_by(|a, b| by_key(&a.key, &b.key));
        // `dedup_by` drops its first argument, the later of two; swapping first makes it drop the earlier one.
        self.log.dedup_by(|later, earlier| {
            let same = later.key == earlier.key;
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
    }

    /// All changes, by key bytes, the last one of each key. No marks may be set.
    pub(crate) fn batch(&mut self) -> &[ExportEntry] {
        debug_assert!(self.marks.is_empty(), "a batch is taken between cranks");
        self.compact();
        &self.log
    }

    /// All changes in the order in which they were made, and an empty queue. No marks may be set.
    pub(crate) fn take(&mut self) -> Vec<ExportEntry> {
        let log = std::mem::take(&mut self.log);
        self.clear();
        log
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.log.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.log.clear();
        self.marks.clear();
        self.compacted = 0;
    }

    pub(crate) fn mark(&mut self) {
        self.marks.push(self.log.len());
    }

    pub(crate) fn rollback_to(&mut self, depth: usize) {
        if let Some(&length) = self.marks.get(depth) {
            self.log.truncate(length);
            self.marks.truncate(depth);
        }
    }

    pub(crate) fn release(&mut self) {
        self.marks.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_batch_is_a_map_with_the_last_change_of_each_key(
            changes in prop::collection::vec((0..20u8, any::<Option<u8>>()), 0..200), kept in 0..200usize,
        ) {
            let mut queue = ExportQueue::default();
            let mut model = BTreeMap::new();
            for (at, (key, value)) in changes.iter().enumerate() {
                if at == kept { queue.mark(); }
                let (key, value) = (key.to_string(), value.map(|value| value.to_string()));
                if at < kept { model.insert(key.clone(), value.clone()); }
                queue.push(ExportEntry { key: key.into(), value: value.map(Into::into) });
            }
            queue.rollback_to(0);
            let batch: Vec<_> = queue.batch().iter().map(|e| (e.key.to_string(), e.value.as_deref().map(str::to_owned))).collect();
            prop_assert_eq!(batch, model.into_iter().collect::<Vec<_>>());
        }
    }

    proptest! {
        #[test]
        fn keys_are_compared_by_their_bytes(a in "[a\0\u{e9}]{0,20}", b in "[a\0\u{e9}]{0,20}") {
            prop_assert_eq!(by_key(&a, &b), a.cmp(&b));
        }
    }

    fn entry(key: usize) -> ExportEntry {
        ExportEntry { key: format!("k{key:06}").into(), value: None }
    }

    #[test]
    fn up_to_some_thousand_changes_are_all_taken_in_their_order() {
        let mut queue = ExportQueue::default();
        let changes: Vec<_> = (0..COMPACT_AT - 1).rev().map(|at| entry(at % 3)).collect();
        changes.iter().cloned().for_each(|change| queue.push(change));
        assert!(!queue.is_empty());
        assert_eq!(queue.take(), changes);
        assert!(queue.is_empty());
    }

    #[test]
    fn a_log_is_not_compacted_under_a_mark() {
        let mut queue = ExportQueue::default();
        queue.push(entry(2));
        queue.mark();
        (0..2 * COMPACT_AT).for_each(|at| queue.push(entry(at % 2)));
        queue.rollback_to(0);
        assert_eq!(queue.batch(), [entry(2)]);
    }

    #[test]
    fn a_long_log_of_many_keys_is_compacted_when_it_has_doubled() {
        let mut queue = ExportQueue::default();
        (0..2 * COMPACT_AT - 1).for_each(|at| queue.push(entry(at)));
        assert_eq!(queue.compacted, COMPACT_AT);
        queue.push(entry(0));
        assert_eq!((queue.compacted, queue.log.len()), (2 * COMPACT_AT - 1, 2 * COMPACT_AT - 1));
    }

    #[test]
    fn a_long_log_of_few_keys_stays_short() {
        let mut queue = ExportQueue::default();
        for at in 0..100_000 {
            queue.push(ExportEntry { key: format!("k{}", at % 3).into(), value: Some(at.to_string().into()) });
        }
        assert!(queue.log.len() < 2 * COMPACT_AT);
        let last: Vec<_> =
            queue.batch().iter().map(|entry| entry.value.as_deref().unwrap_or_default().to_owned()).collect();
        assert_eq!(last, ["99999", "99997", "99998"]);
    }
}
