//! Building what is shipped by a profile: the compiler is told which ways are taken, and how often.
//!
//! Three steps: built so that it counts, set to work, and built again by what was counted.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use fs_err as fs;

use crate::shell::{self, cargo, exists, output, target};

/// Builds a package by the profile of what `work` does with it, and answers the folder where it is left. `work` gets the folder of the
/// one that counts. Code that it does not run is compiled as if it were hardly ever run.
pub(crate) fn build(package: &str, work: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    // They would take the place of the flags that are added here, or the counts elsewhere.
    for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "LLVM_PROFILE_FILE"] {
        ensure!(
            std::env::var_os(name).is_none(),
            "{name} is set: unset it for a build by a profile, which sets its own"
        );
    }
    let tool = profdata()?;
    let folder = std::path::absolute(target().join("guided"))?;
    let (counts, profile) = (folder.join("counts"), folder.join(format!("{package}.profdata")));
    let counting = compile(package, &folder.join("counting"), &format!("-Cprofile-generate={}", counts.display()))?;
    // Build scripts count, too, when they run.
    if counts.exists() {
        fs::remove_dir_all(&counts)?;
    }
    work(&counting)?;
    ensure!(
        counts.exists(),
        "nothing was counted in {}: does a `target.*.rustflags` of cargo's configuration take the place of the project's flags?",
        counts.display()
    );
    shell::run(Command::new(tool).arg("merge").arg("--output").arg(&profile).arg(&counts))
        .context("the counts could not be put together")?;
    compile(package, &folder.join("built"), &format!("-Cprofile-use={}", profile.display()))
}

fn compile(package: &str, folder: &Path, flag: &str) -> Result<PathBuf> {
    // Beside the flags that the project has anyway.
    let flags = format!("build.rustflags=[{flag:?}]");
    let mut build = cargo(&["--config", &flags, "build", "--quiet", "--profile", "shipped", "--package", package]);
    shell::run(build.arg("--target-dir").arg(folder))?;
    Ok(folder.join("shipped"))
}

/// What puts counts together: that of the compiler's own LLVM, since no other need understand them.
fn profdata() -> Result<PathBuf> {
    let rustc = |arg: &str| output(Command::new("rustc").arg(arg));
    let version = rustc("-vV")?;
    let said = |what: &str| version.lines().find_map(|line| line.strip_prefix(what)).map(str::trim);
    let (host, llvm) = said("host:").zip(said("LLVM version:")).context("rustc does not say what it is")?;
    let own = Path::new(rustc("--print=sysroot")?.trim()).join("lib/rustlib").join(host).join("bin/llvm-profdata");
    let on_path = format!("llvm-profdata-{}", llvm.split('.').next().unwrap_or_default());
    if own.exists() {
        Ok(own)
    } else if exists(&on_path) {
        Ok(on_path.into())
    } else {
        bail!("llvm-profdata is needed, of LLVM {llvm}: `rustup component add llvm-tools`, or {on_path} on the path")
    }
}
