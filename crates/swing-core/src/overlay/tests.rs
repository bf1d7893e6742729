//! The overlay, with marks and rollbacks, beside maps that are copied whole.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

impl Footprint for u8 {
    fn bytes(&self) -> usize {
        1
    }
}

impl Footprint for u16 {
    fn bytes(&self) -> usize {
        1
    }
}

#[derive(Debug, Clone)]
enum Step {
    Put(u8, u8),
    Delete(u8),
    Forget(u8),
    Mark,
    Rollback(usize),
    Release,
    Drain,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..8u8, any::<u8>()).prop_map(|(key, value)| Step::Put(key, value)),
        3 => (0..8u8).prop_map(Step::Delete),
        1 => (0..8u8).prop_map(Step::Forget),
        3 => Just(Step::Mark),
        2 => (0..4usize).prop_map(Step::Rollback),
        1 => Just(Step::Release),
        1 => Just(Step::Drain),
    ]
}

proptest! {
    /// The model keeps a whole copy of the map per mark.
    #[test]
    fn overlay_equals_a_map_that_is_copied_at_every_mark(steps in prop::collection::vec(step(), 0..60)) {
        let mut overlay = Overlay::<u8, u8>::default();
        let mut model = BTreeMap::<u8, Option<u8>>::new();
        let mut marks = Vec::new();
        let mut seen = BTreeSet::new();
        for (at, step) in steps.into_iter().enumerate() {
            match step {
                Step::Put(key, value) => { overlay.put(key, value); seen.insert(key); model.insert(key, Some(value)); }
                Step::Delete(key) => { overlay.delete(key); seen.insert(key); model.insert(key, None); }
                Step::Forget(key) => { overlay.forget(&key); model.remove(&key); }
                Step::Mark => { overlay.mark(); marks.push(model.clone()); }
                Step::Rollback(depth) => {
                    overlay.rollback_to(depth);
                    if depth < marks.len() { model = marks[depth].clone(); marks.truncate(depth); }
                }
                Step::Release => { overlay.release(); marks.clear(); }
                Step::Drain => {
                    let sorted: Vec<_> = overlay.sorted().map(|change| (change.place, *change.key, change.value.copied())).collect();
                    prop_assert!(sorted.iter().all(|(place, ..)| *place < overlay.places()));
                    let pairs: Vec<_> = sorted.iter().map(|(_, key, value)| (*key, *value)).collect();
                    prop_assert_eq!(pairs, std::mem::take(&mut model).into_iter().collect::<Vec<_>>());
                    let mut by_place = sorted;
                    by_place.sort_unstable();
                    prop_assert!(overlay.changes().map(|change| (change.place, *change.key, change.value.copied())).eq(by_place.iter().copied()));
                    let by_place: Vec<_> = by_place.into_iter().map(|(_, key, value)| (key, value)).collect();
                    prop_assert_eq!(overlay.drain().collect::<Vec<_>>(), by_place);
                    marks.clear();
                    seen.clear();
                }
            }
            for key in 0..8 {
                let first = overlay.first_after(&key).map(|(k, v)| (*k, v.copied()));
                prop_assert_eq!(first, model.range(key + 1..).next().map(|(k, v)| (*k, *v)));
            }
            if at % 5 > 0 {
                // Whoever asks for the order puts all in their places.
                continue;
            }
            let plain = |overlay: &Overlay<u8, u8>| overlay.in_order().iter().map(|(k, v)| (*k, v.copied())).collect::<Vec<_>>();
            prop_assert_eq!(plain(&overlay), model.clone().into_iter().collect::<Vec<_>>());
            prop_assert_eq!((overlay.len(), overlay.is_empty()), (model.len(), model.is_empty()));
            prop_assert_eq!(overlay.bytes(), seen.len() + model.values().flatten().count());
            for key in 0..8 {
                let expected = match model.get(&key) { None => Found::Unknown, Some(None) => Found::Deleted, Some(Some(v)) => Found::Value(v) };
                prop_assert_eq!(overlay.find(&key), expected);
                let after: Vec<_> = overlay.in_order().after(&key).map(|(k, v)| (*k, v.copied())).collect();
                prop_assert_eq!(after, model.range(key + 1..).map(|(k, v)| (*k, *v)).collect::<Vec<_>>());
            }
            let range: Vec<_> = overlay.in_order().range(&2, &6).map(|(k, _)| *k).collect();
            prop_assert_eq!(range, model.range(2..6).map(|(k, _)| *k).collect::<Vec<_>>());
            prop_assert_eq!(overlay.in_order().range(&6, &2).count(), 0);
        }
    }
}

