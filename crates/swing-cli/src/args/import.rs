//! `swing-store import`

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use clap::error::ErrorKind;

use super::values::{ArtifactMode, height};
use crate::import::{Options, Replace, Task};

/// Makes a store from a dataset: export data that is trusted, artifacts that are not.
///
/// Every artifact is verified against its record. The new store is built beside the old one and takes its place in one
/// step when all of it is verified, complete and flushed: until then, and after any failure, the store in DIR is as it was.
/// (After Ctrl-C, or if it is killed, so is the store; but the import leaves files swingstore.sqlite-import* in DIR, and DIR if
/// it made it. The next import erases them.) A store that is in DIR is replaced, unless it is at a greater height, or its
/// height cannot be told; a file that is not a store's never is. If somebody has the store open that is to be replaced, the import says so at once, and waits at its
/// end until nobody has. The new file gets the mode of the old one, and as root its owner. A dataset has no local.* keys, and of
/// host.* keys only the height, so the new store has none of them.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// The directory of the dataset, in either dialect.
    dataset: PathBuf,
    /// The store's directory; created if absent.
    dir: PathBuf,
    /// Which artifacts to take; the dataset must have them all. `none` is for repair-metadata alone. [default: what its manifest says, else operational]
    #[arg(long, value_name = "MODE")]
    artifact_mode: Option<ArtifactMode>,
    /// What to do with the export data.
    #[arg(long, value_name = "MODE", default_value = "all")]
    export_data_mode: ExportDataMode,
    /// Fail unless the dataset (and with repair-metadata the store) is of this block height.
    #[arg(long, value_name = "N", value_parser = height())]
    check_block_height: Option<u64>,
    /// How long to wait at the end for those who have the store in DIR open, whatever they do with it, before giving up; with 0
    /// they are a reason not to begin. [default: until they are gone]
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u64>,
    /// Replace the store in DIR also if it is at a greater height than the dataset, or nobody can tell at which: its later
    /// blocks are lost.
    #[arg(long)]
    replace: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExportDataMode {
    /// Make a new store from it and the artifacts.
    All,
    /// Add the records of old spans and snapshots that an existing store lacks; no artifacts are read.
    RepairMetadata,
    /// Refused, as the chain's tool refuses it: artifacts alone cannot be imported.
    Skip,
}

const AFTER: &str = "\
Examples:
  swing-store import dataset clone
  swing-store import dataset clone --artifact-mode replay --check-block-height 1234567
  swing-store import dataset ~/.agoric/data/agoric --export-data-mode repair-metadata

In JSON: records, taken, skipped (artifacts), bytes (of artifacts read), block_height, mode, replaced (null, or block_height of \
the store that was there, which may be null); with repair-metadata also added and agreed (records), and mode is none.";

impl Args {
    pub(super) fn options(self, clap: &mut clap::Command) -> Result<Options, clap::Error> {
        let mode = self.artifact_mode.map(Into::into);
        let task = match self.export_data_mode {
            ExportDataMode::All => {
                let replace = if self.replace { Replace::Any } else { Replace::NotLater };
                Task::Import { mode, wait: self.wait.map(Duration::from_secs), replace }
            }
            ExportDataMode::RepairMetadata if self.replace => {
                let why = "--export-data-mode repair-metadata replaces nothing: leave out --replace";
                return Err(clap.error(ErrorKind::ArgumentConflict, why));
            }
            ExportDataMode::RepairMetadata if self.wait.is_some() => {
                let why = "--export-data-mode repair-metadata waits for nobody: leave out --wait";
                return Err(clap.error(ErrorKind::ArgumentConflict, why));
            }
            ExportDataMode::RepairMetadata => match self.artifact_mode {
                None | Some(ArtifactMode::None) => Task::RepairMetadata,
                Some(_) => {
                    let why = "--export-data-mode repair-metadata takes no artifacts: leave out --artifact-mode";
                    return Err(clap.error(ErrorKind::ArgumentConflict, why));
                }
            },
            ExportDataMode::Skip => {
                let why =
                    "--export-data-mode skip: artifacts alone cannot be imported (the chain's tool cannot either)";
                return Err(clap.error(ErrorKind::InvalidValue, why));
            }
        };
        Ok(Options { dataset: self.dataset, store: self.dir, task, height: self.check_block_height })
    }
}
