//! `cargo xtask bench instructions`: what hot operations cost in instructions, held to committed figures.
//!
//! Time depends on the machine's mood; the number of instructions does not, or hardly. Each operation runs so many times and then
//! twice as many times under valgrind's callgrind; the difference is what it costs, without the process around it. What
//! is in the figures is SQLite too, and SHA-256 as it is done without the processor's own instructions for it.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use fs_err as fs;

use super::table::markdown;
use crate::shell::{self, cargo, exists, root, target};

mod hot;
pub(crate) use hot::Hot;

/// Where the figures stand that are held to.
const COMMITTED: &str = "xtask/src/bench/instructions.txt";
/// How much more an operation may cost. Compilers and C libraries differ by a few hundredths.
const TOLERANCE: f64 = 0.10;

/// Options of the task.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Commits the figures instead of holding to them.
    #[arg(long)]
    write: bool,
    /// Only these operations.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    if !exists("valgrind") {
        bail!(
            "counting instructions needs valgrind: apt-get install -y valgrind (or your system's way); nothing was checked"
        );
    }
    // Not as the other measurements: `ci` has compiled most of it so already.
    shell::run(&mut cargo(&["build", "--quiet", "--release", "--package", "xtask"]))?;
    let program = target().join("release/xtask");
    let committed = read(&fs::read_to_string(root().join(COMMITTED)).unwrap_or_default())?;
    let (mut rows, mut text, mut worse) = (Vec::new(), String::new(), Vec::new());
    for (name, count) in hot::ALL {
        if !args.only.is_empty() && !args.only.iter().any(|only| only == name) {
            continue;
        }
        let counted = |count| instructions(&program, &Hot { hot: (*name).to_owned(), count });
        let each = (counted(2 * count)? - counted(*count)?) / *count as f64;
        writeln!(text, "{name} {each:.0}")?;
        let known = committed.iter().find(|(known, _)| known == name).map(|(_, each)| *each);
        let change = known.map(|known| each / known - 1.0);
        if !args.write && change.is_none_or(|change| change > TOLERANCE) {
            worse.push(*name);
        }
        rows.push(vec![
            (*name).to_owned(),
            known.map_or_else(|| "–".to_owned(), |known| format!("{known:.0}")),
            format!("{each:.0}"),
            change.map_or_else(String::new, |change| format!("{:+.1} %", change * 100.0)),
        ]);
    }
    println!("{}", markdown(&["operation", "committed", "instructions", "change"], &rows));
    if args.write {
        ensure!(args.only.is_empty(), "all figures are written at once");
        return Ok(fs::write(root().join(COMMITTED), text)?);
    }
    ensure!(!rows.is_empty(), "there is no such operation");
    ensure!(
        worse.is_empty(),
        "more instructions than committed for {}: make it cheaper, or say why not and commit what \
         `cargo xtask bench instructions --write` finds",
        worse.join(", ")
    );
    Ok(())
}

fn read(text: &str) -> Result<Vec<(String, f64)>> {
    let line = |line: &str| -> Result<_> {
        let (name, each) = line.split_once(' ').context("a name and a number")?;
        Ok((name.to_owned(), each.parse()?))
    };
    text.lines().map(line).collect()
}

/// All instructions of a process.
fn instructions(program: &Path, hot: &Hot) -> Result<f64> {
    let out = target().join("bench").join("callgrind.out");
    fs::create_dir_all(target().join("bench"))?;
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(program)
        .arg("bench-work")
        .arg(serde_json::to_string(hot)?)
        .stdout(Stdio::null())
        .output()?;
    ensure!(run.status.success(), "valgrind failed at {}: {}", hot.hot, String::from_utf8_lossy(&run.stderr));
    let counted = fs::read_to_string(&out)?;
    fs::remove_file(&out)?;
    let total = counted.lines().rev().find_map(|line| line.strip_prefix("totals: "));
    total.context("callgrind told no total")?.trim().parse().context("callgrind's total is no number")
}
