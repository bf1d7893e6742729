//! The list of mutants that no test notices, each with the reason why.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use fs_err as fs;
use serde::Deserialize;

use super::outcomes::{Outcome, Outcomes, placeless};
use crate::shell;

/// Where the list is.
pub(super) const FILE: &str = "xtask/mutants/survivors.json";

/// Mutants of one file that survive for one reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    file: String,
    /// What cargo-mutants says of each, without its place. One that stands in two places of a function stands here twice.
    mutants: Vec<String>,
    why: String,
}

/// The list, as how often each mutant may survive.
#[derive(Debug)]
pub(super) struct Survivors {
    listed: BTreeMap<String, usize>,
}

impl Survivors {
    /// Reads the list.
    pub(super) fn read() -> Result<Self> {
        let path = shell::root().join(FILE);
        Self::parse(&fs::read_to_string(&path)?).with_context(|| path.display().to_string())
    }

    fn parse(text: &str) -> Result<Self> {
        let entries: Vec<Entry> = serde_json::from_str(text)?;
        let mut listed = BTreeMap::new();
        for Entry { file, mutants, why } in entries {
            anyhow::ensure!(!why.trim().is_empty(), "{file}: a survivor without a reason");
            for mutant in mutants {
                *listed.entry(format!("{file}: {mutant}")).or_default() += 1;
            }
        }
        Ok(Self { listed })
    }

    /// Whether a mutant is on the list at all.
    pub(super) fn lists(&self, name: &str) -> bool {
        self.listed.contains_key(&placeless(name))
    }

    /// What is wrong with `outcomes`, which are of all mutants of some files: survivors that are not on the list, and
    /// those on it that did not survive.
    pub(super) fn judge(&self, outcomes: &Outcomes) -> (Vec<String>, Vec<String>) {
        let mut left = self.listed.clone();
        let mut unlisted = Vec::new();
        for (name, _) in outcomes.iter().filter(|(_, outcome)| **outcome == Outcome::Missed) {
            match left.get_mut(&placeless(name)) {
                Some(times) if *times > 0 => *times -= 1,
                _ => unlisted.push(name.clone()),
            }
        }
        let file = |name: &str| name.split(':').next().unwrap_or_default().to_owned();
        let looked_at: std::collections::BTreeSet<_> = outcomes.keys().map(|name| file(name)).collect();
        let stale = left.into_iter().filter(|(name, times)| *times > 0 && looked_at.contains(&file(name)));
        (unlisted, stale.map(|(name, _)| name).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"[{"file": "f.rs", "mutants": ["a", "b", "b"], "why": "no matter"},
        {"file": "g.rs", "mutants": ["c"], "why": "never run"}]"#;

    fn judged(outcomes: &[(&str, Outcome)]) -> (Vec<String>, Vec<String>) {
        let outcomes = outcomes.iter().map(|(name, outcome)| ((*name).to_owned(), *outcome)).collect();
        Survivors::parse(LIST).unwrap().judge(&outcomes)
    }

    #[test]
    fn a_survivor_is_on_the_list_as_often_as_it_survives() {
        let missed = |name| (name, Outcome::Missed);
        let all = [missed("f.rs:1:1: a"), missed("f.rs:2:1: b"), missed("f.rs:3:1: b")];
        assert_eq!(judged(&all), (vec![], vec![]));
        let more = [&all[..], &[missed("f.rs:4:1: b"), missed("f.rs:4:1: d")]].concat();
        assert_eq!(judged(&more), (vec!["f.rs:4:1: b".to_owned(), "f.rs:4:1: d".to_owned()], vec![]));
    }

    #[test]
    fn what_is_on_the_list_and_was_caught_has_to_go_from_it() {
        let caught =
            [("f.rs:1:1: a", Outcome::Caught), ("f.rs:2:1: b", Outcome::Missed), ("f.rs:3:1: b", Outcome::Missed)];
        assert_eq!(judged(&caught), (vec![], vec!["f.rs: a".to_owned()]));
    }

    #[test]
    fn every_survivor_has_a_reason() {
        assert!(Survivors::parse(r#"[{"file": "f.rs", "mutants": ["a"], "why": " "}]"#).is_err());
        assert!(!Survivors::read().unwrap().listed.is_empty());
    }
}
