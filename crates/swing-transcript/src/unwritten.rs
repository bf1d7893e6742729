//! Items that a block has added and not yet written.

use swing_core::overlay::{Footprint, InOrder};
use swing_core::{Incarnation, Overlay, Position, VatId};

use crate::layers::At;

/// Texts share pieces of memory that are as long as this, so that they cost no piece for each.
const PIECE: usize = 64 << 10;
/// A text that is as long as this is a piece by itself: what the shared ones leave empty at their ends is less.
const LONG: usize = PIECE / 8;
/// So many pieces stay for the next block: they need not be asked of the system again, nor touched for the first time.
const SPARE: usize = 16;

/// The items, and the texts of those that are not long.
#[derive(Default)]
pub(crate) struct Unwritten {
    items: Overlay<At, Item>,
    /// Nothing in them moves. All but the last are full.
    pieces: Vec<String>,
    spare: Vec<String>,
    /// How many pieces there were at each mark, and how long the last one was.
    marks: Vec<(usize, usize)>,
}

#[derive(Debug)]
enum Text {
    Long(Box<str>),
    Shared { piece: usize, start: usize, length: usize },
}

#[derive(Debug)]
pub(crate) struct Item {
    text: Text,
    pub(crate) incarnation: Incarnation,
}

impl Footprint for Item {
    fn bytes(&self) -> usize {
        let text = match &self.text {
            Text::Long(text) => text.len(),
            // Counted with its piece.
            Text::Shared { .. } => 0,
        };
        size_of::<Self>() + text
    }
}

impl Unwritten {
    pub(crate) fn add(&mut self, at: At, text: &str, incarnation: Incarnation) {
        let text = if text.len() < LONG { self.share(text) } else { Text::Long(text.into()) };
        self.items.put(at, Item { text, incarnation });
    }

    fn share(&mut self, text: &str) -> Text {
        let length = text.len();
        if self.pieces.last().is_none_or(|piece| piece.len() + length > PIECE) {
            self.pieces.push(self.spare.pop().unwrap_or_else(|| String::with_capacity(PIECE)));
        }
        let piece = self.pieces.len() - 1;
        let start = self.pieces[piece].len();
        self.pieces[piece].push_str(text);
        Text::Shared { piece, start, length }
    }

    pub(crate) fn text<'i>(&'i self, item: &'i Item) -> &'i str {
        match &item.text {
            Text::Long(text) => text,
            Text::Shared { piece, start, length } => &self.pieces[*piece][*start..][..*length],
        }
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

    /// Lets go of all pieces from this one on.
    fn spare_from(&mut self, first: usize) {
        for mut piece in self.pieces.drain(first..) {
            if self.spare.len() < SPARE {
                piece.clear();
                self.spare.push(piece);
            }
        }
    }

    pub(crate) fn clear(&mut self) {
        self.items.clear();
        self.marks.clear();
        self.spare_from(0);
    }

    pub(crate) fn mark(&mut self) {
        self.items.mark();
        self.marks.push((self.pieces.len(), self.pieces.last().map_or(0, String::len)));
    }

    pub(crate) fn rollback_to(&mut self, depth: usize) {
        self.items.rollback_to(depth);
        if let Some(&(pieces, length)) = self.marks.get(depth) {
            self.spare_from(pieces);
            if let Some(last) = self.pieces.last_mut() {
                last.truncate(length);
            }
            self.marks.truncate(depth);
        }
    }

    pub(crate) fn release(&mut self) {
        self.items.release();
        self.marks.clear();
    }

    /// About how much memory it holds. Texts in shared pieces count until the block is written or the crank rolled back, also of items
    /// that were forgotten since; what is spare does not.
    pub(crate) fn bytes(&self) -> usize {
        let full = self.pieces.len().saturating_sub(1) * PIECE;
        self.items.bytes() + full + self.pieces.last().map_or(0, String::len)
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

    /// Some are too long for a piece with others, some fill one soon.
    fn text() -> impl Strategy<Value = String> {
        let lengths = prop_oneof![6 => 0..9_usize, 2 => LONG - 9..LONG + 9, 1 => Just(PIECE + 1)];
        ("[a-ü]{1,9}", lengths).prop_map(|(text, length)| {
            let mut text = text.repeat(length / text.len() + 1);
            text.truncate(text.floor_char_boundary(length));
            text
        })
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            8 => (any::<bool>(), 0..9_u64, text()).prop_map(|(vat, at, text)| Step::Add(vat, at, text)),
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
    fn texts_are_counted_until_they_are_rolled_back_or_written() {
        let (mut unwritten, v1) = (Unwritten::default(), vat("v1"));
        let add = |unwritten: &mut Unwritten, position, length| {
            unwritten.add(at(&v1, position), &"x".repeat(length), incarnation(0));
            unwritten.bytes()
        };
        let place = size_of::<At>() + size_of::<Item>();
        let first = add(&mut unwritten, 0, 4);
        assert_eq!(first, place + 4);
        unwritten.mark();
        // Into pieces of their own.
        let second = (1..10).map(|position| add(&mut unwritten, position, PIECE)).last().unwrap();
        assert_eq!(second, first + 9 * (place + PIECE));
        unwritten.mark();
        for position in 10..50 {
            add(&mut unwritten, position, LONG - 1);
        }
        assert!(unwritten.bytes() > second + 40 * (LONG - 1));
        // Keys have their places until the block ends, texts are gone.
        let keys = |count| count * size_of::<At>();
        unwritten.rollback_to(1);
        assert_eq!(unwritten.bytes(), second + keys(40));
        add(&mut unwritten, 10, 1);
        unwritten.mark();
        add(&mut unwritten, 11, LONG - 1);
        unwritten.rollback_to(0);
        assert_eq!(unwritten.bytes(), first + keys(49));
        unwritten.clear();
        assert_eq!(unwritten.bytes(), 0);
    }

    #[test]
    fn pieces_are_filled_and_a_long_text_is_none_of_theirs() {
        let pieces = |lengths: &[usize]| {
            let mut unwritten = Unwritten::default();
            for (position, length) in (0..).zip(lengths) {
                unwritten.add(at(&vat("v1"), position), &"z".repeat(*length), incarnation(0));
            }
            unwritten.pieces.len()
        };
        assert_eq!([pieces(&[LONG]), pieces(&[LONG - 1]), pieces(&[LONG + 1, 0, LONG])], [0, 1, 1]);
        assert_eq!([pieces(&[PIECE / 16; 16]), pieces(&[PIECE / 16; 17]), pieces(&[1; 1000])], [1, 2, 1]);
    }

    #[test]
    fn few_pieces_stay_for_the_next_block_and_no_text_makes_one_longer() {
        let (mut unwritten, v1) = (Unwritten::default(), vat("v1"));
        for (round, (count, length)) in
            [(3, 10), (500, LONG - 1), (500, LONG - 1), (5, 10 * PIECE)].into_iter().enumerate()
        {
            (0..count).for_each(|position| unwritten.add(at(&v1, position), &"y".repeat(length), incarnation(0)));
            assert!(
                unwritten.pieces.iter().chain(&unwritten.spare).all(|piece| piece.capacity() < 2 * PIECE),
                "{round}"
            );
            let (pieces, spare) = (unwritten.pieces.len(), unwritten.spare.len());
            unwritten.clear();
            assert_eq!((unwritten.pieces.len(), unwritten.spare.len()), (0, (pieces + spare).min(SPARE)), "{round}");
        }
    }
}
