//! The dataset on disk: a folder that holds one export of a swing-store, as the chain's own tools write and read it.
//!
//! It rests on one file, `export-manifest.json`: created first and empty, filled last, so that a folder whose manifest is
//! empty is an export that never finished. Two tools write such folders, each in its own [`Dialect`]; both are read, and
//! either is written to the byte.
//!
//! This module knows nothing of a store: records are pairs of strings, artifacts are names and streams of bytes, and
//! whether they fit together is the importer's question.
//!
//! What the tools do was read from agoric-sdk: `packages/cosmic-swingset/src/export-kernel-db.js` and
//! `import-kernel-db.js` (JavaScript), `golang/cosmos/x/swingset/keeper/swing_store_exports_handler.go`,
//! `golang/cosmos/types/kv_entry.go`, `kv_entry_helpers.go` and `golang/cosmos/x/swingset/genesis.go` (Go).
//!
//! ```
//! use std::convert::Infallible;
//! use swing_export::dataset::{Dataset, DatasetWriter, Dialect, Mode};
//!
//! let dir = tempfile::tempdir()?;
//! let mut writer = DatasetWriter::create(dir.path(), Dialect::Js)?;
//! writer.export_data([Ok::<_, Infallible>(("kv.vat.names", Some("[\"alice\"]")))])?;
//! writer.artifact("snapshot.v1.2", &mut &b"snapshot-bytes"[..])?;
//! writer.finish(17, Some(Mode::Operational))?;
//!
//! let dataset = Dataset::open(dir.path())?;
//! dataset.check_block_height(Some(17))?;
//! assert_eq!(dataset.check_import(None)?, Mode::Operational);
//! assert_eq!(dataset.records()?.count(), 1);
//! assert_eq!(std::io::read_to_string(dataset.artifact("snapshot.v1.2")?)?, "snapshot-bytes");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod dialect;
mod error;
mod export_data;
mod file_name;
mod folder;
mod genesis;
mod manifest;
mod mode;
mod reader;
mod records;
mod writer;

pub use dialect::Dialect;
pub use error::{BoxError, DatasetError, ManifestError};
pub use export_data::{ExportDataSummary, ExportDataWriter};
pub use file_name::UNTRUSTED_EXPORT_DATA;
pub use genesis::{GenesisHash, genesis_hash};
pub use manifest::{Artifacts, EXPORT_DATA_FILE_NAME, MANIFEST_FILE_NAME, MAX_MANIFEST_BYTES, Manifest};
pub use mode::{Mode, UnknownMode};
pub use reader::Dataset;
pub use records::{DEFAULT_MAX_LINE_BYTES, ExportDataReader, Record};
pub use writer::DatasetWriter;
