//! A digest of rows that is kept up as they change: what lets a store be verified without trusted data.
//!
//! Spans, snapshots and bundles carry hashes of their content; a key-value pair, and the metadata around the content,
//! carries none, so a bit that flips there changes an answer and no check sees it. This digest sees it. It is a sum over
//! all rows of a table, so a commit costs what it changed: what a row said is taken off, what it says now is added.
//!
//! - [`RowDigest`] is the sum: LtHash, 1024 lanes of 16 bits, over BLAKE3 and the key stream of ChaCha8.
//! - A ledger keeps one per table through a session's transaction and its savepoints, and sums changes up on another thread while
//!   they are written.
//! - [`stored`] is where it lies in the file: tables of ours that other implementations do not know, and triggers by which
//!   their writes, which do not keep the digest up, at least say so. A digest is right or it is known not to be.
//! - [`scan()`] makes it anew from all rows, to build it or to compare.
//!
//! It is outside consensus: it depends on keys of the host and of the machine, and nothing exports it.

mod batch;
mod cells;
mod lanes;
mod ledger;
mod scan;
pub mod stored;
mod summer;

pub use cells::Cell;
pub use lanes::RowDigest;
pub(crate) use ledger::Ledger;
pub use scan::scan;
pub(crate) use scan::sum_of;
pub use stored::{Kept, RowDigestError, Stored};

/// Whether a session keeps the digest of its rows up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RowDigests {
    /// It does not. What it writes makes a digest that is there out of date, and the file says so.
    #[default]
    Ignore,
    /// It does, in a store that it creates and in one whose digest is up to date. Every change of a digested row must then
    /// go through [`Writer::note_row`](crate::Writer::note_row) or [`Writer::run_over`](crate::Writer::run_over).
    Keep,
}
