//! What is looked at before anything is written: whether the rows are those that were committed, and what is not there.

use anyhow::Result;
use swing_core::ArtifactMode;
use swing_core::names::tag;
use swing_export::dataset::Mode;
use swing_export::{DigestVerdict, Exporter, digest_verdict, gaps};
use swing_store::SUBSTORES;

use super::Options;
use crate::error::Refusal;
use crate::verify::{Content, Digests, Finding};

/// What is missing for a node to go on, in `debug` mode, which takes what is there.
pub(super) fn missing(exporter: &Exporter, mode: Mode) -> Option<Content> {
    if mode != Mode::Debug {
        return None;
    }
    // Where rows cannot be read at all, that is told when they are to be written.
    let Ok(gaps) = gaps(exporter.read(), SUBSTORES, ArtifactMode::Operational) else { return None };
    let mut missing = Content::default();
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
    let damaged = verdict == DigestVerdict::Contradicts { by_damage: true };
    let findings: Vec<Finding> = findings.into_iter().filter(|_| damaged).map(Into::into).collect();
    if !findings.is_empty() && options.mode != Mode::Debug {
        return Err(Refusal::DamagedRows { store: options.store.clone(), findings }.into());
    }
    Ok((verdict.into(), findings))
}
