//! The real kernel on another store: `@agoric/swingset-vat` lives the same life twice, once on the reference and once on the package under test.
//!
//! With workers of its own kind (xsnap) the kernel is deterministic to the bit, heap snapshots included, so the two lives must not
//! differ in anything: the activityhash after every block, every batch of the export callback, the rows left behind, exports in
//! every mode, what is imported from them, and how the kernel goes on from there and from the store that the *other* side
//! wrote. A mistake made on purpose (`wrong.mjs`) shows that each of these comparisons sees what only it can see.

mod compare;
mod control;
mod life;
mod suite;
mod task;

pub(crate) use suite::suite;
pub(crate) use task::{KernelOptions, run};
