//! What is being done while something fails.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use swing_core::roles::KvStore as _;
use swing_core::testing::suite::Op;
use swing_core::{ArtifactMode, Reader};
use swing_export::dataset::Dataset;
use swing_export::{ImportOptions, PublishError};
use swing_store::{ImportedStore, Options, Store, StoreError, import};

use crate::careless::Careless;
use crate::datasets::{check_dataset, export_digest, missing_in_archive, write_dataset};
use crate::dump::{Dump, insist_on_row_digests};
use crate::kill::copy_dir;
use crate::stage::{Keeping, play};
use crate::vfs::{Tuning, tune};
use crate::workload::{Plan, Size};

/// Something that is done to a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub(crate) enum Case {
    /// A store is created, and gets its first blocks.
    Create,
    /// A closed store is opened, and closed again.
    OpenAndClose,
    /// A store whose writer was killed is opened, and gets a block.
    Recover,
    /// Small blocks.
    Blocks,
    /// The same, with what was read last forgotten, so that everything is read from the file.
    BlocksUncached,
    /// Blocks with a checkpoint after nearly each.
    Checkpoints,
    /// Blocks larger than the cache, which SQLite writes to the log before their commit.
    LargeBlocks,
    /// Blocks that the store writes to the open transaction crank by crank.
    SpilledCranks,
    /// A block that is abandoned, and a close that has to roll it back.
    Abandoned,
    /// A store is opened for reading beside a log, and exported.
    ReadAndExport,
    /// A store is exported as a dataset.
    Export,
    /// Blocks whose closed spans and snapshots are archived.
    Archived,
    /// A store is verified.
    Verify,
    /// A dataset is imported where nothing is.
    ImportNew,
    /// A dataset is imported over a store.
    ImportOver,
    /// The same while somebody reads the store, which gets a block more meanwhile, so that a first commit is refused, and is
    /// committed again.
    ImportRefused,
    /// A store is erased for a new one.
    Erase,
}

impl Case {
    pub(crate) const ALL: [Self; 17] = [
        Self::Create,
        Self::OpenAndClose,
        Self::Recover,
        Self::Blocks,
        Self::BlocksUncached,
        Self::Checkpoints,
        Self::LargeBlocks,
        Self::SpilledCranks,
        Self::Abandoned,
        Self::ReadAndExport,
        Self::Export,
        Self::Archived,
        Self::Verify,
        Self::ImportNew,
        Self::ImportOver,
        Self::ImportRefused,
        Self::Erase,
    ];

    fn size(self) -> Size {
        match self {
            Self::LargeBlocks | Self::SpilledCranks => Size { cranks: 3, ..Size::LARGE },
            _ => Size::SMALL,
        }
    }

    fn tuning(self) -> Tuning {
        let tuning = Tuning { mapped: false, ..Tuning::default() };
        match self {
            Self::Checkpoints | Self::Recover => Tuning { checkpoint_pages: 8, ..tuning },
            Self::LargeBlocks => Tuning { cache_pages: 10, ..tuning },
            _ => tuning,
        }
    }

    fn begins_with_nothing(self) -> bool {
        matches!(self, Self::Create | Self::ImportNew)
    }

    fn is_killed(self) -> bool {
        matches!(self, Self::Recover | Self::ReadAndExport | Self::Export | Self::ImportOver | Self::ImportRefused)
    }
}

/// How many blocks there are before anything fails.
const OLD: u64 = 8;

/// A case made ready.
pub(crate) struct Prepared {
    pub(crate) case: Case,
    seed: u64,
    base: PathBuf,
    work: PathBuf,
    dataset: PathBuf,
    old: Dump,
    /// What an export of the old store gives.
    exported: String,
    imported: Option<Dump>,
}

impl Prepared {
    pub(crate) fn new(case: Case, seed: u64, place: &Path) -> Result<Self> {
        let seed = seed * 4 + 3;
        let (base, work, dataset) = (place.join("base"), place.join("work"), place.join("dataset"));
        for dir in [&base, &work, &dataset] {
            if dir.exists() {
                fs::remove_dir_all(dir)?;
            }
        }
        tune(Tuning::default());
        let mut prepared =
            Self { case, seed, base, work, dataset, old: Dump::empty(), exported: String::new(), imported: None };
        fs::create_dir_all(&prepared.base)?;
        if !case.begins_with_nothing() {
            prepared.old_store()?;
        }
        if matches!(case, Case::ImportNew | Case::ImportOver | Case::ImportRefused) {
            prepared.source(place)?;
        }
        tune(case.tuning());
        Ok(prepared)
    }

