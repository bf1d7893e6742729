//! `cargo xtask tour`: the main job on a real kernel's data, told to somebody who sees it for the first time.
//!
//! It builds the program and calls it as a person would, so what it shows is what the program does.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use fs_err as fs;
use serde_json::Value;

use crate::shell::{self, cargo, root, target};

/// Options of the task.
#[derive(clap::Args, Default)]
pub(crate) struct Args {
    /// Where to leave the stores and the dataset.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    shell::run(&mut cargo(&["build", "--quiet", "--release", "--package", "swing-cli"]))?;
    let out = args.out.clone().unwrap_or_else(|| target().join("tour"));
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    fs::create_dir_all(&out)?;
    let tour = Tour { program: target().join("release/swing-store"), out };
    tour.replay()?;
    tour.verify("store", &[])?;
    tour.export()?;
    tour.import()?;
    tour.compare()?;
    println!("\nEverything is in {}. Look inside:", shown(&tour.out));
    println!("  target/release/swing-store stat {}", shown(&tour.out.join("store")));
    Ok(())
}

struct Tour {
    program: PathBuf,
    out: PathBuf,
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn number(value: &Value) -> String {
    let digits = value.as_u64().unwrap_or_default().to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group).into_owned());
    groups.collect::<Vec<_>>().join(",")
}

impl Tour {
    /// Runs the program with `--json`, showing the command as a person would type it.
    fn call(&self, args: &[&str]) -> Result<Value> {
        println!("\n$ swing-store {}", args.iter().map(|arg| shown(Path::new(arg))).collect::<Vec<_>>().join(" "));
        let output =
            Command::new(&self.program).args(args).arg("--json").output().context("could not run swing-store")?;
        if !output.status.success() {
            let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            bail!("swing-store {} failed ({}):\n{out}{err}", args[0], output.status);
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    fn place(&self, name: &str) -> String {
        self.out.join(name).display().to_string()
    }

    fn replay(&self) -> Result<()> {
        println!(
            "A real SwingSet kernel was recorded: every call it made to its store, and what the original store answered."
        );
        println!("We make the same calls to a fresh store of ours, and compare every answer.");
        let trace = root().join("fixtures/trace/trace.jsonl.gz").display().to_string();
        let ran = self.call(&["replay", &trace, &self.place("store")])?;
        ensure!(ran["mismatches"] == 0, "{} answers differ from the recorded ones", ran["mismatches"]);
        let seconds = ran["store_seconds"].as_f64().unwrap_or_default();
        let calls = ran["calls"].as_f64().unwrap_or_default();
        println!(
            "  {} calls in {} blocks, {seconds:.2} s inside the store ({:.0} calls per second)",
            number(&ran["calls"]),
            number(&ran["blocks"]),
            calls / seconds.max(1e-9)
        );
        println!("  0 answers differ; crank hashes and export batches are the recorded ones, to the last");
        println!("  activityhash {}", ran["activityhash"].as_str().unwrap_or_default());
        Ok(())
    }

    fn verify(&self, name: &str, more: &[&str]) -> Result<()> {
        let place = self.place(name);
        let args = [&["verify", &place][..], more].concat();
        let verified = self.call(&args)?;
        println!(
            "  sound: every span, snapshot and bundle has the hash its record says ({} records)",
            number(&verified["records"])
        );
        Ok(())
    }

    fn export(&self) -> Result<()> {
        println!("\nA new validator clones a store from trusted records and untrusted artifacts. So we export ours …");
        let (store, dataset) = (self.place("store"), self.place("dataset"));
        let exported = self.call(&["export", &store, &dataset, "--artifact-mode", "archival"])?;
        println!(
            "  {} records, {} artifacts ({} bytes), each verified on the way out",
            number(&exported["records"]),
            number(&exported["artifacts"]),
            number(&exported["bytes"])
        );
        Ok(())
    }

    fn import(&self) -> Result<()> {
        println!("\n… and import it into a second one, checking each artifact against its record.");
        let (dataset, clone) = (self.place("dataset"), self.place("clone"));
        let imported = self.call(&["import", &dataset, &clone, "--artifact-mode", "archival"])?;
        println!(
            "  {} records, {} artifacts taken; in place only when all of it was verified and flushed",
            number(&imported["records"]),
            number(&imported["taken"])
        );
        let trusted = Path::new(&dataset).join("export-data.jsonl").display().to_string();
        self.verify("clone", &["--trusted", &trusted])
    }

    fn compare(&self) -> Result<()> {
        println!("\nThe clone's own export must be the same, to the byte.");
        let (clone, again) = (self.place("clone"), self.place("dataset-again"));
        self.call(&["export", &clone, &again, "--artifact-mode", "archival"])?;
        let mut files = 0;
        for entry in fs::read_dir(self.place("dataset"))? {
            let entry = entry?;
            let copy = Path::new(&again).join(entry.file_name());
            ensure!(fs::read(entry.path())? == fs::read(&copy)?, "{} differs", shown(&copy));
            files += 1;
        }
        ensure!(files == fs::read_dir(&again)?.count(), "the two datasets have different files");
        println!("  {files} files, all equal");
        Ok(())
    }
}
