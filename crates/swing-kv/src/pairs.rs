//! What is known of the pairs: what the block has changed, and, bounded, what the table said: rows and their absence.
//!
//! A key has one slot for both, so that one search answers what is true of it, and a row that a block has written is known without
//! being moved.
//!
//! Two generations. What is new goes to the young one, which is the overlay; when that is full, what the block has not changed of it becomes
//! the old one, and the old one is dropped whole. A hit in the old one moves to the young one. So what was used lately stays, and neither a
//! list to relink on every read nor a sweep is needed.

use std::num::NonZeroI64;
use std::sync::Arc;

use swing_core::Overlay;
use swing_core::overlay::{Footprint, Found, Kept};

use crate::key::{Key, Keys};

/// By what SQLite finds a row without searching for its key, if that is known.
pub(crate) type RowId = Option<NonZeroI64>;

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) value: Arc<str>,
    pub(crate) id: RowId,
}

/// What the table says of a key.
#[derive(Debug, Clone, Default)]
pub(crate) enum Stored {
    /// That is not known.
    #[default]
    Unknown,
    /// It has no such key.
    Absent,
    Row(Row),
    /// It was read [ahead](crate::ahead), and nobody has asked for it yet.
    Ahead(Row),
}

/// For each row that is read so many changed keys may be moved, which costs about what reading it does.
const MOVED: usize = 8;

/// What an entry costs besides its texts: its slot, its place in the index, and the allocator's share.
const ENTRY: usize = 96;

impl Footprint for Stored {
    fn bytes(&self) -> usize {
        match self {
            Self::Unknown | Self::Absent => ENTRY,
            Self::Row(row) | Self::Ahead(row) => ENTRY + row.value.bytes(),
        }
    }
}

impl Stored {
    /// The row, if that or its absence is known.
    pub(crate) fn known(self) -> Option<Option<Row>> {
        match self {
            Self::Unknown => None,
            Self::Absent => Some(None),
            Self::Row(row) | Self::Ahead(row) => Some(Some(row)),
        }
    }
}

impl From<Option<Row>> for Stored {
    fn from(row: Option<Row>) -> Self {
        row.map_or(Self::Absent, Self::Row)
    }
}

/// What is known of a key, without the old generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer<'p> {
    Value(&'p Arc<str>),
    Absent,
    /// If it has a slot, its row may have been read [ahead](Pairs::take_up). That is not told here: a fourth case would make a table of jumps
    /// of what each `get` goes through.
    Nothing {
        has_slot: bool,
    },
}

/// What the block has changed, above what the table said lately.
pub(crate) type Changes = Overlay<Key, Arc<str>, Stored>;

/// What the table said not so lately.
pub(crate) type Old = Kept<Key, Stored>;

pub(crate) struct Pairs {
    pub(crate) changes: Changes,
    /// Of no key of which the young generation knows what the table says.
    pub(crate) old: Old,
    /// How much each generation may hold.
    half: usize,
    /// A row that would push too much else out is not kept.
    largest: usize,
}

impl Pairs {
    /// None yet. Of the table so many bytes may be known.
    pub(crate) fn new(bytes: usize) -> Self {
        let half = bytes / 2;
        Self { changes: Overlay::default(), old: Kept::default(), half, largest: half / 4 }
    }

