//! An implementation in a Node process: `driver.mjs` on one of its modules.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::{Value, json};
use swing_core::ArtifactMode;

use super::answer::Answer;
use super::call::{Call, Place};
use super::player::Player;

/// No call takes longer; a process that is silent for so long hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// A Node process, started when it is first needed, and again after it was killed.
pub(crate) struct Driver {
    folder: PathBuf,
    module: String,
    process: Option<Process>,
}

struct Process {
    child: Child,
    calls: ChildStdin,
    answers: Receiver<std::io::Result<String>>,
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    fn start(folder: &Path, module: &str) -> Result<Self> {
        let mut child = Command::new("node")
            .arg(folder.join("driver.mjs"))
            .args(["--module", module])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("could not start node")?;
        let calls = child.stdin.take().context("node has no input")?;
        let lines = BufReader::new(child.stdout.take().context("node has no output")?).lines();
        // On a thread of its own, so that waiting for an answer can end.
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            for line in lines {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, calls, answers })
    }

    fn ask(&mut self, line: &str) -> Result<String> {
        writeln!(self.calls, "{line}").and_then(|()| self.calls.flush()).context("node takes no more calls")?;
        match self.answers.recv_timeout(PATIENCE) {
            Ok(answer) => Ok(answer?),
            Err(RecvTimeoutError::Timeout) => Err(anyhow!("no answer within {} s", PATIENCE.as_secs())),
            Err(RecvTimeoutError::Disconnected) => Err(anyhow!("node died ({})", self.child.wait()?)),
        }
    }
}

impl Driver {
    /// `folder` is where our scripts and the module are installed.
    pub(crate) fn new(folder: &Path, module: &str) -> Self {
        Self { folder: folder.to_owned(), module: module.to_owned(), process: None }
    }

    /// Puts one line to the process.
    pub(crate) fn ask(&mut self, call: &Value) -> Result<Answer> {
        if self.process.is_none() {
            self.process = Some(Process::start(&self.folder, &self.module)?);
        }
        let Some(process) = &mut self.process else { bail!("node is not running") };
        let asked = process.ask(&call.to_string());
        if asked.is_err() {
            self.process = None;
        }
        Answer::parse(&asked.with_context(|| format!("{}: {}", self.module, super::answer::shortened(call)))?)
    }

    /// Every row of the last commit of the store in `dir`, whoever wrote it.
    pub(crate) fn rows(&mut self, dir: &Path) -> Result<Value> {
        self.ask(&json!(["rows", dir]))?.value("reading rows")
    }
}

impl Player for Driver {
    fn call(&mut self, place: &Place, call: &Call) -> Result<Answer> {
        if matches!(call, Call::Open(..)) {
            self.close()?;
        }
        self.ask(&call.line(place))
    }

    fn close(&mut self) -> Result<()> {
        if self.process.is_some() {
            // Fails when there is no store open, which is what is wanted.
            self.ask(&json!(["hx"]))?;
            self.ask(&json!(["xf", 0]))?;
        }
        Ok(())
    }

    fn kill(&mut self, _place: &Place) -> Result<()> {
        // Dropping it kills it, with SIGKILL where there is such a thing.
        self.process = None;
        Ok(())
    }

    fn import(&mut self, from: &Path, offered: ArtifactMode, to: &Path, taken: ArtifactMode) -> Result<Answer> {
        self.ask(&json!(["import", from, offered.as_str(), to, taken.as_str()]))
    }

    fn import_dataset(&mut self, dataset: &Path, to: &Path, taken: ArtifactMode) -> Result<Answer> {
        self.ask(&json!(["importset", dataset, to, taken.as_str()]))
    }
}
