//! Where the table has no keys.
//!
//! Whoever asks for keys that are not there mostly asks for many that would stand beside each other: the next id, the
//! entries of something empty. One more look at the table tells about all of them: at which key comes next. Where they are
//! strewn about it tells about one only, so it is taken as long as it is rewarded, and now and then otherwise.

/// So many are remembered. Looking through them must cost little beside a look at the table.
const MOST: usize = 4;
/// A gap between longer keys is not kept: what is here is bounded, and too little to be counted.
const LONGEST: usize = 1024;

/// What a look beyond a key costs, as it were, and what is earned by not having to look at the table at all.
const COST: u32 = 2;
const EARNED: u32 = 1;
const RICHEST: u32 = 64;
/// Without credit, one look in so many is taken all the same.
const RARELY: u32 = 16;

/// From `from` on, up to but without `to`, there is no key.
struct Gap {
    from: String,
    /// `None`: to the end of all keys.
    to: Option<String>,
}

impl Gap {
    fn covers(&self, key: &str) -> bool {
        *self.from <= *key && self.to.as_deref().is_none_or(|to| key < to)
    }
}

/// Some of the gaps between the table's keys, those used last first. They can be forgotten at any time.
pub(crate) struct Gaps {
    known: Vec<Gap>,
    /// So many; 0 for a store that is to remember nothing.
    most: usize,
    credit: u32,
    /// Looks not taken since the last one.
    passed: u32,
}

impl Gaps {
    /// None yet; and none ever if nothing is to be `remembered`.
    pub(crate) fn new(remembered: bool) -> Self {
        Self { known: Vec::new(), most: if remembered { MOST } else { 0 }, credit: 4 * COST, passed: 0 }
    }

    /// Whether to look which key comes after `key`, which the table turned out not to have.
    pub(crate) fn are_worth_a_look(&mut self, key: &str) -> bool {
        if self.most == 0 || key.len() > LONGEST {
            return false;
        }
        if self.credit >= COST {
            self.credit -= COST;
        } else if self.passed < RARELY {
            self.passed += 1;
            return false;
        }
        self.passed = 0;
        true
    }

    /// Whether the table is known not to have `key`.
    pub(crate) fn cover(&mut self, key: &str) -> bool {
        let Some(at) = self.known.iter().position(|gap| gap.covers(key)) else { return false };
        self.known[..=at].rotate_right(1);
        self.credit = RICHEST.min(self.credit + EARNED);
        true
    }

    /// The table does not have `key`, and `next` is the first one after it.
    pub(crate) fn learn(&mut self, key: &str, next: Option<&str>) {
        if next.is_some_and(|next| next.len() > LONGEST) {
            return;
        }
        if let Some(at) = self.known.iter().position(|gap| gap.to.as_deref() == next) {
            let from = &mut self.known[at].from;
            if *key < **from {
                from.clear();
                from.push_str(key);
            }
            self.known[..=at].rotate_right(1);
            return;
        }
        self.known.truncate(self.most - 1);
        self.known.insert(0, Gap { from: key.to_owned(), to: next.map(str::to_owned) });
    }

    /// The table is about to change, or has.
    pub(crate) fn clear(&mut self) {
        self.known.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Neighbours in a small alphabet, so that gaps meet, grow and push each other out.
        #[test]
        fn no_key_that_is_there_is_ever_in_a_gap(
            keys in prop::collection::btree_set("[a-c]{0,3}", 0..12), asked in prop::collection::vec("[a-c]{0,4}", 0..80),
        ) {
            let keys: BTreeSet<String> = keys;
            let mut gaps = Gaps::new(true);
            for key in asked {
                let covered = gaps.cover(&key);
                prop_assert!(!(covered && keys.contains(&key)), "{key}");
                if !covered && !keys.contains(&key) {
                    let next = keys.range(key.clone()..).next();
                    gaps.learn(&key, next.map(String::as_str));
                    prop_assert!(gaps.cover(&key), "{key}");
                }
                prop_assert!(gaps.known.len() <= MOST);
            }
        }
    }

    #[test]
    fn looks_that_are_not_rewarded_become_rare() {
        let mut gaps = Gaps::new(true);
        let looks = (0..1_600).filter(|_| gaps.are_worth_a_look("k")).count();
        assert!((90..110).contains(&looks), "{looks}");
        gaps.learn("k", None);
        assert!((0..4).all(|_| gaps.cover("k")));
        assert!(gaps.are_worth_a_look("k") && gaps.are_worth_a_look("k"));
        assert!(!gaps.are_worth_a_look("k"));
    }

    #[test]
    fn long_keys_and_stores_that_remember_nothing_have_no_gaps() {
        let (long, mut gaps) = ("k".repeat(LONGEST + 1), Gaps::new(true));
        assert!(!gaps.are_worth_a_look(&long) && gaps.are_worth_a_look(&long[1..]));
        gaps.learn("a", Some(&long));
        assert!(!gaps.cover("a"));
        gaps.learn("a", Some(&long[1..]));
        assert!(gaps.cover("a"));
        assert!(!Gaps::new(false).are_worth_a_look("a"));
    }

    #[test]
    fn one_look_tells_about_all_keys_up_to_the_next_one() {
        let mut gaps = Gaps::new(true);
        gaps.learn("k3", Some("k7"));
        assert!(gaps.cover("k3") && gaps.cover("k5") && gaps.cover("k6zz"));
        assert!(!gaps.cover("k2") && !gaps.cover("k7") && !gaps.cover("k8"));
        gaps.learn("k1", Some("k7"));
        assert!(gaps.cover("k2"), "it grows downwards");
        gaps.learn("z", None);
        assert!(gaps.cover("zzz") && gaps.cover("k4"));
        gaps.clear();
        assert!(!gaps.cover("k3") && !gaps.cover("z"));
    }
}
