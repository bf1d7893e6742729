//! Changes of export data on their way to the host.
//!
//! A change is appended to a log; marks are its length, so rolling a crank back is truncating it. A change of a key that
//! stands behind the last mark already takes its place there, if that is quickly found. The batch that the host gets is the
//! log sorted by key, the last change of each key.

use std::cmp::Ordering;
use std::hash::BuildHasher as _;
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

/// For so many keys it is known where the log may have them; for few in tests, so that they get into each other's way.
const RECENT: usize = if cfg!(test) { 4 } else { 256 };

#[derive(Debug)]
pub(crate) struct ExportQueue {
    log: Vec<ExportEntry>,
    marks: Vec<usize>,
    /// Where in the log the last change of a key may stand, by the hash of its text: a crank changes the same keys over and over,
    /// and what does not stand twice need not be sorted twice. What a place says is looked up, so it may be out of date; but
    /// never is it an earlier change of a key that has a later one.
    recent: Box<[usize; RECENT]>,
    hasher: foldhash::fast::RandomState,
    /// Length after the last compaction.
    compacted: usize,
    /// There may be changes that are not in the file.
    unkept: bool,
}

impl Default for ExportQueue {
    fn default() -> Self {
        Self {
            log: Vec::new(),
            marks: Vec::new(),
            recent: Box::new([0; RECENT]),
            hasher: foldhash::fast::RandomState::default(),
            compacted: 0,
            unkept: false,
        }
    }
}

impl ExportQueue {
    #[inline]
    pub(crate) fn push(&mut self, entry: ExportEntry) {
        self.unkept = true;
        let recent = &mut self.recent[self.hasher.hash_one(&entry.key) as usize % RECENT];
        // What stands before a mark has to be there after a rollback. Text that is the same elsewhere is left to the sorting: of
        // a store's own keys there is one copy.
        if *recent >= self.marks.last().copied().unwrap_or(0)
            && let Some(known) = self.log.get_mut(*recent)
            && Arc::ptr_eq(&known.key, &entry.key)
        {
            known.value = entry.value;
            return;
        }
        *recent = self.log.len();
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

    /// All changes in the order in which they were made, but that a key may stand once where it stood first, with its last
    /// text; and an empty queue. No marks may be set.
    pub(crate) fn take(&mut self) -> Vec<ExportEntry> {
        let log = std::mem::take(&mut self.log);
        self.clear();
        log
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.log.is_empty()
    }

    /// Whether there may be changes that are not in the file.
    pub(crate) fn is_unkept(&self) -> bool {
        self.unkept
    }

    /// All changes are in the file, too.
    pub(crate) fn kept(&mut self) {
        self.unkept = false;
    }

    pub(crate) fn clear(&mut self) {
        self.log.clear();
        self.marks.clear();
        self.compacted = 0;
        self.unkept = false;
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

    #[derive(Debug, Clone)]
    enum Step {
        Push(usize, bool, u8),
        Mark,
        Rollback(usize),
        Release,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            12 => (0..6usize, any::<bool>(), any::<u8>()).prop_map(|(key, own, value)| Step::Push(key, own, value)),
            2 => Just(Step::Mark),
            1 => (0..3usize).prop_map(Step::Rollback),
            1 => Just(Step::Release),
        ]
    }

    proptest! {
        /// Keys that are the same text in one place, as a store's are, and others in a place of their own. The model keeps a whole copy of the map per mark.
        #[test]
        fn a_queue_equals_a_map_that_is_copied_at_every_mark(steps in prop::collection::vec(step(), 0..60)) {
            let keys: Vec<Arc<str>> = (0..6).map(|key: usize| key.to_string().into()).collect();
            let (mut queue, mut model, mut marks) = (ExportQueue::default(), BTreeMap::new(), Vec::new());
            for step in steps {
                match step {
                    Step::Push(key, own, value) => {
                        let key = if own { Arc::from(&*keys[key]) } else { keys[key].clone() };
                        let value = Some(Arc::from(value.to_string()));
                        queue.push(ExportEntry { key: key.clone(), value: value.clone() });
                        model.insert(key, value);
                    }
                    Step::Mark => { queue.mark(); marks.push(model.clone()); }
                    Step::Rollback(depth) => {
                        queue.rollback_to(depth);
                        if depth < marks.len() { model = marks[depth].clone(); marks.truncate(depth); }
                    }
                    Step::Release => { queue.release(); marks.clear(); }
                }
            }
            queue.release();
            let batch: BTreeMap<_, _> = queue.batch().iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect();
            prop_assert_eq!((batch.len(), batch), (queue.batch().len(), model));
        }
    }

    #[test]
    fn a_key_that_is_changed_over_and_over_stands_once_between_two_marks() {
        let mut queue = ExportQueue::default();
        let key: Arc<str> = "k".into();
        for marks in 1..=3 {
            (0..5).for_each(|at: u8| {
                queue.push(ExportEntry { key: key.clone(), value: Some(at.to_string().into()) });
            });
            assert_eq!(queue.log.len(), marks);
            queue.mark();
        }
        queue.rollback_to(1);
        assert_eq!(queue.log.len(), 2);
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
