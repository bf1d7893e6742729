//! Switches that take a safeguard away, so that the crash engines can show that they notice.
//!
//! They are there with the feature `crash-controls`, which only the crate `swing-crash` asks for.

#[cfg(feature = "crash-controls")]
use std::sync::atomic::{AtomicBool, Ordering};

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
