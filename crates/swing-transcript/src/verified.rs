//! Which spans need not be hashed again when they are read.
//!
//! A worker that is put aside and started again reads the span that it read before, and what was added since; hashing it is
//! most of what that costs. What this session has read and hashed, or hashed and written, it need not hash again as long as
//! nobody else can have changed it: until another connection commits, and no longer than the items may well be in memory. What a
//! disk does to them after that must be found.

use std::collections::HashMap;

use swing_core::VatId;

use crate::layers::Span;

/// So many bytes of items are vouched for: half of what SQLite keeps in memory.
const MOST_BYTES: usize = 32 << 20;
/// What a span takes besides its items, so that their number is bounded, too.
const SPAN: usize = 4096;

struct Known {
    span: Span,
    bytes: usize,
}

/// The span of each vat whose hash is known to be that of its items.
#[derive(Default)]
pub(crate) struct Verified {
    spans: HashMap<VatId, Known>,
    bytes: usize,
    /// Counts how often everything was forgotten.
    age: u64,
}

impl Verified {
    /// Whether the items of exactly this span are known to be right.
    pub(crate) fn contains(&self, vat: &VatId, span: &Span) -> bool {
        self.spans.get(vat).is_some_and(|known| known.span == *span)
    }

    /// The items of `span`, of so many bytes, are right.
    pub(crate) fn note(&mut self, vat: &VatId, span: Span, bytes: usize) {
        let bytes = bytes.saturating_add(SPAN);
        self.bytes -= self.spans.remove(vat).map_or(0, |known| known.bytes);
        if self.bytes.saturating_add(bytes) > MOST_BYTES {
            self.clear();
        }
        if bytes <= MOST_BYTES {
            self.spans.insert(vat.clone(), Known { span, bytes });
            self.bytes += bytes;
        }
    }

    /// An item of so many bytes has made `after` of `before`.
    pub(crate) fn grow(&mut self, vat: &VatId, before: &Span, after: Span, bytes: usize) {
        let Some(known) = self.spans.get_mut(vat).filter(|known| known.span == *before) else { return };
        known.span = after;
        known.bytes += bytes;
        self.bytes += bytes;
        if self.bytes > MOST_BYTES {
            self.clear();
        }
    }

    /// Nothing is known any longer.
    pub(crate) fn clear(&mut self) {
        self.spans.clear();
        self.bytes = 0;
        self.age += 1;
    }

    /// As long as this stays the same, what was known is.
    pub(crate) fn age(&self) -> u64 {
        self.age
    }
}

#[cfg(test)]
mod tests {
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

    fn empty() -> Span {
        Span { start: Position::ZERO, end: Position::ZERO, hash: initial_hash(), incarnation: Incarnation::ZERO }
    }

    #[test]
    fn only_the_very_span_is_known_and_growth_is_followed_from_it_alone() {
        let (mut verified, v1) = (Verified::default(), vat("v1"));
        let (one, other) = (grown(empty(), "a"), grown(empty(), "b"));
        verified.grow(&v1, &empty(), one, 1);
        assert!(!verified.contains(&v1, &one), "nothing was known to grow from");
        verified.note(&v1, empty(), 0);
        verified.grow(&v1, &empty(), one, 1);
        assert!(verified.contains(&v1, &one) && !verified.contains(&v1, &other) && !verified.contains(&v1, &empty()));
        assert!(!verified.contains(&vat("v2"), &one));
        verified.grow(&v1, &other, grown(other, "c"), 1);
        assert!(verified.contains(&v1, &one));
        verified.note(&vat("v2"), other, 1);
        assert!(verified.contains(&v1, &one) && verified.contains(&vat("v2"), &other));
        verified.clear();
        assert!(!verified.contains(&v1, &one));
    }

    #[test]
    fn no_more_is_known_than_is_likely_to_be_in_memory() {
        let mut verified = Verified::default();
        for number in 1..=20 {
            verified.note(&vat(&format!("v{number}")), empty(), MOST_BYTES / 8);
            let known: usize = verified.spans.values().map(|known| known.bytes).sum();
            assert!(known == verified.bytes && known <= MOST_BYTES);
            assert!(verified.contains(&vat(&format!("v{number}")), &empty()));
        }
        verified.note(&vat("v1"), empty(), MOST_BYTES);
        assert!(!verified.contains(&vat("v1"), &empty()), "larger than all that may be known");
        verified.note(&vat("v1"), empty(), 0);
        verified.grow(&vat("v1"), &empty(), grown(empty(), "a"), MOST_BYTES);
        assert!(!verified.contains(&vat("v1"), &grown(empty(), "a")));
        assert_eq!(verified.bytes, 0);
        for (bytes, known) in [(MOST_BYTES - SPAN, true), (MOST_BYTES - SPAN + 1, false)] {
            verified.note(&vat("v2"), empty(), 0);
            verified.note(&vat("v1"), empty(), bytes - SPAN);
            assert_eq!(verified.contains(&vat("v2"), &empty()), known, "noted: {bytes}");
            verified.clear();
            verified.note(&vat("v1"), empty(), 0);
            verified.grow(&vat("v1"), &empty(), grown(empty(), "a"), bytes);
            assert_eq!(verified.contains(&vat("v1"), &grown(empty(), "a")), known, "grown: {bytes}");
            verified.clear();
        }
    }

    #[test]
    fn a_span_that_is_known_already_is_counted_once() {
        let (mut verified, v1) = (Verified::default(), vat("v1"));
        for bytes in [100, 100, 7] {
            verified.note(&v1, empty(), bytes);
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
}