#[test]
fn a_key_that_was_looked_at_often_enough_is_put_in_its_place() {
    let mut overlay = Overlay::<u8, u8>::default();
    (0..200).rev().for_each(|key| overlay.put(key, key));
    for looks in 0..LOOKS {
        assert_eq!((overlay.first_after(&99), overlay.ordered.get()), (Some((&100, Some(&100))), 0), "{looks}");
    }
    overlay.first_after(&0);
    assert_eq!((overlay.ordered.get(), overlay.order.borrow().len()), (200, 200));
    overlay.put(200, 200);
    let looks = (0..).take_while(|_| {
        overlay.first_after(&199);
        overlay.ordered.get() == 200
    });
    assert_eq!(looks.count(), LOOKS);
}

/// Each look is at one new key more than the last: 32 of them are more than 16 at each.
#[test]
fn only_looks_at_new_keys_count() {
    let mut overlay = Overlay::<u8, u8>::default();
    (0..200).for_each(|key| overlay.put(key, key));
    overlay.in_order();
    let looks = (200..).take_while(|&key| {
        overlay.put(key, key);
        overlay.first_after(&0);
        overlay.ordered.get() == 200
    });
    assert_eq!(looks.count(), 2 * LOOKS - 1);
}

#[test]
fn the_undo_log_is_told_of_a_key_once_between_two_marks_and_without_any_of_none() {
    let mut overlay = Overlay::<u8, u8>::default();
    overlay.put(1, 1);
    assert_eq!(overlay.undo.len(), 0);
    for marks in 1..=2 {
        overlay.mark();
        (0..5).for_each(|value| overlay.put(1, value));
        assert_eq!(overlay.undo.len(), marks);
    }
    overlay.rollback_to(1);
    overlay.rollback_to(0);
    assert_eq!(overlay.find(&1), Found::Value(&1));
}

#[test]
fn after_a_rollback_a_key_that_was_changed_before_it_is_noted_again() {
    let mut overlay = Overlay::<u8, u8>::default();
    overlay.mark();
    overlay.mark();
    overlay.put(1, 1);
    overlay.rollback_to(1);
    overlay.put(1, 2);
    overlay.rollback_to(0);
    assert_eq!(overlay.find(&1), Found::Unknown);
}

#[test]
fn a_text_takes_its_bytes_and_two_counters() {
    assert_eq!(std::sync::Arc::<str>::from("four").bytes(), 20);
    assert_eq!(std::sync::Arc::<str>::from("").bytes(), 16);
}

#[test]
fn a_cleared_overlay_knows_nothing_and_has_no_marks() {
    let mut overlay = Overlay::<u8, u8>::default();
    overlay.put(1, 1);
    overlay.mark();
    overlay.delete(1);
    overlay.clear();
    assert!(overlay.is_empty() && overlay.bytes() == 0 && overlay.in_order().iter().next().is_none());
    overlay.put(2, 2);
    overlay.rollback_to(0);
    assert_eq!(overlay.find(&2), Found::Value(&2));
}

