//! How many calls were made, and how many of them could be done: a generator whose calls all fail tests little.

use std::collections::BTreeMap;
use std::fmt;

/// What became of a call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fate {
    Done,
    RefusedByBoth,
    RefusedByUsAlone,
}

/// Counts by operation, named as the driver names it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally(BTreeMap<String, [u64; 3]>);

impl Tally {
    pub(crate) fn count(&mut self, operation: &str, fate: Fate) {
        self.0.entry(operation.to_owned()).or_default()[fate as usize] += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (operation, counts) in &other.0 {
            let mine = self.0.entry(operation.clone()).or_default();
            mine.iter_mut().zip(counts).for_each(|(mine, other)| *mine += other);
        }
    }

    /// One line an operation.
    pub(crate) fn table(&self) -> String {
        let lines = self.0.iter().map(|(operation, [done, both, us])| {
            format!("  {operation:8}{done:8} done{both:8} refused by both{us:6} by us alone\n")
        });
        lines.collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |fate: Fate| self.0.values().map(|counts| counts[fate as usize]).sum::<u64>();
        let (done, both, us) = (of(Fate::Done), of(Fate::RefusedByBoth), of(Fate::RefusedByUsAlone));
        write!(f, "{done} calls done, {both} refused by both, {us} by us alone")
    }
}
