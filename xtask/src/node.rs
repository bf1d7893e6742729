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

use crate::shell::{exists, output, root, run, target};

/// What the reference stands on, most of it native.
const BETTER_SQLITE3: &str = "better-sqlite3";
/// The file that says what a folder was set up with.
const STAMP: &str = ".installed";

/// Those that can be had besides the one that is installed.
const RELEASES: [Release; 5] =
    [Release("18.20.8"), Release("20.20.2"), Release("22.23.5"), Release("24.22.3"), Release("26.12.1")];

/// A release of Node.js.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Release(&'static str);

impl Release {
    /// The one whose number begins with this.
    pub(crate) fn of(major: &str) -> Result<&'static Self> {
        RELEASES.iter().find(|release| self::major(release.0) == major).with_context(|| {
            let majors: Vec<_> = RELEASES.iter().map(|release| self::major(release.0)).collect();
            format!("no Node.js {major} is known here, but {}", majors.join(", "))
        })
    }

    /// Installs it with a reference of its own, unless they are there already. Answers the folder with the reference and our scripts,
    /// and the one with the program.
    pub(crate) fn install(&self) -> Result<(PathBuf, PathBuf)> {
        let folder = target().join(format!("node-{}", major(self.0)));
        let home = folder.join("node_modules").join(Self::package()?);
        set_up("", &folder, &[BETTER_SQLITE3], Some((self, &home)))?;
        Ok((folder, home.join("bin")))
    }

    /// The package that consists of it, for this machine.
    fn package() -> Result<String> {
        Ok(format!("node-{}", platform()?))
    }
}

fn major(version: &str) -> &str {
    version.trim_start_matches('v').split('.').next().unwrap_or_default()
}

/// The release of better-sqlite3, on which the reference stands, that can be compiled for a Node.js for which the pinned one cannot.
fn newer_better_sqlite3(node: &str) -> Option<&'static str> {
    match major(node).parse() {
        Ok(..24) | Err(_) => None,
        Ok(24 | 25) => Some("12.11.1"),
        Ok(26_u32..) => Some("13.2.0"),
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
    let folder = target().join("node");
    set_up("", &folder, &[BETTER_SQLITE3], None)?;
    Ok(folder)
}

/// Installs the runner of the reference's own tests, below the reference, so that they find its dependencies.
pub(crate) fn install_peer() -> Result<PathBuf> {
    let folder = install()?.join("peer");
    set_up("peer", &folder, &[], None)?;
    Ok(folder)
}

/// Installs the kernel with its workers, and the reference again, beside it.
pub(crate) fn install_kernel() -> Result<PathBuf> {
    let folder = target().join("kernel");
    set_up("kernel", &folder, &[BETTER_SQLITE3, "microtime", "@agoric/xsnap"], None)?;
    Ok(folder)
}

/// Installs the chain's tool for looking into a store, with the reference.
pub(crate) fn install_inquisitor() -> Result<PathBuf> {
    let folder = target().join("inquisitor");
    set_up("inquisitor", &folder, &[BETTER_SQLITE3], None)?;
    Ok(folder)
}

/// Copies a folder of ours to where it can be run, installs what it names, and compiles the native packages: for the Node.js that is
/// installed, or for another one, which is put at its home too.
fn set_up(name: &str, folder: &Path, native: &[&str], other: Option<(&Release, &Path)>) -> Result<()> {
    if !exists("node") || !exists("npm") {
        bail!("this task runs the reference implementation: install Node.js 20 or newer with npm");
    }
    let sources = root().join("xtask/node").join(name);
    let installed = output(Command::new("node").arg("--version"))?;
    let node = other.map_or(installed.trim(), |(release, _)| release.0);
    let mut manifest: Value = serde_json::from_str(&fs::read_to_string(sources.join("package.json"))?)?;
    let wanted = &mut manifest["dependencies"];
    if let (Some(release), Some(pinned)) = (newer_better_sqlite3(node), wanted.get_mut(BETTER_SQLITE3)) {
        *pinned = release.into();
    }
    if let Some((release, _)) = other {
        wanted[Release::package()?] = release.0.into();
    }
    let manifest = serde_json::to_string_pretty(&manifest)?;
    copy_scripts(&sources, folder)?;
    fs::write(folder.join("package.json"), &manifest)?;
    // Written last, so that an install that was interrupted is begun anew; as is one for a Node.js that loads no such native parts.
    let (stamp, done) = (folder.join(STAMP), manifest + &for_node(major(node)));
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == done) {
        return Ok(());
    }
    if stamp.exists() {
        fs::remove_file(&stamp)?;
    }
    run(Command::new("npm").args(["install", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder))?;
    let mut native = native.to_vec();
    if other.is_none() && take_compiled(&target().join("node"), folder, major(node))? {
        native.retain(|package| *package != BETTER_SQLITE3);
    }
    if !native.is_empty() {
        let mut rebuild = Command::new("npm");
        rebuild.arg("rebuild").args(&native).arg("--foreground-scripts").current_dir(folder);
        if let Some((_, home)) = other {
            // Where its headers are.
            rebuild.env("PATH", before_others(&home.join("bin"))?).env("npm_config_nodedir", home);
        }
        run(&mut rebuild)
            .context("a native package could not be compiled (this needs python3, make and a C++ compiler)")?;
    }
    Ok(fs::write(&stamp, done)?)
}

