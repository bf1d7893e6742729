//! Counting up: the first operation fails, then the second, until a run meets no fault.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Result, anyhow, bail};

use super::cases::{Case, Prepared};
use crate::stage::{complain, is_over, quietly, scratch};
use crate::vfs::{Fault, arm, arm_memory, count_allocations, disarm, disarm_memory, install};

/// What came of faults.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Counts {
    /// Runs in which something failed.
    pub(crate) runs: u64,
    /// Those in which nobody was told, because it did not matter.
    pub(crate) unnoticed: u64,
    /// Half a block, or an acknowledged one that is not there, or a false answer.
    pub(crate) wrong: u64,
    /// The store could not be opened any more, or something panicked.
    pub(crate) unusable: u64,
    /// Runs in which a read was answered as if the file ended there, which no database without checksums can see.
    pub(crate) false_ends: u64,
    /// Those that went wrong; not counted above.
    pub(crate) false_ends_wrong: u64,
    /// Runs by case and kind of fault.
    pub(crate) kinds: BTreeMap<String, u64>,
}

impl Counts {
    pub(crate) fn bad(&self) -> u64 {
        self.wrong + self.unusable
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File(Fault),
    Memory,
}

const KINDS: [Kind; 6] = [
    Kind::File(Fault::Io),
    Kind::File(Fault::Full),
    Kind::File(Fault::Sync),
    Kind::File(Fault::ShortRead),
    Kind::File(Fault::FalseEnd),
    Kind::Memory,
];

/// Lets every `stride`th operation of every case fail, in every way.
pub(crate) fn faults(seed: u64, rounds: u64, stride: u64) -> Result<Counts> {
    install();
    let place = scratch()?;
    let mut counts = Counts::default();
    for seed in seed..seed + rounds {
        for case in Case::ALL {
            let prepared = Prepared::new(case, seed, place.path())?;
            for kind in KINDS {
                for persistent in [false, true] {
                    series(&prepared, kind, persistent, seed, stride, &mut counts)?;
                }
            }
        }
    }
    Ok(counts)
}

/// The same with the check for a poisoned session removed, which must be found out.
pub(crate) fn control(seed: u64) -> Result<Counts> {
    install();
    let place = scratch()?;
    let mut counts = Counts::default();
    swing_core::session::ignore_poison(true);
    let run = || -> Result<()> {
        for case in [Case::LargeBlocks, Case::SpilledCranks] {
            let prepared = Prepared::new(case, seed, place.path())?;
            for kind in [Kind::File(Fault::Full), Kind::File(Fault::Io)] {
                series(&prepared, kind, false, seed, 1, &mut counts)?;
            }
        }
        Ok(())
    };
    let ran = quietly(run);
    swing_core::session::ignore_poison(false);
    ran?;
    if counts.wrong == 0 {
        bail!("without the poison check nothing was wrong in {} runs: the engine is blind", counts.runs);
    }
    Ok(counts)
}

fn series(
    prepared: &Prepared,
    kind: Kind,
    persistent: bool,
    seed: u64,
    stride: u64,
    counts: &mut Counts,
) -> Result<()> {
    // Memory is asked for far more often than files are.
    let stride = if kind == Kind::Memory { stride * 4 - 3 } else { stride };
    let most = if kind == Kind::Memory { allocations(prepared)? } else { u64::MAX };
    let mut at = 1 + seed % stride;
    while at <= most && !is_over(100) {
        prepared.reset()?;
        let mut host = prepared.careless()?;
        match kind {
            Kind::File(fault) => arm(fault, at, persistent),
            Kind::Memory => arm_memory(at, persistent),
        }
        let ran = catch_unwind(AssertUnwindSafe(|| prepared.run(&mut host)));
        let fired = match kind {
            Kind::File(_) => disarm().times,
            Kind::Memory => disarm_memory().1,
        };
        if fired == 0 {
            break;
        }
        if kind == Kind::File(Fault::FalseEnd) {
            counts.false_ends += 1;
            let checked = catch_unwind(AssertUnwindSafe(|| prepared.check(&host, ran.is_err() || host.refused > 0)));
            counts.false_ends_wrong += u64::from(!matches!(checked, Ok(Ok(None))));
            at += stride;
            continue;
        }
        counts.runs += 1;
        *counts.kinds.entry(name(prepared.case, kind, persistent)).or_default() += 1;
        let panicked = ran.is_err();
        let refused = !matches!(ran, Ok(Ok(()))) || host.refused > 0;
        counts.unnoticed += u64::from(!refused);
        let checked = catch_unwind(AssertUnwindSafe(|| prepared.check(&host, refused)))
            .unwrap_or_else(|_| Err(anyhow!("opening it again panics")));
        let wrong = match checked {
            Ok(None) if panicked => {
                counts.unusable += 1;
                Some("it panicked".to_owned())
            }
            Ok(None) => None,
            Ok(Some(wrong)) => {
                counts.wrong += 1;
                Some(wrong)
            }
            Err(error) => {
                counts.unusable += 1;
                Some(format!("{error:#}"))
            }
        };
        if let Some(wrong) = wrong.filter(|_| counts.bad() <= 12) {
            complain(&format!("seed {seed}, {} {at}: {wrong}", name(prepared.case, kind, persistent)));
        }
        at += stride;
    }
    Ok(())
}

/// How many allocations a run without faults makes.
fn allocations(prepared: &Prepared) -> Result<u64> {
    prepared.reset()?;
    let mut host = prepared.careless()?;
    count_allocations();
    let ran = prepared.run(&mut host);
    let (seen, _) = disarm_memory();
    ran?;
    match prepared.check(&host, false)? {
        None => Ok(seen),
        Some(wrong) => bail!("{:?} without faults: {wrong}", prepared.case),
    }
}

fn name(case: Case, kind: Kind, persistent: bool) -> String {
    let kind = match kind {
        Kind::File(Fault::Io) => "EIO",
        Kind::File(Fault::Full) => "ENOSPC",
        Kind::File(Fault::Sync) => "fsync",
        Kind::File(Fault::ShortRead) => "short read",
        Kind::File(Fault::FalseEnd) => "false end",
        Kind::Memory => "NOMEM",
    };
    let how = if persistent { "for good" } else { "once" };
    format!("{case:?}, {kind} {how}")
}
