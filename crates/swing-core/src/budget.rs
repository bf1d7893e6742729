//! How much a budgeted deletion may do in one call, and what it did.

use std::num::NonZeroU64;

/// How many units (spans, snapshots) one deletion call may remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// Everything at once.
    Unlimited,
    /// At most this many, newest first.
    AtMost(NonZeroU64),
}

impl Budget {
    /// A budget of `units`, or `None` when that is zero: a deletion that may delete nothing never ends.
    #[must_use]
    pub fn at_most(units: u64) -> Option<Self> {
        NonZeroU64::new(units).map(Self::AtMost)
    }
}

/// The result of a budgeted deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cleanup {
    /// Nothing of the vat is left.
    pub done: bool,
    /// Units removed by this call.
    pub cleanups: u64,
}
