//! What runs in Node.js, installed from npm into the target folder: the reference, its tests' runner, the kernel, and other releases of
//! Node.js.
//!
//! Native parts are compiled from the packages' own sources, since nothing prebuilt is to be fetched but Node.js itself.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, iter};

use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use serde_json::Value;

use crate::shell::{exists, root, run, target};

/// Besides the one that is installed.
const RELEASES: [Release; 4] = [
    Release { node: "18.20.8", better_sqlite3: "10.1.0" },
    Release { node: "22.23.5", better_sqlite3: "10.1.0" },
    Release { node: "24.22.3", better_sqlite3: "12.11.1" },
    Release { node: "26.12.1", better_sqlite3: "13.2.0" },
];

/// A release of Node.js, and one of better-sqlite3, on which the reference stands, that can be compiled for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Release {
    node: &'static str,
    better_sqlite3: &'static str,
}

impl Release {
    /// The one whose number begins with this.
    pub(crate) fn of(major: &str) -> Result<&'static Self> {
        RELEASES.iter().find(|release| release.major() == major).with_context(|| {
            let majors: Vec<_> = RELEASES.iter().map(Self::major).collect();
            format!("no Node.js {major} is known here, but {}", majors.join(", "))
        })
    }

    fn major(&self) -> &'static str {
        self.node.split('.').next().unwrap_or_default()
    }

    /// The package that consists of it, for this machine.
    fn package() -> Result<String> {
        Ok(format!("node-{}", platform()?))
    }

    /// Installs it with a reference of its own, unless they are there already. Answers the folder with the reference and our scripts,
    /// and the one with the program.
    pub(crate) fn install(&self) -> Result<(PathBuf, PathBuf)> {
        let (folder, package) = (target().join(format!("node-{}", self.major())), Self::package()?);
        let home = folder.join("node_modules").join(&package);
        let mut manifest: Value = serde_json::from_str(&fs::read_to_string(root().join("xtask/node/package.json"))?)?;
        manifest["dependencies"]["better-sqlite3"] = self.better_sqlite3.into();
        manifest["dependencies"][package] = self.node.into();
        set_up("", &folder, &serde_json::to_string_pretty(&manifest)?, &["better-sqlite3"], Some(&home))?;
        Ok((folder, home.join("bin")))
    }
}

/// What Node.js calls the platform.
pub(crate) fn platform() -> Result<String> {
    let system = match env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        "linux" => "linux",
        other => bail!("no native module can be built on {other}"),
    };
    let machine = match env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    Ok(format!("{system}-{machine}"))
}

/// Installs the reference unless it is there already, and answers the folder with it and our scripts.
pub(crate) fn install() -> Result<PathBuf> {
    install_as_named("", target().join("node"), &["better-sqlite3"])
}

/// Installs the runner of the reference's own tests, below the reference, so that they find its dependencies.
pub(crate) fn install_peer() -> Result<PathBuf> {
    let reference = install()?;
    install_as_named("peer", reference.join("peer"), &[])
}

/// Installs the kernel with its workers, and the reference again, beside it.
pub(crate) fn install_kernel() -> Result<PathBuf> {
    install_as_named("kernel", target().join("kernel"), &["better-sqlite3", "microtime", "@agoric/xsnap"])
}

fn install_as_named(name: &str, folder: PathBuf, native: &[&str]) -> Result<PathBuf> {
    let manifest = fs::read_to_string(root().join("xtask/node").join(name).join("package.json"))?;
    set_up(name, &folder, &manifest, native, None)?;
    Ok(folder)
}

/// Copies a folder of ours to where it can be run, installs what the manifest names, and compiles the native packages, for the release of
/// Node.js at `home` or the one that is installed.
fn set_up(name: &str, folder: &Path, manifest: &str, native: &[&str], home: Option<&Path>) -> Result<()> {
    if !exists("node") || !exists("npm") {
        bail!("this task runs the reference implementation: install Node.js 20 or 22 with npm");
    }
    copy_scripts(&root().join("xtask/node").join(name), folder)?;
    fs::write(folder.join("package.json"), manifest)?;
    // Written last, so that an install that was interrupted is begun anew.
    let stamp = folder.join(".installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == manifest) {
        return Ok(());
    }
    run(Command::new("npm").args(["install", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder))?;
    if !native.is_empty() {
        let mut rebuild = Command::new("npm");
        rebuild.arg("rebuild").args(native).arg("--foreground-scripts").current_dir(folder);
        if let Some(home) = home {
            // Where its headers are.
            rebuild.env("PATH", before_others(&home.join("bin"))?).env("npm_config_nodedir", home);
        }
        run(&mut rebuild)
            .context("a native package could not be compiled (this needs python3, make and a C++ compiler)")?;
    }
    Ok(fs::write(&stamp, manifest)?)
}

/// A search path with this folder before all others.
pub(crate) fn before_others(folder: &Path) -> Result<OsString> {
    let others = env::var_os("PATH").unwrap_or_default();
    Ok(env::join_paths(iter::once(folder.to_owned()).chain(env::split_paths(&others)))?)
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
