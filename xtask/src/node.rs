//! The reference implementation, installed from npm into the target folder.
//!
//! Its SQLite binding is compiled from the package's own sources, since nothing prebuilt is to be fetched.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use fs_err as fs;

use crate::shell::{exists, root, run, target};

/// Installs the reference unless it is there already, and answers the folder with it and our scripts.
pub(crate) fn install() -> Result<PathBuf> {
    if !exists("node") || !exists("npm") {
        bail!("this task runs the reference implementation: install Node.js 20 or 22 with npm");
    }
    let (sources, folder) = (root().join("xtask/node"), target().join("node"));
    fs::create_dir_all(&folder)?;
    let manifest = fs::read_to_string(sources.join("package.json"))?;
    for entry in fs::read_dir(&sources)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), folder.join(entry.file_name()))?;
        }
    }
    // Written last, so that an install that was interrupted is begun anew.
    let stamp = folder.join(".installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == manifest) {
        return Ok(folder);
    }
    run(Command::new("npm").args(["install", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder))?;
    run(Command::new("npm").args(["rebuild", "better-sqlite3", "--foreground-scripts"]).current_dir(&folder))
        .context("the reference's SQLite binding could not be compiled (it needs python3, make and a C++ compiler)")?;
    fs::write(&stamp, manifest)?;
    Ok(folder)
}
