//! A recorded kernel's calls, made again.

mod answer;
mod blobs;
mod comparison;
mod failure;
mod line;
mod op;
mod player;
mod source;
mod tally;

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::console::{Console, complain};
use crate::error::Refusal;
use crate::exit::Exit;
use crate::export::names;
use crate::progress::Meter;
use crate::text::{Grouped, plural};
use comparison::Comparison;
use line::Line;
use op::Op;
use player::Player;
use source::Source;

pub use comparison::Mismatch;
pub use tally::PerOp;

/// How much of a trace to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checking {
    /// Every answer.
    Everything,
    /// Only that no call fails that did not fail when it was recorded.
    FailuresOnly,
}

/// What to replay and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The trace, plain or compressed.
    pub trace: PathBuf,
    /// The directory of the store to make; absent or empty.
    pub store: PathBuf,
    /// Where the recorded snapshots and bundles are: `blobs` beside the trace if `None`.
    pub blobs: Option<PathBuf>,
    /// What to compare.
    pub checking: Checking,
}

/// What came of it. Times are inside the store alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Calls made.
    pub calls: u64,
    /// Answers, failures and export batches that are not the recorded ones.
    pub mismatches: u64,
    /// Commits.
    pub blocks: u64,
    /// The last one that the store told; empty if it told none.
    pub activityhash: String,
    /// Seconds in all calls.
    pub store_seconds: f64,
    /// Without saving and loading snapshots, adding and getting bundles.
    pub store_seconds_without_blobs: f64,
    /// By operation.
    pub per_op: BTreeMap<&'static str, PerOp>,
    /// The first mismatches.
    #[serde(skip)]
    pub shown: Vec<Mismatch>,
    #[serde(skip)]
    checking: Option<Checking>,
    #[serde(skip)]
    clock_cost: Duration,
}

/// Progress is shown once in this many lines.
const LINES_PER_STEP: u64 = 4096;

/// Makes all calls of a trace to a fresh store and compares the answers.
///
/// # Errors
/// When the trace or a blob cannot be read, the directory is not empty, or the store itself fails: it cannot be opened, read or
/// written. Any other call that fails is a mismatch and no error.
pub fn replay(options: &Options, meter: &Meter) -> Result<Report> {
    let Options { trace, store, blobs, checking } = options;
    let mut source = Source::open(trace)?;
    check_fresh(store)?;
    let beside = || trace.parent().unwrap_or(Path::new("")).join("blobs");
    let mut player = Player::new(store.clone(), blobs.clone().unwrap_or_else(beside), *checking);
    let mut comparison = Comparison::default();
    let mut calls = 0;
    let mut last_call = 0;
    while source.advance()? {
        let number = source.number();
        match Line::parse(source.text()?).map_err(|error| source.bad(without_line(&error)))? {
            Line::Mark => {}
            Line::Batch(_) if *checking == Checking::FailuresOnly => {}
            Line::Batch(recorded) => comparison.batch(number, Some(&recorded), player.next_batch().as_ref()),
            Line::Call(op, arguments, recorded) => {
                // Batches that no line spoke of.
                while let Some(batch) = player.next_batch() {
                    comparison.batch(last_call, None, Some(&batch));
                }
                let answer =
                    player.perform(op, &arguments).with_context(|| format!("{} line {number}", trace.display()))?;
                let answer = match answer {
                    Err(error) if failure::is_the_stores(&error) => {
                        return Err(error.context(format!("the store failed at {} line {number}", trace.display())));
                    }
                    answer => answer,
                };
                match checking {
                    Checking::Everything => comparison.answer(number, op, recorded, &answer)?,
                    Checking::FailuresOnly => comparison.failure(number, op, recorded, &answer),
                }
                calls += 1;
                last_call = number;
            }
        }
        if number.is_multiple_of(LINES_PER_STEP) {
            let (read, size) = source.progress();
            meter.share(read, size, || format!("{} calls", Grouped(calls)));
        }
    }
    while let Some(batch) = player.next_batch() {
        comparison.batch(last_call, None, Some(&batch));
    }
    player.close()?;
    let Player { tally, activityhash, .. } = player;
    Ok(Report {
        calls,
        mismatches: comparison.mismatches,
        blocks: tally.calls_of(Op::Commit),
        activityhash,
        store_seconds: tally.seconds(|_| true),
        store_seconds_without_blobs: tally.seconds(|op| !op.moves_blobs()),
        per_op: tally.per_op(),
        shown: comparison.shown,
        checking: Some(*checking),
        clock_cost: tally::clock_cost(),
    })
}

/// A replay begins with nothing and erases nothing.
fn check_fresh(dir: &Path) -> Result<()> {
    let not_empty = |holds| Err(Refusal::NotEmpty { dir: dir.to_owned(), holds }.into());
    match names(dir) {
        Ok(holds) if holds.is_empty() => Ok(()),
        Ok(holds) => not_empty(holds),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotADirectory => not_empty(Vec::new()),
        Err(error) => Err(error).context("cannot look into the store's directory"),
    }
}

/// What the parser says, but for the line, of which it knows only one.
fn without_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    format!("column {}: {}", error.column(), text.strip_suffix(&position).unwrap_or(&text))
}

pub(crate) fn command(options: &Options, console: Console) -> Result<Exit> {
    let report = replay(options, &Meter::stderr("replay"))?;
    for Mismatch { line, op, expected, got } in &report.shown {
        complain(&format!("line {line} {op}: expected {expected}, got {got}"));
    }
    match report.mismatches - report.shown.len() as u64 {
        0 => {}
        more => complain(&format!("… and {} more", Grouped(more))),
    }
    console.report(&report)?;
    Ok(if report.mismatches == 0 { Exit::Ok } else { Exit::FoundWrong })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match (self.checking, self.mismatches) {
            (Some(Checking::FailuresOnly), 0) => "answers not compared".to_owned(),
            (_, 0) => "every answer, hash and export batch as recorded".to_owned(),
            (_, wrong) => format!("{} not as recorded", Grouped(wrong)),
        };
        writeln!(f, "{} in {}: {verdict}", plural(self.calls, "call"), plural(self.blocks, "block"))?;
        let hash = if self.activityhash.is_empty() { "none" } else { &self.activityhash };
        writeln!(f, "  activityhash      {hash}")?;
        let rate = self.calls as f64 / self.store_seconds.max(1e-9);
        writeln!(f, "  inside the store  {:.3} s, {rate:.0} calls per second", self.store_seconds)?;
        writeln!(f, "  without blobs     {:.3} s", self.store_seconds_without_blobs)?;
        writeln!(f, "\n  op       calls    total ms     mean µs")?;
        let mut per_op: Vec<_> = self.per_op.iter().collect();
        per_op.sort_by(|a, b| b.1.total_us.total_cmp(&a.1.total_us));
        for (op, PerOp { count, total_us, mean_us }) in per_op {
            writeln!(f, "  {op}  {:>10}  {:>10.2}  {mean_us:>10.3}", Grouped(*count), total_us / 1e3)?;
        }
        writeln!(f, "\n  Of each mean, {} ns are two readings of the clock.", self.clock_cost.as_nanos())
    }
}
