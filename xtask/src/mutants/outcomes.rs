//! What became of each mutant, as cargo-mutants writes it down.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use fs_err as fs;
use serde::Deserialize;
use serde_json::Value;

/// What became of a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A test failed.
    Caught,
    /// The tests did not come to an end.
    Timeout,
    /// No test noticed.
    Missed,
    /// It is no program.
    Unviable,
}

/// All outcomes by the mutant's whole name, with its place.
pub(super) type Outcomes = BTreeMap<String, Outcome>;

#[derive(Deserialize)]
struct Written {
    outcomes: Vec<One>,
}

#[derive(Deserialize)]
struct One {
    /// A string for the run without a mutant.
    scenario: Value,
    summary: String,
}

/// Reads the outcomes of a run, whose output is in `dir`.
pub(super) fn read(dir: &Path) -> Result<Outcomes> {
    let path = dir.join("mutants.out/outcomes.json");
    let written: Written = serde_json::from_slice(&fs::read(&path)?)
        .with_context(|| format!("{} is not what cargo-mutants 27 writes", path.display()))?;
    let known = written.outcomes.into_iter().filter_map(|one| {
        let name = one.scenario.pointer("/Mutant/name")?.as_str()?.to_owned();
        let outcome = match one.summary.as_str() {
            "CaughtMutant" => Outcome::Caught,
            "Timeout" => Outcome::Timeout,
            "MissedMutant" => Outcome::Missed,
            "Unviable" => Outcome::Unviable,
            // It was interrupted.
            _ => return None,
        };
        Some((name, outcome))
    });
    Ok(known.collect())
}

/// A mutant's name without its line and column, which change with every line above it.
pub(super) fn placeless(name: &str) -> String {
    let mut parts = name.splitn(4, ':');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(file), Some(_), Some(_), Some(what)) => format!("{file}:{what}"),
        _ => name.to_owned(),
    }
}

/// How many have come out so.
pub(super) fn count(outcomes: &Outcomes, outcome: Outcome) -> usize {
    outcomes.values().filter(|found| **found == outcome).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_loses_its_place_and_nothing_else() {
        let name = "crates/a/src/b.rs:30:9: replace <impl Footprint for std::sync::Arc<str>>::bytes -> usize with 1";
        let expected = "crates/a/src/b.rs: replace <impl Footprint for std::sync::Arc<str>>::bytes -> usize with 1";
        assert_eq!(placeless(name), expected);
    }

    #[test]
    fn what_was_interrupted_is_no_outcome() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("mutants.out")).unwrap();
        let text = r#"{"outcomes": [{"scenario": "Baseline", "summary": "Success"},
            {"scenario": {"Mutant": {"name": "f.rs:1:2: x"}}, "summary": "CaughtMutant"},
            {"scenario": {"Mutant": {"name": "f.rs:1:3: y"}}, "summary": "MissedMutant"},
            {"scenario": {"Mutant": {"name": "f.rs:1:4: z"}}, "summary": "Failure"}], "total_mutants": 3}"#;
        fs::write(dir.path().join("mutants.out/outcomes.json"), text).unwrap();
        let outcomes = read(dir.path()).unwrap();
        assert_eq!(outcomes.len(), 2);
        assert_eq!((count(&outcomes, Outcome::Caught), count(&outcomes, Outcome::Missed)), (1, 1));
    }
}
