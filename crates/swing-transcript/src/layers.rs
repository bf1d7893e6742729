//! What a block has changed of spans and items and not yet written.
//!
//! Three overlays suffice, of which the last has its [texts elsewhere](Unwritten). `current` knows the current span of a vat, or that it has none; `closed` the spans that the
//! block has closed; `items` what it has added. None of them ever hides a row from below as deleted: deletions go to
//! the tables at once, where the session's savepoints can bring them back, and here the rows are forgotten. Whenever
//! a row below is said to be current and `current` knows better, that row is in `closed`.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use swing_core::overlay::{Footprint, Found};
use swing_core::{Digest, ExportKey, Incarnation, Overlay, Position, SpanRecord, VatId};

use crate::error::TranscriptError;
use crate::unwritten::Unwritten;

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

/// A vat as a key, with the one under which its current span is exported: a block changes the same spans over and over.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    pub(crate) vat: VatId,
    pub(crate) record_key: Arc<str>,
}

impl Owner {
    pub(crate) fn new(vat: &VatId) -> Self {
        Self { vat: vat.clone(), record_key: ExportKey::CurrentSpan(vat.clone()).to_string().into() }
    }
}

impl PartialEq for Owner {
    fn eq(&self, other: &Self) -> bool {
        self.vat == other.vat
    }
}

impl Eq for Owner {}

impl Hash for Owner {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.vat.hash(state);
    }
}

impl PartialOrd for Owner {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Owner {
    fn cmp(&self, other: &Self) -> Ordering {
        self.vat.cmp(&other.vat)
    }
}

impl Borrow<VatId> for Owner {
    fn borrow(&self) -> &VatId {
        &self.vat
    }
}

impl Footprint for Owner {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.record_key.bytes()
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
        in_order(vat, self.start, self.end).map(|_| self)
    }
}

/// Bounds of a span of `vat`, unless it ends before it starts.
pub(crate) fn in_order(vat: &VatId, start: Position, end: Position) -> Result<(Position, Position), TranscriptError> {
    if start <= end { Ok((start, end)) } else { Err(TranscriptError::Backwards { vat: vat.clone(), start, end }) }
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

#[derive(Default)]
pub(crate) struct Layers {
    pub(crate) current: Overlay<Owner, Span>,
    pub(crate) closed: Overlay<At, Span>,
    pub(crate) items: Unwritten,
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
    use std::hash::{BuildHasher as _, RandomState};

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

    #[test]
    fn an_owner_is_to_maps_what_its_vat_is() {
        let (hasher, vats) = (RandomState::new(), ["v1", "v10", "v2"].map(|text| VatId::parse(text).unwrap()));
        for a in &vats {
            assert_eq!(hasher.hash_one(Owner::new(a)), hasher.hash_one(a));
            for b in &vats {
                let (owner, other) = (Owner::new(a), Owner::new(b));
                assert_eq!((owner == other, owner.partial_cmp(&other)), (a == b, a.partial_cmp(b)));
            }
        }
    }

    #[test]
    fn keys_spans_and_items_are_counted_each() {
        let (mut layers, v1) = (Layers::default(), VatId::parse("v1").unwrap());
        let at = At::new(&v1, Position::ZERO);
        let (start, hash, incarnation) = (Position::ZERO, initial_hash(), Incarnation::ZERO);
        let span = Span { start, end: start, hash, incarnation };
        assert_eq!(layers.bytes(), 0);
        layers.current.put_at(&v1, span, Owner::new);
        let current = size_of::<Owner>() + "transcript.v1.current".len() + 16 + size_of::<Span>();
        assert_eq!(layers.bytes(), current);
        layers.closed.put(at.clone(), span);
        let closed = size_of::<At>() + size_of::<Span>();
        assert_eq!(layers.bytes(), current + closed);
        layers.items.add(at, "item", incarnation);
        assert_eq!(layers.bytes(), current + closed + layers.items.bytes());
        assert!(layers.items.bytes() > "item".len());
    }
}
