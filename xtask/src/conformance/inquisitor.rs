//! The chain's own tool for looking into a store, on the reference and on a package: what it is told must be the same.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use fs_err as fs;

use crate::node;
use crate::shell::root;
use crate::under_test::UnderTest;

/// How many steps a look has.
const STEPS: usize = 33;

/// Looks into the same store with both.
pub(super) fn run(package: &UnderTest) -> Result<()> {
    let scripts = fs::canonicalize(node::install_inquisitor()?)?;
    let theirs = look(&scripts, "reference", None)?;
    let tested = if package.is_reference() { None } else { Some(package.folder(Path::new(""))?) };
    let ours = look(&scripts, "tested", tested.as_deref())?;
    let different = theirs.lines().zip(ours.lines()).filter(|(theirs, ours)| theirs != ours);
    let different: Vec<_> = different.inspect(|(theirs, ours)| println!("{theirs}\n  DIFFERENT: {ours}")).collect();
    let (steps, of_theirs) = (ours.lines().count(), theirs.lines().count());
    if steps != STEPS || of_theirs != STEPS {
        bail!("the inquisitor took {steps} steps on {package} and {of_theirs} on the reference, but there are {STEPS}");
    }
    if !different.is_empty() {
        bail!("the inquisitor is told other things by {package} than by the reference");
    }
    println!("the inquisitor is told by {package} what the reference tells it, in {steps} steps");
    Ok(())
}

/// What came of each step, a line each.
fn look(scripts: &Path, name: &str, package: Option<&Path>) -> Result<String> {
    let folder = scripts.join("run").join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let redirect = root().join("xtask/node/kernel/redirect.mjs");
    let mut command = Command::new("node");
    command.arg("--import").arg(redirect).args(["--import", "./without-builders.mjs", "look.mjs"]).arg(&folder);
    command.current_dir(scripts).env_remove("STORE_WRONG").env_remove("SUITE_HANDLES").env_remove("SUITE_BUNDLES");
    match package {
        Some(package) => command.env("STORE_PACKAGE", package),
        None => command.env_remove("STORE_PACKAGE"),
    };
    let output = command.output().context("node could not be started")?;
    let text = String::from_utf8(output.stdout)?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("the inquisitor failed on the {name} store ({}):\n{text}{words}", output.status);
    }
    Ok(text)
}
