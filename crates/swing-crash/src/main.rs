//! The program that `cargo xtask crash` runs.

use clap::Parser as _;

fn main() -> anyhow::Result<()> {
    swing_crash::run(&swing_crash::Cli::parse())
}
