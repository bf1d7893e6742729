//! What is run: the targets as cargo-fuzz builds them, and the program that knows them without it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::shell::{self, cargo, output, root, target};

const VERSION: &str = "0.13.2";

/// What watches the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Sanitizer {
    /// Nothing.
    None,
    /// AddressSanitizer.
    Address,
}

/// A target of the crate `swing-fuzz`.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) name: String,
    /// The longest input that is tried, in bytes.
    pub(super) longest: u32,
}

/// Everything built.
pub(super) struct Built {
    /// The folder of the targets' programs.
    programs: PathBuf,
    /// `swing-fuzz`.
    plain: PathBuf,
    targets: Vec<Target>,
}

impl Built {
    /// Builds everything, installing cargo-fuzz where it is absent.
    pub(super) fn make(sanitizer: Sanitizer) -> Result<Self> {
        let kind = match sanitizer {
            Sanitizer::None => "none",
            Sanitizer::Address => "address",
        };
        let place = target().join("fuzz/build").join(kind);
        let mut build = Command::new(shell::installed("cargo-fuzz", VERSION)?);
        build.args(["build", "--fuzz-dir", "crates/swing-fuzz/fuzz", "--sanitizer", kind, "--target-dir"]).arg(&place);
        // What it asks of the compiler is not stable, and this is how a stable one is told to do it.
        shell::run(build.current_dir(root()).env("RUSTC_BOOTSTRAP", "1"))?;
        let rustc = output(Command::new("rustc").arg("-vV"))?;
        let host =
            rustc.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc does not name its host")?;

        shell::run(&mut cargo(&["build", "--quiet", "--package", "swing-fuzz"]))?;
        let plain = target().join("debug/swing-fuzz");
        let listed = output(Command::new(&plain).arg("list"))?;
        let targets = listed.lines().filter_map(|line| {
            let (name, longest) = line.split_once(' ')?;
            Some(Target { name: name.to_owned(), longest: longest.parse().ok()? })
        });
        Ok(Self { programs: place.join(host).join("release"), plain, targets: targets.collect() })
    }

    /// The targets of these names, or all.
    pub(super) fn choose(&self, names: &[String]) -> Result<Vec<Target>> {
        if names.is_empty() {
            return Ok(self.targets.clone());
        }
        let find = |name: &String| match self.targets.iter().find(|target| target.name == *name) {
            Some(target) => Ok(target.clone()),
            None => {
                let known: Vec<_> = self.targets.iter().map(|target| target.name.as_str()).collect();
                bail!("no target {name:?} (known: {})", known.join(", "))
            }
        };
        names.iter().map(find).collect()
    }

    pub(super) fn program(&self, target: &Target) -> Command {
        Command::new(self.programs.join(&target.name))
    }

    pub(super) fn plain(&self) -> Command {
        Command::new(&self.plain)
    }
}
