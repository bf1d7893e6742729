//! `swing-store replay`

use std::path::PathBuf;

use crate::replay::{Checking, Options};

/// Makes the calls of a recorded kernel to a fresh store, and compares every answer.
///
/// A trace has one call a line, with the answer that the original implementation gave: values, hashes of cranks, spans and
/// snapshots, and every batch that the export callback got. Time is measured around each call alone: reading the trace and
/// comparing answers is not in it.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// The trace: a .jsonl, or one compressed with gzip.
    trace: PathBuf,
    /// Where to make the store: a directory that is absent or empty.
    dir: PathBuf,
    /// The recorded snapshots and bundles, each in a file SHA256.gz. [default: blobs beside the trace]
    #[arg(long, value_name = "DIR")]
    blobs: Option<PathBuf>,
    /// Only run the calls: compare no answers. A call that fails still counts, unless it failed when it was recorded.
    #[arg(long)]
    no_check: bool,
}

const AFTER: &str = "\
Examples:
  swing-store replay trace.jsonl.gz store
  swing-store replay trace.jsonl.gz store --json | jq .per_op.kg.mean_us

Exit code 1 if an answer differs; the first 20 are shown with the line, what was expected and what came.

In JSON: calls, mismatches, blocks (commits), activityhash (the last one), store_seconds (inside the store), \
store_seconds_without_blobs (save and load of snapshots, add and get of bundles left out), per_op: for each operation of the \
trace {count, total_us, mean_us}, in microseconds.";

impl Args {
    pub(super) fn options(self) -> Options {
        let checking = if self.no_check { Checking::FailuresOnly } else { Checking::Everything };
        Options { trace: self.trace, store: self.dir, blobs: self.blobs, checking }
    }
}
