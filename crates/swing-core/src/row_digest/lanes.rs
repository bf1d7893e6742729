//! The sum over rows: LtHash over BLAKE3 and ChaCha8.

use std::fmt;

use chacha20::cipher::StreamCipher as _;
use chacha20::{ChaCha8, KeyIvInit as _};

use super::cells::Cell;

const LANES: usize = 1024;

/// The length of the sum as bytes.
pub(super) const BYTES: usize = LANES * 2;

/// A digest of a multiset of rows, and how many there are.
///
/// Each row becomes 1024 numbers of 16 bits, the first 2048 bytes of ChaCha8's key stream under the row's BLAKE3 hash; the digest is the
/// sum of them all, lane by lane, modulo 2^16. Rows can be added and taken off in any order, and two digests of disjoint sets can be
/// added. This is LtHash (Bellare and Micciancio, 1997, in the form of Lewi and others, 2019): to find two different sets
/// of rows with the same sum is believed to be as hard as a lattice problem, with 200 bits of security and more.
#[derive(Clone, PartialEq, Eq)]
pub struct RowDigest {
    rows: u64,
    lanes: Box<[u16; LANES]>,
}

impl Default for RowDigest {
    /// Of no rows.
    fn default() -> Self {
        Self { rows: 0, lanes: Box::new([0; LANES]) }
    }
}

impl RowDigest {
    /// A row is there now.
    pub fn add(&mut self, row: &[Cell<'_>], scratch: &mut Vec<u8>) {
        self.add_bytes(encode(row, scratch));
    }

    /// A row is there no more.
    pub fn remove(&mut self, row: &[Cell<'_>], scratch: &mut Vec<u8>) {
        self.remove_bytes(encode(row, scratch));
    }

    /// Adds a row that is bytes already.
    pub(super) fn add_bytes(&mut self, row: &[u8]) {
        self.rows = self.rows.wrapping_add(1);
        self.each_lane(row, u16::wrapping_add);
    }

    /// Takes off a row that is bytes already.
    pub(super) fn remove_bytes(&mut self, row: &[u8]) {
        self.rows = self.rows.wrapping_sub(1);
        self.each_lane(row, u16::wrapping_sub);
    }

    fn each_lane(&mut self, row: &[u8], step: impl Fn(u16, u16) -> u16) {
        let mut out = [0; BYTES];
        // The row is in the key, so that no two need a nonce to tell them apart.
        ChaCha8::new(blake3::hash(row).as_bytes().into(), &[0; 12].into()).write_keystream(&mut out);
        for (lane, bytes) in self.lanes.iter_mut().zip(out.as_chunks().0) {
            *lane = step(*lane, u16::from_le_bytes(*bytes));
        }
    }

    /// Adds all rows of another digest. One that counts changes only may hold less than nothing, and is added all the same.
    pub fn merge(&mut self, other: &Self) {
        self.rows = self.rows.wrapping_add(other.rows);
        for (lane, more) in self.lanes.iter_mut().zip(other.lanes.iter()) {
            *lane = lane.wrapping_add(*more);
        }
    }

    /// What taking all of these rows off adds.
    #[must_use]
    pub(crate) fn taken_off(mut self) -> Self {
        self.rows = self.rows.wrapping_neg();
        self.lanes.iter_mut().for_each(|lane| *lane = lane.wrapping_neg());
        self
    }

    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The sum as bytes, each lane little-endian.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.lanes.iter().flat_map(|lane| lane.to_le_bytes()).collect()
    }

    /// A digest from how many rows it has and its bytes; `None` when they are not as many as they should be.
    #[must_use]
    pub fn from_bytes(rows: u64, bytes: &[u8]) -> Option<Self> {
        let (chunks, rest) = bytes.as_chunks();
        if chunks.len() != LANES || !rest.is_empty() {
            return None;
        }
        let mut digest = Self { rows, ..Self::default() };
        for (lane, bytes) in digest.lanes.iter_mut().zip(chunks) {
            *lane = u16::from_le_bytes(*bytes);
        }
        Some(digest)
    }
}

fn encode<'s>(row: &[Cell<'_>], scratch: &'s mut Vec<u8>) -> &'s [u8] {
    scratch.clear();
    row.iter().for_each(|cell| cell.write(scratch));
    scratch
}

/// Short enough to be read aloud: BLAKE3 over the sum.
impl fmt::Display for RowDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::hash(&self.to_bytes()).to_hex()[..16])
    }
}

impl fmt::Debug for RowDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} of {} rows", self.rows)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(digest: &mut RowDigest, key: &str, value: &str) {
        digest.add(&[key.into(), value.into()], &mut Vec::new());
    }

    /// Made by programs of others: BLAKE3's own Python package, and ChaCha written out after RFC 8439 and held to its test vectors, with 8 rounds.
    /// So the form of the digest cannot change unseen.
    #[test]
    fn a_digest_of_one_row_is_the_key_stream_of_chacha8_under_its_blake3_hash() {
        let mut digest = RowDigest::default();
        row(&mut digest, "k", "v");
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let bytes = digest.to_bytes();
        assert_eq!(hex(&bytes[..16]), "18b9cc4b9fed125268b438c9ffb03898");
        assert_eq!(hex(&bytes[BYTES - 16..]), "ea796923fa995593e386c72f0295f590");
        assert_eq!(digest.to_string(), "8267c6270891231f", "the hash of all of them");
    }

    #[test]
    fn two_rows_with_values_swapped_are_another_digest() {
        let (mut one, mut other) = (RowDigest::default(), RowDigest::default());
        row(&mut one, "a", "1");
        row(&mut one, "b", "2");
        row(&mut other, "a", "2");
        row(&mut other, "b", "1");
        assert_ne!(one, other);
    }

    proptest! {
        #[test]
        fn the_order_does_not_matter_and_what_is_taken_off_is_gone(
            rows in prop::collection::vec((".{0,3}", ".{0,3}"), 0..12), gone in 0..12usize, cut in 0..12usize,
        ) {
            let mut scratch = Vec::new();
            let mut whole = RowDigest::default();
            rows.iter().for_each(|(key, value)| row(&mut whole, key, value));
            let mut backwards = RowDigest::default();
            rows.iter().rev().for_each(|(key, value)| row(&mut backwards, key, value));
            prop_assert_eq!(&whole, &backwards);

            let (left, right) = rows.split_at(cut.min(rows.len()));
            let mut parts = [RowDigest::default(), RowDigest::default()];
            left.iter().for_each(|(key, value)| row(&mut parts[0], key, value));
            right.iter().for_each(|(key, value)| row(&mut parts[1], key, value));
            let [mut sum, part] = parts;
            sum.merge(&part);
            prop_assert_eq!(&whole, &sum);
            let again = RowDigest::from_bytes(whole.rows(), &whole.to_bytes());
            prop_assert_eq!(Some(&whole), again.as_ref());

            if let Some((key, value)) = rows.get(gone) {
                whole.remove(&[key.as_str().into(), value.as_str().into()], &mut scratch);
                let mut without = RowDigest::default();
                let rest = rows.iter().enumerate().filter(|(at, _)| *at != gone);
                rest.for_each(|(_, (key, value))| row(&mut without, key, value));
                prop_assert_eq!(&whole, &without);
            }
        }
    }
}
