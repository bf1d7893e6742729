//! What can go wrong with a transcript.

use swing_core::{ArchiveError, ArtifactName, Digest, Position, SessionError, VatId};

/// A call that failed. Unless it is a failure of the database, nothing was changed. Where the original store has words
/// for it, the message has them too.
#[derive(Debug, thiserror::Error)]
pub enum TranscriptError {
    /// The vat has no current span.
    #[error("no current transcript for {:?}", .vat.as_str())]
    NoCurrent {
        /// The vat.
        vat: VatId,
    },
    /// No span starts there.
    #[error("no transcript span for {:?} at {start}", .vat.as_str())]
    NoSpan {
        /// The vat.
        vat: VatId,
        /// Where it would start.
        start: Position,
    },
    /// A transcript is begun once.
    #[error("vat {:?} has a transcript already (a span from {start})", .vat.as_str())]
    Exists {
        /// The vat.
        vat: VatId,
        /// Where a span of it starts.
        start: Position,
    },
    /// An empty span and the one after it would start at the same position.
    #[error("the current transcript span of {:?} at {start} is empty and cannot be rolled over", .vat.as_str())]
    EmptySpan {
        /// The vat.
        vat: VatId,
        /// Where the span starts.
        start: Position,
    },
    /// An artifact separates items by line feeds, so an item that contains one could not be exported.
    #[error("transcript item {position} of {:?} contains a line feed", .vat.as_str())]
    LineFeed {
        /// The vat.
        vat: VatId,
        /// The item's position.
        position: Position,
    },
    /// A row of the database has room for less. Found out now, since the block could not be committed with it.
    #[error("transcript item {position} of {:?} is {bytes} bytes long: there is room for {most}", .vat.as_str())]
    TooLong {
        /// The vat.
        vat: VatId,
        /// The item's position.
        position: Position,
        /// Its length.
        bytes: usize,
        /// The longest that can be stored.
        most: usize,
    },
    /// There is no number after 2^53 − 1.
    #[error("the transcript of {:?} has run out of {what}", .vat.as_str())]
    Exhausted {
        /// The vat.
        vat: VatId,
        /// Positions or incarnations.
        what: &'static str,
    },
    /// The store has items where the next one would go.
    #[error("the store has transcript items of {:?} beyond the end of its current span at {end}", .vat.as_str())]
    Occupied {
        /// The vat.
        vat: VatId,
        /// Where the next item would go.
        end: Position,
    },
    /// The stored span ends before it starts.
    #[error("the transcript span of {:?} at {start} ends at {end}", .vat.as_str())]
    Backwards {
        /// The vat.
        vat: VatId,
        /// Where it starts.
        start: Position,
        /// Where it is said to end.
        end: Position,
    },
    /// Some of the span's items are not there: they were pruned, never imported, or lost.
    #[error("read {read} transcript entries (expected {expected}) of the span of {:?} at {start}", .vat.as_str())]
    Incomplete {
        /// The vat.
        vat: VatId,
        /// Where the span starts.
        start: Position,
        /// How many items are there.
        read: u64,
        /// How many should be.
        expected: u64,
    },
    /// The items are not those that were added.
    #[error("transcript span of {:?} at {start}: hash mismatch (expected {expected}, got {found})", .vat.as_str())]
    HashMismatch {
        /// The vat.
        vat: VatId,
        /// Where the span starts.
        start: Position,
        /// The span's hash.
        expected: Digest,
        /// The hash of the items that are there.
        found: Digest,
    },
    /// The archive did not take the span, so it was not closed.
    #[error("could not archive {name}")]
    Archive {
        /// The span's artifact.
        name: ArtifactName,
        /// The archive's own words.
        #[source]
        source: ArchiveError,
    },
    /// The database failed.
    #[error(transparent)]
    Session(#[from] SessionError),
}
