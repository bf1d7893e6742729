//! The transcriptStore: every vat's deliveries, in spans.

use super::state::{Item, of_vat};
use super::store::{Model, ModelError, refuse};
use crate::budget::{Budget, Cleanup};
use crate::digest::Digest;
use crate::ids::{Incarnation, Position, VatId};
use crate::names::ExportKey;
use crate::records::SpanRecord;
use crate::roles::{Items, SpanBounds, TranscriptStore};
use crate::testing::Retention;

/// The transcripts of a [`Model`].
pub struct Transcripts<'m> {
    pub(super) model: &'m mut Model,
}

crate::opaque!(Transcripts<'_>);

fn hash_of_nothing() -> Digest {
    Digest::of(b"start of transcript span")
}

fn hash_with(hash: Digest, item: &str) -> Digest {
    Digest::of(format!("{hash}{}", Digest::of(item.as_bytes())).as_bytes())
}

impl Transcripts<'_> {
    fn find_current(&self, vat: &VatId) -> Option<SpanRecord> {
        of_vat(&self.model.now.spans, vat).map(|(_, span)| span).find(|span| span.is_current).cloned()
    }

    fn current(&self, vat: &VatId) -> Result<SpanRecord, ModelError> {
        self.find_current(vat).map_or_else(|| refuse(format!("no current transcript for {vat}")), Ok)
    }

    /// Stores a span and exports its record.
    fn put(&mut self, span: SpanRecord) {
        self.model.note(span.key(), Some(span.to_json()));
        self.model.now.spans.insert((span.vat.clone(), span.start), span);
    }

    fn open_span(&mut self, vat: &VatId, start: Position, incarnation: Incarnation) {
        let (vat, hash) = (vat.clone(), hash_of_nothing());
        self.put(SpanRecord { vat, start, end: start, hash, is_current: true, incarnation });
    }

    /// Closes a span. What becomes of the `.current` record is up to the caller.
    fn close_span(&mut self, span: &SpanRecord) {
        self.put(SpanRecord { is_current: false, ..span.clone() });
        // Only its own items: those of older spans, if they were kept once, stay.
        if self.model.options.keep_transcripts == Retention::Drop {
            self.drop_items(span);
        }
    }

    fn drop_items(&mut self, span: &SpanRecord) {
        let inside = |vat: &VatId, at: Position| *vat == span.vat && span.start <= at && at < span.end;
        self.model.now.items.retain(|(vat, at), _| !inside(vat, *at));
    }

    fn roll_over(
        &mut self,
        vat: &VatId,
        next: impl FnOnce(Incarnation) -> Option<Incarnation>,
    ) -> Result<Incarnation, ModelError> {
        let span = self.current(vat)?;
        if span.start == span.end {
            return refuse(format!("the current span of {vat} is empty"));
        }
        let Some(incarnation) = next(span.incarnation) else { return refuse("the last incarnation") };
        self.close_span(&span);
        self.open_span(vat, span.end, incarnation);
        Ok(incarnation)
    }
}

impl TranscriptStore for Transcripts<'_> {
    type Error = ModelError;

    fn init_transcript(&mut self, vat: &VatId) -> Result<(), ModelError> {
        let taken = self.model.now.spans.contains_key(&(vat.clone(), Position::ZERO));
        if taken || self.find_current(vat).is_some() {
            return refuse(format!("{vat} has a transcript"));
        }
        self.open_span(vat, Position::ZERO, Incarnation::ZERO);
        Ok(())
    }

    fn add_item(&mut self, vat: &VatId, item: &str) -> Result<(), ModelError> {
        if item.contains('\n') {
            return refuse("a transcript item cannot contain a line feed");
        }
        let span = self.current(vat)?;
        let Some(end) = span.end.next() else { return refuse("the last position") };
        let stored = Item { text: item.to_owned(), incarnation: span.incarnation };
        self.model.now.items.insert((vat.clone(), span.end), stored);
        self.put(SpanRecord { end, hash: hash_with(span.hash, item), ..span });
        Ok(())
    }

    fn rollover_span(&mut self, vat: &VatId) -> Result<Incarnation, ModelError> {
        self.roll_over(vat, Some)
    }

    fn rollover_incarnation(&mut self, vat: &VatId) -> Result<Incarnation, ModelError> {
        self.roll_over(vat, Incarnation::next)
    }

    fn read_span(&mut self, vat: &VatId, start: Option<Position>) -> Result<Items<'_, ModelError>, ModelError> {
        let span = match start {
            None => self.current(vat)?,
            Some(start) => match self.model.now.spans.get(&(vat.clone(), start)) {
                Some(span) => span.clone(),
                None => return refuse(format!("no transcript span for {vat} at {start}")),
            },
        };
        let items: Vec<_> = of_vat(&self.model.now.items, vat)
            .filter(|(at, _)| span.start <= *at && *at < span.end)
            .map(|(_, item)| item.text.clone())
            .collect();
        let hash = items.iter().fold(hash_of_nothing(), |hash, item| hash_with(hash, item));
        // Missing items change the hash; what there is of them is handed out first.
        let verdict =
            (hash != span.hash).then(|| refuse(format!("the items of {vat} from {} are not all there", span.start)));
        Ok(Box::new(items.into_iter().map(Ok).chain(verdict)))
    }

    fn current_span_bounds(&mut self, vat: &VatId) -> Result<SpanBounds, ModelError> {
        let SpanRecord { start, end, hash, incarnation, .. } = self.current(vat)?;
        Ok(SpanBounds { start, end, hash, incarnation })
    }

    fn stop_using_transcript(&mut self, vat: &VatId) -> Result<(), ModelError> {
        if let Some(span) = self.find_current(vat) {
            // It may be empty: a vat that is stopped right after a rollover leaves an empty closed span.
            self.close_span(&span);
            self.model.note(ExportKey::CurrentSpan(vat.clone()), None);
        }
        Ok(())
    }

    fn delete_vat_transcripts(&mut self, vat: &VatId, budget: Budget) -> Result<Cleanup, ModelError> {
        let newest_first = of_vat(&self.model.now.spans, vat).rev().map(|(_, span)| span.clone());
        let doomed: Vec<_> = newest_first.take(most(budget)).collect();
        for span in &doomed {
            self.model.note(span.key(), None);
            self.drop_items(span);
            self.model.now.spans.remove(&(vat.clone(), span.start));
        }
        let done = of_vat(&self.model.now.spans, vat).next().is_none();
        Ok(Cleanup { done, cleanups: doomed.len() as u64 })
    }
}

pub(super) fn most(budget: Budget) -> usize {
    match budget {
        Budget::Unlimited => usize::MAX,
        Budget::AtMost(units) => usize::try_from(units.get()).unwrap_or(usize::MAX),
    }
}
