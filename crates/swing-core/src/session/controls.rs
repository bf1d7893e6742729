//! Switches for the crash engines: some take a safeguard away, so that they can show that they notice, some make what happens often
//! enough, and the same in each run.
//!
//! They are there with the feature `crash-controls`, which only the crate `swing-crash` asks for.

#[cfg(feature = "crash-controls")]
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

#[cfg(feature = "crash-controls")]
static POISON_IS_IGNORED: AtomicBool = AtomicBool::new(false);

/// Lets every session of this process go on after a failed write, as the original does. Never for a store that matters.
#[cfg(feature = "crash-controls")]
pub fn ignore_poison(ignored: bool) {
    POISON_IS_IGNORED.store(ignored, Ordering::SeqCst);
}

#[cfg(feature = "crash-controls")]
static NOTHING_IS_PINNED: AtomicBool = AtomicBool::new(false);

/// Lets what should be pinned readers of this process see whatever is committed when they look.
#[cfg(feature = "crash-controls")]
pub fn pin_nothing(unpinned: bool) {
    NOTHING_IS_PINNED.store(unpinned, Ordering::SeqCst);
}

#[cfg(feature = "crash-controls")]
static CHECKPOINT_PAGES: AtomicU32 = AtomicU32::new(0);

/// Lets every log that is opened for writing by this process be copied when it has so many pages; 0: as many as usual.
#[cfg(feature = "crash-controls")]
pub fn checkpoint_after(pages: u32) {
    CHECKPOINT_PAGES.store(pages, Ordering::SeqCst);
}

#[cfg(feature = "crash-controls")]
pub(super) fn checkpoint_pages(usual: u32) -> u32 {
    match CHECKPOINT_PAGES.load(Ordering::SeqCst) {
        0 => usual,
        pages => pages,
    }
}

#[cfg(not(feature = "crash-controls"))]
pub(super) fn checkpoint_pages(usual: u32) -> u32 {
    usual
}

#[cfg(feature = "crash-controls")]
static CHECKPOINTS_ARE_IN_STEP: AtomicBool = AtomicBool::new(false);

/// Lets every commit of this process that has the log copied wait for it, so that the order of events is the same in each run. No
/// safeguard: what is done is the same.
#[cfg(feature = "crash-controls")]
pub fn checkpoint_in_step(in_step: bool) {
    CHECKPOINTS_ARE_IN_STEP.store(in_step, Ordering::SeqCst);
}

#[cfg(feature = "crash-controls")]
pub(super) fn checkpoints_are_in_step() -> bool {
    CHECKPOINTS_ARE_IN_STEP.load(Ordering::SeqCst)
}

#[cfg(not(feature = "crash-controls"))]
pub(super) fn checkpoints_are_in_step() -> bool {
    false
}

#[cfg(feature = "crash-controls")]
pub(super) fn nothing_is_pinned() -> bool {
    NOTHING_IS_PINNED.load(Ordering::SeqCst)
}

#[cfg(not(feature = "crash-controls"))]
pub(super) fn nothing_is_pinned() -> bool {
    false
}

#[cfg(feature = "crash-controls")]
pub(super) fn poison_is_ignored() -> bool {
    POISON_IS_IGNORED.load(Ordering::SeqCst)
}

#[cfg(not(feature = "crash-controls"))]
pub(super) fn poison_is_ignored() -> bool {
    false
}
