//! The runs: every mutant against the nearest tests, then what survived against all that rest on it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use fs_err as fs;

use super::outcomes::{Outcome, Outcomes, count, read};
use super::parts::{PARTS, Part, WIDE, WIDE_SLOW};
use super::survivors::{FILE, Survivors};
use crate::shell;

/// The version whose output is read.
const VERSION: &str = "27.1.0";

/// Options of the task.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only this part; may be given several times. Without, all of them.
    #[arg(long)]
    part: Vec<String>,
    /// Say which parts there are, and how many mutants each has.
    #[arg(long)]
    list: bool,
    /// Leave the second pass out: what the nearest tests let pass survives.
    #[arg(long)]
    near: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let parts = chosen(&args.part)?;
    let program = shell::installed("cargo-mutants", VERSION)?;
    if args.list {
        for part in parts {
            let listed = shell::output(near(&program, part).arg("--list"))?;
            println!("{:20} {:5} mutants of {}", part.name, listed.lines().count(), part.files.join(", "));
        }
        return Ok(());
    }
    let survivors = Survivors::read()?;
    let (mut all, mut wide) = (Outcomes::new(), Wide { asked: !args.near, pass: false });
    for part in parts {
        let outcomes = outcomes(&program, part, &survivors, &mut wide)?;
        tell(part.name, &outcomes);
        all.extend(outcomes);
    }
    tell("all", &all);
    let (unlisted, stale) = survivors.judge(&all);
    unlisted.iter().for_each(|name| println!("survived, and is not listed: {name}"));
    stale.iter().for_each(|name| println!("listed, and did not survive: {name}"));
    if !unlisted.is_empty() || !stale.is_empty() {
        bail!(
            "{} mutants survived that {FILE} does not list, and {} that it lists did not",
            unlisted.len(),
            stale.len()
        );
    }
    Ok(())
}

fn chosen(names: &[String]) -> Result<Vec<&'static Part>> {
    if names.is_empty() {
        return Ok(PARTS.iter().collect());
    }
    let find = |name: &String| PARTS.iter().find(|part| part.name == name);
    let known = || PARTS.iter().map(|part| part.name).collect::<Vec<_>>().join(", ");
    names.iter().map(|name| find(name).with_context(|| format!("no part {name:?}; there are {}", known()))).collect()
}

/// The second pass.
struct Wide {
    /// It is to be made.
    asked: bool,
    /// Its tests pass as long as there is no mistake. cargo-mutants looks after that only for the crate that is mutated.
    pass: bool,
}

impl Wide {
    fn must_pass(&mut self) -> Result<()> {
        if !self.pass {
            let mut test = shell::cargo(&["test", "--quiet", "--tests"]);
            test.args(WIDE.iter().map(|package| format!("--package={package}"))).arg("--");
            shell::run(settled(test.args(WIDE_SLOW.iter().map(|test| format!("--skip={test}")))))?;
            self.pass = true;
        }
        Ok(())
    }
}

/// Runs both passes of a part.
fn outcomes(program: &Path, part: &Part, survivors: &Survivors, second: &mut Wide) -> Result<Outcomes> {
    let out = shell::target().join("mutants").join(part.name);
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    fs::create_dir_all(&out)?;
    let mut command = near(program, part);
    command.args(["--test-package", part.package, &format!("-C={}", part.targets)]);
    pass(&mut command, &out, part.slow)?;
    let mut outcomes = read(&out)?;
    let missed = |(name, outcome): (&String, &Outcome)| (*outcome == Outcome::Missed).then(|| name.clone());
    let unlisted: Vec<_> = outcomes.iter().filter_map(missed).filter(|name| !survivors.lists(name)).collect();
    if unlisted.is_empty() || !second.asked {
        return Ok(outcomes);
    }
    second.must_pass()?;
    println!(
        "{} mutants of {} survived the tests of {}; all others are asked",
        unlisted.len(),
        part.name,
        part.package
    );
    let wide = out.join("wide");
    fs::create_dir_all(&wide)?;
    let mut command = mutants(program, part);
    // These tests take half a minute, and what does not end has mostly been found already.
    command.args(["-C=--tests", "--minimum-test-timeout=600"]);
    command.args(WIDE.iter().map(|package| format!("--test-package={package}")));
    command.args(unlisted.iter().map(|name| format!("--re=^{}$", escaped(name))));
    // Of these cargo-mutants 27 takes all, whatever names are asked for.
    if !unlisted.iter().any(|name| name.contains("delete field")) {
        command.arg("--exclude-re=delete field");
    }
    pass(&mut command, &wide, WIDE_SLOW)?;
    outcomes.extend(read(&wide)?);
    Ok(outcomes)
}

