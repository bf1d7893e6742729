//! `swing-store diff`

use std::path::PathBuf;

use crate::diff::Options;

/// In what do two stores differ? Compares every export record, and the transcripts of vats that differ item by item.
///
/// Each of the two is a store's directory, a dataset, or a file export-data.jsonl (which has no items). All records that differ
/// are counted by kind, and of each kind the first 100 are shown with what differs: of JSON the fields, else both values around the
/// first difference. Of vats whose spans are among these it tells the first item that differs, of the items that both sides
/// have. Keys of the host and of the node itself (host.*, local.*) are in no export, and are not compared.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// One of the two: a store, a dataset or a file of export data. What it has is told as `here`.
    here: PathBuf,
    /// The other. What it has is told as `there`; its keys are held in memory.
    there: PathBuf,
}

const AFTER: &str = "\
Examples:
  swing-store diff good/data/agoric bad/data/agoric
  swing-store diff ~/.agoric/data/agoric dataset-of-another-node

Exit code 0 if all records are the same, 1 if any differ, 3 if one of the two could not be read.

In JSON: warnings, here and there (each {path, kind, block_height, activityhash, records}), differing (how many records differ, by kind), found (how many \
in all), records (a list of {what, problem}: the first of them), items (a list of {vat, from, alike, lacking, position, problem}).";

impl Args {
    pub(super) fn options(self) -> Options {
        Options { here: self.here, there: self.there }
    }
}
