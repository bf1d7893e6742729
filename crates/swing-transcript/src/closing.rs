//! Closing spans: rollover into the next one, and the end of a transcript.

use swing_core::{Incarnation, Position, VatId};

use crate::artifact::ArtifactReader;
use crate::error::TranscriptError;
use crate::layers::{At, Owner, Span};
use crate::state::Retention;
use crate::view::Transcripts;
use crate::walk::Source;

pub(crate) const DELETE_ITEMS: &str =
    "DELETE FROM transcriptItems WHERE vatID = ?1 AND position >= ?2 AND position < ?3";

impl Transcripts<'_> {
    /// Closes the current span and opens an empty one after it, in the incarnation that `next` makes of this one.
    pub(crate) fn rollover(
        &mut self,
        vat: &VatId,
        next: impl FnOnce(Incarnation) -> Option<Incarnation>,
    ) -> Result<Incarnation, TranscriptError> {
        self.begin()?;
        let span = self.current_to_extend(vat)?;
        if span.is_empty() {
            return Err(TranscriptError::EmptySpan { vat: vat.clone(), start: span.start });
        }
        let Some(incarnation) = next(span.incarnation) else {
            return Err(TranscriptError::Exhausted { vat: vat.clone(), what: "incarnations" });
        };
        self.close(vat, span)?;
        self.open_span(vat, span.end, incarnation);
        Ok(incarnation)
    }

    /// Closes the current span, if there is one, for good.
    pub(crate) fn stop(&mut self, vat: &VatId) -> Result<(), TranscriptError> {
        self.begin()?;
        let Some(span) = self.current(vat)? else { return Ok(()) };
        self.close(vat, span)?;
        // No span follows that would take its place there.
        self.state.stored.verified.get_mut().forget(vat);
        let owner = self.state.layers.current.delete_at(vat, Owner::new);
        self.session.note_export(owner.record_key.clone(), None);
        Ok(())
    }

    /// Archives the span, then prunes it if it is to be, and makes it a closed one. What becomes of `.current` is up to
    /// the caller.
    fn close(&mut self, vat: &VatId, span: Span) -> Result<(), TranscriptError> {
        self.archive(vat, span)?;
        if self.state.options.keep == Retention::Drop {
            self.delete_items(vat, span.start, span.end)?;
        }
        self.state.layers.closed.put(At::new(vat, span.start), span);
        self.note(&span.record(vat, false));
        Ok(())
    }

    fn archive(&mut self, vat: &VatId, span: Span) -> Result<(), TranscriptError> {
        let Some(archive) = &mut self.state.options.archive else { return Ok(()) };
        let name = span.record(vat, false).artifact();
        let source = Source { db: self.session.read(), unwritten: Some(&self.state.layers.items) };
        let mut artifact = ArtifactReader::new(source, vat, span);
        let taken = archive.transcript(&name, &mut artifact);
        // An archive that swallows the error of its source has an artifact that is not whole.
        if let Some(error) = artifact.into_failure() {
            return Err(error);
        }
        taken.map_err(|source| TranscriptError::Archive { name, source })
    }

    /// Deletes items, wherever they are.
    fn delete_items(&mut self, vat: &VatId, start: Position, end: Position) -> Result<(), TranscriptError> {
        self.session.write()?.run(DELETE_ITEMS, (vat, start, end))?;
        self.state.layers.items.forget(vat, start, end);
        self.state.stored.verified.get_mut().forget(vat);
        Ok(())
    }
}
