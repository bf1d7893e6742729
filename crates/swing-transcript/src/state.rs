//! What lives between calls: options, the unwritten changes, and a memory of what the table says.

use std::cell::RefCell;
use std::collections::HashMap;

use swing_core::row_digest::Cell;
use swing_core::{Part, PartId, Session, SessionError, TranscriptArchive, VatId, Writer};

use crate::layers::{Layers, Span};
use crate::schema::SPANS;
use crate::verified::Verified;
use crate::view::Transcripts;

/// What becomes of the items of a span that is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Retention {
    /// They stay.
    #[default]
    Keep,
    /// They are deleted; the span's record stays. Items of spans that were closed before are left alone.
    Drop,
}

/// How to keep transcripts.
#[derive(Default)]
pub struct TranscriptOptions {
    /// What becomes of the items of a span that is closed.
    pub keep: Retention,
    /// Where the artifact of a span goes when it is closed.
    pub archive: Option<Box<dyn TranscriptArchive>>,
}

swing_core::opaque!(TranscriptOptions);

/// The state of the transcriptStore: a [`Part`] of a session. [Bound](Self::bind) to that session it is a transcriptStore.
#[derive(Default)]
pub struct TranscriptState {
    pub(crate) id: PartId,
    pub(crate) options: TranscriptOptions,
    pub(crate) layers: Layers,
    pub(crate) stored: Stored,
}

swing_core::opaque!(TranscriptState);

impl TranscriptState {
    /// A state that knows nothing yet.
    #[must_use]
    pub fn new(options: TranscriptOptions) -> Self {
        Self { options, ..Self::default() }
    }

    /// The transcriptStore of `session`, which must be the same one every time.
    #[must_use]
    pub fn bind<'s>(&'s mut self, session: &'s mut Session) -> Transcripts<'s> {
        Transcripts { state: self, session }
    }
}

/// What the table says of vats' current spans. Vats are a few hundred; a store with more is read again now and then.
#[derive(Default)]
pub(crate) struct Stored {
    generation: u64,
    vats: HashMap<VatId, StoredVat>,
    /// Spans that need not be hashed again. In a cell, since a cursor that has come to the end of one can only look at this.
    pub(crate) verified: RefCell<Verified>,
}

const MOST_VATS: usize = 16_384;

#[derive(Debug, Clone, Copy)]
pub(crate) struct StoredVat {
    pub(crate) current: Option<Span>,
    /// It is known that no items stand beyond the end of the current span.
    pub(crate) has_room: bool,
}

impl Stored {
    /// Forgets everything if another connection has committed since.
    pub(crate) fn see(&mut self, generation: u64) {
        if generation != self.generation {
            self.generation = generation;
            self.forget();
        }
    }

    /// Whatever was known may no longer be so.
    pub(crate) fn forget(&mut self) {
        self.vats.clear();
        self.verified.get_mut().clear();
    }

    pub(crate) fn get(&self, vat: &VatId) -> Option<StoredVat> {
        self.vats.get(vat).copied()
    }

    pub(crate) fn put(&mut self, vat: &VatId, known: StoredVat) {
        if self.vats.len() >= MOST_VATS {
            self.vats.clear();
        }
        self.vats.insert(vat.clone(), known);
    }
}

const PUT_SPAN: &str = "\
INSERT INTO transcriptSpans (vatID, startPos, endPos, hash, isCurrent, incarnation) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (vatID, startPos) DO UPDATE SET endPos = excluded.endPos, hash = excluded.hash,
  isCurrent = excluded.isCurrent, incarnation = excluded.incarnation";
const SPAN_ROW: &str = "\
SELECT vatID, startPos, endPos, hash, isCurrent, incarnation FROM transcriptSpans WHERE vatID = ?1 AND startPos = ?2";
const ADD_ITEM: &str = "INSERT INTO transcriptItems (vatID, position, item, incarnation) VALUES (?1, ?2, ?3, ?4)";

fn put_span(writer: &mut Writer<'_>, vat: &VatId, span: &Span, current: Option<i64>) -> Result<(), SessionError> {
    let Span { start, end, hash, incarnation } = span;
    if writer.keeps_row_digests() {
        let number = |number: u64| Cell::Integer(number.cast_signed());
        let (hash, is_current) = (hash.to_hex(), current.map_or(Cell::Null, Cell::Integer));
        let incarnation = number(incarnation.get());
        let row =
            [vat.as_str().into(), number(start.get()), number(end.get()), Cell::Text(&hash), is_current, incarnation];
        writer.note_replacing(SPANS, SPAN_ROW, (vat, start), &row)?;
    }
    writer.run(PUT_SPAN, (vat, start, end, hash, current, incarnation))?;
    Ok(())
}

impl Part for TranscriptState {
    fn id(&self) -> PartId {
        self.id
    }

    fn mark(&mut self) {
        self.layers.mark();
    }

    fn rollback_to(&mut self, depth: usize) {
        self.layers.rollback_to(depth);
        // What a deletion did to the table is masked by `current` and undone with it; reading again is the safe way to
        // be sure of it, and a crank that fails is rare.
        self.stored.forget();
    }

    fn release(&mut self) {
        self.layers.release();
    }

    fn flush(&mut self, writer: &mut Writer<'_>) -> Result<(), SessionError> {
        let Self { layers, stored, .. } = self;
        // Closed ones first: a vat has one current span, also between two statements.
        for change in layers.closed.sorted() {
            if let Some(span) = change.value {
                put_span(writer, &change.key.vat, span, None)?;
            }
        }
        for change in layers.current.sorted() {
            if let Some(span) = change.value {
                put_span(writer, &change.key.vat, span, Some(1))?;
            }
        }
        writer.noted_all(SPANS);
        let items = layers.items.sorted().map(|(at, text, incarnation)| (&at.vat, at.position, text, incarnation));
        writer.run_all(ADD_ITEM, items)?;
        for (owner, span) in layers.current.drain() {
            stored.put(&owner.vat, StoredVat { current: span, has_room: span.is_some() });
        }
        layers.closed.clear();
        layers.items.clear();
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.layers.bytes()
    }
}

#[cfg(test)]
mod tests {
    use swing_core::roles::TranscriptStore as _;

    use super::*;
    use crate::schema::TABLES;

    #[test]
    fn what_is_known_of_the_table_is_bounded() {
        let vat = |number: usize| VatId::parse(&format!("v{number}")).unwrap();
        let mut stored = Stored::default();
        for number in 0..=MOST_VATS {
            stored.put(&vat(number), StoredVat { current: None, has_room: number == 0 });
            assert!(stored.vats.len() <= MOST_VATS);
            assert!(number == MOST_VATS || stored.get(&vat(0)).is_some_and(|known| known.has_room));
        }
        assert!(stored.get(&vat(0)).is_none() && stored.get(&vat(MOST_VATS)).is_some());
    }

    #[test]
    fn what_is_not_written_yet_counts() {
        let mut session = Session::in_memory(TABLES).unwrap();
        let (mut state, v1) = (TranscriptState::default(), VatId::parse("v1").unwrap());
        assert_eq!(state.bytes(), 0);
        state.bind(&mut session).init_transcript(&v1).unwrap();
        state.bind(&mut session).add_item(&v1, &"x".repeat(1000)).unwrap();
        assert!(state.bytes() > 1000);
        session.flush(&mut [&mut state]).unwrap();
        assert_eq!(state.bytes(), 0);
    }
}
