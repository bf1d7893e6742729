//! What the suite has to know of a store.

use super::host::{Batch, Record};
use crate::roles::{HostStorage, KernelStorage};

/// Whether content that only history needs is kept. Its record is kept in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// It stays.
    Keep,
    /// It goes as soon as it is not current any more.
    Drop,
}

/// Whether the store has an export callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exports {
    /// It has one, which records what it gets.
    Recorded,
    /// It has none.
    Ignored,
}

/// How a store under test is opened, the first time and every time after that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestOptions {
    /// Whether it has an export callback.
    pub exports: Exports,
    /// Whether the bytes of snapshots that are not in use any more are kept.
    pub keep_snapshots: Retention,
    /// Whether the items of closed spans are kept.
    pub keep_transcripts: Retention,
}

impl Default for TestOptions {
    /// An export callback, and else the store's own defaults.
    fn default() -> Self {
        Self { exports: Exports::Recorded, keep_snapshots: Retention::Drop, keep_transcripts: Retention::Keep }
    }
}

/// A store that the suite can open, use, close and look at.
pub trait StoreUnderTest: Sized {
    /// The kernel's end.
    type Kernel<'a>: KernelStorage
    where
        Self: 'a;
    /// The host's end.
    type Host<'a>: HostStorage
    where
        Self: 'a;

    /// A new, empty store.
    fn fresh(options: TestOptions) -> Self;
    /// The kernel's end.
    fn kernel(&mut self) -> Self::Kernel<'_>;
    /// The host's end.
    fn host(&mut self) -> Self::Host<'_>;
    /// Closes the store, which abandons what is not committed, and opens it again with the same options.
    #[must_use]
    fn reopen(self) -> Self;
    /// Every batch that the export callback took, since the store was new: reopening forgets none, and one that the
    /// callback failed on does not count.
    fn exports(&mut self) -> Vec<Batch>;
    /// Makes the next call of the export callback fail, whenever it comes.
    fn fail_next_callback(&mut self);
    /// All export records of the last commit, in their canonical order.
    fn full_export(&mut self) -> Vec<Record>;
}
