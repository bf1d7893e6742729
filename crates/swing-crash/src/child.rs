//! The program that is killed: it works on a store, and says on its standard output how far it has come.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use fs_err as fs;
use swing_core::ArtifactMode;
use swing_core::roles::{HostStorage as _, KvStore as _};
use swing_core::session::store_file;
use swing_core::testing::suite::Op;
use swing_export::dataset::Dataset;
use swing_export::{Exporter, ImportOptions, PublishError, StagingError};
use swing_store::{Store, StoreError, exporter, import};

use crate::datasets::{export_digest, write_dataset};
use crate::stage::{Keeping, play};
use crate::vfs::{Journal, Tuning, install, tune};
use crate::workload::{Plan, Size};

/// What a child does.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Opens a store and commits blocks.
    Blocks(Blocks),
    /// Imports a dataset.
    Import(Import),
    /// Exports a store as a dataset.
    Export(Export),
    /// Exports the last commit again and again, and says for each what it was.
    Exports(Exports),
}

/// Options of `blocks`.
#[derive(Debug, Args)]
pub(crate) struct Blocks {
    /// The store's directory.
    #[arg(long)]
    dir: PathBuf,
    /// Where to archive.
    #[arg(long)]
    archive: Option<PathBuf>,
    #[arg(long)]
    seed: u64,
    /// Stop after the block of this height.
    #[arg(long, default_value_t = u64::MAX)]
    until: u64,
    /// Erase the store that is there.
    #[arg(long)]
    init: bool,
    /// A control: nothing can be undone.
    #[arg(long)]
    no_journal: bool,
    /// A control: acknowledge before the commit.
    #[arg(long)]
    early: bool,
}

/// Options of `import`.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The dataset's directory.
    #[arg(long)]
    dataset: PathBuf,
    /// The store's directory.
    #[arg(long)]
    dir: PathBuf,
    /// If the old store has a log, read it until the first commit has been refused, and give it a block more of this seed.
    #[arg(long)]
    read_beside: Option<u64>,
}

/// Options of `export`.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The store's directory.
    #[arg(long)]
    dir: PathBuf,
    /// The dataset's directory.
    #[arg(long)]
    dataset: PathBuf,
}

/// Options of `exports`.
#[derive(Debug, Args)]
pub(crate) struct Exports {
    /// The store's directory.
    #[arg(long)]
    dir: PathBuf,
}

/// One line, written at once, so that it is said when it is true.
pub(crate) fn say(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{text}\n").as_bytes()).and_then(|()| out.flush()).context("nobody listens")
}

pub(crate) fn run(task: &Task) -> Result<()> {
    match task {
        Task::Blocks(args) => blocks(args),
        Task::Import(args) => take(args),
        Task::Export(args) => {
            install();
            say("open")?;
            write_dataset(&args.dir, &args.dataset)?;
            say("ack 0")
        }
        Task::Exports(args) => exports(args),
    }
}

fn blocks(args: &Blocks) -> Result<()> {
    install();
    // With every other seed the log is copied behind the blocks, whenever the scheduler has it.
    swing_core::session::checkpoint_in_step(args.seed.is_multiple_of(2));
    let journal = if args.no_journal { Journal::Off } else { Journal::AsAsked };
    tune(Tuning { checkpoint_pages: 24, journal, ..Tuning::default() });
    say("open")?;
    let mut options = Keeping::of_seed(args.seed).options(args.archive.as_deref())?;
    options.export_callback = Some(Box::new(|_| {
        say("callback")?;
        say("called")
    }));
    let mut store = if args.init { Store::init(&args.dir, options)? } else { Store::open(&args.dir, options)? };
    let height = store.host().kv().get("host.height")?.map_or(Ok(0), |height| height.parse())?;
    say(&format!("opened {height}"))?;
    let mut plan = Plan::new(args.seed, Size::SMALL);
    loop {
        let (next, ops) = plan.next_block();
        if next > args.until {
            break;
        }
        if next <= height {
            continue;
        }
        play(&mut store, next, &ops)?;
        say(&format!("begin {next}"))?;
        if args.early {
            say(&format!("ack {next}"))?;
        }
        play(&mut store, next, &[Op::Commit])?;
        say(&format!("ack {next}"))?;
    }
    store.close()?;
    say("closed")
}

fn take(args: &Import) -> Result<()> {
    install();
    let dataset = Dataset::open(&args.dataset)?;
    say("open")?;
    let has_log = fs::metadata(store_file(&args.dir).with_extension("sqlite-wal")).is_ok_and(|log| log.len() > 0);
    let mut reader = args.read_beside.filter(|_| has_log).map(|seed| read_beside(&args.dir, seed)).transpose()?;
    let patience = if reader.is_some() { Duration::ZERO } else { ImportOptions::default().patience };
    let how = ImportOptions { mode: ArtifactMode::Operational, patience, ..ImportOptions::default() };
    let mut imported = import(&dataset, &args.dir, how, Keeping::of_seed(3).options(None)?, &mut |_| {})?;
    let height = dataset.block_height();
    say(&format!("begin {height}"))?;
    let mut attempt = 1;
    let store = loop {
        // With a reader in the way it is a height that no store may ever be at: what is there in the end is of the last attempt.
        let own = if reader.is_some() { 1 } else { height };
        imported.host_kv().set("host.height", &own.to_string())?;
        match imported.commit() {
            Ok(store) => break store,
            Err(PublishError { error, import: Some(again) }) if attempt < ATTEMPTS => {
                say(&format!("again {}", reason(&error)))?;
                imported = again.into_import();
            }
            Err(failed) => return Err(failed.error.into()),
        }
        reader = None;
        attempt += 1;
    };
    assert!(reader.is_none(), "what is only in the log is being read, and the log is gone");
    say(&format!("ack {height}"))?;
    store.close()?;
    say("closed")
}

/// Somebody who reads a commit that is only in the log, and is overtaken by a block, which cannot be copied out of it then.
fn read_beside(dir: &Path, seed: u64) -> Result<Exporter> {
    let reader = exporter(dir, ArtifactMode::Operational)?;
    let mut store = Store::open(dir, Keeping::of_seed(seed).options(None)?)?;
    let height = store.host().kv().get("host.height")?.map_or(Ok(0), |height| height.parse())?;
    let mut plan = Plan::new(seed, Size::SMALL);
    let (next, ops) = loop {
        let block = plan.next_block();
        if block.0 > height {
            break block;
        }
    };
    play(&mut store, next, &ops)?;
    play(&mut store, next, &[Op::Commit])?;
    store.close()?;
    Ok(reader)
}

/// How often a commit is asked for when it is refused and can be asked for again.
const ATTEMPTS: u32 = 3;

/// Why a commit was refused, in a word.
fn reason(error: &StoreError) -> &'static str {
    match error {
        StoreError::Publish(StagingError::TargetInUse { .. }) => "read",
        StoreError::Publish(StagingError::OldStore { .. }) => "unsettled",
        _ => "other",
    }
}

fn exports(args: &Exports) -> Result<()> {
    loop {
        let (height, digest) = export_digest(&args.dir)?;
        say(&format!("{height} {digest}"))?;
    }
}
