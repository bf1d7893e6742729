//! Where the table has no keys.
//!
//! Whoever asks for keys that are not there mostly asks for many that would stand beside each other: the next id, the
//! entries of something empty. One more look at the table tells about all of them: at which key comes next. Where they are
//! strewn about it tells about one only, so it is taken as long as it is rewarded, and now and then otherwise. What a block
//! adds cuts a gap in two, so that a kernel that counts its ids up asks the table once.

use std::collections::BTreeMap;
use std::mem;
use std::ops::Bound;

/// So many are remembered.
const MOST: usize = 4096;
/// A gap between longer keys is not kept: what is here is bounded, and too little to be counted.
const LONGEST: usize = 256;

/// What a look beyond a key costs, as it were, and what is earned by not having to look at the table at all.
const COST: u32 = 2;
const EARNED: u32 = 1;
const RICHEST: u32 = 64;
/// Without credit, one look in so many is taken all the same.
const RARELY: u32 = 16;

/// Where a gap ends.
struct End {
    /// The first key that may be there. `None`: the gap goes on to the end of all keys.
    to: Option<String>,
    /// Somebody has asked for a key in it lately.
    used: bool,
}

impl End {
    fn is_past(&self, key: &str) -> bool {
        self.to.as_deref().is_none_or(|to| key < to)
    }
}

/// The gap that was asked for last, found without a search.
#[derive(Default)]
struct Last {
    from: String,
    to: Option<String>,
    /// It is a copy of one that is remembered.
    is_known: bool,
}

impl Last {
    /// Their room is there already, mostly.
    fn set(&mut self, from: &str, to: Option<&str>, is_known: bool) {
        from.clone_into(&mut self.from);
        match (&mut self.to, to) {
            (Some(room), Some(to)) => to.clone_into(room),
            (room, to) => *room = to.map(str::to_owned),
        }
        self.is_known = is_known;
    }
}

/// Some of the gaps between the table's keys. They can be forgotten at any time.
pub(crate) struct Gaps {
    /// By where they begin. They do not overlap.
    known: BTreeMap<String, End>,
    last: Option<Last>,
    /// Whether anything is to be remembered at all.
    remembered: bool,
    credit: u32,
    /// Looks not taken since the last one.
    passed: u32,
}

impl Gaps {
    /// None yet; and none ever if nothing is to be `remembered`.
    pub(crate) fn new(remembered: bool) -> Self {
        Self { known: BTreeMap::new(), last: None, remembered, credit: 4 * COST, passed: 0 }
    }

