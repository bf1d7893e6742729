//! The kernel's own tests that touch the store, with another package in the store's place.
//!
//! Its npm package has no tests in it, so they come from a checkout of its sources; only those of the installed version will do. The
//! kernel itself is the installed one. All tests of the listed files pass on the reference, so all must pass, and none be missing.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::node;
use crate::peer::{self, Test};
use crate::under_test::UnderTest;

/// Which files are run, with the number of tests that each of them has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Suite {
    version: String,
    /// What the kernel does with transcripts, snapshots and several stores.
    files: Files,
    /// Whatever else runs on a store.
    more: Files,
    /// Files that give `makeSnapStore` a handle of better-sqlite3. They get one of the package's own.
    handles: Vec<String>,
}

type Files = BTreeMap<String, usize>;

/// Runs the tests in a checkout's folder of the kernel; with `whole`, also those for which the store is only where things are kept.
pub(crate) fn suite(package: &UnderTest, checkout: &Path, whole: bool) -> Result<()> {
    let scripts = fs::canonicalize(node::install_kernel()?)?;
    let suite: Suite = serde_json::from_str(&fs::read_to_string(scripts.join("suite.json"))?)?;
    let place = scripts.join("suite");
    set_up(&scripts, &place, checkout, &suite)?;
    let files = suite.wanted(whole);
    let mut command = Command::new("node");
    command.arg(scripts.join("node_modules/ava/entrypoints/cli.mjs")).args(["--tap", "--concurrency", "2"]);
    let bundles = place.join("bundles");
    fs::create_dir_all(&bundles)?;
    command.args(files.keys()).current_dir(&place).env("SUITE_BUNDLES", bundles).env_remove("STORE_WRONG");
    if package.is_reference() {
        command.env_remove("STORE_PACKAGE").env_remove("SUITE_HANDLES");
    } else {
        command.env("STORE_PACKAGE", package.folder(Path::new(""))?);
        command.env("SUITE_HANDLES", serde_json::to_string(&suite.handles)?);
    }
    let output = command.stderr(Stdio::null()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    fs::write(place.join("tap.txt"), text.as_bytes())?;
    let tests = peer::tests(&text);
    let wrong = wrong(&files, &tests);
    wrong.iter().for_each(|line| println!("  WRONG: {line}"));
    if !wrong.is_empty() || !output.status.success() {
        bail!("the kernel's own tests do not pass on {package} ({})", output.status);
    }
    println!("the kernel's own tests pass on {package}: {} tests in {} files", tests.len(), files.len());
    Ok(())
}

impl Suite {
    fn wanted(&self, whole: bool) -> Files {
        let more = if whole { self.more.clone() } else { Files::new() };
        self.files.clone().into_iter().chain(more).collect()
    }

    fn named(&self) -> impl Iterator<Item = &str> {
        self.files.keys().chain(self.more.keys()).chain(&self.handles).map(String::as_str)
    }
}

/// Tests that fail, and files that have not run as many tests as they have.
fn wrong(files: &Files, tests: &[Test]) -> Vec<String> {
    let titles: Vec<_> = files.keys().map(|file| (title_of(file), file)).collect();
    // A folder may have the name of a file beside it: the longest is the test's own.
    let own = |test: &Test| {
        let fits = titles.iter().filter(|(title, _)| test.title.starts_with(title));
        fits.max_by_key(|(title, _)| title.len()).map(|(_, file)| *file)
    };
    let mut ran = BTreeMap::<_, usize>::new();
    tests.iter().filter_map(own).for_each(|file| *ran.entry(file).or_default() += 1);
    let failed =
        tests.iter().filter(|test| !test.passed).map(|test| format!("fails: {}\n{}", test.title, test.details));
    let missing = files.iter().filter_map(|(file, has)| {
        let ran = ran.get(file).copied().unwrap_or_default();
        (ran != *has).then(|| format!("{ran} tests of {file} were run, but it has {has}"))
    });
    failed.chain(missing).collect()
}

/// What the titles of a file's tests begin with. AVA leaves out a `test-` of its name.
fn title_of(file: &str) -> String {
    let path = file.trim_start_matches("test/").trim_end_matches(".test.js");
    let mut parts: Vec<_> = path.split('/').map(str::to_owned).collect();
    if let Some(name) = parts.last_mut() {
        *name = name.replacen("test-", "", 1);
    }
    format!("{} › ", parts.join(" › "))
}

/// The installed kernel's sources, with the checkout's tests, and what these look for, beside them.
fn set_up(scripts: &Path, place: &Path, checkout: &Path, suite: &Suite) -> Result<()> {
    let version = |folder: &Path| -> Result<Value> {
        let manifest = fs::read_to_string(folder.join("package.json"))?;
        serde_json::from_str(&manifest).with_context(|| format!("{} has no manifest", folder.display()))
    };
    let kernel = scripts.join("node_modules/@agoric/swingset-vat");
    let mut manifest = version(&kernel)?;
    for (what, found) in
        [("the checkout", &version(checkout)?["version"]), ("the installed kernel", &manifest["version"])]
    {
        if *found != json!(suite.version) {
            bail!("{what} is version {found}; the list of tests is for {}", suite.version);
        }
    }
    if place.exists() {
        fs::remove_dir_all(place)?;
    }
    for (from, name) in [(kernel.as_path(), "src"), (kernel.as_path(), "tools"), (checkout, "test"), (checkout, "demo")]
    {
        copy(&from.join(name), &place.join(name))?;
    }
    if let Some(file) = suite.named().find(|file| !place.join(file).exists()) {
        bail!("on the list, but there is no such file: {file}");
    }
    manifest["ava"]["nodeArguments"] = json!([format!("--import={}", scripts.join("redirect.mjs").display())]);
    Ok(fs::write(place.join("package.json"), format!("{manifest:#}\n"))?)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name()))?,
            false => fs::copy(entry.path(), to.join(entry.file_name())).map(drop)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Files, title_of, wrong};
    use crate::peer::tests;

    #[test]
    fn failures_and_tests_that_were_not_run_are_told() {
        let files: Files =
            [("test/a.test.js", 1), ("test/a/c.test.js", 2)].map(|(file, has)| (file.into(), has)).into();
        assert_eq!(title_of("test/a/c.test.js"), "a › c › ");
        assert_eq!(title_of("test/a-test-c/d-test-e.test.js"), "a-test-c › d-e › ");
        assert!(wrong(&files, &tests("ok 1 - a › one\nok 2 - a › c › one\nok 3 - a › c › two\n")).is_empty());
        assert_eq!(
            wrong(&files, &tests("ok 1 - a › c › one\nok 2 - a › c › two\n")),
            ["0 tests of test/a.test.js were run, but it has 1"]
        );
        assert_eq!(
            wrong(&files, &tests("ok 1 - a › one\nok 2 - a › c › one\n")),
            ["1 tests of test/a/c.test.js were run, but it has 2"]
        );
        let failed = wrong(&files, &tests("not ok 1 - a › one\nok 2 - a › c › one\nok 3 - a › c › two\n"));
        assert_eq!(failed, ["fails: a › one\n"]);
    }
}
