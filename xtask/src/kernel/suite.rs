//! The kernel's own tests that touch the store, with another package in the store's place.
//!
//! Its npm package has no tests in it, so they come from a checkout of its sources; only those of the installed version will do. The
//! kernel itself is the installed one. All of them pass on the reference, so all must pass.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::node;
use crate::peer::{self, Test};
use crate::under_test::UnderTest;

/// Which files are run, and which would be if they were not about something else.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Suite {
    version: String,
    files: Vec<String>,
    excluded: Vec<Excluded>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Excluded {
    file: String,
    reason: String,
}

/// Runs the tests in a checkout's folder of the kernel.
pub(crate) fn suite(package: &UnderTest, checkout: &Path) -> Result<()> {
    let scripts = fs::canonicalize(node::install_kernel()?)?;
    let suite: Suite = serde_json::from_str(&fs::read_to_string(scripts.join("suite.json"))?)?;
    let place = scripts.join("suite");
    set_up(&scripts, &place, checkout, &suite)?;
    let mut command = Command::new("node");
    command.arg(scripts.join("node_modules/ava/entrypoints/cli.mjs")).args(["--tap", "--concurrency", "2"]);
    command.args(&suite.files).current_dir(&place).env_remove("STORE_PACKAGE").env_remove("STORE_WRONG");
    if !package.is_reference() {
        command.env("STORE_PACKAGE", package.folder(Path::new(""))?);
    }
    let output = command.stderr(Stdio::null()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    fs::write(place.join("tap.txt"), text.as_bytes())?;
    let tests = peer::tests(&text);
    suite.excluded.iter().for_each(|excluded| println!("  left out: {}: {}", excluded.file, excluded.reason));
    let wrong = wrong(&suite, &tests);
    wrong.iter().for_each(|line| println!("  WRONG: {line}"));
    if !wrong.is_empty() || !output.status.success() {
        bail!("the kernel's own tests do not pass on {package} ({})", output.status);
    }
    println!("the kernel's own tests pass on {package}: {} tests in {} files", tests.len(), suite.files.len());
    Ok(())
}

/// Tests that fail, and files of which no test was run.
fn wrong(suite: &Suite, tests: &[Test]) -> Vec<String> {
    let failed =
        tests.iter().filter(|test| !test.passed).map(|test| format!("fails: {}\n{}", test.title, test.details));
    let silent = suite.files.iter().filter(|file| !tests.iter().any(|test| test.title.starts_with(&title_of(file))));
    failed.chain(silent.map(|file| format!("no test of {file} was run"))).collect()
}

/// What the titles of a file's tests begin with.
fn title_of(file: &str) -> String {
    let path = file.trim_start_matches("test/").trim_end_matches(".test.js");
    format!("{} › ", path.replace('/', " › "))
}

/// The installed kernel's sources, with the checkout's tests beside them, where these look for them.
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
    for (from, name) in [(kernel.as_path(), "src"), (kernel.as_path(), "tools"), (checkout, "test")] {
        copy(&from.join(name), &place.join(name))?;
    }
    if let Some(excluded) = suite.excluded.iter().find(|excluded| !place.join(&excluded.file).exists()) {
        bail!("on the list, but there is no such file: {}", excluded.file);
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
    use super::{Suite, title_of, wrong};
    use crate::peer::tests;

    #[test]
    fn failures_and_silent_files_are_told() {
        let files = ["test/a.test.js", "test/b/c.test.js"].map(str::to_owned).to_vec();
        let suite = Suite { version: String::new(), files, excluded: Vec::new() };
        assert_eq!(title_of("test/b/c.test.js"), "b › c › ");
        assert!(wrong(&suite, &tests("ok 1 - a › one\nok 2 - b › c › two\n")).is_empty());
        assert_eq!(wrong(&suite, &tests("ok 1 - a › one\n")), ["no test of test/b/c.test.js was run"]);
        assert_eq!(wrong(&suite, &tests("not ok 1 - a › one\nok 2 - b › c › two\n")).len(), 1);
    }
}
