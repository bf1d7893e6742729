//! Which spans need not be hashed again when they are read, nor their items be fetched.
//!
//! A worker that is put aside and started again reads the span that it read before, and what was added since; hashing it is
//! most of what that costs. What this session has read and hashed, or hashed and written, it need not hash again as long as
//! nobody else can have changed it: until another connection commits, and no longer than the items may well be in memory. What a
//! disk does to them after that must be found.
//!
//! Items are held once their span is read that was known to be right before, since most spans are read once. Those that are held stay until
//! their span is closed or forgotten: spans that are read by turns, and are more than there is room for, would each push the next one out.
//! A cursor under way has its own besides, those that it gathers or answers.

use std::collections::HashMap;
use std::sync::Arc;

use swing_core::VatId;

use crate::layers::Span;

/// So many bytes of items are vouched for: half of what SQLite keeps in memory.
const MOST_BYTES: usize = 32 << 20;
/// What a span takes besides its items, so that their number is bounded, too.
const SPAN: usize = 4096;
/// So many bytes of items are held.
const MOST_HELD: usize = 8 << 20;
/// What an item that is held takes besides its text, at most: its place, and as much that a list that grows keeps free, and what the
/// allocator adds to a short text.
const ITEM: usize = 2 * size_of::<Box<str>>() + 32;

/// All items of a span, in order.
pub(crate) type Held = Vec<Box<str>>;

/// What is known of a span that need not be hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Right {
    Held(Arc<Held>),
    /// Its items are to be fetched, and there is room to hold them from now on.
    ToHold,
    ToFetch,
}

struct Known {
    span: Span,
    bytes: usize,
    items: Option<Arc<Held>>,
}

impl Known {
    /// What its items take when they are held.
    fn weight(&self) -> usize {
        let items = usize::try_from(self.span.len()).unwrap_or(usize::MAX);
        self.bytes.saturating_add(items.saturating_mul(ITEM))
    }

    /// What those take that are.
    fn held(&self) -> usize {
        if self.items.is_some() { self.weight() } else { 0 }
    }
}

/// The span of each vat whose hash is known to be that of its items.
#[derive(Default)]
pub(crate) struct Verified {
    spans: HashMap<VatId, Known>,
    bytes: usize,
    held: usize,
    /// Counts how often anything was forgotten.
    age: u64,
}

impl Verified {
    /// What is known if the items of exactly this span are known to be right.
    pub(crate) fn find(&self, vat: &VatId, span: &Span) -> Option<Right> {
        let known = self.spans.get(vat).filter(|known| known.span == *span)?;
        // Otherwise all that comes to it would be held because somebody saw that there is nothing.
        let has_room = !span.is_empty() && self.held.saturating_add(known.weight()) <= MOST_HELD;
        Some(match &known.items {
            Some(items) => Right::Held(Arc::clone(items)),
            None if has_room => Right::ToHold,
            None => Right::ToFetch,
        })
    }

    /// The items of `span`, of so many bytes, are right. They are held if they are given and there still is room.
    pub(crate) fn note(&mut self, vat: &VatId, span: Span, bytes: usize, items: Option<Held>) {
        let mut known = Known { span, bytes: bytes.saturating_add(SPAN), items: None };
        self.remove(vat);
        if self.bytes.saturating_add(known.bytes) > MOST_BYTES {
            self.clear();
        }
        if known.bytes <= MOST_BYTES {
            if self.held.saturating_add(known.weight()) <= MOST_HELD {
                known.items = items.map(Arc::new);
            }
            (self.bytes, self.held) = (self.bytes + known.bytes, self.held + known.held());
            self.spans.insert(vat.clone(), known);
        }
    }

    /// `item` has made `after` of `before`.
    pub(crate) fn grow(&mut self, vat: &VatId, before: &Span, after: Span, item: &str) {
        let Some(known) = self.spans.get_mut(vat).filter(|known| known.span == *before) else { return };
        self.held -= known.held();
        known.span = after;
        known.bytes += item.len();
        self.bytes += item.len();
        let has_room = self.held.saturating_add(known.weight()) <= MOST_HELD;
        match known.items.as_mut().filter(|_| has_room).and_then(Arc::get_mut) {
            Some(items) => items.push(item.into()),
            // While somebody reads them, all would have to be copied.
            None => known.items = None,
        }
        self.held += known.held();
        if self.bytes > MOST_BYTES {
            self.clear();
        }
    }

