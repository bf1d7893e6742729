//! A part of a value that is compared: values of many megabytes may differ, a hundred of each kind.

use swing_core::Digest;

use super::difference::around;

/// So much of a value is held, in bytes, and so long are the pieces of which digests are.
const PIECE: usize = 1 << 16;
/// So much is held of what comes before the piece that differs, and at most so much of what comes after it: it may begin, and
/// end, within a character.
const AROUND: usize = 256;

/// A part of a value, and by which to find where another value differs from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    text: String,
    /// Where in the value the part begins.
    from: usize,
    /// The value's length, in bytes.
    length: usize,
    pieces: Vec<Digest>,
}

impl Held {
    /// The beginning of a value.
    pub(crate) fn of(value: &str) -> Self {
        Self { pieces: pieces(value).collect(), ..Self::at(value, 0) }
    }

    /// The part from a byte on.
    pub(crate) fn at(value: &str, from: usize) -> Self {
        let from = boundary(value, from);
        let end = boundary(value, from + PIECE + 2 * AROUND);
        // A copy, since a part that was cut out in its place would keep all of its room.
        Self { text: value[from..end].to_owned(), from, length: value.len(), pieces: Vec::new() }
    }

    /// The part of another value in which, or right at the end of which, it differs from the one that this is the beginning of.
    pub(crate) fn where_differs(&self, other: &str) -> Self {
        let same = self.pieces.iter().zip(pieces(other)).take_while(|(ours, theirs)| *ours == theirs).count();
        Self::at(other, (same * PIECE).saturating_sub(AROUND))
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn from(&self) -> usize {
        self.from
    }

    /// Where two values differ whose parts, from the same byte on, have the first difference.
    pub(crate) fn first_difference(&self, theirs: &Self) -> String {
        let same = self.text.bytes().zip(theirs.text.bytes()).take_while(|(ours, theirs)| ours == theirs).count();
        let (ours, other) = around(&self.text, &theirs.text);
        let (length, other_length) = (self.length, theirs.length);
        let at = self.from + same;
        format!("from byte {at} on, of {length} here and {other_length} there: {ours:?} here, {other:?} there")
    }
}

/// The last end of a character up to a byte.
fn boundary(value: &str, at: usize) -> usize {
    (0..=at.min(value.len())).rev().find(|at| value.is_char_boundary(*at)).unwrap_or_default()
}

fn pieces(value: &str) -> impl Iterator<Item = Digest> {
    value.as_bytes().chunks(PIECE).map(Digest::of)
}

#[cfg(test)]
mod tests {
    use super::super::differ;
    use super::*;

    #[test]
    fn no_more_of_a_value_is_held_than_is_shown() {
        let held = Held::of(&"é".repeat(4 << 20));
        assert!(
            held.text.capacity() <= PIECE + 2 * AROUND && held.pieces.capacity() <= 1024,
            "{}",
            held.text.capacity()
        );
        assert_eq!(held.text.len(), PIECE + 2 * AROUND);
    }

    #[test]
    fn the_first_difference_is_found_wherever_it_is() {
        for at in [0, 1, 399, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE - 1, 3 * PIECE, 3 * PIECE + 7] {
            let (ours, mut theirs) = ("a".repeat(3 * PIECE + 8), "a".repeat(3 * PIECE + 8));
            theirs.replace_range(at..=at, "b");
            for theirs in [&theirs[..], &ours[..at]] {
                let other = Held::of(&ours).where_differs(theirs);
                let told = Held::at(&ours, other.from()).first_difference(&other);
                let length = theirs.len();
                assert!(told.starts_with(&format!("from byte {at} on, of 196616 here and {length} there: ")), "{told}");
                let (here, there) = told.split_once(" here, ").unwrap();
                assert!(!here.ends_with(there.strip_suffix(" there").unwrap()), "{told}");
            }
        }
    }

    #[test]
    fn the_first_difference_is_shown_also_where_pieces_end_within_a_character() {
        for wide in ["é", "€", "𝄞"] {
            for before in 0..wide.len() {
                let ours = "a".repeat(before) + &wide.repeat(PIECE);
                for at in (1..=3).map(|piece| piece * PIECE).flat_map(|end| end - 8..end + 8) {
                    let Some(theirs) = (ours.is_char_boundary(at)).then(|| ours[..at].to_owned() + "b" + &ours[at..])
                    else {
                        continue;
                    };
                    let other = Held::of(&ours).where_differs(&theirs);
                    let told = differ(&Held::at(&ours, other.from()), &other);
                    let (here, there) = told.split_once(" here, ").unwrap();
                    assert!(there.contains('b'), "{told}");
                    assert!(other.from() == 0 || here.starts_with(&format!("from byte {at} on, ")), "{at}: {told}");
                }
            }
        }
    }
}
