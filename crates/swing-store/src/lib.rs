//! A swing-store: everything a SwingSet kernel keeps, in one SQLite file, behind two ends.
//!
//! The [kernel's end](Store::kernel) reads and writes; cranks can be rolled back; every consensus change is hashed.
//! The [host's end](Store::host) commits, once per block, and that is the only commit point there is. Both ends borrow
//! the store mutably, so the host cannot commit while the kernel holds its end.
//!
//! It composes the substore crates over one [`Session`](swing_core::Session) and adds what only their sum has: cranks,
//! crankhash and activityhash, the sections of the key space, and the export callback. It knows no SQL.
#![doc = include_str!("../README.md")]

mod crank;
mod debug;
mod error;
mod host;
mod import;
mod kernel;
mod options;
mod pieces;
mod store;
mod substores;
mod tools;
mod trace;

pub use debug::Dump;
pub use error::StoreError;
pub use host::{Host, HostKv};
pub use import::{ImportedStore, import, import_file, import_in_memory};
pub use kernel::{Kernel, KernelKv};
pub use options::{Durability, ExportCallback, Options, RowDigests, SnapshotRetention, TranscriptRetention};
pub use pieces::UnguardedKv;
pub use store::{DiskUsage, Store, host_height, is_swing_store};
pub use substores::{SUBSTORES, exporter, reader, readers, tables};
pub use swing_snap::DumpedSnapshot;
pub use swing_transcript::History;
/// Whose types the functions here take and give, so that nobody has to depend on them for that.
pub use {swing_core, swing_export};

/// The traits of the two ends and what their methods take and give.
pub mod prelude {
    pub use swing_core::roles::{
        Bundle, BundleStore, CrankHashes, HostStorage, KernelStorage, KvStore, SnapStore, SpanBounds, TranscriptStore,
    };
    pub use swing_core::{ArtifactMode, Budget, BundleId, Incarnation, Position, VatId};

    pub use crate::{Options, SnapshotRetention, Store, StoreError, TranscriptRetention};
}
