//! Cranks and their hashes. Every byte of this is consensus.

use sha2::{Digest as _, Sha256};
use swing_core::Digest;
use swing_core::roles::CrankHashes;

/// The key under which the activityhash is kept and exported.
pub(crate) const ACTIVITYHASH: &str = "activityhash";

/// Whether a crank is under way, and the hash over what was changed since it began.
#[derive(Default)]
pub(crate) struct Crank {
    pub(crate) active: bool,
    hasher: Sha256,
}

impl Crank {
    pub(crate) fn start(&mut self) {
        self.active = true;
        self.hasher = Sha256::new();
    }

    pub(crate) fn add(&mut self, key: &str, value: &str) {
        self.feed(&["add\n", key, "\n", value, "\n"]);
    }

    pub(crate) fn delete(&mut self, key: &str) {
        self.feed(&["delete\n", key, "\n"]);
    }

    /// One update for what fits on the stack: most keys and values do.
    fn feed(&mut self, parts: &[&str]) {
        let mut buffer = [0; 512];
        let mut length = 0;
        for part in parts {
            let Some(slot) = buffer.get_mut(length..length + part.len()) else {
                parts.iter().for_each(|part| self.hasher.update(part));
                return;
            };
            slot.copy_from_slice(part.as_bytes());
            length += part.len();
        }
        self.hasher.update(&buffer[..length]);
    }

    /// Ends the hash over the changes and chains it to the activityhash so far.
    pub(crate) fn emit(&mut self, old_activityhash: &str) -> CrankHashes {
        let crankhash = Digest::from(std::mem::take(&mut self.hasher));
        let mut hasher = Sha256::new();
        hasher.update("activityhash\n");
        hasher.update(old_activityhash);
        hasher.update("\n");
        hasher.update(crankhash.to_hex());
        hasher.update("\n");
        CrankHashes { crankhash, activityhash: hasher.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crankhash_is_over_the_lines_of_its_changes_whatever_their_length() {
        for length in [0, 1, 490, 495, 500, 501, 502, 600, 100_000] {
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
    fn activityhashes_chain() {
        let mut crank = Crank::default();
        let first = crank.emit("").activityhash;
        let second = crank.emit(&first.to_string()).activityhash;
        let empty = Digest::of(b"");
        assert_eq!(first, Digest::of(format!("activityhash\n\n{empty}\n").as_bytes()));
        assert_eq!(second, Digest::of(format!("activityhash\n{first}\n{empty}\n").as_bytes()));
    }
}
