//! Somebody who does a piece of work in a process of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::ours::CLOCK;
use super::work::{Figures, Work};
use crate::shell::output;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Clock {
    /// Time on the wall.
    Wall,
    /// The processor's, all threads together.
    Cpu,
}

impl Clock {
    fn name(self) -> &'static str {
        match self {
            Self::Wall => "wall",
            Self::Cpu => "cpu",
        }
    }
}

/// One of those who are compared.
pub(crate) struct Side {
    /// What tables call it.
    pub(crate) name: &'static str,
    program: PathBuf,
    args: Vec<String>,
}

impl Side {
    /// The reference, or whatever Node module has its API, in the folder where our scripts are installed.
    pub(crate) fn node(name: &'static str, folder: &Path, module: &str) -> Self {
        let script = folder.join("bench.mjs").display().to_string();
        let args = ["--expose-gc", &script, "--module", module];
        Self { name, program: "node".into(), args: args.map(str::to_owned).to_vec() }
    }

    /// This program, optimised.
    pub(crate) fn ours(program: PathBuf) -> Self {
        Self { name: "ours", program, args: vec!["bench-work".to_owned()] }
    }

    /// One of ours, bound to a core.
    pub(crate) fn bound(name: &'static str, program: &Path, core: usize) -> Self {
        let args = ["-c", &core.to_string(), &program.display().to_string(), "bench-work"];
        Self { name, program: "taskset".into(), args: args.map(str::to_owned).to_vec() }
    }

    /// Whether it is a Node module.
    pub(crate) fn is_node(&self) -> bool {
        self.program == Path::new("node")
    }

    /// Does it, and answers what it cost by that clock.
    pub(crate) fn run(&self, work: &Work, clock: Clock) -> Result<Figures> {
        let request = serde_json::to_string(work)?;
        let answer = output(Command::new(&self.program).args(&self.args).arg(&request).env(CLOCK, clock.name()))
            .with_context(|| format!("{}: {request}", self.name))?;
        serde_json::from_str(&answer).with_context(|| format!("{}: {answer:?} are no figures", self.name))
    }
}
