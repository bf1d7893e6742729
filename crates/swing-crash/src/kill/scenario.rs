//! Programs to kill, what they begin with, and what may be there afterwards.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use fs_err as fs;
use swing_core::session::store_file;
use swing_core::testing::suite::Op;
use swing_store::Store;

use crate::datasets::{check_dataset, missing_in_archive, write_dataset};
use crate::dump::{Dump, insist_on_row_digests};
use crate::stage::{History, Keeping, Verdict, judge, play};
use crate::workload::{Plan, Size};

/// This program, as a child with this task.
pub(crate) fn program(task: &str) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["child", task]).stdin(Stdio::null());
    Ok(command)
}

/// Makes `to` a copy of `from`.
pub(crate) fn copy_dir(from: &Path, to: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            copy_dir(&entry.path(), &to.join(entry.file_name()))?;
        } else {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// Opens a store and says whether it is what it may be, and what of it its archive lacks.
pub(super) fn look_at(
    dir: &Path,
    archive: &Path,
    keeping: Keeping,
    history: &mut History,
    allowed: RangeInclusive<u64>,
) -> Result<(Verdict, Option<String>)> {
    let store = Store::open(dir, keeping.options(None)?)?;
    let dump = Dump::of_store(dir)?;
    let verdict = judge(&dump, history, allowed)?;
    let behind = missing_in_archive(&dump, archive)?;
    if matches!(verdict, Verdict::Sound { .. }) {
        insist_on_row_digests(dir)?;
    }
    store.close()?;
    Ok((verdict, behind))
}

/// A program and what it begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// Creates a store and commits its first blocks.
    Fresh,
    /// Goes on with a store that was closed.
    Closed,
    /// Goes on with a store whose last writer was killed.
    Killed,
    /// Erases a store whose last writer was killed and commits first blocks.
    Init,
    /// Imports where nothing is.
    ImportNew,
    /// Imports over a store that was closed.
    ImportOverClosed,
    /// Imports over a store whose last writer was killed.
    ImportOverKilled,
    /// The same while somebody reads the store, which gets a block more meanwhile, so that a first commit is refused, and
    /// commits again.
    ImportRefused,
    /// Exports a store whose last writer was killed.
    Export,
}

impl Scenario {
    pub(crate) const ALL: [Self; 9] = [
        Self::Fresh,
        Self::Closed,
        Self::Killed,
        Self::Init,
        Self::ImportNew,
        Self::ImportOverClosed,
        Self::ImportOverKilled,
        Self::ImportRefused,
        Self::Export,
    ];
}

/// How many blocks the store has that a scenario begins with, and how many are added.
const OLD: u64 = 14;
const MORE: u64 = 6;

/// A scenario made ready: what it begins with is kept, and copied for every run.
pub(crate) struct Staged {
    pub(crate) scenario: Scenario,
    seed: u64,
    base: PathBuf,
    pub(crate) work: PathBuf,
    history: History,
    /// What an import brings.
    imported: Option<(u64, Dump)>,
}

impl Staged {
    pub(crate) fn new(scenario: Scenario, seed: u64, place: &Path) -> Result<Self> {
        // The store that is imported keeps everything, and so must the one that it becomes.
        let seed = seed * 4 + 3;
        let base = place.join(format!("{scenario:?}-base"));
        let work = place.join(format!("{scenario:?}"));
        fs::create_dir_all(base.join("store"))?;
        fs::create_dir_all(base.join("archive"))?;
        let mut staged = Self { scenario, seed, base, work, history: History::new(seed, Size::SMALL), imported: None };
        use Scenario::*;
        let killed = matches!(scenario, Killed | Init | ImportOverKilled | ImportRefused | Export);
        match scenario {
            Scenario::Fresh => fs::remove_dir(staged.base.join("store"))?,
            Scenario::ImportNew => fs::remove_dir(staged.base.join("store"))?,
            _ => staged.old_store(killed)?,
        }
        if staged.is_import() {
            staged.source(place)?;
        }
        Ok(staged)
    }

    fn is_import(&self) -> bool {
        use Scenario::*;
        matches!(self.scenario, ImportNew | ImportOverClosed | ImportOverKilled | ImportRefused)
    }

    fn begins_anew(&self) -> bool {
        matches!(self.scenario, Scenario::Fresh | Scenario::Init)
    }

    fn keeping(&self) -> Keeping {
        Keeping::of_seed(self.seed)
    }

    /// A store with some blocks; killed, it has a log that nobody has recovered.
    fn old_store(&mut self, killed: bool) -> Result<()> {
        let (dir, archive) = (self.base.join("store"), self.base.join("archive"));
        let open = || Ok::<_, anyhow::Error>(Store::open(&dir, self.keeping().options(Some(&archive))?)?);
        let mut store = open()?;
        let mut plan = Plan::new(self.seed, Size::SMALL);
        for _ in 0..OLD {
            let (height, ops) = plan.next_block();
            play(&mut store, height, &ops)?;
            play(&mut store, height, &[Op::Commit])?;
            if height == OLD / 2 {
                // The log is of some pages then: one with all of them would be the whole store, whatever file it is beside.
                store.close()?;
                store = open()?;
            }
        }
        if killed {
            let copy = self.base.join("copy");
            copy_dir(&dir, &copy)?;
            store.close()?;
            for side in ["-shm", "-lock"] {
                let file = copy.join(format!("swingstore.sqlite{side}"));
                if file.exists() {
                    fs::remove_file(file)?;
                }
            }
            fs::remove_dir_all(&dir)?;
            fs::rename(copy, dir)?;
        } else {
            store.close()?;
        }
        Ok(())
    }

