//! `swing-store verify`

use std::path::PathBuf;

use clap::ValueEnum;
use swing_core::ArtifactMode;

use super::values::height;
use crate::verify::Options;

/// Is a store sound? Checks everything in it that can be checked.
///
/// SQLite's own check of the file; every span, snapshot and bundle that has its content here against its hash; gaps, overlaps
/// and orphans; one current span per vat; whether what a node needs to go on is there. Key-value pairs have no hash of their own: a digest
/// that is kept with every commit vouches for them, unless a program that does not know of it has written since, and then
/// the result says so. With --trusted every record of the store is compared with export data that you trust: all that differ
/// are counted by kind, and of each kind the first 100 are shown with what differs.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// The store's directory.
    dir: PathBuf,
    /// Trusted export data: an export-data.jsonl, or the dataset that holds one. Of another store, export it first.
    #[arg(long, value_name = "FILE|DATASET")]
    trusted: Option<PathBuf>,
    /// The block height that the store must be at. One that lost blocks it had committed is at a lower one; one that
    /// has no height is at none, also not at 0.
    #[arg(long, value_name = "N", value_parser = height())]
    height: Option<u64>,
    /// What the store must have all of: what an export of this mode needs.
    #[arg(long, value_name = "MODE", default_value = "operational")]
    artifact_mode: Completeness,
}

#[derive(Clone, Copy, ValueEnum)]
enum Completeness {
    /// What a node needs to go on.
    Operational,
    /// Also what replaying each vat's current incarnation needs.
    Replay,
    /// Also the older incarnations of every vat that is alive.
    Archival,
}

const AFTER: &str = "\
Examples:
  swing-store verify ~/.agoric/data/agoric
  swing-store verify clone --trusted dataset --height 1234567

Exit code 1 if anything was found, 3 if the store could not be read at all.

In JSON: warnings, records (export records of the store), compared (records of the trusted data, or null), differing (how many \
differ, by kind, those kinds that could be read to the end, or null), row_digests (what the digest says of the rows: verdict is agrees, absent, out of date or \
contradicts), checked and without_content (each {spans, snapshots, bundles}), found (how many things are wrong), findings (a \
list of {what, problem}: the first of them).";

impl Args {
    pub(super) fn options(self) -> Options {
        let mode = match self.artifact_mode {
            Completeness::Operational => ArtifactMode::Operational,
            Completeness::Replay => ArtifactMode::Replay,
            Completeness::Archival => ArtifactMode::Archival,
        };
        Options { store: self.dir, trusted: self.trusted, height: self.height, mode }
    }
}
