//! Reading a span batch by batch.

use std::mem;
use std::sync::Arc;

use swing_core::VatId;
use swing_core::roles::Items;
use swing_core::session::paged;

use crate::error::TranscriptError;
use crate::layers::Span;
use crate::texts::Texts;
use crate::verified::{Held, Right, Verified};
use crate::view::Transcripts;
use crate::walk::{Source, SpanWalk};

/// A page of the iterator that `read_span` answers: a usual span in one go, a long one within bounds.
const PAGE_ITEMS: usize = 256;
const PAGE_BYTES: usize = 1 << 20;

/// A place in a span that is being read. It borrows nothing, so a binding can keep it between calls.
#[derive(Debug, Clone)]
pub struct SpanCursor {
    walk: SpanWalk,
    items: Where,
    /// Of what is known of spans, when what the walk goes by was known.
    age: u64,
}

/// Where items come from.
#[derive(Debug)]
enum Where {
    Table,
    /// The table, and they are held once all are there.
    TableToHold(Held),
    Memory(Arc<Held>),
}

impl Clone for Where {
    fn clone(&self) -> Self {
        match self {
            // One is enough to gather them, and whoever goes back to a place in a span clones the cursor for each batch.
            Self::Table | Self::TableToHold(_) => Self::Table,
            Self::Memory(held) => Self::Memory(Arc::clone(held)),
        }
    }
}

impl SpanCursor {
    pub(crate) fn new(vat: &VatId, span: Span, verified: &Verified) -> Self {
        let (items, is_right) = match verified.find(vat, &span) {
            None => (Where::Table, false),
            Some(Right::ToFetch) => (Where::Table, true),
            Some(Right::ToHold) => (Where::TableToHold(Held::new()), true),
            Some(Right::Held(held)) => (Where::Memory(held), true),
        };
        let walk = if is_right { SpanWalk::through_verified(vat, span) } else { SpanWalk::new(vat, span) };
        Self { walk, items, age: verified.age() }
    }

    /// The next items: at least one, then no more than `max_items`, and none after `max_bytes` are reached. An empty
    /// batch is the end.
    ///
    /// # Errors
    /// [`TranscriptError::Incomplete`] or [`TranscriptError::HashMismatch`] instead of the last batch, or a failure of
    /// the database. After an error the cursor is at its end.
    pub fn next_batch(
        &mut self,
        transcripts: &Transcripts<'_>,
        max_items: usize,
        max_bytes: usize,
    ) -> Result<Vec<String>, TranscriptError> {
        let mut batch = Vec::new();
        self.visit_batch(transcripts, max_items, max_bytes, |item| {
            batch.push(item.to_owned());
            Ok::<_, TranscriptError>(())
        })?;
        Ok(batch)
    }

    /// As [`SpanCursor::next_batch`], with each item lent to `take`, for callers that make something else of it. What was taken is
    /// good only if this succeeds.
    ///
    /// # Errors
    /// As [`SpanCursor::next_batch`], or the error of `take`, after which the cursor is at its end as well.
    pub fn visit_batch<E: From<TranscriptError>>(
        &mut self,
        transcripts: &Transcripts<'_>,
        max_items: usize,
        max_bytes: usize,
        mut take: impl FnMut(&str) -> Result<(), E>,
    ) -> Result<(), E> {
        let verified = &transcripts.state.stored.verified;
        let age = verified.borrow().age();
        if age != self.age {
            self.items = Where::Table;
            if self.walk.distrust(transcripts.source())? {
                self.age = age;
            }
        }
        if self.walk.is_done() {
            return Ok(());
        }
        let (mut items, mut bytes, mut refused) = (0, 0, None);
        let mut goes_on = |item: &str| {
            (items, bytes) = (items + 1, bytes + item.len());
            refused = take(item).err();
            refused.is_none() && items < max_items && bytes < max_bytes
        };
        // Let go of here unless it goes on: a span that grows is held no longer while its items are read.
        let mut from = mem::replace(&mut self.items, Where::Table);
        let step = match &mut from {
            Where::Table => self.walk.step(transcripts.source(), |_, item| Ok(goes_on(item))),
            Where::TableToHold(held) => self.walk.step(transcripts.source(), |_, item| {
                held.push(item.into());
                Ok(goes_on(item))
            }),
            Where::Memory(held) => {
                self.walk.step_through(held, goes_on);
                Ok(())
            }
        };
        if let Some(error) = refused {
            self.walk.abandon();
            return Err(error);
        }
        step?;
        if !self.walk.is_done() {
            self.items = from;
            return Ok(());
        }
        let held = match from {
            Where::Memory(_) => return Ok(()),
            Where::Table => None,
            Where::TableToHold(held) => Some(held),
        };
        if age == self.age {
            let (vat, span, bytes) = self.walk.visited();
            verified.borrow_mut().note(vat, span, bytes, held);
        }
        Ok(())
    }

    /// How many items are still to come, if none are missing.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        self.walk.remaining()
    }

    /// Of a cursor that has not begun.
    pub(crate) fn into_items<'a>(mut self, transcripts: &'a Transcripts<'_>) -> Items<'a, TranscriptError> {
        if let Where::Memory(held) = self.items {
            return Box::new((0..held.len()).map(move |at| Ok(held[at].to_string())));
        }
        // A string for each when it is asked for: who lets go of one before he takes the next has them all in the same place, which is in
        // the processor's cache.
        Box::new(paged(move || {
            let mut page = Texts::default();
            self.visit_batch(transcripts, PAGE_ITEMS, PAGE_BYTES, |item| {
                page.push(item);
                Ok::<_, TranscriptError>(())
            })?;
            Ok(page.into_owned())
        }))
    }
}

impl Transcripts<'_> {
    /// Where the items of this store are.
    pub(crate) fn source(&self) -> Source<'_> {
        Source { db: self.session.read(), unwritten: Some(&self.state.layers.items) }
    }
}
