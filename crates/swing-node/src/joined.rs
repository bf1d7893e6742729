//! Transcript items on their way to JavaScript, many in one string.
//!
//! To make one string and take it apart is less work for Node and V8 than to make many: what V8 makes of its parts are views
//! of the whole.

/// Longer strings V8 keeps in a place of their own, where making one takes longer than all that is saved.
const MOST_BYTES: usize = 120 << 10;

/// So much room is kept for the next batch.
const KEPT: usize = 2 << 20;

/// Texts, one after the other, with a line feed between those of a piece.
#[derive(Default)]
pub(crate) struct Joined {
    text: String,
    /// Where each piece starts.
    starts: Vec<usize>,
}

impl Joined {
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        // After an item of a gigabyte its room is not kept.
        self.text.shrink_to(KEPT);
        self.starts.clear();
    }

    /// Adds a text, unless it has a line feed in it: false.
    pub(crate) fn push(&mut self, text: &str) -> bool {
        if memchr::memchr(b'\n', text.as_bytes()).is_some() {
            return false;
        }
        match self.starts.last() {
            Some(start) if self.text.len() - start + text.len() < MOST_BYTES => self.text.push('\n'),
            _ => self.starts.push(self.text.len()),
        }
        self.text.push_str(text);
        true
    }

    /// The pieces.
    pub(crate) fn pieces(&self) -> impl ExactSizeIterator<Item = &str> {
        let end_of = |piece: usize| self.starts.get(piece + 1).copied().unwrap_or(self.text.len());
        self.starts.iter().enumerate().map(move |(piece, start)| &self.text[*start..end_of(piece)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(joined: &Joined) -> Vec<&str> {
        joined.pieces().flat_map(|piece| piece.split('\n')).collect()
    }

    #[test]
    fn what_is_joined_comes_apart_again_in_pieces_that_are_no_longer_than_they_may_be() {
        let mut joined = Joined::default();
        let (long, larger) = ("x".repeat(MOST_BYTES / 3), "y".repeat(MOST_BYTES * 2));
        let texts = ["", "", "a", &long, &long, &long, "b", &larger, "", &long, &larger, &larger, ""];
        // The second time over what was there before.
        for texts in [&texts[..], &texts[1..], &[""], &[]] {
            joined.clear();
            assert!(texts.iter().all(|text| joined.push(text)));
            assert_eq!(apart(&joined), texts);
            assert!(joined.pieces().all(|piece| piece.len() < MOST_BYTES || piece == larger));
            assert!(joined.pieces().len() <= 1 + texts.len() / 2, "too many pieces");
        }
    }

    #[test]
    fn the_room_of_a_very_long_text_is_not_kept() {
        let mut joined = Joined::default();
        joined.push(&"x".repeat(2 * KEPT));
        joined.clear();
        assert!(joined.text.capacity() <= KEPT);
    }

    #[test]
    fn a_text_with_a_line_feed_is_not_taken() {
        let mut joined = Joined::default();
        assert!(!joined.push("a\nb") && joined.push("a") && !joined.push("\n"));
        assert_eq!(apart(&joined), ["a"]);
    }
}
