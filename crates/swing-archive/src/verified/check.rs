//! What the content of an archived file has to be.

use sha2::{Digest as _, Sha256};
use swing_core::Digest;

/// Content that is checked while it goes by.
#[derive(Debug)]
pub(crate) struct Check {
    expected: Digest,
    so_far: SoFar,
}

#[derive(Debug)]
enum SoFar {
    Snapshot(Sha256),
    Span(SpanSoFar),
}

/// The cumulative hash over the items of a span: of nothing, then with each item `sha256(HASH + sha256(ITEM))`, all hashes
/// as hex text.
#[derive(Debug)]
struct SpanSoFar {
    hash: Digest,
    item: Sha256,
    /// Some of an item has come, but not its line feed.
    within: bool,
    items: u64,
    expected: u64,
}

impl Check {
    pub(crate) fn snapshot(expected: Digest) -> Self {
        Self { expected, so_far: SoFar::Snapshot(Sha256::new()) }
    }

    pub(crate) fn span(expected: Digest, items: u64) -> Self {
        let hash = Digest::of(b"start of transcript span");
        let span = SpanSoFar { hash, item: Sha256::new(), within: false, items: 0, expected: items };
        Self { expected, so_far: SoFar::Span(span) }
    }

    /// Takes the next bytes. An error says what is wrong with them.
    pub(crate) fn update(&mut self, bytes: &[u8]) -> Result<(), String> {
        match &mut self.so_far {
            SoFar::Snapshot(hasher) => {
                hasher.update(bytes);
                Ok(())
            }
            SoFar::Span(span) => bytes.split_inclusive(|byte| *byte == b'\n').try_for_each(|piece| span.update(piece)),
        }
    }

    /// There are no more bytes. An error says what is wrong with all of them.
    pub(crate) fn finish(&mut self) -> Result<(), String> {
        let actual = match &mut self.so_far {
            SoFar::Snapshot(hasher) => Digest::from(std::mem::take(hasher)),
            SoFar::Span(SpanSoFar { within: true, .. }) => return Err("the last item is cut off".to_owned()),
            SoFar::Span(span) if span.items != span.expected => {
                return Err(format!("it has {} items instead of {}", span.items, span.expected));
            }
            SoFar::Span(span) => span.hash,
        };
        let expected = self.expected;
        if actual == expected { Ok(()) } else { Err(format!("hash mismatch (expected {expected}, got {actual})")) }
    }
}

impl SpanSoFar {
    /// Takes a piece of an item, with the line feed that ends it, if it does.
    fn update(&mut self, piece: &[u8]) -> Result<(), String> {
        if self.items == self.expected {
            return Err(format!("it goes on after {} items", self.items));
        }
        let Some(end) = piece.strip_suffix(b"\n") else {
            self.within = true;
            self.item.update(piece);
            return Ok(());
        };
        self.item.update(end);
        let item = Digest::from(std::mem::take(&mut self.item));
        self.hash = Digest::of([self.hash.to_hex(), item.to_hex()].as_flattened());
        self.within = false;
        self.items += 1;
        Ok(())
    }
}
