//! One target's turn: libFuzzer, what it says, and what it leaves.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use fs_err as fs;

use super::build::{Built, Target};
use crate::shell::{self, root, target};

/// An input that takes longer than this many seconds is a finding, and so is one that takes more than this many megabytes.
const LONGEST_SECONDS: &str = "-timeout=60";
/// No file for one that is only slow: a busy machine makes it so.
const SLOW_IS_FINE: &str = "-report_slow_units=60";
const MOST_MEMORY: &str = "-rss_limit_mb=1024";

/// What a turn came to.
pub(super) struct Outcome {
    pub(super) target: String,
    pub(super) seconds: u64,
    pub(super) runs: u64,
    pub(super) coverage: u64,
    pub(super) new: u64,
    pub(super) failed: bool,
}

impl Outcome {
    /// Where the finding is, and how to see it again.
    pub(super) fn tell(&self) {
        let name = &self.target;
        println!("\n{name}: see {}", log(name).display());
        for input in kept(name) {
            println!("  cargo xtask fuzz {name} --replay {}", input.display());
        }
        println!("When it is understood, it becomes a test with a name: crates/swing-fuzz/tests/found.rs.");
    }
}

fn place(kind: &str, target_name: &str) -> PathBuf {
    target().join("fuzz").join(kind).join(target_name)
}

fn log(target_name: &str) -> PathBuf {
    place("logs", target_name).with_extension("log")
}

fn committed(target_name: &str) -> PathBuf {
    root().join("fixtures/fuzz").join(target_name)
}

fn kept(target_name: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(place("found", target_name)).into_iter().flatten().flatten();
    let mut kept: Vec<_> = entries.map(|entry| entry.path()).collect();
    kept.sort();
    kept
}

/// A target, ready to be run.
pub(super) struct Session<'b> {
    built: &'b Built,
    target: Target,
    seed: u32,
}

impl<'b> Session<'b> {
    /// Makes the places that it needs, and the seeds.
    pub(super) fn new(built: &'b Built, target: Target, seed: u32) -> Result<Self> {
        for kind in ["corpus", "found"] {
            fs::create_dir_all(place(kind, &target.name))?;
        }
        fs::create_dir_all(place("logs", ""))?;
        fs::create_dir_all(committed(&target.name))?;
        make_seeds(built, &target.name)?;
        Ok(Self { built, target, seed })
    }

    /// Runs it for so long, or until there is a finding.
    pub(super) fn run(&self, seconds: u64) -> Result<Outcome> {
        let name = &self.target.name;
        println!("{name} …");
        let log_file = fs::File::create(log(name))?.into_parts().0;
        let mut command = self.built.program(&self.target);
        command.args(corpora(name)).args([
            LONGEST_SECONDS,
            SLOW_IS_FINE,
            MOST_MEMORY,
            "-print_final_stats=1",
            "-len_control=0",
        ]);
        command.arg(format!("-max_total_time={seconds}")).arg(format!("-seed={}", self.seed));
        command.arg(format!("-max_len={}", self.target.longest));
        command.arg(format!("-artifact_prefix={}/", place("found", name).display()));
        command.stdout(log_file.try_clone()?).stderr(log_file);
        let status = command.status().with_context(|| format!("could not run {name}"))?;
        let said = String::from_utf8_lossy(&fs::read(log(name))?).into_owned();
        let outcome = Outcome {
            target: name.clone(),
            seconds,
            runs: stat(&said, "number_of_executed_units"),
            coverage: coverage(&said),
            new: stat(&said, "new_units_added"),
            failed: !status.success(),
        };
        println!("{name}: {} runs{}", outcome.runs, if outcome.failed { ", and a finding" } else { "" });
        Ok(outcome)
    }
}

/// New inputs go to the first.
fn corpora(target_name: &str) -> [PathBuf; 3] {
    [place("corpus", target_name), committed(target_name), place("seeds", target_name)]
}

fn make_seeds(built: &Built, target_name: &str) -> Result<()> {
    let mut seeds = built.plain();
    seeds.args(["seeds", target_name]).arg(root().join("fixtures")).arg(place("seeds", target_name));
    let status = seeds.status().context("could not run swing-fuzz")?;
    ensure!(status.success(), "no seeds for {target_name}");
    Ok(())
}

/// A figure of libFuzzer's last words.
fn stat(said: &str, name: &str) -> u64 {
    let label = format!("stat::{name}:");
    let figure = said.lines().rev().find_map(|line| line.strip_prefix(&label));
    figure.and_then(|figure| figure.trim().parse().ok()).unwrap_or_default()
}

/// How many edges were reached, by the last line that says so.
fn coverage(said: &str) -> u64 {
    let figure = said.lines().rev().filter(|line| line.starts_with('#')).find_map(|line| {
        let mut words = line.split_whitespace();
        words.find(|word| *word == "cov:")?;
        words.next()?.parse().ok()
    });
    figure.unwrap_or_default()
}

/// Runs a target on one input, with all that it says.
pub(super) fn replay(built: &Built, target: &Target, input: &Path) -> Result<()> {
    ensure!(input.exists(), "there is no {}", input.display());
    shell::run(built.program(target).arg(input).args([LONGEST_SECONDS, MOST_MEMORY]))
}

/// What is committed has no longer inputs than these, in bytes: those reach hardly more, and are most of a corpus.
const LONGEST_KEPT: u64 = 1024;

/// Leaves in `fixtures/fuzz` the fewest short inputs, of all that are known, that reach as much as all short ones.
pub(super) fn minimise(built: &Built, target: &Target) -> Result<()> {
    let name = &target.name;
    let (short, merged, committed) = (empty("short", name)?, empty("merged", name)?, committed(name));
    for entry in corpora(name).iter().flat_map(fs::read_dir).flatten() {
        let entry = entry?;
        if entry.metadata()?.len() <= LONGEST_KEPT {
            fs::copy(entry.path(), short.join(entry.file_name()))?;
        }
    }
    let mut command: Command = built.program(target);
    // How often a place is reached is for the fuzzer; here one input for each is enough.
    shell::run(command.args(["-set_cover_merge=1", "-use_counters=0"]).args([&merged, &short]))?;
    fs::remove_dir_all(&committed)?;
    fs::create_dir_all(&committed)?;
    for entry in fs::read_dir(&merged)? {
        let entry = entry?;
        fs::copy(entry.path(), committed.join(entry.file_name()))?;
    }
    Ok(())
}

fn empty(kind: &str, target_name: &str) -> Result<PathBuf> {
    let folder = place(kind, target_name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