    #[inline(always)]
    pub(crate) fn find(&self, key: &str) -> Answer<'_> {
        match self.changes.look(key) {
            (Found::Value(value), _) => Answer::Value(value),
            (Found::Deleted, _) | (Found::Unknown, Some(Stored::Absent)) => Answer::Absent,
            (Found::Unknown, Some(Stored::Row(row))) => Answer::Value(&row.value),
            (Found::Unknown, below) => Answer::Nothing { has_slot: below.is_some() },
        }
    }

    /// Remembers a row that nobody has asked for, if nothing is known here of `key`, the block has not changed it, and there is room.
    pub(crate) fn keep_ahead(&mut self, key: &str, keys: &mut Keys, value: &str, id: RowId) -> bool {
        let room = self.half.saturating_sub(self.changes.unchanged_bytes()).min(self.largest);
        let Self { changes, old, .. } = self;
        changes.keep_new(key, || {
            if old.find_kept(key).is_some() {
                return None;
            }
            let (key, stored) = (keys.make(key), Stored::Ahead(Row { value: value.into(), id }));
            (key.bytes() + stored.bytes() <= room).then_some((key, stored))
        })
    }

    /// The value of `key`, if its row was read ahead. From now on it is one like others.
    pub(crate) fn take_up(&mut self, key: &str) -> Option<Arc<str>> {
        let (Found::Unknown, Some(Stored::Ahead(row))) = self.changes.look(key) else { return None };
        let value = Arc::clone(&row.value);
        self.changes.keep_as(key, |stored| if let Stored::Ahead(row) = stored { Stored::Row(row) } else { stored });
        Some(value)
    }

    /// What the table had for `key`, if the old generation knows. From now on the young one does, if there is room.
    pub(crate) fn recall(&mut self, key: &str) -> Option<Option<Row>> {
        if !self.has_room(self.largest) && !self.is_worth_growing_old() {
            return self.old.find_kept(key)?.clone().known();
        }
        let (key, stored) = self.old.remove(key)?;
        let row = stored.known()?;
        self.keep(key, row.clone());
        Some(row)
    }

    /// Remembers what the table has for `key`, of which nothing is known here.
    pub(crate) fn keep(&mut self, key: Key, row: Option<Row>) {
        let stored = Stored::from(row);
        let bytes = key.bytes() + stored.bytes();
        if bytes > self.largest {
            return;
        }
        if !self.has_room(bytes) {
            if !self.is_worth_growing_old() {
                return;
            }
            self.old = self.changes.let_go();
        }
        self.changes.keep(key, stored);
    }

    fn has_room(&self, bytes: usize) -> bool {
        self.changes.unchanged_bytes() + bytes <= self.half
    }

    /// What is young becomes old, but for the keys that the block has changed. If these are many more than the others, they would be moved
    /// again and again: then what is read anew is not kept until the block ends.
    fn is_worth_growing_old(&self) -> bool {
        self.changes.unchanged() * MOVED >= self.changes.places()
    }

    /// The changes are in the table, their rows under these ids, by the places of their keys.
    pub(crate) fn settle(&mut self, ids: &[RowId]) {
        let Self { changes, old, largest, .. } = self;
        changes.settle(|place, key, change, before| {
            // Otherwise the old generation knows nothing of it.
            if change.is_some() && matches!(before, Stored::Unknown) {
                old.remove(key);
            }
            let now = match change {
                None => before,
                Some(None) => Stored::Absent,
                Some(Some(value)) => Stored::Row(Row { value, id: ids.get(place).copied().flatten() }),
            };
            (!matches!(now, Stored::Unknown) && key.bytes() + now.bytes() <= *largest).then_some(now)
        });
        if !self.has_room(0) {
            self.old = self.changes.let_go();
            self.old.shrink_to(self.half);
        }
    }

    /// Nothing is known of the table any more.
    pub(crate) fn forget_rows(&mut self) {
        self.changes.forget_kept();
        self.old = Kept::default();
    }

    /// All that is known of the table.
    #[cfg(test)]
    pub(crate) fn rows(&self) -> Vec<(&Key, Option<&Row>)> {
        let all = self.changes.kept().iter().chain(self.old.iter());
        all.filter_map(|(key, stored)| match stored {
            Stored::Unknown => None,
            Stored::Absent => Some((key, None)),
            Stored::Row(row) | Stored::Ahead(row) => Some((key, Some(row))),
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    fn bytes(key: &Key, row: Option<&Row>) -> usize {
        key.bytes() + row.map_or(ENTRY, |row| ENTRY + row.value.bytes())
    }

    /// Of what is known of the table.
    fn held(pairs: &Pairs) -> usize {
        pairs.rows().into_iter().map(|(key, row)| bytes(key, row)).sum()
    }

    fn key(text: &str) -> Key {
        Keys::default().make(text)
    }

    fn valued(value: impl Into<Arc<str>>) -> Option<Row> {
        Some(Row { value: value.into(), id: None })
    }

    /// As a reader does.
    fn find(pairs: &mut Pairs, key: &str) -> Option<Option<Arc<str>>> {
        match pairs.find(key) {
            Answer::Value(value) => Some(Some(Arc::clone(value))),
            Answer::Absent => Some(None),
            Answer::Nothing { .. } => pairs.recall(key).map(|row| row.map(|row| row.value)),
        }
    }

    /// As a block does that changes these.
    fn settle<const N: usize>(pairs: &mut Pairs, changes: [(&str, Option<&str>); N]) {
        for (name, value) in changes {
            match value {
                Some(value) => pairs.changes.put(key(name), value.into()),
                None => pairs.changes.delete(key(name)),
            }
        }
        pairs.settle(&[]);
    }

    #[test]
    fn what_is_read_again_and_again_outlives_what_is_read_once() {
        let mut pairs = Pairs::new(20_000);
        pairs.keep(key("hot"), valued("value"));
        pairs.keep(key("gone"), None);
        for at in 0..10_000 {
            pairs.keep(key(&format!("k{at}")), valued("value"));
            if at % 50 == 0 {
                assert_eq!(find(&mut pairs, "hot").flatten().as_deref(), Some("value"), "{at}");
                assert_eq!(find(&mut pairs, "gone"), Some(None), "absence is known: {at}");
            }
            assert!(held(&pairs) <= 20_000);
        }
        assert_eq!(find(&mut pairs, "k0"), None);
        assert!(find(&mut pairs, "k9999").is_some());
    }

    #[test]
    fn a_value_too_large_to_keep_is_not_remembered_as_it_was() {
        let mut pairs = Pairs::new(8_000);
        pairs.keep(key("k"), valued("small"));
        settle(&mut pairs, [("k", Some(&"x".repeat(5_000)))]);
        assert_eq!(find(&mut pairs, "k"), None);
        pairs.keep(key("k"), valued("x".repeat(5_000)));
        assert_eq!((find(&mut pairs, "k"), held(&pairs)), (None, 0));
    }

    #[test]
    fn what_just_fits_is_kept() {
        let largest = bytes(&key("k0"), valued("value").as_ref());
        let full = |size: usize| {
            let mut pairs = Pairs::new(size);
            (0..8).for_each(|at| pairs.keep(key(&format!("k{at}")), valued("value")));
            held(&pairs)
        };
        assert_eq!(full(8 * largest), 8 * largest);
        assert_eq!(full(8 * largest - 1), 0, "each is too large for so small a cache");
    }

    #[test]
    fn where_there_is_no_room_nothing_is_kept() {
        let mut pairs = Pairs::new(0);
        pairs.keep(key("k"), None);
        settle(&mut pairs, [("l", Some("v")), ("m", None)]);
        assert_eq!((find(&mut pairs, "k"), find(&mut pairs, "l")), (None, None));
        assert_eq!((pairs.changes.unchanged(), pairs.old.iter().count()), (0, 0));
    }

    #[test]
    fn of_a_block_that_changes_more_than_there_is_room_for_what_it_changed_last_is_known() {
        let mut pairs = Pairs::new(20_000);
        for at in 0..1_000 {
            pairs.changes.put(key(&format!("k{at:03}")), "value".into());
        }
        pairs.settle(&[]);
        let known: Vec<bool> = (0..1_000).map(|at| find(&mut pairs, &format!("k{at:03}")).is_some()).collect();
        let first = known.iter().position(|known| *known).unwrap();
        assert!(known[first..].iter().all(|known| *known));
        let each = bytes(&key("k000"), valued("value").as_ref());
        assert_eq!(1_000 - first, 10_000 / each);
    }

    /// Otherwise each key read would move all that the block has changed.
    #[test]
    fn where_a_block_has_changed_much_more_than_it_reads_no_more_is_kept_until_its_end() {
        for (changed, kept) in [(40, true), (8 * 15, true), (8 * 15 + 1, false), (1_000, false)] {
            let mut pairs = Pairs::new(8 * 4_700);
            (0..changed).for_each(|at| pairs.changes.put(key(&format!("new{at:04}")), "v".into()));
            let read = |pairs: &mut Pairs, at: usize| pairs.keep(key(&format!("k{at:03}")), valued("x".repeat(1_100)));
            (0..15).for_each(|at| read(&mut pairs, at));
            assert_eq!(pairs.changes.unchanged(), 15);
            read(&mut pairs, 15);
            assert_eq!(find(&mut pairs, "k015").is_some(), kept, "{changed}");
            assert_eq!(pairs.old.iter().count(), if kept { 15 } else { 0 });
            pairs.settle(&[]);
            read(&mut pairs, 16);
            assert!(find(&mut pairs, "k016").is_some());
        }
    }

    #[test]
    fn what_is_old_stays_known_while_there_is_no_room_for_it_among_the_young() {
        let mut pairs = Pairs::new(8 * 4_700);
        let read = |pairs: &mut Pairs, at: usize| pairs.keep(key(&format!("k{at:03}")), valued("x".repeat(1_100)));
        (0..28).for_each(|at| read(&mut pairs, at));
        assert_eq!((pairs.old.iter().count(), pairs.changes.unchanged()), (15, 13));
        (0..1_000).for_each(|at| pairs.changes.put(key(&format!("new{at:04}")), "v".into()));
        for _ in 0..2 {
            assert!((0..28).all(|at| find(&mut pairs, &format!("k{at:03}")).flatten().is_some()));
        }
        assert_eq!(pairs.old.iter().count(), 15);
    }

    #[test]
    fn what_is_old_and_read_again_is_young_while_there_is_room_for_it() {
        let mut pairs = Pairs::new(8 * 4_700);
        (0..16).for_each(|at| pairs.keep(key(&format!("k{at:03}")), valued("x".repeat(1_100))));
        (0..1_000).for_each(|at| pairs.changes.put(key(&format!("new{at:04}")), "v".into()));
        assert_eq!((pairs.old.iter().count(), pairs.changes.unchanged()), (15, 1));
        assert!(find(&mut pairs, "k000").flatten().is_some());
        assert_eq!((pairs.old.iter().count(), pairs.changes.unchanged()), (14, 2));
    }

    #[test]
    fn what_is_old_stays_known_when_the_change_to_it_was_undone() {
        let mut pairs = Pairs::new(8 * 4_700);
        (0..16).for_each(|at| pairs.keep(key(&format!("k{at:03}")), valued("x".repeat(1_100))));
        pairs.changes.mark();
        pairs.changes.put(key("k000"), "v".into());
        pairs.changes.rollback_to(0);
        pairs.settle(&[]);
        assert_eq!((pairs.old.iter().count(), pairs.changes.unchanged()), (15, 1));
        assert!(find(&mut pairs, "k000").flatten().is_some());
    }

    /// A value that fits by itself and with its key does not.
    #[test]
    fn a_row_is_too_large_with_its_key_or_for_its_key_alone() {
        let mut pairs = Pairs::new(8 * 1_000);
        let long = "k".repeat(900);
        for (name, value) in [(&*long, Some("v")), (&*long, None), ("k", Some(&*"x".repeat(900)))] {
            settle(&mut pairs, [(name, value), ("l", Some("v"))]);
            assert_eq!((find(&mut pairs, name), find(&mut pairs, "l").is_some()), (None, true), "{name}");
            assert_eq!(pairs.changes.unchanged(), 1);
        }
        let just = "x".repeat(1_000 - key("k").bytes() - ENTRY - 16);
        settle(&mut pairs, [("k", Some(&*just))]);
        assert!(find(&mut pairs, "k").is_some());
        settle(&mut pairs, [("k", Some(&*[&just, "x"].concat()))]);
        assert!(find(&mut pairs, "k").is_none());
    }

    #[test]
    fn a_key_whose_change_was_undone_and_of_which_nothing_is_known_takes_no_room() {
        let mut pairs = Pairs::new(8_000);
        pairs.changes.mark();
        pairs.changes.put(key("k"), "v".into());
        pairs.changes.rollback_to(0);
        pairs.settle(&[]);
        assert_eq!(pairs.changes.unchanged(), 0);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Read(u8),
        Change(u8, Option<usize>),
        Mark,
        RollBack,
        Settle,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            8 => (0..24u8).prop_map(Step::Read),
            8 => (0..24u8, prop::option::of(0..400usize)).prop_map(|(key, value)| Step::Change(key, value)),
            1 => Just(Step::Mark),
            1 => Just(Step::RollBack),
            2 => Just(Step::Settle),
        ]
    }

    proptest! {
        #[test]
        fn they_forget_but_never_say_anything_else_than_the_last_word(
            steps in prop::collection::vec(step(), 0..200), size in 0..8_000usize,
        ) {
            let mut pairs = Pairs::new(size);
            // What the table says, and the block; and what it said when it set its marks.
            let (mut table, mut block) = (BTreeMap::<u8, Option<Arc<str>>>::new(), BTreeMap::<u8, Option<Arc<str>>>::new());
            let mut marks = Vec::new();
            for step in steps {
                match step {
                    Step::Read(name) => {
                        let stored = table.get(&name).cloned().flatten();
                        let truth = block.get(&name).cloned().unwrap_or_else(|| stored.clone());
                        match find(&mut pairs, &name.to_string()) {
                            Some(found) => prop_assert_eq!(found, truth),
                            None => pairs.keep(key(&name.to_string()), stored.map(|value| Row { value, id: None })),
                        }
                    }
                    Step::Change(name, value) => {
                        let value = value.map(|length| Arc::from("x".repeat(length)));
                        match value.clone() {
                            Some(value) => pairs.changes.put(key(&name.to_string()), value),
                            None => pairs.changes.delete(key(&name.to_string())),
                        }
                        block.insert(name, value);
                    }
                    Step::Mark => { pairs.changes.mark(); marks.push(block.clone()); }
                    Step::RollBack => {
                        pairs.changes.rollback_to(0);
                        if !marks.is_empty() { block = marks.swap_remove(0); marks.clear(); }
                    }
                    Step::Settle => {
                        pairs.settle(&[]);
                        marks.clear();
                        table.append(&mut block);
                        prop_assert!(held(&pairs) <= size);
                    }
                }
                for (key, row) in pairs.rows() {
                    let name: u8 = key.as_str().parse().unwrap();
                    prop_assert_eq!(row.map(|row| &row.value), table.get(&name).and_then(Option::as_ref));
                }
                let names: Vec<&Key> = pairs.rows().into_iter().map(|(key, _)| key).collect();
                prop_assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "two say what the table does");
            }
        }
    }
}
