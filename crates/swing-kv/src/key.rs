//! A key as it is kept in memory: inside the key of its export record, so that the two share their bytes.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use swing_core::overlay::Footprint;

/// What the key of a pair's export record begins with.
const PREFIX: &str = "kv.";

/// A key of the store. Compares, sorts and hashes as its text does.
#[derive(Clone)]
pub struct Key {
    record: Arc<str>,
}

impl Key {
    /// The key itself.
    #[inline]
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.record[PREFIX.len()..]
    }

    /// The key of its export record: `kv.` and the key.
    #[must_use]
    pub fn record(&self) -> &Arc<str> {
        &self.record
    }
}

/// So much room is kept for the next key.
const ROOM: usize = 4096;

/// Where keys are put together, so that each is allocated once.
#[derive(Default)]
pub(crate) struct Keys {
    text: String,
}

impl Keys {
    pub(crate) fn make(&mut self, key: &str) -> Key {
        self.text.clear();
        // After a key of a gigabyte its room is not kept.
        self.text.shrink_to(ROOM);
        self.text.push_str(PREFIX);
        self.text.push_str(key);
        Key { record: self.text.as_str().into() }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl Borrow<str> for Key {
    #[inline]
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for Key {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Footprint for Key {
    fn bytes(&self) -> usize {
        self.record.bytes()
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher as _;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_key_is_to_maps_what_its_text_is(a in "\\PC{0,3}", b in "\\PC{0,3}") {
            let mut keys = Keys::default();
            let (key, other) = (keys.make(&a), keys.make(&b));
            prop_assert_eq!(key.as_str(), &a);
            prop_assert_eq!(&**key.record(), format!("kv.{a}"));
            prop_assert_eq!((key.cmp(&other), key.partial_cmp(&other)), (a.cmp(&b), a.partial_cmp(&b)));
            prop_assert_eq!(key == other, a == b);
            let hasher = std::hash::RandomState::new();
            prop_assert_eq!(hasher.hash_one(&key), hasher.hash_one(&*a));
        }
    }

    #[test]
    fn the_room_of_a_very_long_key_is_not_kept() {
        let mut keys = Keys::default();
        keys.make(&"k".repeat(100 * ROOM));
        assert_eq!(keys.make("short").as_str(), "short");
        assert!(keys.text.capacity() <= ROOM);
    }

    #[test]
    fn a_key_takes_the_bytes_of_its_record_and_two_counters() {
        assert_eq!(Keys::default().make("four").bytes(), 23);
    }
}
