//! Items that a block has added and not yet written.

use swing_core::overlay::{Footprint, InOrder};
use swing_core::{Incarnation, Overlay, Position, VatId};

use crate::layers::At;

/// So much memory for texts stays for the next block: it need not be asked of the system again, nor touched for the first time.
const KEPT: usize = 1 << 20;

/// The items, their texts one behind the other.
#[derive(Default)]
pub(crate) struct Unwritten {
    items: Overlay<At, Item>,
    texts: String,
    /// How long `texts` was at each mark.
    marks: Vec<usize>,
}

/// An item but for its text.
#[derive(Debug)]
pub(crate) struct Item {
    start: usize,
    length: usize,
    pub(crate) incarnation: Incarnation,
}

/// Its text is counted with the others.
impl Footprint for Item {
    fn bytes(&self) -> usize {
        size_of::<Self>()
    }
}

impl Unwritten {
    pub(crate) fn add(&mut self, at: At, text: &str, incarnation: Incarnation) {
        let item = Item { start: self.texts.len(), length: text.len(), incarnation };
        self.texts.push_str(text);
        self.items.put(at, item);
    }

    pub(crate) fn text(&self, item: &Item) -> &str {
        &self.texts[item.start..][..item.length]
    }

    pub(crate) fn in_order(&self) -> InOrder<'_, At, Item, ()> {
        self.items.in_order()
    }

    /// Where each item stands, and what it says, in the order of the table's keys.
    pub(crate) fn sorted(&self) -> impl Iterator<Item = (&At, &str, Incarnation)> {
        self.items
            .sorted()
            .filter_map(|change| change.value.map(|item| (change.key, self.text(item), item.incarnation)))
    }

    /// Forgets the items of `vat` from `start` up to `end`. None stands at [`Position::MAX`]: a span ends there at most.
    pub(crate) fn forget(&mut self, vat: &VatId, start: Position, end: Position) {
        let items = self.items.in_order();
        let range = items.range(&At::new(vat, start), &At::new(vat, end));
        let known: Vec<_> = range.map(|(at, _)| at.clone()).collect();
        drop(items);
        known.into_iter().for_each(|at| self.items.forget(&at));
    }

    pub(crate) fn clear(&mut self) {
        self.items.clear();
        self.marks.clear();
        self.texts.clear();
        if self.texts.capacity() > KEPT {
            self.texts = String::new();
        }
    }

    pub(crate) fn mark(&mut self) {
        self.items.mark();
        self.marks.push(self.texts.len());
    }

    pub(crate) fn rollback_to(&mut self, depth: usize) {
        self.items.rollback_to(depth);
        if let Some(&length) = self.marks.get(depth) {
            self.texts.truncate(length);
            self.marks.truncate(depth);
        }
    }

    pub(crate) fn release(&mut self) {
        self.items.release();
        self.marks.clear();
    }

    /// About how much memory it holds: also texts of items that were forgotten since.
    pub(crate) fn bytes(&self) -> usize {
        self.items.bytes() + self.texts.len()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn vat(name: &str) -> VatId {
        VatId::parse(name).unwrap()
    }

    fn at(vat: &VatId, position: u64) -> At {
        At::new(vat, Position::new(position).unwrap())
    }

    fn incarnation(number: u64) -> Incarnation {
        Incarnation::new(number).unwrap()
    }

    type Model = BTreeMap<At, (String, u64)>;

    fn is(unwritten: &Unwritten, model: &Model) -> bool {
        let items = unwritten.in_order();
        let range = items.range(&at(&vat("v"), 0), &at(&vat("w"), 0));
        let found = range.filter_map(|(at, item)| Some((at.clone(), unwritten.text(item?).to_owned())));
        let sorted =
            unwritten.sorted().map(|(at, text, incarnation)| (at.clone(), (text.to_owned(), incarnation.get())));
        sorted.collect::<Model>() == *model && found.eq(model.iter().map(|(at, (text, _))| (at.clone(), text.clone())))
    }

    #[derive(Debug, Clone)]
    enum Step {
        Add(bool, u64, String),
        Forget(bool, u64, u64),
        Mark,
        RollBack(usize),
        Release,
        Clear,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            8 => (any::<bool>(), 0..9_u64, "[a-ü]{0,9}").prop_map(|(vat, at, text)| Step::Add(vat, at, text)),
            2 => (any::<bool>(), 0..9_u64, 0..9_u64).prop_map(|(vat, from, more)| Step::Forget(vat, from, from + more)),
            3 => Just(Step::Mark),
            2 => (0..3_usize).prop_map(Step::RollBack),
            1 => Just(Step::Release),
            1 => Just(Step::Clear),
        ]
    }

    proptest! {
        #[test]
        fn items_are_those_of_maps_that_are_copied_whole_at_every_mark(steps in prop::collection::vec(step(), 0..60)) {
            let vats = [vat("v1"), vat("v2")];
            let (mut unwritten, mut model, mut marks) = (Unwritten::default(), Model::new(), Vec::<Model>::new());
            for (number, step) in (0..).zip(steps) {
                match step {
                    Step::Add(vat, position, text) => {
                        let at = at(&vats[usize::from(vat)], position);
                        unwritten.add(at.clone(), &text, incarnation(number));
                        model.insert(at, (text, number));
                    }
                    Step::Forget(vat, start, end) => {
                        let (vat, position) = (&vats[usize::from(vat)], |number| Position::new(number).unwrap());
                        unwritten.forget(vat, position(start), position(end));
                        model.retain(|known, _| known.vat != *vat || !(start..end).contains(&known.position.get()));
                    }
                    Step::Mark => {
                        unwritten.mark();
                        marks.push(model.clone());
                    }
                    Step::RollBack(depth) => {
                        unwritten.rollback_to(depth);
                        if depth < marks.len() {
                            model = marks.swap_remove(depth);
                            marks.truncate(depth);
                        }
                    }
                    Step::Release => {
                        unwritten.release();
                        marks.clear();
                    }
                    Step::Clear => {
                        unwritten.clear();
                        (model, marks) = (Model::new(), Vec::new());
                    }
                }
                prop_assert!(is(&unwritten, &model), "{number}");
            }
        }
    }

    #[test]
    fn texts_are_counted_until_they_are_rolled_back_or_written_and_room_for_few_stays() {
        let (mut unwritten, v1) = (Unwritten::default(), vat("v1"));
        unwritten.add(at(&v1, 0), "kept", incarnation(0));
        let before = unwritten.bytes();
        assert!(before >= "kept".len());
        unwritten.mark();
        unwritten.add(at(&v1, 1), &"x".repeat(1000), incarnation(0));
        assert!(unwritten.bytes() >= before + 1000);
        unwritten.rollback_to(0);
        // The key has its place until the block ends, the text is gone.
        assert!((before..before + 500).contains(&unwritten.bytes()));
        for (length, stays) in [(KEPT / 2, true), (2 * KEPT, false), (10, true)] {
            unwritten.add(at(&v1, 2), &"y".repeat(length), incarnation(0));
            unwritten.clear();
            assert_eq!((unwritten.bytes(), unwritten.texts.capacity() >= length), (0, stays), "{length}");
            assert!(unwritten.texts.capacity() <= KEPT);
        }
    }
}