    /// The same, with the store on another file system.
    pub(crate) fn working_in(mut self, work: &Path) -> Self {
        self.work = work.to_owned();
        self
    }

    fn options(&self) -> Result<Options> {
        let archive = self.work.join("archive");
        let archive = (self.case == Case::Archived).then_some(archive.as_path());
        let mut options = Keeping::of_seed(self.seed).options(archive)?;
        match self.case {
            Case::BlocksUncached => options.cache_bytes = 0,
            Case::SpilledCranks => options.overlay_bytes = 1 << 10,
            _ => {}
        }
        Ok(options)
    }

    fn store_of(&self, dir: &Path, seed: u64, blocks: u64) -> Result<Store> {
        let archive = dir.join("archive");
        let archive = (self.case == Case::Archived).then_some(archive.as_path());
        let mut store = Store::open(dir, Keeping::of_seed(self.seed).options(archive)?)?;
        let mut plan = Plan::new(seed, self.case.size());
        for _ in 0..blocks {
            let (height, ops) = plan.next_block();
            play(&mut store, height, &ops)?;
            play(&mut store, height, &[Op::Commit])?;
        }
        Ok(store)
    }

    fn old_store(&mut self) -> Result<()> {
        let made = self.base.with_extension("made");
        let store = self.store_of(&made, self.seed, OLD)?;
        self.old = Dump::of_store(&made)?;
        self.exported = export_digest(&made)?.1;
        if self.case.is_killed() {
            copy_dir(&made, &self.base)?;
            for side in ["-shm", "-lock"] {
                fs::remove_file(self.base.join(format!("swingstore.sqlite{side}")))?;
            }
            store.close()?;
        } else {
            store.close()?;
            copy_dir(&made, &self.base)?;
        }
        Ok(fs::remove_dir_all(made)?)
    }

    fn source(&mut self, place: &Path) -> Result<()> {
        let (other, reference) = (place.join("other"), place.join("reference"));
        self.store_of(&other, self.seed + 4, OLD + 2)?.close()?;
        write_dataset(&other, &self.dataset)?;
        self.staged(&reference, Duration::ZERO)?.commit().map_err(StoreError::from)?.close()?;
        self.imported = Some(Dump::of_store(&reference)?);
        fs::remove_dir_all(other)?;
        Ok(fs::remove_dir_all(reference)?)
    }

    fn staged(&self, dir: &Path, patience: Duration) -> Result<ImportedStore> {
        let dataset = Dataset::open(&self.dataset)?;
        let how = ImportOptions { mode: ArtifactMode::Archival, patience, ..ImportOptions::default() };
        Ok(import(&dataset, dir, how, self.options()?, &mut |_| {})?)
    }

    fn import(&self, host: &mut Careless) -> Result<()> {
        let imported = self.staged(&self.work, ImportOptions::default().patience)?;
        let store = imported.commit().map_err(StoreError::from)?;
        host.imported = true;
        Ok(store.close()?)
    }

    /// Commits beside a reader, and as long as the import is given back again without.
    fn import_refused(&self, host: &mut Careless) -> Result<()> {
        // Of an attempt that was refused nothing may be left.
        const ATTEMPT: &str = "host.attempt";
        let mut reader = Some(swing_store::exporter(&self.work, ArtifactMode::Operational)?);
        // What comes after what is being read stays in the log alone.
        let mut store = Store::open(&self.work, self.options()?)?;
        host.blocks(&mut store, 1);
        store.close()?;
        let mut imported = self.staged(&self.work, Duration::ZERO)?;
        imported.host_kv().set(ATTEMPT, "1")?;
        for _ in 0..3 {
            match imported.commit() {
                Ok(store) => {
                    host.imported = true;
                    if reader.is_some() {
                        host.wrong = Some("a store is replaced whose log somebody is reading".to_owned());
                    }
                    return Ok(store.close()?);
                }
                Err(PublishError { import: Some(again), .. }) => imported = again.into_import(),
                Err(failed) => return Err(failed.error.into()),
            }
            reader = None;
            imported.host_kv().delete(ATTEMPT)?;
        }
        bail!("refused again and again")
    }

