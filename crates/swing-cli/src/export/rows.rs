//! What is looked at before anything is written: whether the rows are those that were committed, and what is not there.

use anyhow::Result;
use serde::Serialize;
use swing_core::ArtifactMode;
use swing_core::names::tag;
use swing_core::row_digest::{Kept, stored};
use swing_export::dataset::Mode;
use swing_export::{Exporter, digest_verdict, gaps};
use swing_store::{SUBSTORES, tables};

use super::Options;
use crate::error::Refusal;
use crate::text::plural;
use crate::verify::{Digests, Finding};

/// What a node needs and the store does not have, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// Current spans that are not complete.
    pub spans: u64,
    /// Snapshots in use without their content.
    pub snapshots: u64,
    /// Bundles without their content.
    pub bundles: u64,
}

impl Missing {
    /// The counts that are not zero, in words.
    pub(super) fn told(&self) -> impl Iterator<Item = String> + use<> {
        [(self.spans, "span"), (self.snapshots, "snapshot"), (self.bundles, "bundle")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, one)| plural(count, one))
    }
}

/// What is missing for a node to go on, in `debug` mode, which takes what is there.
pub(super) fn missing(exporter: &Exporter, mode: Mode) -> Option<Missing> {
    if mode != Mode::Debug {
        return None;
    }
    // Where rows cannot be read at all, that is told when they are to be written.
    let Ok(gaps) = gaps(exporter.read(), SUBSTORES, ArtifactMode::Operational) else { return None };
    let mut missing = Missing::default();
    for gap in gaps {
        match tag(&gap.what) {
            "snapshot" => missing.snapshots += 1,
            "bundle" => missing.bundles += 1,
            _ => missing.spans += 1,
        }
    }
    Some(missing)
}

/// Compares the rows with their digest: damaged ones are not exported, but in `debug` mode, and then they are told. What another
/// program has written, be it not in a block, is not damaged, and is told.
pub(super) fn check(exporter: &Exporter, options: &Options) -> Result<(Digests, Vec<Finding>)> {
    let (verdict, findings) = digest_verdict(exporter.read(), SUBSTORES)?;
    let vouches = matches!(stored::load(exporter.read(), &tables()), Ok(Some(kept)) if kept.kept == Kept::UpToDate);
    let findings: Vec<Finding> = if vouches { findings.into_iter().map(Into::into).collect() } else { Vec::new() };
    if !findings.is_empty() && options.mode != Mode::Debug {
        return Err(Refusal::DamagedRows { store: options.store.clone(), findings }.into());
    }
    Ok((verdict.into(), findings))
}
