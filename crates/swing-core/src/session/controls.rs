//! A switch that takes a safeguard away, so that the crash engines can show that they notice.
//!
//! It is there with the feature `crash-controls`, which only the crate `swing-crash` asks for.

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
pub(super) fn poison_is_ignored() -> bool {
    POISON_IS_IGNORED.load(Ordering::SeqCst)
}

#[cfg(not(feature = "crash-controls"))]
pub(super) fn poison_is_ignored() -> bool {
    false
}
