//! A disk with a little room: none, then a KiB, then two, until nothing is refused any more.
//!
//! The disk is a small file system in memory that is mounted for the run, so what runs out is what runs out in life:
//! for the store, its log, its shared index, archives, datasets and temporary files alike. That needs the right to
//! mount, of one's own or in a namespace of one's own.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use fs_err as fs;

use crate::faults::{Case, Prepared};
use crate::mount::Mount;
use crate::stage::{complain, quietly, scratch};
use crate::vfs::install;

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Counts {
    /// Runs, each with another amount of room.
    pub(crate) runs: u64,
    /// Runs in which something was refused.
    pub(crate) refused: u64,
    pub(crate) wrong: u64,
    pub(crate) unusable: u64,
    /// Refusing runs by case.
    pub(crate) kinds: BTreeMap<String, u64>,
}

impl Counts {
    pub(crate) fn bad(&self) -> u64 {
        self.wrong + self.unusable
    }
}

/// What is under way when the disk is full.
const CASES: [(Case, &str); 8] = [
    (Case::SpilledCranks, "mid-block"),
    (Case::LargeBlocks, "mid-block, spilled by SQLite"),
    (Case::Blocks, "mid-COMMIT"),
    (Case::Checkpoints, "mid-checkpoint"),
    (Case::Archived, "mid-archive"),
    (Case::ImportNew, "mid-import"),
    (Case::ImportOver, "mid-import over a store"),
    (Case::Export, "mid-export"),
];

const KIB: u64 = 1024;

/// Runs every case with more and more room, by `step` KiB.
pub(crate) fn disk_full(seed: u64, rounds: u64, step: u64) -> Result<Counts> {
    install();
    let place = scratch()?;
    let mount = Mount::new(&place.path().join("small"))?;
    let mut counts = Counts::default();
    for round in 0..rounds {
        for (case, name) in CASES {
            one(case, name, seed + round, step, place.path(), &mount, &mut counts)?;
        }
    }
    Ok(counts)
}

fn one(case: Case, name: &str, seed: u64, step: u64, place: &Path, mount: &Mount, counts: &mut Counts) -> Result<()> {
    let prepared = Prepared::new(case, seed, place)?.working_in(&mount.path().join("store"));
    let (mut room, mut calm) = (0, 0);
    // A few steps more, since what was enough once may not be with other luck.
    while calm < 4 {
        let ballast = mount.ballast();
        if ballast.exists() {
            fs::remove_file(&ballast)?;
        }
        prepared.reset()?;
        mount.fill(room * KIB).with_context(|| format!("{name}: it does not end with {room} KiB"))?;
        let mut host = prepared.careless()?;
        let ran = catch_unwind(AssertUnwindSafe(|| prepared.run(&mut host)));
        fs::remove_file(&ballast)?;
        counts.runs += 1;
        let refused = !matches!(ran, Ok(Ok(()))) || host.refused > 0;
        if refused {
            counts.refused += 1;
            *counts.kinds.entry(name.to_owned()).or_default() += 1;
            calm = 0;
        } else {
            calm += 1;
        }
        let checked = catch_unwind(AssertUnwindSafe(|| prepared.check(&host, refused)))
            .unwrap_or_else(|_| Err(anyhow!("opening it again panics")));
        let wrong = match (checked, ran.is_err()) {
            (Ok(None), false) => None,
            (Ok(None), true) => Some((false, "it panicked".to_owned())),
            (Ok(Some(wrong)), _) => Some((true, wrong)),
            (Err(error), _) => Some((false, format!("{error:#}"))),
        };
        if let Some((is_wrong, shown)) = wrong {
            counts.wrong += u64::from(is_wrong);
            counts.unusable += u64::from(!is_wrong);
            if counts.bad() <= 8 {
                complain(&format!("seed {seed}, {name}, {room} KiB: {shown}"));
            }
        }
        room += step;
    }
    Ok(())
}

/// The poison check removed: with a full disk in the middle of a block something must be found.
pub(crate) fn control(seed: u64) -> Result<Counts> {
    swing_core::session::ignore_poison(true);
    let run = || -> Result<Counts> {
        install();
        let place = scratch()?;
        let mount = Mount::new(&place.path().join("small"))?;
        let mut counts = Counts::default();
        one(Case::SpilledCranks, "mid-block", seed, 4, place.path(), &mount, &mut counts)?;
        Ok(counts)
    };
    let counts = quietly(run);
    swing_core::session::ignore_poison(false);
    let counts = counts?;
    if counts.wrong == 0 {
        bail!("without the poison check nothing was wrong in {} runs: the engine is blind", counts.runs);
    }
    Ok(counts)
}
