//! The task: every release's tests against one package, and what came of it.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use fs_err as fs;

use super::listed::{Listed, Release, Verdict};
use super::{scratch, tap};
use crate::node;
use crate::under_test::UnderTest;

/// Runs the tests of both releases; the reference is put to those of its own release.
pub(crate) fn run(package: &UnderTest) -> Result<()> {
    let folder = node::install_peer()?;
    let listed = Listed::read(&folder.join("expected.json"))?;
    let mut wrong = 0;
    for release in &listed.releases {
        let verdict = against(&folder, &listed, release, package).with_context(|| release.version.clone())?;
        println!(
            "{package} passes {} of the {} tests of {}, {} are left out",
            verdict.passed,
            release.tests,
            release.version,
            verdict.excluded.len()
        );
        verdict.excluded.iter().for_each(|(title, reason)| println!("  left out: {title}: {reason}"));
        verdict.wrong.iter().for_each(|line| println!("  WRONG: {line}"));
        wrong += verdict.wrong.len();
    }
    if wrong > 0 {
        bail!("{wrong} things about the reference's own tests are not as they should be");
    }
    Ok(())
}

fn against(folder: &Path, listed: &Listed, release: &Release, package: &UnderTest) -> Result<Verdict> {
    let reference =
        folder.parent().context("the runner is below the reference")?.join("node_modules").join(&release.module);
    let place = folder.join("run").join(&release.version);
    scratch::make(&place, &reference, &package.folder(&reference)?)?;
    let runner = fs::canonicalize(folder.join("node_modules/ava/entrypoints/cli.mjs"))?;
    let mut command = Command::new("node");
    let output = command.arg(runner).arg("--tap").current_dir(&place).stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    fs::write(place.join("tap.txt"), text.as_bytes())?;
    let mut verdict = listed.judge(release, &tap::parse(&text), package.is_reference());
    // The runner fails when a test does, which is accounted for; it must not fail otherwise.
    if !output.status.success() && !text.lines().any(|line| line.starts_with("not ok ")) {
        verdict.wrong.push(format!("the runner failed ({}) without a test that does", output.status));
    }
    Ok(verdict)
}
