//! Runs a target on inputs without a fuzzer, and makes what a fuzzer begins with.
//!
//! `swing-fuzz list`; `swing-fuzz TARGET FILE…`, which panics as the target does; `swing-fuzz seeds TARGET FIXTURES FOLDER`.

#![expect(clippy::print_stdout, reason = "a program that answers a person, and cargo xtask fuzz")]

use std::path::Path;

use anyhow::{Context as _, Result};
use fs_err as fs;
use swing_fuzz::{TARGETS, seeds};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["list"] => TARGETS.iter().for_each(|target| println!("{} {}", target.name, target.longest)),
        ["seeds", target, fixtures, folder] => {
            fs::create_dir_all(folder)?;
            for (at, seed) in seeds::of(target, Path::new(fixtures))?.iter().enumerate() {
                fs::write(Path::new(folder).join(format!("seed-{at:04}")), seed)?;
            }
        }
        [target, ref files @ ..] if !files.is_empty() => {
            let run = TARGETS.iter().find(|known| known.name == target).context("no such target")?.run;
            for file in files {
                println!("{target} {file}");
                run(&fs::read(file)?);
            }
        }
        _ => anyhow::bail!("swing-fuzz list | TARGET FILE… | seeds TARGET FIXTURES FOLDER"),
    }
    Ok(())
}
