//! Looking at more than one span: for deletion, and for people.

use std::collections::BTreeMap;

use swing_core::overlay::Found;
use swing_core::session::{RowValue, paged};
use swing_core::{ExportKey, Position, SpanRecord, VatId};

use crate::error::TranscriptError;
use crate::layers::{Span, in_order};
use crate::view::{Transcripts, span_at};

const NEWEST: &str = "\
SELECT startPos, endPos, hash, incarnation, isCurrent IS 1 FROM transcriptSpans WHERE vatID = ?1
ORDER BY startPos DESC LIMIT ?2";
/// The same, of what deleting them takes.
const NEWEST_BOUNDS: &str = "\
SELECT startPos, endPos, isCurrent IS 1 FROM transcriptSpans WHERE vatID = ?1 ORDER BY startPos DESC LIMIT ?2";
const VATS: &str = "SELECT DISTINCT vatID FROM transcriptSpans";

const PAGE_ITEMS: usize = 256;
const PAGE_BYTES: usize = 1 << 20;

/// How much of transcripts to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// Current spans.
    Current,
    /// Current and closed ones, as far as they are there.
    All,
}

/// Where a span begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) start: Position,
    pub(crate) end: Position,
    pub(crate) is_current: bool,
}

impl Bounds {
    /// Those of a span of `vat` in a row, of which these columns say where it starts, where it ends and whether it is current.
    pub(crate) fn read(
        vat: &VatId,
        row: &RowValue<'_, '_>,
        [start, end, is_current]: [usize; 3],
    ) -> Result<Self, TranscriptError> {
        let (start, end) = in_order(vat, row.get(start)?, row.get(end)?)?;
        Ok(Self { start, end, is_current: row.get(is_current)? })
    }

    /// The key of the span's record.
    pub(crate) fn key(self, vat: &VatId) -> ExportKey {
        let vat = vat.clone();
        if self.is_current { ExportKey::CurrentSpan(vat) } else { ExportKey::Span { vat, start: self.start } }
    }

    fn of(Span { start, end, .. }: Span, is_current: bool) -> Self {
        Self { start, end, is_current }
    }

    /// How many items it has.
    pub(crate) fn len(self) -> u64 {
        self.end.get() - self.start.get()
    }
}

/// A place in all the items of a vat. It borrows nothing, so a binding can keep it between calls.
#[derive(Debug, Clone)]
pub struct FullCursor {
    vat: VatId,
    spans: std::vec::IntoIter<SpanRecord>,
    rest: Option<(Position, Position)>,
}

impl FullCursor {
    fn new(vat: VatId, spans: Vec<SpanRecord>) -> Self {
        Self { vat, spans: spans.into_iter(), rest: None }
    }

    /// Whose items.
    #[must_use]
    pub fn vat(&self) -> &VatId {
        &self.vat
    }

    /// The next items that are there, with their positions: no more than `max_items`, and none after `max_bytes` are reached. An
    /// empty batch is the end.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn next_batch(
        &mut self,
        transcripts: &Transcripts<'_>,
        max_items: usize,
        max_bytes: usize,
    ) -> Result<Vec<(Position, String)>, TranscriptError> {
        let mut page = Vec::new();
        // An empty page would end it, and a span may have nothing to show.
        while page.is_empty() {
            let next = self.rest.take().or_else(|| self.spans.next().map(|span| (span.start, span.end)));
            let Some((from, end)) = next else { break };
            let mut bytes = 0;
            let next = transcripts.source().visit(&self.vat, from, end, |position, item| {
                bytes += item.len();
                page.push((position, item.to_owned()));
                Ok(page.len() < max_items && bytes < max_bytes)
            })?;
            self.rest = next.map(|next| (next, end));
        }
        Ok(page)
    }
}

