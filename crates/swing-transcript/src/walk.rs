//! Going through the items of a span, in order: those of the table and those not written yet, page by page, with no
//! statement left open between pages.

use swing_core::session::RowValue;
use swing_core::{Digest, Position, Reader, SessionError, VatId};

use crate::error::TranscriptError;
use crate::hash::{extend, initial_hash};
use crate::layers::{At, Span};
use crate::unwritten::Unwritten;
use crate::verified::Held;

const ITEMS: &str = "\
SELECT position, item FROM transcriptItems WHERE vatID = ?1 AND position >= ?2 AND position < ?3 ORDER BY position";

/// Where items are.
#[derive(Clone, Copy)]
pub(crate) struct Source<'s> {
    pub(crate) db: Reader<'s>,
    /// Items that the table does not have yet. What stands here counts.
    pub(crate) unwritten: Option<&'s Unwritten>,
}

impl Source<'_> {
    /// Visits the items of `vat` from `from` up to `end` until `more` says enough. Answers where to go on, `None` when
    /// there are no more.
    pub(crate) fn visit(
        &self,
        vat: &VatId,
        from: Position,
        end: Position,
        mut more: impl FnMut(Position, &str) -> Result<bool, TranscriptError>,
    ) -> Result<Option<Position>, TranscriptError> {
        let after = |position: Position| position.next().filter(|next| *next < end);
        let mut at = from;
        if let Some(unwritten) = self.unwritten {
            let items = unwritten.in_order();
            for (place, item) in items.range(&At::new(vat, from), &At::new(vat, end)) {
                let Some(item) = item else { continue };
                if let Some(last) = self.visit_stored(vat, at, place.position, &mut more)? {
                    return Ok(after(last));
                }
                if !more(place.position, unwritten.text(item))? {
                    return Ok(after(place.position));
                }
                match after(place.position) {
                    Some(next) => at = next,
                    None => return Ok(None),
                }
            }
        }
        Ok(self.visit_stored(vat, at, end, &mut more)?.and_then(after))
    }

    /// Answers at which item it was stopped.
    fn visit_stored(
        &self,
        vat: &VatId,
        from: Position,
        end: Position,
        more: &mut impl FnMut(Position, &str) -> Result<bool, TranscriptError>,
    ) -> Result<Option<Position>, TranscriptError> {
        // A damaged index may answer anything; going on from an earlier position would never end.
        let (mut stopped, mut next) = (None, Some(from));
        if from < end {
            self.db.each(ITEMS, (vat, from, end), |row: &RowValue<'_, '_>| {
                let position: Position = row.get(0)?;
                if next.is_none_or(|next| position < next) {
                    return Err(SessionError::OutOfOrder { table: "transcriptItems" }.into());
                }
                next = position.next();
                let go_on = more(position, row.text(1)?)?;
                stopped = (!go_on).then_some(position);
                Ok::<_, TranscriptError>(go_on)
            })?;
        }
        Ok(stopped)
    }
}

/// A walk through one span that ends with a check: are all items there, and are they the ones?
#[derive(Debug, Clone)]
pub(crate) struct SpanWalk {
    vat: VatId,
    span: Span,
    next: Option<Position>,
    read: u64,
    bytes: usize,
    /// `None` when it is known that the items give the span's hash: then only their number is checked.
    hash: Option<Digest>,
    done: bool,
}

impl SpanWalk {
    pub(crate) fn new(vat: &VatId, span: Span) -> Self {
        Self {
            vat: vat.clone(),
            span,
            next: Some(span.start),
            read: 0,
            bytes: 0,
            hash: Some(initial_hash()),
            done: false,
        }
    }

    /// A walk through a span whose items were verified before, and have not been changed since.
    pub(crate) fn through_verified(vat: &VatId, span: Span) -> Self {
        Self { hash: None, ..Self::new(vat, span) }
    }

    /// The span and its vat, and how long the items are that were visited: all of them, and right, when a step that did not fail was the
    /// [last](Self::is_done).
    pub(crate) fn visited(&self) -> (&VatId, Span, usize) {
        (&self.vat, self.span, self.bytes)
    }

    /// It is no longer known that the items give the span's hash: they are hashed from here on, and those before it now. Answers whether
    /// that was so; a walk that hashes them anyway goes on as it is.
    pub(crate) fn distrust(&mut self, source: Source<'_>) -> Result<bool, TranscriptError> {
        let (Some(next), None) = (self.next, self.hash) else { return Ok(false) };
        let mut hash = initial_hash();
        let read = source.visit(&self.vat, self.span.start, next, |_, item| {
            hash = extend(hash, item);
            Ok(true)
        });
        if let Err(error) = read {
            self.abandon();
            return Err(error);
        }
        self.hash = Some(hash);
        Ok(true)
    }

    /// Goes no further. Nothing is known of the span then.
    pub(crate) fn abandon(&mut self) {
        (self.next, self.done) = (None, false);
    }

    /// How many items are still to be visited, if none are missing.
    pub(crate) fn remaining(&self) -> u64 {
        self.next.map_or(0, |next| self.span.end.get().saturating_sub(next.get()))
    }

    /// Whether the last step reached the end, or failed.
    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// Visits items until `more` says enough. The step that reaches the end of the span also checks it, so what it
    /// visited is good only if it succeeds.
    pub(crate) fn step(
        &mut self,
        source: Source<'_>,
        mut more: impl FnMut(Position, &str) -> Result<bool, TranscriptError>,
    ) -> Result<(), TranscriptError> {
        let Some(from) = self.next.take() else { return Ok(()) };
        // Until proven otherwise, so that it stays so after an error.
        self.done = true;
        let (read, bytes, hash) = (&mut self.read, &mut self.bytes, &mut self.hash);
        self.next = source.visit(&self.vat, from, self.span.end, |position, item| {
            *read += 1;
            *bytes += item.len();
            if let Some(hash) = hash {
                *hash = extend(*hash, item);
            }
            more(position, item)
        })?;
        if self.next.is_none() {
            return self.check();
        }
        self.done = false;
        Ok(())
    }

    /// As [`step`](Self::step), through the items of a verified span that are held. Nothing is left to check. The walk is not at its end yet.
    pub(crate) fn step_through(&mut self, held: &Held, mut more: impl FnMut(&str) -> bool) {
        let read = usize::try_from(self.read).unwrap_or(usize::MAX);
        for item in held.get(read..).unwrap_or_default() {
            (self.read, self.bytes) = (self.read + 1, self.bytes + item.len());
            if !more(item) {
                break;
            }
        }
        self.next = Position::new(self.span.start.get() + self.read).filter(|next| *next < self.span.end);
        self.done = self.next.is_none();
    }

    fn check(&self) -> Result<(), TranscriptError> {
        let (vat, start, expected) = (self.vat.clone(), self.span.start, self.span.len());
        if self.read != expected {
            return Err(TranscriptError::Incomplete { vat, start, read: self.read, expected });
        }
        match (self.span.hash, self.hash) {
            (expected, Some(found)) if expected != found => {
                Err(TranscriptError::HashMismatch { vat, start, expected, found })
            }
            _ => Ok(()),
        }
    }
}
