//! The transcriptStore of a session: looking up spans, beginning them and adding to them.

use swing_core::overlay::Found;
use swing_core::roles::{Items, SpanBounds, TranscriptStore};
use swing_core::session::RowValue;
use swing_core::{Budget, Cleanup, Incarnation, Position, Session, SessionError, SpanRecord, VatId};

use crate::cursor::SpanCursor;
use crate::error::TranscriptError;
use crate::hash::{extend, initial_hash};
use crate::layers::{At, Owner, Span};
use crate::state::{StoredVat, TranscriptState};

/// SQLite's limit on a row, less what the other columns and the row's header may take.
const LONGEST_ITEM: usize = 1_000_000_000 - 4096;

/// A [`TranscriptState`] at work on its session: the transcriptStore.
pub struct Transcripts<'s> {
    pub(crate) state: &'s mut TranscriptState,
    pub(crate) session: &'s mut Session,
}

swing_core::opaque!(Transcripts<'_>);

const CURRENT: &str =
    "SELECT startPos, endPos, hash, incarnation FROM transcriptSpans WHERE vatID = ?1 AND isCurrent = 1";
const AT_START: &str =
    "SELECT startPos, endPos, hash, incarnation FROM transcriptSpans WHERE vatID = ?1 AND startPos = ?2";
const ANY_ITEM_FROM: &str = "SELECT 1 FROM transcriptItems WHERE vatID = ?1 AND position >= ?2 LIMIT 1";

/// Reads a span whose columns `startPos, endPos, hash, incarnation` begin at `column`.
pub(crate) fn span_at(row: &RowValue<'_, '_>, column: usize) -> Result<Span, SessionError> {
    Ok(Span {
        start: row.get(column)?,
        end: row.get(column + 1)?,
        hash: row.get(column + 2)?,
        incarnation: row.get(column + 3)?,
    })
}

impl Transcripts<'_> {
    /// Before anything is read: other connections may have committed.
    pub(crate) fn look(&mut self) -> Result<(), SessionError> {
        self.state.stored.see(self.session.generation()?);
        Ok(())
    }

    /// Before anything is written.
    pub(crate) fn begin(&mut self) -> Result<(), SessionError> {
        self.session.begin_for(self.state)?;
        self.look()
    }

    /// Queues a span's export record.
    pub(crate) fn note(&mut self, record: &SpanRecord) {
        if self.session.records_exports() {
            self.session.note_export(record.key().to_string(), Some(record.to_json().into()));
        }
    }

    pub(crate) fn current(&mut self, vat: &VatId) -> Result<Option<Span>, TranscriptError> {
        match self.state.layers.current.find(vat) {
            Found::Value(span) => Ok(Some(*span)),
            Found::Deleted => Ok(None),
            Found::Unknown => Ok(self.stored(vat)?.current),
        }
    }

    pub(crate) fn some_current(&mut self, vat: &VatId) -> Result<Span, TranscriptError> {
        self.current(vat)?.ok_or_else(|| TranscriptError::NoCurrent { vat: vat.clone() })
    }

    /// The current span when the next item has a free place: found out here, and not when the block is written.
    pub(crate) fn current_to_extend(&mut self, vat: &VatId) -> Result<Span, TranscriptError> {
        if let Found::Value(span) = self.state.layers.current.find(vat) {
            return Ok(*span);
        }
        let span = self.some_current(vat)?;
        if !self.stored(vat)?.has_room {
            self.expect_room(vat, span.end)?;
            self.state.stored.put(vat, StoredVat { current: Some(span), has_room: true });
        }
        Ok(span)
    }

    fn expect_room(&self, vat: &VatId, end: Position) -> Result<(), TranscriptError> {
        match self.session.read().one(ANY_ITEM_FROM, (vat, end), |_| Ok(()))? {
            None => Ok(()),
            Some(()) => Err(TranscriptError::Occupied { vat: vat.clone(), end }),
        }
    }

    /// What the table says, which may be out of date.
    fn stored(&mut self, vat: &VatId) -> Result<StoredVat, TranscriptError> {
        if let Some(known) = self.state.stored.get(vat) {
            return Ok(known);
        }
        let current = self.select_span(CURRENT, vat, None)?;
        let found = StoredVat { current, has_room: false };
        self.state.stored.put(vat, found);
        Ok(found)
    }

    fn select_span(&self, sql: &str, vat: &VatId, start: Option<Position>) -> Result<Option<Span>, TranscriptError> {
        let mut found = None;
        let mut take = |row: &RowValue<'_, '_>| {
            found = Some(span_at(row, 0)?.in_order(vat)?);
            Ok::<_, TranscriptError>(false)
        };
        match start {
            None => self.session.read().each(sql, [vat], &mut take)?,
            Some(start) => self.session.read().each(sql, (vat, start), &mut take)?,
        }
        Ok(found)
    }

    /// The span of `vat` that starts at `start`.
    pub(crate) fn find_span(&mut self, vat: &VatId, start: Position) -> Result<Option<Span>, TranscriptError> {
        if let Some(span) = self.current(vat)?
            && span.start == start
        {
            return Ok(Some(span));
        }
        match self.state.layers.closed.find(&At::new(vat, start)) {
            Found::Value(span) => Ok(Some(*span)),
            Found::Deleted | Found::Unknown => self.select_span(AT_START, vat, Some(start)),
        }
    }

    fn init(&mut self, vat: &VatId) -> Result<(), TranscriptError> {
        self.begin()?;
        let start = Position::ZERO;
        let known = match self.current(vat)? {
            None => self.find_span(vat, start)?,
            current => current,
        };
        if let Some(Span { start, .. }) = known {
            return Err(TranscriptError::Exists { vat: vat.clone(), start });
        }
        self.expect_room(vat, start)?;
        self.open_span(vat, start, Incarnation::ZERO);
        Ok(())
    }

    /// Gives `vat` an empty current span. It has none, or one that was closed just now.
    pub(crate) fn open_span(&mut self, vat: &VatId, start: Position, incarnation: Incarnation) {
        let span = Span { start, end: start, hash: initial_hash(), incarnation };
        self.state.stored.verified.get_mut().note(vat, span, 0, None);
        self.set_current(vat, span);
    }

    fn set_current(&mut self, vat: &VatId, span: Span) {
        let owner = self.state.layers.current.put_at(vat, span, Owner::new);
        if self.session.records_exports() {
            self.session.note_export(owner.record_key.clone(), Some(span.record(vat, true).to_json().into()));
        }
    }

    fn add(&mut self, vat: &VatId, item: &str) -> Result<(), TranscriptError> {
        self.begin()?;
        let span = self.current_to_extend(vat)?;
        let position = span.end;
        if item.len() > LONGEST_ITEM {
            let (vat, bytes) = (vat.clone(), item.len());
            return Err(TranscriptError::TooLong { vat, position, bytes, most: LONGEST_ITEM });
        }
        let Some(end) = position.next() else {
            return Err(TranscriptError::Exhausted { vat: vat.clone(), what: "positions" });
        };
        let grown = Span { end, hash: extend(span.hash, item), ..span };
        // Behind the hash, which takes its time while the text comes from memory.
        if memchr::memchr(b'\n', item.as_bytes()).is_some() {
            return Err(TranscriptError::LineFeed { vat: vat.clone(), position });
        }
        self.state.layers.items.add(At::new(vat, position), item, span.incarnation);
        self.state.stored.verified.get_mut().grow(vat, &span, grown, item);
        self.set_current(vat, grown);
        Ok(())
    }

    fn bounds(&mut self, vat: &VatId) -> Result<SpanBounds, TranscriptError> {
        self.look()?;
        let Span { start, end, hash, incarnation } = self.some_current(vat)?;
        Ok(SpanBounds { start, end, hash, incarnation })
    }

    /// A cursor over the items of the span that starts at `start`, or of the current one, for callers that read batch
    /// by batch. It sees the span as it is now: items added later are not its.
    ///
    /// # Errors
    /// [`TranscriptError::NoSpan`], [`TranscriptError::NoCurrent`], or a failure of the database.
    pub fn open_cursor(&mut self, vat: &VatId, start: Option<Position>) -> Result<SpanCursor, TranscriptError> {
        self.look()?;
        let span = match start {
            None => self.some_current(vat)?,
            Some(start) => {
                self.find_span(vat, start)?.ok_or_else(|| TranscriptError::NoSpan { vat: vat.clone(), start })?
            }
        };
        Ok(SpanCursor::new(vat, span, self.state.stored.verified.get_mut()))
    }
}

