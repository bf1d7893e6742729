//! What a block has changed of spans and items and not yet written.
//!
//! Three overlays suffice. `current` knows the current span of a vat, or that it has none; `closed` the spans that the
//! block has closed; `items` what it has added. None of them ever hides a row from below as deleted: deletions go to
//! the tables at once, where the session's savepoints can bring them back, and here the rows are forgotten. Whenever
//! a row below is said to be current and `current` knows better, that row is in `closed`.

use std::borrow::Borrow;

use swing_core::overlay::{Footprint, Found};
use swing_core::{Digest, Incarnation, Overlay, Position, SpanRecord, VatId};

use crate::error::TranscriptError;

/// A place in a vat's transcript, in the order of the tables' keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct At {
    pub(crate) vat: VatId,
    pub(crate) position: Position,
}

impl At {
    pub(crate) fn new(vat: &VatId, position: Position) -> Self {
        Self { vat: vat.clone(), position }
    }
}

impl Footprint for At {
    fn bytes(&self) -> usize {
        size_of::<Self>()
    }
}

/// A vat as a key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Owner(pub(crate) VatId);

impl Borrow<VatId> for Owner {
    fn borrow(&self) -> &VatId {
        &self.0
    }
}

impl Footprint for Owner {
    fn bytes(&self) -> usize {
        size_of::<Self>()
    }
}

/// A span but for its vat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: Position,
    pub(crate) end: Position,
    pub(crate) hash: Digest,
    pub(crate) incarnation: Incarnation,
}

impl Span {
    pub(crate) fn record(self, vat: &VatId, is_current: bool) -> SpanRecord {
        let Self { start, end, hash, incarnation } = self;
        SpanRecord { vat: vat.clone(), start, end, hash, is_current, incarnation }
    }

    pub(crate) fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// How many items it has. Of a span that ends before it starts, none.
    pub(crate) fn len(self) -> u64 {
        self.end.get().saturating_sub(self.start.get())
    }

    pub(crate) fn in_order(self, vat: &VatId) -> Result<Self, TranscriptError> {
        let Self { start, end, .. } = self;
        if start <= end { Ok(self) } else { Err(TranscriptError::Backwards { vat: vat.clone(), start, end }) }
    }
}

impl From<&SpanRecord> for Span {
    fn from(record: &SpanRecord) -> Self {
        Self { start: record.start, end: record.end, hash: record.hash, incarnation: record.incarnation }
    }
}

impl Footprint for Span {
    fn bytes(&self) -> usize {
        size_of::<Self>()
    }
}

/// An item that is not written yet.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) text: Box<str>,
    pub(crate) incarnation: Incarnation,
}

impl Footprint for Item {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.text.len()
    }
}

#[derive(Default)]
pub(crate) struct Layers {
    pub(crate) current: Overlay<Owner, Span>,
    pub(crate) closed: Overlay<At, Span>,
    pub(crate) items: Overlay<At, Item>,
}

impl Layers {
    /// The spans of `vat` that were closed, in order.
    pub(crate) fn closed_of(&self, vat: &VatId) -> Vec<Span> {
        let last = At::new(vat, Position::MAX);
        let at_last = match self.closed.find(&last) {
            Found::Value(span) => Some(*span),
            Found::Deleted | Found::Unknown => None,
        };
        let closed = self.closed.in_order();
        let below = closed.range(&At::new(vat, Position::ZERO), &last);
        below.filter_map(|(_, span)| span.copied()).chain(at_last).collect()
    }

    /// Forgets the items of `vat` from `start` up to `end`. None stands at [`Position::MAX`]: a span ends there at most.
    pub(crate) fn forget_items(&mut self, vat: &VatId, start: Position, end: Position) {
        let items = self.items.in_order();
        let range = items.range(&At::new(vat, start), &At::new(vat, end));
        let known: Vec<_> = range.map(|(at, _)| at.clone()).collect();
        drop(items);
        known.into_iter().for_each(|at| self.items.forget(&at));
    }

    pub(crate) fn mark(&mut self) {
        self.current.mark();
        self.closed.mark();
        self.items.mark();
    }

    pub(crate) fn rollback_to(&mut self, depth: usize) {
        self.current.rollback_to(depth);
        self.closed.rollback_to(depth);
        self.items.rollback_to(depth);
    }

    pub(crate) fn release(&mut self) {
        self.current.release();
        self.closed.release();
        self.items.release();
    }

    pub(crate) fn bytes(&self) -> usize {
        self.current.bytes() + self.closed.bytes() + self.items.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::initial_hash;

    #[test]
    fn closed_spans_of_a_vat_are_found_up_to_the_last_position() {
        let vat = |text| VatId::parse(text).unwrap();
        let at = |position| Position::new(position).unwrap();
        let mut layers = Layers::default();
        let max = Position::MAX.get();
        for (name, start, end) in [("v1", 0, 3), ("v1", 3, max), ("v1", max, max), ("v10", 0, 1), ("v0", 5, 6)] {
            let span = Span { start: at(start), end: at(end), hash: initial_hash(), incarnation: Incarnation::ZERO };
            layers.closed.put(At::new(&vat(name), span.start), span);
        }
        let starts: Vec<_> = layers.closed_of(&vat("v1")).iter().map(|span| span.start.get()).collect();
        assert_eq!(starts, [0, 3, max]);
    }
}
