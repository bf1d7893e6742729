//! Runs over many seeds, and the controls.

use std::path::Path;

use anyhow::{Result, bail};

use super::explore::{Counts, Passes, Script, log_of_run};
use super::imports::imports;
use crate::stage::{History, Keeping, is_over, quietly, scratch};
use crate::vfs::{Journal, Synchronous, Tuning, install, tune};
use crate::workload::{Plan, Size};

/// A setting that loses data when the power goes, so that a run which finds nothing is known to be blind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Control {
    /// The log is not flushed at commit.
    Normal,
    /// Nothing is flushed.
    Off,
    /// Nothing can be undone, as in the reference's import.
    NoJournal,
    /// What is copied into the file is not flushed before the log begins anew.
    UnflushedCopies,
}

const BLOCKS: usize = 14;
/// After so many states of blocks come those of another seed's imports.
const STATES_FOR_IMPORTS: u64 = 50_000;

/// Cuts the power of stores with one seed after the other, until there were enough states.
pub(crate) fn power(seed: u64, states: u64) -> Result<Counts> {
    let mut counts = Counts::default();
    runs(seed, states, Tuning::default(), true, 20, &mut counts)?;
    imports(seed..seed + 1 + states / STATES_FOR_IMPORTS, &mut counts)?;
    Ok(counts)
}

fn runs(begin: u64, states: u64, tuning: Tuning, flushed: bool, patience: u64, counts: &mut Counts) -> Result<()> {
    install();
    let (work, look) = (scratch()?, scratch()?);
    let mut seed = begin;
    while counts.states < states && counts.bad() < patience && !is_over(100) {
        // Odd seeds on a disk that may harm what is beside a write, so that SQLite has to keep its distance.
        let checkpoint_pages = if seed.is_multiple_of(3) { 8 } else { 24 };
        let powersafe = seed.is_multiple_of(2);
        // Two of five let another connection copy the log, also in the middle of a commit.
        let every = if flushed { 1 + seed % 4 } else { u64::MAX };
        let anywhere = Passes::Anywhere { every, flushed };
        let passes = if flushed && seed % 5 < 3 { Passes::AtCommits } else { anywhere };
        tune(Tuning { powersafe, checkpoint_pages, ..tuning });
        one(seed, passes, states, patience, work.path(), look.path(), counts)?;
        seed += 1;
    }
    tune(Tuning::default());
    Ok(())
}

fn one(
    seed: u64,
    passes: Passes,
    most: u64,
    patience: u64,
    work: &Path,
    look: &Path,
    counts: &mut Counts,
) -> Result<()> {
    for dir in [work, look] {
        super::disk::lay_out(&super::disk::Image::new(), dir)?;
    }
    let mut plan = Plan::new(seed, Size::SMALL);
    let blocks: Vec<_> = (0..BLOCKS).map(|_| plan.next_block()).collect();
    let keeping = Keeping::of_seed(seed);
    let log = log_of_run(work, keeping, &blocks, 5, passes)?;
    let mut history = History::new(seed, Size::SMALL);
    let mut script = Script { seed, blocks: &blocks, history: &mut history, keeping, most, patience };
    script.explore(&log, look, counts)
}

/// Runs that must find something wrong.
pub(crate) fn controls(seed: u64, states: u64) -> Result<Vec<(Control, Counts)>> {
    let mut found = Vec::new();
    for control in [Control::Normal, Control::Off, Control::NoJournal, Control::UnflushedCopies] {
        let mut tuning = Tuning::default();
        match control {
            Control::Normal => tuning.synchronous = Synchronous::Normal,
            Control::Off => tuning.synchronous = Synchronous::Off,
            Control::NoJournal => tuning.journal = Journal::Off,
            Control::UnflushedCopies => {}
        }
        let flushed = control != Control::UnflushedCopies;
        let mut counts = Counts::default();

        quietly(|| runs(seed, states, tuning, flushed, u64::MAX, &mut counts))?;
        if counts.bad() == 0 {
            bail!("the control {control:?} lost nothing in {} states: the engine is blind", counts.states);
        }
        found.push((control, counts));
    }
    Ok(found)
}