#[test]
fn a_block_begins_with_room_for_as_many_keys_as_the_last_one_had_up_to_a_bound() {
    let mut overlay = Overlay::<u16, u8>::default();
    for (keys, room) in [(100, 100), (ROOM as u16 - 1, ROOM - 1), (ROOM as u16 + 1, ROOM), (0, 0)] {
        (0..keys).for_each(|key| overlay.put(key, 1));
        assert_eq!(overlay.drain().count(), usize::from(keys));
        assert_eq!((overlay.changed.capacity(), overlay.slots.capacity()), (room, room), "{keys}");
    }
}

#[test]
fn several_may_have_the_order_at_once() {
    let mut overlay = Overlay::<u8, u8>::default();
    (0..3).rev().for_each(|key| overlay.put(key, key));
    let first = overlay.in_order();
    let second = overlay.in_order();
    assert_eq!(overlay.first_after(&0), Some((&1, Some(&1))));
    assert!(first.iter().eq(second.iter()));
}

/// What is kept of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Below(Option<u8>);

impl Footprint for Below {
    fn bytes(&self) -> usize {
        3
    }
}

#[derive(Debug, Clone)]
enum Keeping {
    Change(u8, Option<u8>),
    Keep(u8, u8),
    KeepNew(u8, Option<u8>),
    KeepAs(u8, u8),
    Mark,
    Rollback(usize),
    Settle,
    LetGo,
    Forget,
}

fn keeping() -> impl Strategy<Value = Keeping> {
    prop_oneof![
        6 => (0..8u8, any::<Option<u8>>()).prop_map(|(key, value)| Keeping::Change(key, value)),
        4 => (0..8u8, any::<u8>()).prop_map(|(key, below)| Keeping::Keep(key, below)),
        2 => (0..8u8, any::<Option<u8>>()).prop_map(|(key, below)| Keeping::KeepNew(key, below)),
        2 => (0..8u8, any::<u8>()).prop_map(|(key, below)| Keeping::KeepAs(key, below)),
        3 => Just(Keeping::Mark),
        2 => (0..4usize).prop_map(Keeping::Rollback),
        2 => Just(Keeping::Settle),
        1 => Just(Keeping::LetGo),
        1 => Just(Keeping::Forget),
    ]
}