/// Copies the compiled part of better-sqlite3 from one folder to another, if both have the same release of it and the first was set up for
/// this Node.js. Says whether: compiling it takes a minute or two.
fn take_compiled(from: &Path, to: &Path, node: &str) -> Result<bool> {
    let package = |folder: &Path| folder.join("node_modules").join(BETTER_SQLITE3);
    let compiled = |folder: &Path| package(folder).join("build/Release/better_sqlite3.node");
    let release = |folder: &Path| fs::read_to_string(package(folder).join("package.json")).ok();
    let is_for_it = fs::read_to_string(from.join(STAMP)).is_ok_and(|stamp| stamp.ends_with(&for_node(node)));
    let is_same = release(from).is_some() && release(from) == release(to);
    if from == to || !is_for_it || !is_same || !compiled(from).exists() {
        return Ok(false);
    }
    let place = compiled(to);
    fs::create_dir_all(place.parent().context("a file is in a folder")?)?;
    fs::copy(compiled(from), place)?;
    Ok(true)
}

/// How the stamp of a folder that was set up for this Node.js ends.
fn for_node(major: &str) -> String {
    format!("\nNode.js {major}")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_found_by_the_first_part_of_its_number() {
        assert_eq!(Release::of("24").unwrap().0.split('.').next(), Some("24"));
        assert_eq!(Release::of("2").unwrap_err().to_string(), "no Node.js 2 is known here, but 18, 20, 22, 24, 26");
    }

    #[test]
    fn what_was_compiled_is_taken_over_by_the_same_release_for_the_same_node() {
        let dir = tempfile::tempdir().unwrap();
        let folder = |name: &str, release: &str| {
            let package = dir.path().join(name).join("node_modules/better-sqlite3");
            fs::create_dir_all(&package).unwrap();
            fs::write(package.join("package.json"), release).unwrap();
            dir.path().join(name)
        };
        let compiled = "node_modules/better-sqlite3/build/Release/better_sqlite3.node";
        let (from, same, other) = (folder("from", "1"), folder("same", "1"), folder("other", "2"));
        fs::write(from.join(STAMP), "{}\nNode.js 20").unwrap();
        assert!(!take_compiled(&from, &same, "20").unwrap(), "nothing is compiled");
        fs::create_dir_all(from.join(compiled).parent().unwrap()).unwrap();
        fs::write(from.join(compiled), "code").unwrap();
        assert!(!take_compiled(&from, &from, "20").unwrap());
        assert!(!take_compiled(&from, &same, "2").unwrap());
        assert!(!take_compiled(&from, &other, "20").unwrap());
        assert!(!take_compiled(&dir.path().join("nowhere"), &same, "20").unwrap());
        assert!(!same.join(compiled).exists() && !other.join(compiled).exists());
        assert!(take_compiled(&from, &same, "20").unwrap());
        assert_eq!(fs::read_to_string(same.join(compiled)).unwrap(), "code");
    }

    #[test]
    fn what_the_reference_stands_on_is_as_new_as_node_needs_it() {
        let newer = ["v18.20.8", "v20.20.2", "23.0.0", "v24.1.0", "v25.1.0", "26.12.1", "v100.0.0", ""]
            .map(newer_better_sqlite3);
        let (of_24, of_26) = (Some("12.11.1"), Some("13.2.0"));
        assert_eq!(newer, [None, None, None, of_24, of_24, of_26, of_26, None]);
    }
}
