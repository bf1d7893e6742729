//! `swing-store export`

use std::path::PathBuf;

use clap::ValueEnum;

use super::values::{ArtifactMode, height};
use crate::export::{ExportData, Options};

/// Writes a store as a dataset: a directory of export data and artifacts, which any swing-store can import.
///
/// What is written is the last committed block, while a node may go on with the next. First the rows (key-value pairs, and
/// records of spans, snapshots and bundles) are compared with the digest that is kept with every commit; where there is none,
/// or other software has written since, nothing vouches for pairs, and the result says so. Every artifact is compared with the
/// hash in its record on its way out. Damage ends the export; in `debug` mode damaged artifacts are left out, damaged rows are
/// written as they are, and both are told (exit code 1).
/// The bytes are those that the chain's own tools write. The dataset's manifest is created first, empty, and filled last:
/// an empty one marks an export that was not finished.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// The store's directory.
    dir: PathBuf,
    /// The directory to write: absent, or empty, and not in the store's own.
    dataset: PathBuf,
    /// Which artifacts to write. The export fails if the store does not have them all.
    #[arg(long, value_name = "MODE", default_value = "operational")]
    artifact_mode: ArtifactMode,
    /// Whose bytes to write: both hold the same, and both are read by import.
    #[arg(long, value_name = "DIALECT", default_value = "js")]
    dialect: Dialect,
    /// Whether to write export data, or artifacts only.
    #[arg(long, value_name = "MODE", default_value = "all")]
    export_data_mode: ExportDataMode,
    /// Fail unless the store is at this block height. A store that has none is at none, also not at 0.
    #[arg(long, value_name = "N", value_parser = height())]
    check_block_height: Option<u64>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Dialect {
    /// As export-kernel-db.js writes them.
    Js,
    /// As the x/swingset keeper does: records in key order, files numbered. Tells the genesis hash.
    Go,
}

#[derive(Clone, Copy, ValueEnum)]
enum ExportDataMode {
    /// All of it.
    All,
    /// None.
    Skip,
}

const AFTER: &str = "\
Examples:
  swing-store export ~/.agoric/data/agoric dataset
  swing-store export store dataset --artifact-mode archival --check-block-height 1234567
  swing-store export store genesis --dialect go --json | jq -r .genesis_hash

In JSON: records, artifacts, bytes (of the artifacts), block_height, mode, dialect, row_digests (as in verify); with --dialect \
go also genesis_hash; with --artifact-mode debug also missing ({spans, snapshots, bundles}: what a node needs and the store \
does not have) and, if there are any, left_out (a list of {name, reason}: damaged artifacts) and findings (a list of {what, \
problem}: damaged rows).";

impl Args {
    pub(super) fn options(self) -> Options {
        Options {
            store: self.dir,
            dataset: self.dataset,
            mode: self.artifact_mode.into(),
            dialect: match self.dialect {
                Dialect::Js => swing_export::dataset::Dialect::Js,
                Dialect::Go => swing_export::dataset::Dialect::Go,
            },
            data: match self.export_data_mode {
                ExportDataMode::All => ExportData::All,
                ExportDataMode::Skip => ExportData::Skip,
            },
            height: self.check_block_height,
        }
    }
}
