//! What a host decides about its snapshots.

use std::fmt;
use std::sync::Arc;

use swing_core::{Clock, SnapshotArchive};

use crate::codec::Level;

/// Whose bytes the store keeps. Records are kept in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Retention {
    /// Those of the snapshot in use of each vat: the original's default.
    #[default]
    InUse,
    /// Those of every snapshot (`keepSnapshots`).
    All,
}

/// How a [`SnapState`](crate::SnapState) works.
pub struct SnapOptions {
    /// Whose bytes to keep.
    pub keep: Retention,
    /// Where every new snapshot goes besides.
    pub archive: Option<Box<dyn SnapshotArchive>>,
    /// How hard to compress. Not consensus.
    pub level: Level,
    /// For the times that [`SnapshotSaved`](swing_core::roles::SnapshotSaved) reports.
    pub clock: Arc<dyn Clock>,
}

impl SnapOptions {
    /// The original's defaults: bytes of snapshots in use only, no archive.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { keep: Retention::default(), archive: None, level: Level::default(), clock }
    }
}

impl fmt::Debug for SnapOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnapOptions")
            .field("keep", &self.keep)
            .field("archive", &self.archive.is_some())
            .field("level", &self.level)
            .finish_non_exhaustive()
    }
}
