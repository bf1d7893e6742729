//! The parts that are played in Node.js with a whole package: the reference's own tests, the kernel.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::inquisitor;
use super::task::Part;
use crate::under_test::{self, UnderTest};
use crate::{kernel, node_package, peer};

/// Options of these parts.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Options {
    /// The package that is put to the test: a folder, or `reference`; if not given, what `cargo xtask node` has made.
    #[arg(long, value_name = "FOLDER", value_parser = UnderTest::parse)]
    package: Option<UnderTest>,
    /// For the part `suite`: the kernel's folder in a checkout of its sources, since its npm package has no tests.
    #[arg(long, value_name = "FOLDER")]
    kernel_sources: Option<PathBuf>,
    /// For the part `suite`: also the many files for which the store is only where things are kept.
    #[arg(long)]
    whole_suite: bool,
    #[command(flatten)]
    kernel: kernel::KernelOptions,
}

/// Runs the parts that are wanted. Without any package they are left out, unless they were asked for by name.
pub(super) fn run(options: &Options, parts: &[Part]) -> Result<()> {
    let by_name = |part| parts.contains(&part);
    let package = options.package.clone().unwrap_or_default();
    let nothing_there = options.package.is_none() && !under_test::is_built();
    if parts.is_empty() && nothing_there {
        println!(
            "without a package in {}: its tests are left out (`cargo xtask node`)",
            node_package::folder().display()
        );
        return Ok(());
    }
    let all = parts.is_empty();
    if all || by_name(Part::Peer) {
        peer::run(&package)?;
    }
    if all || by_name(Part::Kernel) {
        kernel::run(&package, &options.kernel)?;
    }
    // Never by itself: it needs what only a person can give it, and minutes.
    if by_name(Part::Suite) {
        let sources = options.kernel_sources.as_deref().context("`--part suite` needs --kernel-sources")?;
        kernel::suite(&package, sources, options.whole_suite)?;
    }
    // Likewise: what it installs is large.
    if by_name(Part::Inquisitor) {
        inquisitor::run(&package)?;
    }
    Ok(())
}