    /// A dataset of another store, and what a store holds that has imported it.
    fn source(&mut self, place: &Path) -> Result<()> {
        let (other, reference) = (place.join("other"), place.join("reference"));
        for dir in [&other, &reference, &self.dataset()] {
            if dir.exists() {
                fs::remove_dir_all(dir)?;
            }
        }
        let mut store = Store::open(&other, Keeping::of_seed(3).options(None)?)?;
        let mut plan = Plan::new(self.seed + 4, Size::SMALL);
        for _ in 0..OLD + 3 {
            let (height, ops) = plan.next_block();
            play(&mut store, height, &ops)?;
            play(&mut store, height, &[Op::Commit])?;
        }
        store.close()?;
        write_dataset(&other, &self.dataset())?;
        let done = program("import")?.arg("--dataset").arg(self.dataset()).arg("--dir").arg(&reference).output()?;
        ensure!(done.status.success(), "the import fails by itself: {}", String::from_utf8_lossy(&done.stderr));
        let dump = Dump::of_store(&reference)?;
        self.imported = Some((dump.height(), dump));
        Ok(())
    }

    fn dataset(&self) -> PathBuf {
        self.base.parent().unwrap_or(Path::new(".")).join(format!("{:?}-dataset", self.scenario))
    }

    /// Puts what it begins with in place.
    pub(crate) fn reset(&self) -> Result<()> {
        copy_dir(&self.base, &self.work)
    }

    pub(crate) fn command(&self) -> Result<Command> {
        let store = self.work.join("store");
        let mut command = match self.scenario {
            Scenario::Fresh | Scenario::Closed | Scenario::Killed | Scenario::Init => {
                let until = if self.begins_anew() { MORE } else { OLD + MORE };
                let mut command = program("blocks")?;
                if self.scenario == Scenario::Init {
                    command.arg("--init");
                }
                command.args(["--seed", &self.seed.to_string(), "--until", &until.to_string()]);
                command.arg("--archive").arg(self.work.join("archive"));
                command
            }
            Scenario::ImportNew | Scenario::ImportOverClosed | Scenario::ImportOverKilled | Scenario::ImportRefused => {
                let mut command = program("import")?;
                command.arg("--dataset").arg(self.dataset());
                if self.scenario == Scenario::ImportRefused {
                    command.args(["--read-beside", &self.seed.to_string()]);
                }
                command
            }
            Scenario::Export => {
                let mut command = program("export")?;
                command.arg("--dataset").arg(self.work.join("dataset"));
                command
            }
        };
        command.arg("--dir").arg(store).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(command)
    }

    /// Says what is wrong after the program said that it had begun and acknowledged these heights.
    pub(crate) fn check(&mut self, begun: Option<u64>, acknowledged: Option<u64>) -> Result<Option<String>> {
        let dir = self.work.join("store");
        if self.is_import() {
            return self.check_import(&dir, begun.is_some(), acknowledged.is_some());
        }
        if self.scenario == Scenario::Export {
            check_dataset(&self.work.join("dataset"), acknowledged.is_some())?;
        }
        let mut old = if self.begins_anew() { 0 } else { OLD };
        if self.scenario == Scenario::Init
            && begun.is_none()
            && Dump::of_store(&dir).is_ok_and(|dump| dump.height() == OLD)
        {
            // It was not erased yet.
            old = OLD;
        }
        let acknowledged = acknowledged.filter(|height| *height > 0).unwrap_or(old);
        let begun = begun.unwrap_or(acknowledged).max(acknowledged);
        let archive = self.work.join("archive");
        let keeping = self.keeping();
        let (verdict, behind) = look_at(&dir, &archive, keeping, &mut self.history, acknowledged..=begun)?;
        Ok(match (verdict, behind) {
            (Verdict::Sound { .. }, None) => None,
            (Verdict::Sound { .. }, Some(name)) => Some(format!("{name} is in the store and not in the archive")),
            (verdict, _) => Some(format!("{verdict:?}")),
        })
    }

    fn check_import(&mut self, dir: &Path, begun: bool, acknowledged: bool) -> Result<Option<String>> {
        let (_, new) = self.imported.as_ref().context("an import has a source")?;
        let had_one = self.scenario != Scenario::ImportNew;
        if !had_one && !acknowledged && !swing_store::is_swing_store(dir) {
            return Ok(None);
        }
        let store = Store::open(dir, self.keeping().options(None)?)?;
        let found = Dump::of_store(dir)?;
        store.close()?;
        if found == *new {
            insist_on_row_digests(dir)?;
            return Ok(None);
        }
        if acknowledged {
            return Ok(Some(format!("acknowledged, and not the new store: {}", found.difference(new))));
        }
        // The block more is committed when the import begins.
        let old = match self.scenario {
            Scenario::ImportRefused if begun => OLD + 1..=OLD + 1,
            Scenario::ImportRefused => OLD..=OLD + 1,
            _ => OLD..=OLD,
        };
        if had_one && matches!(judge(&found, &mut self.history, old)?, Verdict::Sound { .. }) {
            return Ok(None);
        }
        Ok(Some(format!("neither the old store nor the new: {}", found.difference(new))))
    }

    /// Runs the program to its end on what a killed one has left, which must be possible, and leave nothing else there.
    pub(crate) fn again(&self) -> Result<Option<String>> {
        if self.scenario == Scenario::Export {
            // What a killed export has left says so, and is removed by a person.
            return Ok(None);
        }
        let done = self.command()?.output()?;
        if !done.status.success() {
            return Ok(Some("the next run fails".to_owned()));
        }
        let dir = self.work.join("store");
        let name = store_file(&dir).file_name().unwrap_or_default().to_owned();
        for entry in fs::read_dir(&dir)? {
            let found = entry?.file_name();
            if found != name {
                return Ok(Some(format!("{} is left behind", found.to_string_lossy())));
            }
        }
        Ok(None)
    }
}