    /// Puts what the case begins with in place.
    pub(crate) fn reset(&self) -> Result<()> {
        copy_dir(&self.base, &self.work)
    }

    /// A host that knows what the store holds.
    pub(crate) fn careless(&self) -> Result<Careless> {
        let played = if self.case.begins_with_nothing() { 0 } else { OLD };
        Careless::at(self.seed, self.case.size(), played)
    }

    /// Does what the case is about. An error says that something was refused; what may not be is told by
    /// [`Prepared::check`].
    pub(crate) fn run(&self, host: &mut Careless) -> Result<()> {
        let open = || Ok::<_, anyhow::Error>(Store::open(&self.work, self.options()?)?);
        match self.case {
            Case::OpenAndClose => Ok(open()?.close()?),
            Case::Create | Case::Blocks | Case::BlocksUncached | Case::SpilledCranks | Case::LargeBlocks => {
                let mut store = open()?;
                host.blocks(&mut store, 2);
                Ok(store.close()?)
            }
            Case::Archived => {
                let mut store = open()?;
                host.blocks(&mut store, 5);
                Ok(store.close()?)
            }
            Case::Export => write_dataset(&self.work, &self.work.join("dataset")),
            Case::Recover => {
                let mut store = open()?;
                host.blocks(&mut store, 1);
                Ok(store.close()?)
            }
            Case::Checkpoints => {
                let mut store = open()?;
                host.blocks(&mut store, 4);
                Ok(store.close()?)
            }
            Case::Abandoned => {
                let mut store = open()?;
                host.blocks(&mut store, 1);
                host.unfinished_block(&mut store);
                Ok(store.close()?)
            }
            Case::ReadAndExport => {
                let (_, digest) = export_digest(&self.work)?;
                if digest != self.exported {
                    host.wrong = Some("an export succeeds with something else than what is there".to_owned());
                }
                Ok(())
            }
            Case::Verify => {
                let exporter = swing_store::exporter(&self.work, ArtifactMode::Debug)?;
                let _reader: Reader<'_> = exporter.read();
                swing_export::verify(exporter.read(), swing_store::SUBSTORES, None, &mut |_| {})?;
                Ok(exporter.close()?)
            }
            Case::ImportNew | Case::ImportOver => self.import(host),
            Case::ImportRefused => self.import_refused(host),
            Case::Erase => {
                let mut store = Store::init(&self.work, self.options()?)?;
                host.begin_anew(self.seed, self.case.size())?;
                host.blocks(&mut store, 1);
                Ok(store.close()?)
            }
        }
    }

    /// Opens the store, now that nothing fails any more, and says what is wrong.
    pub(crate) fn check(&self, host: &Careless, refused: bool) -> Result<Option<String>> {
        if host.wrong.is_some() {
            return Ok(host.wrong.clone());
        }
        if self.case.begins_with_nothing() && refused && !swing_store::is_swing_store(&self.work) {
            return Ok(None);
        }
        let store = Store::open(&self.work, self.options()?).context("opening the store again")?;
        let found = Dump::of_store(&self.work)?;
        store.close()?;
        if self.case == Case::Export {
            check_dataset(&self.work.join("dataset"), !refused)?;
        }
        if self.case == Case::Archived
            && let Some(name) = missing_in_archive(&found, &self.work.join("archive"))?
        {
            return Ok(Some(format!("{name} is in the store and not in the archive")));
        }
        let wrong = match self.case {
            Case::ImportNew | Case::ImportOver | Case::ImportRefused => {
                let new = self.imported.as_ref().context("an import has a source")?;
                // A close that fails takes nothing back.
                let is_old = self.case != Case::ImportNew && refused && !host.imported && host.judge(&found).is_none();
                (found != *new && !is_old).then(|| format!("neither old nor new: {}", found.difference(new)))
            }
            // Erasing is not one step: the old store, an empty one, or what was committed since.
            Case::Erase if refused && (found == self.old || found.height() == 0) => None,
            _ => host.judge(&found),
        };
        if wrong.is_none() {
            insist_on_row_digests(&self.work)?;
        }
        Ok(wrong)
    }
}
