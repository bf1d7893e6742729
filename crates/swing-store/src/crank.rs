//! Cranks and their hashes. Every byte of this is consensus.

use sha2::{Digest as _, Sha256};
use swing_core::Digest;
use swing_core::roles::CrankHashes;

/// The key under which the activityhash is kept and exported.
pub(crate) const ACTIVITYHASH: &str = "activityhash";

/// So much is gathered before it is hashed: one long update costs less than many short ones.
const GATHERED: usize = 4096;

/// Whether a crank is under way, and the hash over what was changed since it began.
#[derive(Default)]
pub(crate) struct Crank {
    pub(crate) active: bool,
    /// Over all that came before what is gathered; begun when more came than that.
    hasher: Option<Sha256>,
    /// What comes next in the hash.
    gathered: Vec<u8>,
}

impl Crank {
    pub(crate) fn start(&mut self) {
        self.active = true;
        self.hasher = None;
        self.gathered.clear();
    }

    #[inline]
    pub(crate) fn add(&mut self, key: &str, value: &str) {
        self.make_room(key.len() + value.len() + 6);
        self.gathered.extend_from_slice(b"add\n");
        self.take(key);
        self.take(value);
    }

    #[inline]
    pub(crate) fn delete(&mut self, key: &str) {
        self.make_room(key.len() + 8);
        self.gathered.extend_from_slice(b"delete\n");
        self.take(key);
    }

    /// Room for what will be gathered, so that it is looked for once.
    #[inline]
    fn make_room(&mut self, bytes: usize) {
        if self.gathered.len() + bytes > GATHERED {
            self.hash_gathered();
        }
        self.gathered.reserve(bytes.min(GATHERED));
    }

    /// A line: hashed at once when it is long.
    #[inline]
    fn take(&mut self, line: &str) {
        if line.len() >= GATHERED {
            self.hash_gathered();
            self.hasher.get_or_insert_default().update(line);
        } else {
            self.gathered.extend_from_slice(line.as_bytes());
        }
        self.gathered.push(b'\n');
    }

    #[inline(never)]
    fn hash_gathered(&mut self) {
        self.hasher.get_or_insert_default().update(&self.gathered);
        self.gathered.clear();
    }

    /// Ends the hash over the changes and chains it to the activityhash so far.
    pub(crate) fn emit(&mut self, old_activityhash: &str) -> CrankHashes {
        let crankhash = match self.hasher.take() {
            Some(hasher) => Digest::from(hasher.chain_update(&self.gathered)),
            None => Digest::of(&self.gathered),
        };
        self.gathered.clear();
        let hex = crankhash.to_hex();
        // The room that was just emptied does for this, too.
        for part in [b"activityhash\n", old_activityhash.as_bytes(), b"\n", &hex, b"\n"] {
            self.gathered.extend_from_slice(part);
        }
        let activityhash = Digest::of(&self.gathered);
        self.gathered.clear();
        CrankHashes { crankhash, activityhash }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crankhash_is_over_the_lines_of_its_changes_whatever_their_length() {
        for length in [0, 1, 500, 4_070, 4_080, 4_081, 4_082, 4_095, 4_096, 4_097, 100_000] {
            let value = "x".repeat(length);
            let mut crank = Crank::default();
            crank.add("vat.names", &value);
            crank.delete("k");
            let expected = Digest::of(format!("add\nvat.names\n{value}\ndelete\nk\n").as_bytes());
            assert_eq!(crank.emit("").crankhash, expected, "{length}");
        }
    }

    #[test]
    fn an_emitted_crankhash_starts_over() {
        let mut crank = Crank::default();
        crank.add("k", "v");
        crank.emit("");
        assert_eq!(crank.emit("").crankhash, Digest::of(b""));
    }

    #[test]
    fn a_crank_begins_with_no_lines_of_the_one_before_however_many_those_were() {
        for length in [1, 5_000] {
            let mut crank = Crank::default();
            crank.add("k", &"x".repeat(length));
            crank.start();
            assert_eq!(crank.emit("").crankhash, Digest::of(b""), "{length}");
        }
    }

    #[test]
    fn activityhashes_chain() {
        let mut crank = Crank::default();
        let first = crank.emit("").activityhash;
        let second = crank.emit(&first.to_string()).activityhash;
        let empty = Digest::of(b"");
        assert_eq!(first, Digest::of(format!("activityhash\n\n{empty}\n").as_bytes()));
        assert_eq!(second, Digest::of(format!("activityhash\n{first}\n{empty}\n").as_bytes()));
    }
}
