//! `cargo xtask hostile`: writes down what the reference and what this store do with each hostile case.
//!
//! The recipes are in `swing_hostile::cases`; what becomes of them goes to `fixtures/hostile/cases.jsonl`, which the tests of
//! that crate hold this store to.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use fs_err as fs;
use serde_json::json;
use swing_hostile::{Case, Input, Line, Material, Verdict, cases, database, run as run_ours};

use crate::node;
use crate::shell::root;

/// Options of the task.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Change nothing: fail if what is written down is no longer so.
    #[arg(long)]
    check: bool,
}

impl Args {
    /// Changes nothing.
    pub(crate) fn check() -> Self {
        Self { check: true }
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let fixtures = root().join("fixtures");
    let mut reference = Reference::start(&node::install()?)?;
    let (mut lines, mut tally) = (String::new(), BTreeMap::<String, u64>::new());
    let all = cases::all();
    for (at, case) in all.iter().enumerate() {
        let line = judged(&fixtures, case, &mut reference).with_context(|| format!("case {}", case.name))?;
        let kind = |verdict: &Verdict| match verdict {
            Verdict::Accepted => "accepts",
            Verdict::Refused(_) => "refuses",
            Verdict::Dies(_) => "dies of",
            Verdict::Nothing => "has nothing for",
        };
        *tally.entry(format!("the reference {}, we {}", kind(&line.reference), kind(&line.ours))).or_default() += 1;
        lines += &serde_json::to_string(&line)?;
        lines.push('\n');
        if (at + 1).is_multiple_of(50) {
            println!("  {} of {}", at + 1, all.len());
        }
    }
    tally.iter().for_each(|(what, count)| println!("{count:5}  {what}"));
    let path = fixtures.join("hostile/cases.jsonl");
    if args.check {
        ensure!(
            fs::read_to_string(&path)? == lines,
            "fixtures/hostile/cases.jsonl is out of date: run cargo xtask hostile"
        );
        return Ok(());
    }
    fs::create_dir_all(fixtures.join("hostile"))?;
    Ok(fs::write(path, lines)?)
}

fn judged(fixtures: &Path, case: &Case, reference: &mut Reference) -> Result<Line> {
    let scratch = tempfile::tempdir()?;
    let ours = run_ours(fixtures, case, scratch.path())?.verdict;
    let theirs = tempfile::tempdir()?;
    let dir = theirs.path().join("given");
    let reference = match case.input {
        Input::Dataset => {
            fs::create_dir(&dir)?;
            let material = Material::of(fixtures, case)?;
            material.write(&dir)?;
            reference.ask(case, "dataset", &dir, theirs.path())?
        }
        Input::Database => {
            database(fixtures, case, &dir)?;
            reference.ask(case, "database", &dir, theirs.path())?
        }
        // The package reads no manifests, and no archives.
        Input::Folder | Input::Archive => Verdict::Nothing,
    };
    Ok(Line { case: case.clone(), reference, ours })
}

/// The reference as a process.
struct Reference {
    process: Child,
    answers: BufReader<ChildStdout>,
}

impl Reference {
    fn start(folder: &Path) -> Result<Self> {
        let mut process = Command::new("node")
            .arg("hostile.mjs")
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("could not run node")?;
        let answers = BufReader::new(process.stdout.take().context("no output")?);
        Ok(Self { process, answers })
    }

    fn ask(&mut self, case: &Case, input: &str, dir: &Path, scratch: &Path) -> Result<Verdict> {
        let target = scratch.join("target");
        let question = json!({"input": input, "dir": dir, "mode": case.mode, "target": target});
        writeln!(self.process.stdin.as_mut().context("no input")?, "{question}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        ensure!(!answer.is_empty(), "the reference has ended without an answer");
        let local = |text: String| {
            text.replace(&format!("{}/", dir.display()), "").replace(&format!("{}/", scratch.display()), "")
        };
        let verdict = match serde_json::from_str(&answer)? {
            Verdict::Refused(text) => Verdict::Refused(local(text)),
            Verdict::Dies(text) => Verdict::Dies(local(text)),
            other => other,
        };
        Ok(verdict.shortened())
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // Without input it ends by itself.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
