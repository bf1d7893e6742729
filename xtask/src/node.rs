//! What runs in Node.js, installed from npm into the target folder: the reference, its tests' runner, the kernel.
//!
//! Native parts are compiled from the packages' own sources, since nothing prebuilt is to be fetched.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use fs_err as fs;

use crate::shell::{exists, root, run, target};

/// Installs the reference unless it is there already, and answers the folder with it and our scripts.
pub(crate) fn install() -> Result<PathBuf> {
    set_up("", &target().join("node"), &["better-sqlite3"])
}

/// Installs the runner of the reference's own tests, below the reference, so that they find its dependencies.
pub(crate) fn install_peer() -> Result<PathBuf> {
    let reference = install()?;
    set_up("peer", &reference.join("peer"), &[])
}

/// Installs the kernel with its workers, and the reference again, beside it.
pub(crate) fn install_kernel() -> Result<PathBuf> {
    set_up("kernel", &target().join("kernel"), &["better-sqlite3", "microtime", "@agoric/xsnap"])
}

/// Copies a folder of ours to where it can be run, installs what it names, and compiles the native packages.
fn set_up(name: &str, folder: &Path, native: &[&str]) -> Result<PathBuf> {
    if !exists("node") || !exists("npm") {
        bail!("this task runs the reference implementation: install Node.js 20 or 22 with npm");
    }
    let sources = root().join("xtask/node").join(name);
    copy_scripts(&sources, folder)?;
    // Written last, so that an install that was interrupted is begun anew.
    let (manifest, stamp) = (fs::read_to_string(sources.join("package.json"))?, folder.join(".installed"));
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == manifest) {
        return Ok(folder.to_owned());
    }
    run(Command::new("npm").args(["install", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder))?;
    if !native.is_empty() {
        run(Command::new("npm").arg("rebuild").args(native).arg("--foreground-scripts").current_dir(folder))
            .context("a native package could not be compiled (this needs python3, make and a C++ compiler)")?;
    }
    fs::write(&stamp, manifest)?;
    Ok(folder.to_owned())
}

/// The files of a folder, and of those below it that are not packages of their own.
fn copy_scripts(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_file() {
            fs::copy(path, copy)?;
        } else if !path.join("package.json").exists() && entry.file_name() != "node_modules" {
            copy_scripts(&path, &copy)?;
        }
    }
    Ok(())
}