impl TranscriptStore for Transcripts<'_> {
    type Error = TranscriptError;

    fn init_transcript(&mut self, vat: &VatId) -> Result<(), TranscriptError> {
        self.init(vat)
    }

    fn add_item(&mut self, vat: &VatId, item: &str) -> Result<(), TranscriptError> {
        self.add(vat, item)
    }

    fn rollover_span(&mut self, vat: &VatId) -> Result<Incarnation, TranscriptError> {
        self.rollover(vat, Some)
    }

    fn rollover_incarnation(&mut self, vat: &VatId) -> Result<Incarnation, TranscriptError> {
        self.rollover(vat, Incarnation::next)
    }

    fn read_span(
        &mut self,
        vat: &VatId,
        start: Option<Position>,
    ) -> Result<Items<'_, TranscriptError>, TranscriptError> {
        let cursor = self.open_cursor(vat, start)?;
        Ok(cursor.into_items(self))
    }

    fn current_span_bounds(&mut self, vat: &VatId) -> Result<SpanBounds, TranscriptError> {
        self.bounds(vat)
    }

    fn stop_using_transcript(&mut self, vat: &VatId) -> Result<(), TranscriptError> {
        self.stop(vat)
    }

    fn delete_vat_transcripts(&mut self, vat: &VatId, budget: Budget) -> Result<Cleanup, TranscriptError> {
        self.delete(vat, budget)
    }
}