    /// Nothing is known of `vat` any longer, nor by a cursor that is under way: items of it may be gone, and others come in their place.
    pub(crate) fn forget(&mut self, vat: &VatId) {
        self.remove(vat);
        self.age += 1;
    }

    fn remove(&mut self, vat: &VatId) {
        if let Some(known) = self.spans.remove(vat) {
            (self.bytes, self.held) = (self.bytes - known.bytes, self.held - known.held());
        }
    }

    /// Nothing is known any longer.
    pub(crate) fn clear(&mut self) {
        self.spans.clear();
        (self.bytes, self.held) = (0, 0);
        self.age += 1;
    }

    /// As long as this stays the same, what was known is.
    pub(crate) fn age(&self) -> u64 {
        self.age
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use swing_core::roles::TranscriptStore as _;
    use swing_core::{Incarnation, Position, Session};

    use super::*;
    use crate::hash::{extend, initial_hash};
    use crate::schema::TABLES;
    use crate::state::TranscriptState;

    fn vat(name: &str) -> VatId {
        VatId::parse(name).unwrap()
    }

    fn grown(span: Span, item: &str) -> Span {
        Span { end: span.end.next().unwrap(), hash: extend(span.hash, item), ..span }
    }

    impl Verified {
        fn contains(&self, vat: &VatId, span: &Span) -> bool {
            self.find(vat, span).is_some()
        }

        fn holds(&self, vat: &VatId, span: &Span) -> Option<Vec<Box<str>>> {
            match self.find(vat, span)? {
                Right::Held(items) => Some(items.to_vec()),
                Right::ToHold | Right::ToFetch => None,
            }
        }
    }

    fn empty() -> Span {
        Span { start: Position::ZERO, end: Position::ZERO, hash: initial_hash(), incarnation: Incarnation::ZERO }
    }

    #[test]
    fn only_the_very_span_is_known_and_growth_is_followed_from_it_alone() {
        let (mut verified, v1) = (Verified::default(), vat("v1"));
        let (one, other) = (grown(empty(), "a"), grown(empty(), "b"));
        verified.grow(&v1, &empty(), one, "a");
        assert!(!verified.contains(&v1, &one), "nothing was known to grow from");
        verified.note(&v1, empty(), 0, None);
        verified.grow(&v1, &empty(), one, "a");
        assert!(verified.contains(&v1, &one) && !verified.contains(&v1, &other) && !verified.contains(&v1, &empty()));
        assert!(!verified.contains(&vat("v2"), &one));
        verified.grow(&v1, &other, grown(other, "c"), "c");
        assert!(verified.contains(&v1, &one));
        verified.note(&vat("v2"), other, 1, None);
        assert!(verified.contains(&v1, &one) && verified.contains(&vat("v2"), &other));
        verified.clear();
        assert!(!verified.contains(&v1, &one));
    }

    #[test]
    fn no_more_is_known_than_is_likely_to_be_in_memory() {
        let mut verified = Verified::default();
        for number in 1..=20 {
            verified.note(&vat(&format!("v{number}")), empty(), MOST_BYTES / 8, None);
            let known: usize = verified.spans.values().map(|known| known.bytes).sum();
            assert!(known == verified.bytes && known <= MOST_BYTES);
            assert!(verified.contains(&vat(&format!("v{number}")), &empty()));
        }
        verified.note(&vat("v1"), empty(), MOST_BYTES, None);
        assert!(!verified.contains(&vat("v1"), &empty()), "larger than all that may be known");
        verified.note(&vat("v1"), empty(), 0, None);
        verified.grow(&vat("v1"), &empty(), grown(empty(), "a"), &"a".repeat(MOST_BYTES));
        assert!(!verified.contains(&vat("v1"), &grown(empty(), "a")));
        assert_eq!(verified.bytes, 0);
        for (bytes, known) in [(MOST_BYTES - SPAN, true), (MOST_BYTES - SPAN + 1, false)] {
            verified.note(&vat("v2"), empty(), 0, None);
            verified.note(&vat("v1"), empty(), bytes - SPAN, None);
            assert_eq!(verified.contains(&vat("v2"), &empty()), known, "noted: {bytes}");
            verified.clear();
            verified.note(&vat("v1"), empty(), 0, None);
            verified.grow(&vat("v1"), &empty(), grown(empty(), "a"), &"a".repeat(bytes));
            assert_eq!(verified.contains(&vat("v1"), &grown(empty(), "a")), known, "grown: {bytes}");
            verified.clear();
        }
    }

    #[test]
    fn a_span_that_is_known_already_is_counted_once() {
        let (mut verified, v1) = (Verified::default(), vat("v1"));
        for bytes in [100, 100, 7] {
            verified.note(&v1, empty(), bytes, None);
            assert_eq!(verified.bytes, bytes + SPAN);
        }
    }

    #[test]
    fn a_span_that_was_read_to_its_end_is_known_with_the_length_of_its_items() {
        let (mut session, mut state, v1) = (Session::in_memory(TABLES).unwrap(), TranscriptState::default(), vat("v1"));
        state.bind(&mut session).init_transcript(&v1).unwrap();
        ["a", "bcd"].iter().for_each(|item| state.bind(&mut session).add_item(&v1, item).unwrap());
        session.commit(&mut [&mut state]).unwrap();
        let mut state = TranscriptState::default();
        let mut cursor = state.bind(&mut session).open_cursor(&v1, None).unwrap();
        let span = grown(grown(empty(), "a"), "bcd");
        for (items, known) in [(1, false), (1, true), (0, true)] {
            assert_eq!(cursor.next_batch(&state.bind(&mut session), 1, usize::MAX).unwrap().len(), items);
            assert_eq!(state.stored.verified.borrow().contains(&v1, &span), known);
        }
        assert_eq!(state.stored.verified.borrow().bytes, 4 + SPAN);
    }

    #[test]
    fn a_span_that_was_begun_from_memory_and_read_on_from_the_table_is_known_with_the_length_of_all_its_items() {
        let (mut session, mut state, v1) = (Session::in_memory(TABLES).unwrap(), TranscriptState::default(), vat("v1"));
        state.bind(&mut session).init_transcript(&v1).unwrap();
        ["abcd", "e"].iter().for_each(|item| state.bind(&mut session).add_item(&v1, item).unwrap());
        session.commit(&mut [&mut state]).unwrap();
        assert_eq!(state.bind(&mut session).read_span(&v1, None).unwrap().count(), 2);
        let mut cursor = state.bind(&mut session).open_cursor(&v1, None).unwrap();
        let mut next = |session: &mut Session, state: &mut TranscriptState| {
            cursor.next_batch(&state.bind(session), 1, usize::MAX).unwrap().concat()
        };
        assert_eq!(next(&mut session, &mut state), "abcd");
        session.invalidate();
        state.bind(&mut session).current_span_bounds(&v1).unwrap();
        assert_eq!(state.stored.verified.borrow().bytes, 0);
        assert_eq!(next(&mut session, &mut state), "e");
        assert_eq!(state.stored.verified.borrow().bytes, 5 + SPAN);
    }

    /// As [`grown`] by all of these, and the items.
    fn with(items: &[&str]) -> (Span, Held) {
        let span = items.iter().fold(empty(), |span, item| grown(span, item));
        (span, items.iter().map(|item| (*item).into()).collect())
    }

    #[test]
    fn items_are_held_as_they_were_given_and_with_those_that_came_since() {
        let (mut verified, v1) = (Verified::default(), vat("v1"));
        let (span, items) = with(&["a", "bc"]);
        verified.note(&v1, span, 3, None);
        assert_eq!(verified.find(&v1, &span), Some(Right::ToHold));
        verified.note(&v1, span, 3, Some(items.clone()));
        assert_eq!(verified.holds(&v1, &span), Some(items));
        let (more, items) = with(&["a", "bc", "d"]);
        verified.grow(&v1, &span, more, "d");
        assert_eq!((verified.holds(&v1, &span), verified.holds(&v1, &more)), (None, Some(items)));
    }

    #[test]
    fn items_that_somebody_reads_while_the_span_grows_are_held_no_longer() {
        let (mut verified, v1) = (Verified::default(), vat("v1"));
        let ((span, items), (more, _)) = (with(&["a"]), with(&["a", "b"]));
        verified.note(&v1, span, 1, Some(items.clone()));
        let read = verified.find(&v1, &span);
        verified.grow(&v1, &span, more, "b");
        assert_eq!(read, Some(Right::Held(Arc::new(items))), "who reads them has those that there were");
        assert_eq!((verified.find(&v1, &more), verified.held), (Some(Right::ToHold), 0));
    }

    #[test]
    fn what_is_forgotten_or_is_another_span_is_not_held() {
        let (mut verified, v1, v2) = (Verified::default(), vat("v1"), vat("v2"));
        let ((span, items), (other, _)) = (with(&["a"]), with(&["b"]));
        let forget: [fn(&mut Verified, &VatId); 2] = [Verified::forget, |verified, _| verified.clear()];
        for forget in forget {
            verified.note(&v1, span, 1, Some(items.clone()));
            verified.note(&v2, other, 1, None);
            assert_eq!(verified.find(&v1, &other), None);
            forget(&mut verified, &v1);
            assert_eq!((verified.find(&v1, &span), verified.held), (None, 0));
        }
        verified.note(&v1, span, 1, Some(items));
        verified.note(&v1, empty(), 0, None);
        assert_eq!((verified.find(&v1, &span), verified.held), (None, 0), "as when a span begins");
    }

    /// As many spans of this length as there is room for, by turns, and then one more.
    #[test]
    fn those_that_are_held_stay_and_are_no_more_than_there_is_room_for() {
        let (mut verified, (span, items)) = (Verified::default(), with(&[&"x".repeat(MOST_HELD / 4 - SPAN - ITEM)]));
        let length = items[0].len();
        for number in 1..=5 {
            let vat = vat(&format!("v{number}"));
            verified.note(&vat, span, length, None);
            let room = if number <= 4 { Right::ToHold } else { Right::ToFetch };
            assert_eq!(verified.find(&vat, &span), Some(room), "{number}");
            verified.note(&vat, span, length, Some(items.clone()));
            assert!(verified.held <= MOST_HELD);
        }
        let held = |verified: &Verified| {
            (1..=5).map(|number| verified.holds(&vat(&format!("v{number}")), &span).is_some()).collect::<Vec<_>>()
        };
        assert_eq!(held(&verified), [true, true, true, true, false]);
        verified.forget(&vat("v2"));
        verified.note(&vat("v5"), span, length, Some(items));
        assert_eq!(held(&verified), [true, false, true, true, true]);
        verified.grow(&vat("v5"), &span, grown(span, "a"), "a");
        assert_eq!(verified.find(&vat("v5"), &grown(span, "a")), Some(Right::ToFetch), "it has outgrown the room");
        assert_eq!(held(&verified), [true, false, true, true, false]);
    }

    #[derive(Debug, Clone)]
    enum Step {
        /// With items or without.
        Note(usize, bool, Vec<usize>),
        Grow(usize, usize),
        Read(usize),
        StopReading,
        Forget(usize),
        Clear,
    }

    fn step() -> impl Strategy<Value = Step> {
        let length = prop_oneof![Just(0), Just(MOST_HELD / 8), Just(MOST_HELD / 2 - SPAN)];
        let (vat, lengths) = (0..6_usize, prop::collection::vec(length.clone(), 0..4));
        prop_oneof![
            6 => (vat.clone(), any::<bool>(), lengths).prop_map(|(vat, held, lengths)| Step::Note(vat, held, lengths)),
            4 => (vat.clone(), length).prop_map(|(vat, length)| Step::Grow(vat, length)),
            2 => vat.clone().prop_map(Step::Read),
            1 => Just(Step::StopReading),
            1 => vat.prop_map(Step::Forget),
            1 => prop::bool::weighted(0.2).prop_map(|all| if all { Step::Clear } else { Step::StopReading }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
        #[test]
        fn what_is_counted_is_what_there_is_and_no_more_than_there_may_be(steps in prop::collection::vec(step(), 0..40)) {
            let (mut verified, mut spans, mut read) = (Verified::default(), vec![empty(); 6], Vec::new());
            let vats: Vec<_> = (0..6).map(|number| vat(&format!("v{number}"))).collect();
            // Nobody looks at the hash.
            let longer = |span: Span| Span { end: span.end.next().unwrap(), ..span };
            for step in steps {
                match step {
                    Step::Note(vat, held, lengths) => {
                        spans[vat] = lengths.iter().fold(empty(), |span, _| longer(span));
                        let items = || lengths.iter().map(|length| "x".repeat(*length).into()).collect();
                        verified.note(&vats[vat], spans[vat], lengths.iter().sum(), held.then(items));
                    }
                    Step::Grow(vat, length) => {
                        let (before, after) = (spans[vat], longer(spans[vat]));
                        verified.grow(&vats[vat], &before, after, &"x".repeat(length));
                        spans[vat] = after;
                    }
                    Step::Read(vat) => read.extend(verified.find(&vats[vat], &spans[vat])),
                    Step::StopReading => read.clear(),
                    Step::Forget(vat) => verified.forget(&vats[vat]),
                    Step::Clear => verified.clear(),
                }
                prop_assert_eq!(verified.bytes, verified.spans.values().map(|known| known.bytes).sum::<usize>());
                prop_assert!(verified.bytes <= MOST_BYTES);
                let weight = |known: &Known| {
                    let items = known.items.as_ref()?;
                    assert_eq!(items.len() as u64, known.span.len());
                    Some(SPAN + items.iter().map(|item| item.len() + ITEM).sum::<usize>())
                };
                prop_assert_eq!(verified.held, verified.spans.values().filter_map(weight).sum::<usize>());
                prop_assert!(verified.held <= MOST_HELD);
            }
        }
    }

    #[test]
    fn a_cursor_is_told_when_anything_was_forgotten_and_not_when_a_span_takes_anothers_place() {
        let (mut verified, v1, (span, items)) = (Verified::default(), vat("v1"), with(&["a"]));
        verified.note(&v1, empty(), 0, None);
        verified.grow(&v1, &empty(), span, "a");
        verified.note(&v1, span, 1, Some(items));
        assert_eq!(verified.age(), 0);
        verified.forget(&v1);
        assert_eq!(verified.age(), 1);
        verified.forget(&v1);
        assert_eq!(
            verified.age(),
            2,
            "also what was not known: a cursor may have found it right before something else was"
        );
        verified.clear();
        assert_eq!(verified.age(), 3);
    }

    #[test]
    fn a_span_grows_until_the_room_is_full() {
        for (length, is_held) in [(MOST_HELD - SPAN - ITEM, true), (MOST_HELD - SPAN - ITEM + 1, false)] {
            let (mut verified, v1, (span, _)) = (Verified::default(), vat("v1"), with(&["a"]));
            verified.note(&v1, empty(), 0, Some(Held::new()));
            verified.grow(&v1, &empty(), span, &"x".repeat(length));
            assert_eq!(verified.holds(&v1, &span).is_some(), is_held, "{length}");
        }
    }

    #[test]
    fn many_short_items_need_room_too() {
        let mut verified = Verified::default();
        let count = MOST_HELD / ITEM + 1;
        let end = Position::new(count as u64).unwrap();
        let span = Span { end, ..empty() };
        verified.note(&vat("v1"), span, 0, Some(vec!["".into(); count]));
        assert_eq!(verified.find(&vat("v1"), &span), Some(Right::ToFetch));
    }
}