proptest! {
    #[test]
    fn what_is_kept_stays_through_blocks_and_rollbacks_until_it_is_taken(steps in prop::collection::vec(keeping(), 0..60)) {
        let mut overlay = Overlay::<u8, u8, Below>::default();
        let (mut changes, mut below, mut marks) = (BTreeMap::<u8, Option<u8>>::new(), BTreeMap::<u8, Below>::new(), Vec::new());
        // Keys that the block has changed, even if that was undone.
        let mut listed = BTreeSet::new();
        for step in steps {
            match step {
                Keeping::Change(key, Some(value)) => { overlay.put(key, value); changes.insert(key, Some(value)); listed.insert(key); }
                Keeping::Change(key, None) => { overlay.delete(key); changes.insert(key, None); listed.insert(key); }
                Keeping::Keep(key, kept) => { overlay.keep(key, Below(Some(kept))); below.insert(key, Below(Some(kept))); }
                Keeping::KeepNew(key, kept) => {
                    let has_slot = listed.contains(&key) || below.contains_key(&key);
                    let added = overlay.keep_new(&key, || kept.map(|kept| (key, Below(Some(kept)))));
                    prop_assert_eq!(added, !has_slot && kept.is_some());
                    if added { below.insert(key, Below(kept)); }
                }
                Keeping::KeepAs(key, kept) => {
                    let known = below.get(&key).copied();
                    overlay.keep_as(&key, |before| { assert_eq!(before, known.unwrap_or_default()); Below(Some(kept)) });
                    if known.is_some() || listed.contains(&key) { below.insert(key, Below(Some(kept))); }
                }
                Keeping::Mark => { overlay.mark(); marks.push(changes.clone()); }
                Keeping::Rollback(depth) => {
                    overlay.rollback_to(depth);
                    if depth < marks.len() { changes = marks[depth].clone(); marks.truncate(depth); }
                }
                Keeping::Settle => {
                    let by_place: BTreeMap<usize, u8> = overlay.sorted().map(|change| (change.place, *change.key)).collect();
                    // Of an even value nothing is kept.
                    let is_kept = |below: &Below| below.0.is_none_or(|value| value % 2 > 0);
                    overlay.settle(|place, key, change, before| {
                        let now = match change {
                            None => before,
                            Some(value) => {
                                assert_eq!((by_place[&place], changes[key]), (*key, value));
                                Below(value)
                            }
                        };
                        is_kept(&now).then_some(now)
                    });
                    for key in std::mem::take(&mut listed) {
                        let kept = below.entry(key).or_default();
                        if let Some(value) = changes.remove(&key) { *kept = Below(value); }
                        if !is_kept(kept) { below.remove(&key); }
                    }
                    prop_assert!(changes.is_empty());
                    marks.clear();
                }
                Keeping::LetGo => {
                    let mut old = overlay.let_go();
                    let taken: BTreeMap<u8, Below> = old.iter().map(|(key, kept)| (*key, *kept)).collect();
                    prop_assert_eq!(old.bytes(), 4 * taken.len());
                    prop_assert!(taken.iter().eq(below.iter().filter(|(key, _)| !listed.contains(key))));
                    for key in 0..8 { prop_assert_eq!(old.find_kept(&key), taken.get(&key)); prop_assert_eq!(old.remove(&key), taken.get_key_value(&key).map(|(key, below)| (*key, *below))); }
                    prop_assert_eq!((old.bytes(), old.iter().count()), (0, 0));
                    below.retain(|key, _| listed.contains(key));
                }
                Keeping::Forget => { overlay.forget_kept(); below.clear(); }
            }
            for key in 0..8 {
                let found = match changes.get(&key) { None => Found::Unknown, Some(None) => Found::Deleted, Some(Some(v)) => Found::Value(v) };
                let kept = below.get(&key).copied().or_else(|| listed.contains(&key).then(Below::default));
                prop_assert_eq!(overlay.look(&key), (found, kept.as_ref()));
            }
            let order: Vec<_> = overlay.in_order().iter().map(|(k, v)| (*k, v.copied())).collect();
            prop_assert_eq!(order, changes.iter().map(|(k, v)| (*k, *v)).collect::<Vec<_>>());
            let sorted: Vec<_> = overlay.sorted().map(|change| (*change.key, *change.below)).collect();
            prop_assert_eq!(sorted, changes.keys().map(|key| (*key, below.get(key).copied().unwrap_or_default())).collect::<Vec<_>>());
            prop_assert_eq!(overlay.kept().bytes(), 4 * below.len());
            prop_assert_eq!(overlay.bytes(), listed.len() + changes.values().flatten().count());
            prop_assert_eq!((overlay.len(), overlay.places()), (changes.len(), listed.len()));
            let unchanged = below.keys().filter(|key| !listed.contains(key)).count();
            prop_assert_eq!((overlay.unchanged(), overlay.unchanged_bytes()), (unchanged, 4 * unchanged));
            let kept: BTreeMap<u8, Below> = overlay.kept().iter().map(|(key, below)| (*key, *below)).collect();
            prop_assert_eq!(&kept, &below);
        }
    }
}

#[test]
fn a_block_after_another_is_put_in_order_by_the_same_rule() {
    let mut overlay = Overlay::<u8, u8, Below>::default();
    for _ in 0..2 {
        (0..200).rev().for_each(|key| overlay.put(key, key));
        let looks = (0..).take_while(|_| {
            overlay.first_after(&99);
            overlay.ordered.get() == 0
        });
        assert_eq!(looks.count(), LOOKS);
        overlay.settle(|_, _, _, _| None);
        assert_eq!((overlay.first_after(&99), overlay.places()), (None, 0));
    }
}

