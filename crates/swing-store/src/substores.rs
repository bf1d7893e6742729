//! The substores that make up a swing-store, in the order in which an export lists them.

use std::path::Path;

use swing_core::ArtifactMode;
use swing_core::session::{OpenError, Pinned, Readers, Table, store_file};
use swing_core::substore::Substore;
use swing_export::{ExportError, Exporter, Substores};

/// kv rows, snapshots, spans, bundles: the order of a full export.
pub static SUBSTORES: Substores = &[
    &swing_kv::KvSubstore as &dyn Substore,
    &swing_snap::SnapSubstore { level: swing_snap::codec::Level::DEFAULT },
    &swing_transcript::TranscriptSubstore,
    &swing_bundle::BundleSubstore,
];

/// All tables of a swing-store but the one for pending exports, which every session has.
#[must_use]
pub fn tables() -> Vec<Table> {
    SUBSTORES.iter().flat_map(|substore| substore.tables()).copied().collect()
}

/// An exporter of the last commit of the store in directory `dir`.
///
/// # Errors
/// [`ExportError`] when there is no store; nothing is created then.
pub fn exporter(dir: &Path, mode: ArtifactMode) -> Result<Exporter, ExportError> {
    Exporter::open(&store_file(dir), SUBSTORES, mode)
}

/// A reader of the last commit of the store in directory `dir`, with a connection of its own, which goes when it does.
///
/// # Errors
/// [`OpenError`] when there is no store; nothing is created then.
pub fn reader(dir: &Path) -> Result<Pinned, OpenError> {
    Pinned::open(&store_file(dir), &tables())
}

/// A pool of up to `most` readers of the store in directory `dir`, for several exporters and inspections at once.
///
/// # Errors
/// [`OpenError`] when there is no store; nothing is created then.
pub fn readers(dir: &Path, most: u32) -> Result<Readers, OpenError> {
    Readers::open(&store_file(dir), &tables(), most)
}
