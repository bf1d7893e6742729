//! `swing-store stat`

use std::path::PathBuf;

use crate::stat::{ItemBytes, Options};

/// What is in a store: rows and bytes of each part, its block height, its activityhash.
///
/// It looks at the last committed block, beside whoever has the store open, and counts most things from indexes, so it is
/// quick even where there are millions of rows. Only adding up the lengths of all transcript items means reading the whole
/// file: that is done for files up to 1 GB, and for larger ones with --full.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// The store's directory.
    dir: PathBuf,
    /// Add up the lengths of all transcript items, however large the file is.
    #[arg(long)]
    full: bool,
}

const AFTER: &str = "\
Examples:
  swing-store stat ~/.agoric/data/agoric
  swing-store stat store --json | jq .block_height

In JSON: store, block_height, activityhash, schema, files {database, wal}, import_files (what an import left beside it), kv {consensus, local, host} with {rows, bytes}, \
transcripts {vats, spans, current, positions, items, bytes}, snapshots {records, populated, in_use, bytes, \
uncompressed_bytes}, bundles {records, populated, bytes}, pending_exports. What was not measured is null.";

impl Args {
    pub(super) fn options(self) -> Options {
        let item_bytes = if self.full { ItemBytes::Always } else { ItemBytes::WhenQuick };
        Options { store: self.dir, item_bytes }
    }
}