impl Transcripts<'_> {
    /// The spans of `vat`, from the first.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn spans(&mut self, vat: &VatId) -> Result<Vec<SpanRecord>, TranscriptError> {
        self.look()?;
        let read = |row: &RowValue<'_, '_>| {
            let span = span_at(row, 0)?.in_order(vat)?;
            Ok((span.start, span.record(vat, row.get(4)?)))
        };
        let mut spans = self.newest(vat, u64::MAX, NEWEST, read, |span, is_current| span.record(vat, is_current))?;
        spans.reverse();
        Ok(spans)
    }

    /// The bounds of the last `most` spans of `vat`, newest first.
    pub(crate) fn newest_bounds(&self, vat: &VatId, most: u64) -> Result<Vec<Bounds>, TranscriptError> {
        let read = |row: &RowValue<'_, '_>| {
            let bounds = Bounds::read(vat, row, [0, 1, 2])?;
            Ok((bounds.start, bounds))
        };
        self.newest(vat, most, NEWEST_BOUNDS, read, Bounds::of)
    }

    /// `read` takes rows of the table, and says where they start; `of` spans that are not there, or not as they are.
    fn newest<T>(
        &self,
        vat: &VatId,
        most: u64,
        sql: &str,
        read: impl Fn(&RowValue<'_, '_>) -> Result<(Position, T), TranscriptError>,
        of: impl Fn(Span, bool) -> T,
    ) -> Result<Vec<T>, TranscriptError> {
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        let mut stored = Vec::new();
        self.session.read().each(sql, (vat, limit), |row| {
            stored.push(read(row)?);
            Ok::<_, TranscriptError>(true)
        })?;
        let spans = self.with_unwritten(vat, stored, of);
        Ok(spans.into_values().rev().take(usize::try_from(most).unwrap_or(usize::MAX)).collect())
    }

    /// The bounds of all spans of `vat`, newest first, from those that the table has.
    pub(crate) fn all_bounds(&self, vat: &VatId, stored: Vec<Bounds>) -> Vec<Bounds> {
        let stored = stored.into_iter().map(|bounds| (bounds.start, bounds));
        self.with_unwritten(vat, stored, Bounds::of).into_values().rev().collect()
    }

    /// Spans of `vat` by where they start: `stored` ones, and above them what was changed since.
    fn with_unwritten<T>(
        &self,
        vat: &VatId,
        stored: impl IntoIterator<Item = (Position, T)>,
        of: impl Fn(Span, bool) -> T,
    ) -> BTreeMap<Position, T> {
        // All at once, which in order costs next to nothing.
        let mut spans: BTreeMap<_, _> = stored.into_iter().collect();
        spans.extend(self.state.layers.closed_of(vat).into_iter().map(|span| (span.start, of(span, false))));
        if let Found::Value(span) = self.state.layers.current.find(vat) {
            spans.insert(span.start, of(*span, true));
        }
        spans
    }

    /// All items of `vat` that are there, through all its spans. Pruned ones are passed over, and nothing is verified.
    ///
    /// # Errors
    /// A failure of the database, now or while reading.
    pub fn full_transcript(
        &mut self,
        vat: &VatId,
    ) -> Result<impl Iterator<Item = Result<(Position, String), TranscriptError>> + '_, TranscriptError> {
        let spans = self.spans(vat)?;
        Ok(self.items_of(vat.clone(), spans))
    }

    /// A cursor over the same, for callers that read batch by batch.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn open_full_cursor(&mut self, vat: &VatId) -> Result<FullCursor, TranscriptError> {
        Ok(FullCursor::new(vat.clone(), self.spans(vat)?))
    }

    fn items_of(
        &self,
        vat: VatId,
        spans: Vec<SpanRecord>,
    ) -> impl Iterator<Item = Result<(Position, String), TranscriptError>> {
        let mut cursor = FullCursor::new(vat, spans);
        paged(move || cursor.next_batch(self, PAGE_ITEMS, PAGE_BYTES))
    }

    /// All items of all vats that are there. Vats without any are left out.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn dump(&mut self, history: History) -> Result<BTreeMap<VatId, BTreeMap<Position, String>>, TranscriptError> {
        self.look()?;
        let mut vats = self.session.read().all(VATS, [], |row| row.get::<_, VatId>(0))?;
        vats.extend(self.state.layers.current.in_order().iter().map(|(owner, _)| owner.vat.clone()));
        vats.extend(self.state.layers.closed.in_order().iter().map(|(at, _)| at.vat.clone()));
        vats.sort();
        vats.dedup();
        let mut dump = BTreeMap::new();
        for vat in vats {
            let mut spans = self.spans(&vat)?;
            if history == History::Current {
                spans.retain(|span| span.is_current);
            }
            let items: BTreeMap<_, _> = self.items_of(vat.clone(), spans).collect::<Result<_, _>>()?;
            if !items.is_empty() {
                dump.insert(vat, items);
            }
        }
        Ok(dump)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_an_item_at_each_place_from_its_start_to_its_end() {
        let at = |position| Position::new(position).unwrap();
        let length = |start, end| Bounds { start: at(start), end: at(end), is_current: false }.len();
        assert_eq!([length(3, 7), length(3, 3), length(0, 2)], [4, 0, 2]);
    }
}