#[test]
fn what_came_first_is_forgotten_first() {
    let mut overlay = Overlay::<u8, u8, Below>::default();
    (0..10).for_each(|key| overlay.keep(key, Below(Some(key))));
    overlay.put(3, 3);
    let mut old = overlay.let_go();
    assert_eq!(
        old.iter().map(|(key, _)| *key).collect::<Vec<_>>(),
        [0, 1, 2, 9, 4, 5, 6, 7, 8],
        "the last takes a place that is free"
    );
    old.shrink_to(33);
    assert_eq!(old.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [8, 1, 2, 9, 4, 5, 6, 7], "of nine one is few");
    assert_eq!((old.bytes(), old.find_kept(&0), old.find_kept(&8)), (32, None, Some(&Below(Some(8)))));
    old.shrink_to(24);
    assert_eq!(old.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [2, 9, 4, 5, 6, 7], "of eight two are many");
    old.shrink_to(13);
    assert_eq!(old.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [5, 6, 7], "of six three are");
    assert_eq!((old.bytes(), old.remove(&9), old.remove(&5)), (12, None, Some((5, Below(Some(5))))));
    assert_eq!((old.bytes(), old.find_kept(&6), old.find_kept(&7)), (8, Some(&Below(Some(6))), Some(&Below(Some(7)))));
    old.shrink_to(0);
    assert_eq!((old.bytes(), old.iter().count()), (0, 0));
}

#[test]
fn a_block_that_was_very_large_keeps_no_room() {
    let mut overlay = Overlay::<u16, u8, Below>::default();
    overlay.mark();
    (0..20_000).for_each(|key| overlay.put(key, 1));
    overlay.settle(|_, _, _, _| None);
    assert!(
        [overlay.changed.capacity(), overlay.undo.capacity(), overlay.slots.capacity()]
            .iter()
            .all(|room| *room <= ROOM)
    );
    assert_eq!((overlay.slots.len(), overlay.find(&1)), (0, Found::Unknown));
    (0..20_000).for_each(|key| overlay.keep(key, Below(None)));
    let mut old = overlay.let_go();
    old.shrink_to(400);
    assert_eq!((old.len(), old.capacity()), (100, 100));
}

#[test]
fn what_is_kept_keeps_room_for_as_much_again() {
    let mut overlay = Overlay::<u16, u8, Below>::default();
    (0..ROOM as u16 + 2).for_each(|key| overlay.keep(key, Below(None)));
    let room = overlay.slots.capacity();
    assert!(room > ROOM + 6, "{room}");
    overlay.put(0, 1);
    overlay.settle(|_, _, _, before| Some(before));
    assert_eq!(overlay.slots.capacity(), room);
}

#[test]
fn the_index_grows_fourfold_with_the_keys_and_not_with_those_that_have_gone() {
    let mut kept = Overlay::<u16, u8, Below>::default();
    let places: BTreeSet<usize> = (0..200)
        .map(|key| {
            kept.keep(key, Below(None));
            kept.slots.places()
        })
        .collect();
    assert_eq!(places.into_iter().collect::<Vec<_>>(), [4, 16, 64, 256]);
    let mut old = kept.let_go();
    for key in 200..20_000 {
        let hash = old.hash_of(&key);
        old.add(key, hash);
        old.remove(&(key - 200));
        assert!(old.places() <= 512, "{key}: {}", old.places());
    }
}

#[test]
fn stretches_are_counted_from_the_beginning_of_each_block() {
    let mut overlay = Overlay::<u8, u8, Below>::default();
    let crank = |overlay: &mut Overlay<u8, u8, Below>, change: bool| {
        overlay.mark();
        if change {
            overlay.put(1, 1);
        }
        overlay.rollback_to(0);
        overlay.release();
    };
    crank(&mut overlay, false);
    assert_eq!(overlay.stretch, 0, "without changes there is no block");
    crank(&mut overlay, true);
    crank(&mut overlay, true);
    assert_eq!(overlay.stretch, 4);
    overlay.settle(|_, _, _, _| None);
    assert_eq!(overlay.stretch, 0);
}
