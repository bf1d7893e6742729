//! The parts that are played in Node.js with a whole package: the reference's own tests, the kernel.

use anyhow::Result;

use super::task::Part;
use crate::node_package::{self, UnderTest};
use crate::{kernel, peer};

/// Options of these parts.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Options {
    /// The package that is put to the test: a folder, or `reference`; if not given, what `cargo xtask node` has made.
    #[arg(long, value_name = "FOLDER", value_parser = UnderTest::parse)]
    package: Option<UnderTest>,
    #[command(flatten)]
    kernel: kernel::KernelOptions,
}

/// Runs the parts that are wanted. Without any package they are left out, unless they were asked for by name.
pub(super) fn run(options: &Options, parts: &[Part]) -> Result<()> {
    let by_name = |part| parts.contains(&part);
    let package = options.package.clone().unwrap_or_default();
    let nothing_there = options.package.is_none() && !node_package::is_built();
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
    Ok(())
}