/// cargo-mutants with what both passes have in common. `.cargo/mutants.toml` has the rest.
fn mutants(program: &Path, part: &Part) -> Command {
    let mut command = Command::new(program);
    command.current_dir(shell::root()).args(["mutants", "--package", part.package, "--colors", "never"]);
    command.args(part.files.iter().map(|file| format!("--file={file}")));
    settled(&mut command);
    command
}

/// A command that builds and tests in the same way each time.
fn settled(command: &mut Command) -> &mut Command {
    // Built to be built again: hardly optimised, and in a folder that stays.
    command.env("CARGO_TARGET_DIR", shell::target().join("mutants/build")).env("CARGO_INCREMENTAL", "1");
    command.env("CARGO_PROFILE_DEV_OPT_LEVEL", "0").env("CARGO_PROFILE_DEV_DEBUG", "0");
    // The same random input for every mutant, failures not remembered for the next one, and not made smaller.
    command.env("PROPTEST_RNG_SEED", "1").env("PROPTEST_MAX_SHRINK_ITERS", "0");
    command.env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1");
    // Flushing to a disk is most of what the tests wait for.
    if Path::new("/dev/shm").is_dir() {
        command.env("TMPDIR", "/dev/shm");
    }
    command
}

/// All mutants of a part.
fn near(program: &Path, part: &Part) -> Command {
    let mut command = mutants(program, part);
    if let Some(functions) = part.functions {
        command.args(["--re", functions]);
    }
    command
}

/// Runs a pass. That mutants survive is no failure of it.
fn pass(command: &mut Command, out: &Path, slow: &[&str]) -> Result<()> {
    command.arg("--output").arg(out).arg("--");
    if !slow.is_empty() {
        command.arg("--");
        command.args(slow.iter().map(|test| format!("--skip={test}")));
    }
    let status = command.status().context("cargo-mutants could not be run")?;
    // Some were missed, or took too long.
    if !matches!(status.code(), Some(0 | 2 | 3)) {
        bail!("cargo-mutants failed ({status}): see {}", out.display());
    }
    Ok(())
}

/// A name as a regular expression that means it.
fn escaped(name: &str) -> String {
    let special = |c| r"\.+*?()|[]{}^$#&-~".contains(c);
    name.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

fn tell(name: &str, outcomes: &Outcomes) {
    let [caught, timeout, missed, unviable] =
        [Outcome::Caught, Outcome::Timeout, Outcome::Missed, Outcome::Unviable].map(|outcome| count(outcomes, outcome));
    let (noticed, viable) = (caught + timeout, caught + timeout + missed);
    let share = if viable == 0 { 100.0 } else { 100.0 * noticed as f64 / viable as f64 };
    println!(
        "{name}: {} mutants, {unviable} of them no programs; {caught} caught, {timeout} did not end, {missed} survived: \
         {share:.1} % of {viable} noticed",
        outcomes.len()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_chosen_by_name_and_there_must_be_one() {
        assert_eq!(chosen(&[]).unwrap().len(), PARTS.len());
        assert_eq!(chosen(&["verify".to_owned()]).unwrap()[0].package, "swing-export");
        assert!(chosen(&["verfiy".to_owned()]).is_err());
    }

    #[test]
    fn a_name_stands_for_itself_in_an_expression() {
        assert_eq!(escaped("a.rs:1:2: replace + with <T>"), "a\\.rs:1:2: replace \\+ with <T>");
    }
}
