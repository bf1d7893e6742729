//! `cargo xtask node`: the npm package, complete and installable without a network.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use fs_err as fs;

use crate::node::{self, Release};
use crate::shell::{self, cargo, exists, root, target};
use crate::{bench, guided};

/// Options of the task.
#[derive(clap::Args, Default)]
pub(crate) struct Args {
    /// Where to leave the package.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Keep the native module's debugging information, ten times as large.
    #[arg(long)]
    keep_symbols: bool,
    /// Build it by the profile of what benchmarks do with it. Takes two builds, and needs `llvm-profdata` and what the benchmarks do.
    #[arg(long)]
    profile_guided: bool,
    /// Run the package's own tests on it.
    #[arg(long)]
    test: bool,
    /// Run them under other releases of Node.js too, which are fetched from npm: 18, 20, 22, 24, 26.
    #[arg(long, value_name = "MAJOR", value_delimiter = ',', requires = "test")]
    under: Vec<String>,
}

impl Args {
    /// The package where it belongs, and its tests.
    pub(crate) fn tested() -> Self {
        Self { test: true, ..Self::default() }
    }
}

/// The crate of the native module.
const PACKAGE: &str = "swing-node";

/// Where the package is left when nobody says otherwise.
pub(crate) fn folder() -> PathBuf {
    target().join("npm")
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let out = args.out.clone().unwrap_or_else(folder);
    let releases = args.under.iter().map(|major| Release::of(major)).collect::<Result<Vec<_>>>()?;
    build(&out, args.keep_symbols, args.profile_guided)?;
    if args.test {
        crate::node_tests::test(&out)?;
    }
    for release in releases {
        crate::node_tests::test_under(release, &out)?;
    }
    println!("\nThe package is in {}. In a project:", out.strip_prefix(root()).unwrap_or(&out).display());
    println!("  npm install @agoric/swing-store@file:PATH-TO-IT");
    Ok(())
}

/// Builds the native module and puts the package together in `out`, in place of what is there.
pub(crate) fn build(out: &Path, keep_symbols: bool, profile_guided: bool) -> Result<()> {
    // Before anything that takes long.
    check_replaceable(out)?;
    let built = if profile_guided {
        node::install()?;
        guided::build(PACKAGE, |counting| {
            let package = target().join("guided/npm");
            put_together(&package, true, counting)?;
            bench::work_with_package(&package)
        })?
    } else {
        shell::run(&mut cargo(&["build", "--quiet", "--profile", "shipped", "--package", PACKAGE]))?;
        target().join("shipped")
    };
    put_together(out, keep_symbols, &built)
}

/// Only what this task has made is erased.
fn check_replaceable(out: &Path) -> Result<()> {
    if out.exists() && !out.join("src/native.js").exists() {
        bail!("{} is there already and is not the package", out.display());
    }
    Ok(())
}

/// Puts the package together around the native module in folder `built`.
fn put_together(out: &Path, keep_symbols: bool, built: &Path) -> Result<()> {
    let sources = root().join("crates/swing-node/npm");
    if out.exists() {
        fs::remove_dir_all(out)?;
    }
    copy_all(&sources, out)?;
    fs::copy(root().join("LICENSE"), out.join("LICENSE"))?;
    fs::create_dir_all(out.join("native"))?;
    let module = out.join("native").join(format!("swing-node.{}.node", node::platform()?));
    fs::copy(built.join(library()), &module)?;
    if !keep_symbols && exists("strip") {
        // Symbols that are needed to load it stay.
        shell::run(
            Command::new("strip").arg(if cfg!(target_os = "macos") { "-x" } else { "--strip-unneeded" }).arg(&module),
        )?;
    }
    Ok(())
}

/// What cargo calls the library.
fn library() -> String {
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
    format!("{DLL_PREFIX}swing_node{DLL_SUFFIX}")
}

/// Copies a folder with everything below it.
pub(crate) fn copy_all(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_all(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target).context("copy the package")?;
        }
    }
    Ok(())
}
