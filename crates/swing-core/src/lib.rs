//! The ground that every part of a swing-store stands on.
//!
//! It gives the vocabulary (ids, positions, artifact names, export records), the one transaction that all substores
//! share ([`Session`]) and the two kinds of trait they implement: [`roles`], what a kernel and a host call, and
//! [`substore`], what export, import, verify and repair need. It rests on one decision: SQLite's file is the truth
//! that other implementations read, and everything uncommitted may live in memory in an [`overlay`] until the block
//! is committed. It knows nothing of what any table means.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

pub mod archive;
pub mod budget;
mod chain;
pub mod clock;
pub mod digest;
pub mod ids;
pub mod mode;
pub mod names;
mod opaque;
pub mod overlay;
pub mod records;
pub mod roles;
pub mod row_digest;
pub mod session;
pub mod substore;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use archive::{ArchiveError, SnapshotArchive, TranscriptArchive};
pub use budget::{Budget, Cleanup};
pub use chain::error_chain;
pub use clock::{Clock, MonotonicClock};
pub use digest::Digest;
pub use ids::{BundleId, BundleKind, IdError, Incarnation, Position, VatId};
pub use mode::ArtifactMode;
pub use names::{ArtifactName, ExportKey, NameError};
pub use overlay::Overlay;
pub use records::{RecordTextError, SnapshotRecord, SpanRecord};
pub use row_digest::{RowDigest, RowDigests};
pub use session::{ExportEntry, Part, PartId, Reader, Session, SessionError, Writer};
