//! The recorded kernel: replayed by our program, then looked at by the reference.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use swing_core::ArtifactMode;

use super::answer::Answer;
use super::checks::same_answer;
use super::driver::Driver;
use super::player::Player as _;
use super::{fixtures, transfer};
use crate::shell::{self, cargo, output, root, target};

/// Makes the recorded calls to a fresh store and answers where it is.
pub(crate) fn replay(scratch: &Path) -> Result<PathBuf> {
    shell::run(&mut cargo(&["build", "--quiet", "--release", "--package", "swing-cli"]))?;
    fs_err::create_dir_all(scratch)?;
    let store = scratch.join("store");
    let trace = root().join("fixtures/trace/trace.jsonl.gz");
    let mut program = Command::new(target().join("release/swing-store"));
    let replayed = output(program.arg("replay").arg(&trace).arg(&store).arg("--json"))?;
    let replayed: Value = serde_json::from_str(&replayed).context("swing-store replay did not report")?;
    ensure!(replayed["mismatches"] == 0, "{} answers differ from the recorded ones", replayed["mismatches"]);
    println!("{} calls answered as they were in the recorded kernel", replayed["calls"]);
    Ok(store)
}

/// Exports the store with both and has the reference work on it.
pub(crate) fn compare(folder: &Path, module: &str, store: &Path) -> Result<()> {
    let mut reference = Driver::new(folder, module);
    for mode in ArtifactMode::ALL {
        let ours = Answer::of(transfer::export(store, mode));
        same_answer(&format!("{mode} exports of the kernel's store"), &ours, &reference.export(store, mode)?)?;
    }
    fixtures::judge(folder, module, &[store.to_owned()])
}
