//! Out of a dataset, into a store.

mod target;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;
use swing_core::roles::{HostStorage as _, KvStore as _};
use swing_core::{ArtifactMode, MonotonicClock};
use swing_export::dataset::{Dataset, DatasetError, MANIFEST_FILE_NAME, Mode};
use swing_export::{ImportOptions, Step};
use swing_store::Store;

use crate::alone;
use crate::console::Console;
use crate::error::Refusal;
use crate::exit::Exit;
use crate::export::as_text;
use crate::height;
use crate::progress::Meter;
use crate::text::{Bytes, Grouped, plural};
use crate::waiting;

pub use self::target::Replaced;

/// Which stores an import replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replace {
    /// None of a greater height than the dataset's.
    NotLater,
    /// Any.
    Any,
}

/// What to do with a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Make a store from it, with the artifacts of this mode: the manifest's own if `None`.
    Import {
        /// Which artifacts.
        mode: Option<Mode>,
        /// How long to wait for readers of the store that is replaced: until they are gone if `None`.
        wait: Option<Duration>,
        /// Which stores it may replace.
        replace: Replace,
    },
    /// Add the records that an existing store lacks.
    RepairMetadata,
}

/// What to import and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The directory of the dataset.
    pub dataset: PathBuf,
    /// The store's directory.
    pub store: PathBuf,
    /// What to do.
    pub task: Task,
    /// The height that the dataset must be of.
    pub height: Option<u64>,
}

/// What was imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Export records read.
    pub records: u64,
    /// Artifacts that were verified and stored.
    pub taken: u64,
    /// Artifacts that the mode had no use for.
    pub skipped: u64,
    /// Bytes of artifacts read.
    pub bytes: u64,
    /// The height that the store is at now.
    pub block_height: u64,
    /// Which artifacts were taken.
    #[serde(serialize_with = "as_text")]
    pub mode: Mode,
    /// What a repair did.
    #[serde(flatten)]
    pub repaired: Option<Repaired>,
    /// The store that was there.
    pub replaced: Option<Replaced>,
    /// Where it is.
    #[serde(skip)]
    store: PathBuf,
}

/// What a repair of metadata did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Repaired {
    /// Records that were missing.
    pub added: u64,
    /// Records that were there and agree.
    pub agreed: u64,
}

/// Carries out what `options` ask for, and commits.
///
/// # Errors
/// When the dataset is not complete, not what its records say, or of another height; or when the store cannot be had.
/// The store is then as it was.
pub fn import(options: &Options, meter: &Meter) -> Result<Report> {
    let dataset = Dataset::open(&options.dataset)?;
    dataset.check_block_height(options.height)?;
    match options.task {
        Task::Import { mode, wait, replace } => make(&dataset, mode, wait, replace, &options.store, meter),
        Task::RepairMetadata => repair(&dataset, options, meter),
    }
}

fn make(
    dataset: &Dataset,
    mode: Option<Mode>,
    wait: Option<Duration>,
    replace: Replace,
    store: &Path,
    meter: &Meter,
) -> Result<Report> {
    let mode = dataset.check_import(mode)?;
    let artifacts = match mode {
        // Refused by the check.
        Mode::NoArtifacts | Mode::Operational => ArtifactMode::Operational,
        Mode::Replay => ArtifactMode::Replay,
        Mode::Archival => ArtifactMode::Archival,
        Mode::Debug => ArtifactMode::Debug,
    };
    let block_height = dataset.block_height();
    let mut replaced = target::check(store, block_height, replace, wait, meter)?;
    meter.expect_artifacts(dataset.manifest().artifacts.len() as u64);
    let how = ImportOptions { mode: artifacts, patience: waiting::patience(wait), ..ImportOptions::default() };
    let mut imported =
        swing_store::import(dataset, store, how, swing_store::Options::default(), &mut |step| meter.step(step))?;
    let report = imported.report();
    imported.host_kv().set(height::HOST_HEIGHT, &block_height.to_string())?;
    meter.step(Step::Stage("flushing"));
    // What knows nothing of our lock may have gone on meanwhile.
    let mut may = || {
        replaced = target::look(store, block_height, replace)?;
        Ok(())
    };
    waiting::commit(imported, &mut may, wait, &MonotonicClock::default(), &|line| meter.say(line))?.close()?;
    Ok(Report {
        records: report.records,
        taken: report.taken,
        skipped: report.skipped,
        bytes: report.bytes,
        block_height,
        mode,
        repaired: None,
        store: store.to_owned(),
        replaced,
    })
}

fn repair(dataset: &Dataset, options: &Options, meter: &Meter) -> Result<Report> {
    let store = &options.store;
    if dataset.manifest().data.is_none() {
        return Err(DatasetError::NoExportData { path: options.dataset.join(MANIFEST_FILE_NAME) }.into());
    }
    // Opening for writing would create it.
    let read_only = swing_store::Options { read_only: true, ..swing_store::Options::default() };
    Store::open(store, read_only)?.close()?;
    alone::insist(store)?;
    let mut opened = Store::open(store, swing_store::Options::default())?;
    let found = opened.host().kv().get(height::HOST_HEIGHT)?;
    let found = height::read(store, found.as_deref())?;
    if let (Some(expected), None) = (options.height, found) {
        return Err(Refusal::OtherHeight { store: store.clone(), expected, found }.into());
    }
    let block_height = found.unwrap_or_default();
    let expected = dataset.block_height();
    if block_height != expected {
        return Err(Refusal::OtherDataset { store: store.clone(), expected, found: block_height }.into());
    }
    meter.step(Step::Stage("records"));
    let repaired = opened.repair_metadata(dataset)?;
    opened.host().commit()?;
    opened.close()?;
    Ok(Report {
        records: repaired.added + repaired.agreed,
        taken: 0,
        skipped: 0,
        bytes: 0,
        block_height,
        mode: Mode::NoArtifacts,
        repaired: Some(Repaired { added: repaired.added, agreed: repaired.agreed }),
        store: store.clone(),
        replaced: None,
    })
}

pub(crate) fn command(options: &Options, console: Console) -> Result<Exit> {
    let report = import(options, &Meter::stderr("import"))?;
    console.report(&report)?;
    Ok(Exit::Ok)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let replaced = match self.replaced {
            None => String::new(),
            Some(Replaced { block_height: Some(height) }) => {
                format!(" (replaced a store at height {height})")
            }
            Some(Replaced { block_height: None }) => " (replaced a store of no known height)".to_owned(),
        };
        writeln!(f, "{}{replaced}", self.store.display())?;
        writeln!(f, "  block height  {}", self.block_height)?;
        if let Some(Repaired { added, agreed }) = self.repaired {
            return writeln!(f, "  records       {} added, {} were there", Grouped(added), Grouped(agreed));
        }
        writeln!(f, "  export data   {}", plural(self.records, "record"))?;
        let skipped = match self.skipped {
            0 => String::new(),
            skipped => format!(", {} skipped", Grouped(skipped)),
        };
        writeln!(f, "  artifacts     {} ({}){skipped}, mode {}", Grouped(self.taken), Bytes(self.bytes), self.mode)?;
        writeln!(f, "  not in it     local.* keys, and host.* keys but the height: no dataset has them")
    }
}
