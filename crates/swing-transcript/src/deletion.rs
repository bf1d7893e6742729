//! Deleting what a vat leaves behind.

use swing_core::{Budget, Cleanup, Position, VatId, Writer};

use crate::closing::DELETE_ITEMS;
use crate::emptying;
use crate::error::TranscriptError;
use crate::layers::{At, Owner};
use crate::listing::Bounds;
use crate::schema::SPANS;
use crate::view::Transcripts;

/// All columns, and one more.
const SPANS_OF: &str = "\
SELECT vatID, startPos, endPos, hash, isCurrent, incarnation, isCurrent IS 1 FROM transcriptSpans WHERE vatID = ?1
ORDER BY startPos";
const SPANS_FROM: &str = "\
SELECT vatID, startPos, endPos, hash, isCurrent, incarnation FROM transcriptSpans WHERE vatID = ?1 AND startPos >= ?2";
const DELETE_SPANS_FROM: &str = "DELETE FROM transcriptSpans WHERE vatID = ?1 AND startPos >= ?2";

/// SQLite's cache while some spans are deleted, which happens in block after block: what the block before has used stays in it.
const KIBIBYTES: u32 = 4096;
/// With more items than this, of a KB or two, it would be full of pages to be written, and others would be read again for each row.
const MOST_ITEMS: u64 = 2000;

impl Transcripts<'_> {
    pub(crate) fn delete(&mut self, vat: &VatId, budget: Budget) -> Result<Cleanup, TranscriptError> {
        self.begin()?;
        self.state.stored.verified.get_mut().forget(vat);
        match budget {
            Budget::Unlimited => self.delete_all(vat),
            Budget::AtMost(spans) => self.delete_some(vat, spans.get()),
        }
    }

    fn delete_all(&mut self, vat: &VatId) -> Result<Cleanup, TranscriptError> {
        let mut stored = Vec::new();
        self.session.write()?.count_out_each(SPANS, SPANS_OF, [vat], |row| {
            stored.push(Bounds::read(vat, row, [1, 2, 6])?);
            Ok::<_, TranscriptError>(())
        })?;
        let spans = self.all_bounds(vat, stored);
        // Of a damaged file the lengths may be anything.
        let about = spans.iter().fold(0_u64, |sum, span| sum.saturating_add(span.len()));
        let mut writer = self.session.write()?;
        // Not span by span: there may be items that are in none.
        emptying::delete_items(&mut writer, vat, about)?;
        emptying::delete_spans(&mut writer, vat, spans.len() as u64)?;
        self.state.layers.items.forget(vat, Position::ZERO, Position::MAX);
        for span in &spans {
            self.state.layers.closed.forget(&At::new(vat, span.start));
            self.session.note_export(span.key(vat).to_string(), None);
        }
        self.has_none_current(vat);
        Ok(Cleanup { done: true, cleanups: spans.len() as u64 })
    }

    /// Newest first: the span that goes first is the current one if the transcript was never stopped, and with it the
    /// vat's artifacts leave all exports.
    fn delete_some(&mut self, vat: &VatId, most: u64) -> Result<Cleanup, TranscriptError> {
        // One more tells whether that is all.
        let mut spans = self.newest_bounds(vat, most.saturating_add(1))?;
        let done = spans.len() as u64 <= most;
        spans.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        let stretches = stretches(&spans);
        if let Some(oldest) = spans.last() {
            let mut writer = self.session.write()?;
            writer.count_out(SPANS, SPANS_FROM, (vat, oldest.start))?;
            // The digest has them no longer, so all of it is done or nothing is committed.
            let items = stretches.iter().map(|(start, end)| (vat, *start, *end));
            let delete = |writer: &mut Writer<'_>| {
                writer.run(DELETE_SPANS_FROM, (vat, oldest.start))?;
                writer.run_all(DELETE_ITEMS, items)
            };
            let are_few = spans.iter().fold(0_u64, |sum, span| sum.saturating_add(span.len())) <= MOST_ITEMS;
            let deleted = if are_few { writer.in_passing(KIBIBYTES, delete) } else { delete(&mut writer) };
            deleted.map_err(|error| writer.give_up(error))?;
        }
        for (start, end) in stretches {
            self.state.layers.items.forget(vat, start, end);
        }
        for span in &spans {
            self.state.layers.closed.forget(&At::new(vat, span.start));
            if span.is_current {
                self.has_none_current(vat);
            }
            self.session.note_export(span.key(vat).to_string(), None);
        }
        Ok(Cleanup { done, cleanups: spans.len() as u64 })
    }

    /// The table may still show a closed span as current, so this must be said and not just forgotten.
    fn has_none_current(&mut self, vat: &VatId) {
        self.state.layers.current.delete_at(vat, Owner::new);
    }
}

/// From where to where there are items of these spans, which are in order, newest first. They follow upon each other, if nothing
/// is wrong with them; items between them are none of theirs.
fn stretches(spans: &[Bounds]) -> Vec<(Position, Position)> {
    let mut stretches: Vec<(Position, Position)> = Vec::new();
    for span in spans {
        match stretches.last_mut() {
            Some((start, _)) if *start == span.end => *start = span.start,
            _ => stretches.push((span.start, span.end)),
        }
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_that_follow_upon_each_other_are_one_stretch() {
        let at = |position| Position::new(position).unwrap();
        let bounds = |(start, end)| Bounds { start: at(start), end: at(end), is_current: false };
        let spans = [(9, 9), (7, 9), (5, 7), (2, 4), (0, 2)].map(bounds);
        assert_eq!(stretches(&spans), [(5, 9), (0, 4)].map(|(start, end)| (at(start), at(end))));
        assert_eq!(stretches(&[]), []);
    }
}
