//! A span as the bytes of its artifact: each item followed by a line feed.

use std::io::{self, Read};

use swing_core::substore::SubstoreError;
use swing_core::{VatId, error_chain};

use crate::error::TranscriptError;
use crate::layers::Span;
use crate::walk::{Source, SpanWalk};

/// How many bytes are gathered before they are handed on; an item that is longer is handed on whole.
const CHUNK: usize = 64 * 1024;

/// Reads a span's artifact. The last chunk is given only when the whole is known to be right.
pub(crate) struct ArtifactReader<'s> {
    source: Source<'s>,
    vat: VatId,
    span: Span,
    walk: SpanWalk,
    chunk: Vec<u8>,
    given: usize,
    failure: Option<TranscriptError>,
}

impl<'s> ArtifactReader<'s> {
    pub(crate) fn new(source: Source<'s>, vat: &VatId, span: Span) -> Self {
        let walk = SpanWalk::new(vat, span);
        Self { source, vat: vat.clone(), span, walk, chunk: Vec::new(), given: 0, failure: None }
    }

    /// Why the last read failed, if it did.
    pub(crate) fn into_failure(self) -> Option<TranscriptError> {
        self.failure
    }

    fn refill(&mut self) -> Result<(), TranscriptError> {
        let Self { source, vat, walk, chunk, .. } = self;
        chunk.clear();
        self.given = 0;
        walk.step(*source, |position, item| {
            if item.as_bytes().contains(&b'\n') {
                return Err(TranscriptError::LineFeed { vat: vat.clone(), position });
            }
            chunk.extend_from_slice(item.as_bytes());
            chunk.push(b'\n');
            Ok(chunk.len() < CHUNK)
        })
    }

    fn complaint(&self, error: &TranscriptError) -> io::Error {
        let name = self.span.record(&self.vat, false).artifact().to_string();
        let reason = error_chain(error);
        io::Error::other(SubstoreError::Artifact { name, reason })
    }
}

impl Read for ArtifactReader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.failure.is_none() && self.given == self.chunk.len() && !self.walk.is_done() {
            self.failure = self.refill().err();
        }
        if let Some(error) = &self.failure {
            return Err(self.complaint(error));
        }
        let mut rest = &self.chunk[self.given..];
        let count = rest.read(out)?;
        self.given += count;
        Ok(count)
    }
}