    /// Whether to look which key comes after `key`, which the table turned out not to have.
    pub(crate) fn are_worth_a_look(&mut self, key: &str) -> bool {
        if !self.remembered || key.len() > LONGEST {
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

    /// Whether the table is known not to have `key`, since it is in the gap that was asked for last.
    pub(crate) fn cover_again(&mut self, key: &str) -> bool {
        let Some(Last { from, to, is_known }) = &mut self.last else { return false };
        let covers = **from <= *key && to.as_deref().is_none_or(|to| key < to);
        if covers && !*is_known {
            *is_known = true;
            let (from, to) = (from.clone(), to.clone());
            self.learn(&from, to.as_deref());
        }
        covers
    }

    /// Whether the table is known not to have `key`.
    pub(crate) fn cover(&mut self, key: &str) -> bool {
        let Some((from, end)) = around(&mut self.known, key) else { return false };
        end.used = true;
        self.last.get_or_insert_default().set(from, end.to.as_deref(), true);
        self.credit = RICHEST.min(self.credit + EARNED);
        true
    }

    /// The table does not have `key`, and `next` is the first one after it. Forgotten at once if it is not to be remembered, or cannot be so:
    /// a damaged b-tree may answer anything.
    pub(crate) fn learn(&mut self, key: &str, next: Option<&str>) {
        // Whatever is known of `key` already goes as far; and no two overlap.
        if !self.may_be_remembered(key, next) || around(&mut self.known, key).is_some() {
            return;
        }
        let within = (Bound::Included(key), next.map_or(Bound::Unbounded, Bound::Excluded));
        while let Some((from, _)) = self.known.range::<str, _>(within).next() {
            let from = from.clone();
            self.known.remove(&from);
        }
        self.insert(key.to_owned(), End { to: next.map(str::to_owned), used: false });
    }

    /// The same from who did not have to look: it is remembered if a look would have been worth it.
    pub(crate) fn hear_of(&mut self, key: &str, next: Option<&str>) {
        if self.are_worth_a_look(key) { self.learn(key, next) } else { self.learn_for_now(key, next) }
    }

    /// The same, but remembered only if the next question is for another key in it: of keys that are strewn about it never is.
    pub(crate) fn learn_for_now(&mut self, key: &str, next: Option<&str>) {
        if !self.may_be_remembered(key, next) {
            return;
        }
        self.last.get_or_insert_default().set(key, next, false);
    }

    fn may_be_remembered(&self, key: &str, next: Option<&str>) -> bool {
        let is_short = |key: &str| key.len() <= LONGEST;
        self.remembered && is_short(key) && next.is_none_or(|next| is_short(next) && key < next)
    }

    fn insert(&mut self, from: String, end: End) {
        if self.known.len() >= MOST {
            self.known.retain(|_, end| mem::take(&mut end.used));
            if self.known.len() > MOST / 4 * 3 {
                self.known.clear();
            }
        }
        self.known.insert(from, end);
    }

    /// The table gets these keys, in order. Between two of them in the same gap nothing is known any more: who adds keys adds
    /// them in order, so it is behind the last one that somebody will ask.
    pub(crate) fn fill<'k>(&mut self, keys: impl IntoIterator<Item = &'k str>) {
        let mut keys = keys.into_iter().peekable();
        while let Some(first) = keys.next() {
            self.last = None;
            let Some((from, end)) = around(&mut self.known, first) else { continue };
            let mut last = first;
            while let Some(key) = keys.next_if(|key| end.is_past(key)) {
                last = key;
            }
            let behind = if first.len() >= LONGEST || from == first {
                let from = from.to_owned();
                self.known.remove(&from)
            } else {
                Some(End { to: end.to.replace(first.to_owned()), used: mem::take(&mut end.used) })
            };
            if let Some(behind) = behind
                && last.len() < LONGEST
            {
                self.go_on_after(last, behind);
            }
        }
    }

    fn go_on_after(&mut self, key: &str, end: End) {
        let from = [key, "\0"].concat();
        if end.is_past(&from) {
            self.insert(from, end);
        }
    }

    /// Nothing is known any more.
    pub(crate) fn clear(&mut self) {
        self.known.clear();
        self.last = None;
    }
}

/// The one of these gaps that `key` is in.
fn around<'k>(known: &'k mut BTreeMap<String, End>, key: &str) -> Option<(&'k str, &'k mut End)> {
    let upto = (Bound::Unbounded, Bound::Included(key));
    let (from, end) = known.range_mut::<str, _>(upto).next_back()?;
    end.is_past(key).then_some((from, end))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Ask(String),
        Add(BTreeSet<String>),
        Delete(String),
    }

    /// Neighbours in a small alphabet, so that gaps meet, grow, are cut and swallow each other.
    fn step() -> impl Strategy<Value = Step> {
        let key = || "[a-c\0]{0,3}";
        prop_oneof![
            4 => key().prop_map(Step::Ask),
            2 => prop::collection::btree_set(key(), 1..4).prop_map(Step::Add),
            1 => key().prop_map(Step::Delete),
        ]
    }

    /// All that can be asked for.
    fn keys() -> BTreeSet<String> {
        let mut keys = BTreeSet::from([String::new()]);
        for _ in 0..3 {
            keys.extend(keys.clone().iter().flat_map(|key| ["a", "b", "c", "\0"].map(|end| [key, end].concat())));
        }
        keys
    }

    proptest! {
        #[test]
        fn they_have_the_keys_that_were_found_absent_less_those_added_and_no_others(
            steps in prop::collection::vec(step(), 0..120),
        ) {
            let (all, mut table, mut absent) = (keys(), BTreeSet::new(), BTreeSet::new());
            let mut gaps = Gaps::new(true);
            for step in steps {
                match step {
                    Step::Ask(key) => {
                        let covered = gaps.cover(&key);
                        prop_assert_eq!(covered, absent.contains(&key), "{:?}", key);
                        prop_assert!(!covered || gaps.cover_again(&key));
                        if !covered && !table.contains(&key) {
                            let next = table.range(key.clone()..).next();
                            gaps.learn(&key, next.map(String::as_str));
                            absent.extend(all.range(key..).take_while(|key| !table.contains(*key)).cloned());
                        }
                    }
                    Step::Add(keys) => {
                        gaps.fill(keys.iter().map(String::as_str));
                        absent.retain(|key| !keys.contains(key));
                        // Between those that were added it may know less now.
                        let between = |key: &String| keys.first() < Some(key) && Some(key) < keys.last();
                        absent.retain(|key| !between(key) || around(&mut gaps.known, key).is_some());
                        table.extend(keys);
                    }
                    Step::Delete(key) => drop(table.remove(&key)),
                }
                for key in &all {
                    prop_assert_eq!(around(&mut gaps.known, key).is_some(), absent.contains(key), "{:?}", key);
                    prop_assert!(absent.contains(key) || !gaps.cover_again(key), "{:?}", key);
                }
                let ends = gaps.known.values().map(|end| end.to.as_deref());
                let begins = gaps.known.keys().skip(1);
                prop_assert!(ends.zip(begins).all(|(end, begin)| end.is_some_and(|end| end <= &**begin)), "they overlap");
            }
        }
    }

    #[test]
    fn a_gap_that_is_filled_leaves_one_on_either_side() {
        let mut gaps = Gaps::new(true);
        gaps.learn("k3", Some("k7"));
        gaps.fill(["k5"]);
        assert!(gaps.cover("k3") && gaps.cover("k4") && !gaps.cover("k5") && gaps.cover("k5\0") && gaps.cover("k6"));
        gaps.fill(["k3"]);
        assert!(!gaps.cover("k3") && gaps.cover("k30") && gaps.cover("k4"));
    }

    #[test]
    fn keys_in_one_gap_leave_what_is_before_the_first_and_behind_the_last() {
        let mut gaps = Gaps::new(true);
        gaps.learn("b", Some("k"));
        gaps.learn("m", Some("t"));
        gaps.fill(["a", "c", "e", "g", "l", "n", "z"]);
        let covered = ["b", "d", "f", "h", "m", "o"].map(|key| gaps.cover(key));
        assert_eq!(covered, [true, false, false, true, true, true]);
    }

    #[test]
    fn beside_a_key_that_is_too_long_nothing_is_kept() {
        let long = "x".repeat(LONGEST);
        let filled = |from: &str, key: &str| {
            let mut gaps = Gaps::new(true);
            gaps.learn(from, Some("z"));
            gaps.fill([key]);
            (gaps.cover("w"), gaps.cover("y"))
        };
        assert_eq!(filled("a", &long[1..]), (true, true));
        assert_eq!(filled("a", &long), (false, false));
        assert_eq!(filled(&long[1..], &long[1..]), (false, true));
        assert_eq!(filled(&long, &long), (false, false));
    }

    #[test]
    fn they_are_bounded_and_those_that_nobody_asks_for_go_first() {
        let mut gaps = Gaps::new(true);
        gaps.learn("asked for", Some("b"));
        for at in 0..5 * MOST {
            let key = format!("k{at:06}");
            gaps.learn(&key, Some(&format!("{key}x")));
            assert!(gaps.known.len() <= MOST);
            assert!(at % 1000 > 0 || gaps.cover("asked for"), "{at}");
        }
        assert!(!gaps.cover("k000000"));
    }

    /// As many gaps as are remembered, so many of them asked for, and then one more.
    fn crowded(asked_for: usize) -> Gaps {
        let mut gaps = Gaps::new(true);
        for at in 0..=MOST {
            let key = format!("k{at:06}");
            gaps.learn(&key, Some(&format!("{key}x")));
            assert!(at >= asked_for || gaps.cover(&key));
        }
        gaps
    }

    #[test]
    fn when_too_many_are_asked_for_they_begin_anew() {
        let stay = MOST / 4 * 3;
        assert_eq!(crowded(stay).known.len(), stay + 1);
        assert_eq!(crowded(stay + 1).known.len(), 1);
        assert_eq!(crowded(MOST).known.len(), 1);
    }

    #[test]
    fn looks_that_are_not_rewarded_become_rare() {
        fn looks(gaps: &mut Gaps, times: u32) -> Vec<u32> {
            (0..times).filter(|_| gaps.are_worth_a_look("k")).collect()
        }
        let mut gaps = Gaps::new(true);
        assert_eq!(looks(&mut gaps, 50), [0, 1, 2, 3, 4 + RARELY, 5 + 2 * RARELY]);
        gaps.learn("k", None);
        assert!((0..2 * COST).all(|_| gaps.cover("k")));
        assert_eq!(looks(&mut gaps, RARELY), [0, 1]);
        assert!((0..10 * RICHEST).all(|_| gaps.cover("k")));
        assert_eq!(looks(&mut gaps, RICHEST).len() as u32, RICHEST / COST + 1, "the riches are bounded");
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

    #[test]
    fn a_next_key_that_does_not_come_after_is_not_believed() {
        let mut gaps = Gaps::new(true);
        gaps.learn("m", Some("p"));
        gaps.learn("k", Some("a"));
        gaps.learn("k", Some("k"));
        assert!(!gaps.cover("k") && !gaps.cover("b") && gaps.cover("m"));
        assert_eq!(gaps.known.len(), 1);
    }

    #[test]
    fn what_is_learnt_for_now_is_remembered_when_another_key_in_it_is_asked_for_next() {
        let mut gaps = Gaps::new(true);
        gaps.learn_for_now("k3", Some("k7"));
        gaps.learn_for_now("m", None);
        assert!(!gaps.cover_again("k5") && !gaps.cover("k5"), "nobody asked");
        assert!(gaps.cover_again("n") && gaps.cover("m"));
        gaps.learn_for_now("k3", Some("k7"));
        assert!(gaps.cover_again("k5"));
        gaps.learn_for_now("a", Some("b"));
        assert!(gaps.cover("k3") && gaps.cover("k6") && !gaps.cover("k7") && gaps.cover("z"));
        for (key, next) in [("b", Some("a")), ("b", Some("b"))] {
            gaps.learn_for_now(key, next);
            assert!(!gaps.cover_again("b"));
        }
        gaps.learn_for_now("c", Some("d"));
        assert!(!gaps.cover_again("e") && !gaps.cover("c"), "it was for a key elsewhere that somebody asked");
        let mut gaps = Gaps::new(false);
        gaps.learn_for_now("a", None);
        assert!(!gaps.cover_again("b"));
    }

    proptest! {
        #[test]
        fn no_key_of_the_table_is_ever_said_to_be_absent(steps in prop::collection::vec((step(), any::<bool>()), 0..120)) {
            let (all, mut table, mut gaps) = (keys(), BTreeSet::new(), Gaps::new(true));
            for (step, for_now) in steps {
                match step {
                    Step::Ask(key) => {
                        let next = table.range(key.clone()..).next().map(String::as_str);
                        match next != Some(&key) && !gaps.cover_again(&key) && !gaps.cover(&key) {
                            true if for_now => gaps.learn_for_now(&key, next),
                            true => gaps.learn(&key, next),
                            false => {}
                        }
                    }
                    Step::Add(keys) => {
                        gaps.fill(keys.iter().map(String::as_str));
                        table.extend(keys);
                    }
                    Step::Delete(key) => drop(table.remove(&key)),
                }
                let there = all.iter().filter(|key| table.contains(*key));
                for key in there {
                    prop_assert!(around(&mut gaps.known, key).is_none() && !gaps.cover_again(key), "{:?}", key);
                }
            }
        }
    }
}
