//! Mistakes made on purpose, and which comparison must see them.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

/// What of two lives is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Witness {
    /// The activityhash, cranks, computrons, and what a pinned exporter saw, block by block.
    Blocks,
    /// Every batch of the export callback, in its order.
    Exports,
    /// What the tables hold.
    Rows,
    /// Exports, imports, and the kernel going on.
    After,
}

/// A mistake in the store under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Control {
    /// One character of one value that is set once.
    Set,
    /// A value that is neither hashed nor exported.
    Local,
    /// One batch of the callback in another order.
    Batch,
    /// One record of each export.
    Export,
}

impl Control {
    /// As `wrong.mjs` calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Local => "local",
            Self::Batch => "batch",
            Self::Export => "export",
        }
    }

    /// Only an export goes wrong after a life.
    pub(crate) fn needs_after(self) -> bool {
        self == Self::Export
    }

    fn seen_by(self) -> BTreeSet<Witness> {
        match self {
            Self::Set => [Witness::Blocks, Witness::Exports, Witness::Rows].into(),
            Self::Local => [Witness::Rows].into(),
            Self::Batch => [Witness::Exports].into(),
            // An exporter that is pinned during a life is among the blocks.
            Self::Export => [Witness::Blocks, Witness::After].into(),
        }
    }

    /// The mistake was seen where it can be seen, and nowhere else.
    pub(crate) fn judge(self, found: &[(Witness, String)]) -> Result<()> {
        let by: BTreeSet<_> = found.iter().map(|(witness, _)| *witness).collect();
        if by != self.seen_by() {
            bail!("the mistake `{}` was to be seen by {:?}, but was by {by:?}", self.name(), self.seen_by());
        }
        println!("the mistake `{}` is seen by {by:?}, as it should be", self.name());
        Ok(())
    }
}
