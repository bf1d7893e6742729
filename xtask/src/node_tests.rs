//! `cargo xtask node --test`: the package's own tests, in Node.js, with the reference beside it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use fs_err as fs;

use crate::node::{self, Release};
use crate::node_package::copy_all;
use crate::shell::{root, run};

/// How many tests there are. With fewer something was not run; whoever adds one counts it here.
const TESTS: usize = 480;

/// Runs the tests under the Node.js that is installed.
pub(crate) fn test(package: &Path) -> Result<()> {
    test_with(Command::new("node"), &node::install()?, package)
}

/// The same under another one, with a reference of its own.
pub(crate) fn test_under(release: &Release, package: &Path) -> Result<()> {
    let (reference, programs) = release.install()?;
    let mut node = Command::new(programs.join("node"));
    // For what the tests start.
    node.env("PATH", node::before_others(&programs)?);
    test_with(node, &reference, package)
}

/// Puts the tests and the package below the reference, where each finds the other, and runs them.
fn test_with(mut node: Command, reference: &Path, package: &Path) -> Result<()> {
    let folder = reference.join("npm-tests");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    copy_all(&root().join("crates/swing-node/npm-tests"), &folder)?;
    copy_all(package, &folder.join("node_modules/swing-node"))?;
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let name = entry?.file_name();
        if name.to_string_lossy().ends_with(".test.mjs") {
            files.push(name);
        }
    }
    files.sort();
    let report = folder.join("report.tap");
    node.args(["--test", "--test-reporter=spec", "--test-reporter-destination=stdout", "--test-reporter=tap"]);
    node.arg(format!("--test-reporter-destination={}", report.display())).args(&files).current_dir(&folder);
    run(&mut node)?;
    let passed = passed(&fs::read_to_string(&report)?)?;
    if passed != TESTS {
        bail!("{passed} tests passed, but there are {TESTS}");
    }
    Ok(())
}

/// How many tests passed, as the last lines of a report say.
fn passed(report: &str) -> Result<usize> {
    let line = report.lines().rev().find_map(|line| line.strip_prefix("# pass "));
    line.context("the run left no report")?.parse().context("the report is cut off")
}

#[cfg(test)]
mod tests {
    use super::passed;

    #[test]
    fn a_report_says_how_many_tests_passed() {
        let report = "TAP version 13\nok 1 - # pass 7\n# tests 3\n# pass 2\n# skipped 1\n";
        assert_eq!(passed(report).expect("a report"), 2);
        assert!(passed("TAP version 13\nok 1 - a\n").is_err());
        assert!(passed("# pass ").is_err());
    }
}
