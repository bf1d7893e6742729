//! Which tests are expected to do what: the list in `expected.json`, and a run judged by it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use fs_err as fs;
use serde::Deserialize;

use super::tap::Test;

/// What is known about the tests of every release.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listed {
    pub(crate) releases: Vec<Release>,
    exclusions: Vec<Exclusion>,
}

/// A release of the reference.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Release {
    pub(crate) version: String,
    /// The package's name where the reference is installed.
    pub(crate) module: String,
    /// How many tests it has. With fewer something was not run.
    pub(crate) tests: usize,
}

/// A test that says nothing about the package, or that the package is not meant to pass.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exclusion {
    /// The whole title, with the test's file before it.
    title: String,
    /// In which releases; in all of them if there are none.
    #[serde(default)]
    versions: Vec<String>,
    /// What its failure says, so that nothing else can hide behind it. Without this it passes whatever the package does, and is
    /// not counted.
    #[serde(default)]
    fails: Option<String>,
    reason: String,
}

/// A run held against the list.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) passed: usize,
    /// Titles with the reason for which they are left out.
    pub(crate) excluded: Vec<(String, String)>,
    pub(crate) wrong: Vec<String>,
}

impl Listed {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        serde_json::from_str(&fs::read_to_string(path)?).with_context(|| format!("{} is no list", path.display()))
    }

    /// Judges the tests of a release. The reference has no exclusions: it must pass everything.
    pub(crate) fn judge(&self, release: &Release, tests: &[Test], reference: bool) -> Verdict {
        let mut verdict = Verdict::default();
        let applies = |exclusion: &&Exclusion| {
            !reference && (exclusion.versions.is_empty() || exclusion.versions.contains(&release.version))
        };
        let mut exclusions: BTreeMap<_, _> =
            self.exclusions.iter().filter(applies).map(|exclusion| (exclusion.title.as_str(), exclusion)).collect();
        for test in tests {
            let exclusion = exclusions.remove(test.title.as_str());
            match (exclusion, test.passed) {
                (None, true) => verdict.passed += 1,
                (None, false) => verdict.wrong.push(format!("fails: {}\n{}", test.title, test.details)),
                (Some(exclusion), passed) => {
                    verdict.excluded.push((test.title.clone(), exclusion.reason.clone()));
                    verdict.wrong.extend(exclusion.contradiction(test, passed));
                }
            }
        }
        verdict.wrong.extend(exclusions.keys().map(|title| format!("on the list, but there is no such test: {title}")));
        if tests.len() != release.tests {
            let (ran, known) = (tests.len(), release.tests);
            verdict.wrong.push(format!("{ran} tests were run, but {} has {known}", release.version));
        }
        verdict
    }
}

impl Exclusion {
    fn contradiction(&self, test: &Test, passed: bool) -> Option<String> {
        let title = &self.title;
        match (&self.fails, passed) {
            (None, false) => Some(format!("should pass whatever the package does: {title}\n{}", test.details)),
            (Some(_), true) => Some(format!("passes, so it does not belong on the list: {title}")),
            (Some(says), false) if !test.details.contains(says.as_str()) => {
                Some(format!("fails, but not for the reason on the list ({says:?}): {title}\n{}", test.details))
            }
            (None, true) | (Some(_), false) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Listed, Verdict};
    use crate::peer::tap::Test;

    const LIST: &str = r#"{
        "releases": [{"version": "1", "module": "one", "tests": 2}],
        "exclusions": [{"title": "f › b", "fails": "no handle", "reason": "drives a handle"}]
    }"#;

    fn test(title: &str, passed: bool, details: &str) -> Test {
        Test { title: title.into(), passed, details: details.into() }
    }

    fn judged(tests: &[Test], reference: bool) -> Verdict {
        let list: Listed = serde_json::from_str(LIST).expect("a list");
        list.judge(&list.releases[0], tests, reference)
    }

    #[test]
    fn what_is_listed_may_fail_for_its_reason_only() {
        let a = || test("f › a", true, "");
        assert!(judged(&[a(), test("f › b", false, "message: no handle")], false).wrong.is_empty());
        for (what, tests) in [
            ("another reason", vec![a(), test("f › b", false, "message: segfault")]),
            ("passes", vec![a(), test("f › b", true, "")]),
            ("is gone", vec![a(), test("f › c", true, "")]),
            ("not listed", vec![test("f › a", false, ""), test("f › b", false, "no handle")]),
            ("a test is missing", vec![test("f › b", false, "no handle")]),
        ] {
            assert_eq!(judged(&tests, false).wrong.len(), 1, "{what}");
        }
    }

    #[test]
    fn the_reference_passes_everything() {
        assert_eq!(judged(&[test("f › a", true, ""), test("f › b", true, "")], true).passed, 2);
        assert_eq!(judged(&[test("f › a", true, ""), test("f › b", false, "no handle")], true).wrong.len(), 1);
    }
}
