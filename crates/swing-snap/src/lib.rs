//! The snapStore of a swing-store: compressed heap snapshots of vats, at most one in use per vat.
//!
//! It saves, loads and deletes snapshots ([`SnapState`], [`Snapshots`]), and it exports, imports, verifies and repairs
//! them ([`SnapSubstore`]). It rests on one decision: a snapshot is its raw bytes, known by their SHA-256, and the gzip
//! in the database is nobody's business; so any gzip is read, any level may be written, and nothing leaves the store
//! unverified. It knows nothing of transcripts: that a position is that of a save-snapshot item is its caller's word.
//!
//! Tables made before August 2023 have one constraint more (schema 1A); everything here works on them too, and
//! [`migration`] takes them to the schema of today.

pub mod codec;
pub mod migration;

mod bytes;
mod error;
mod options;
mod rows;
mod schema;
mod snapshots;
mod state;
mod substore;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod testing;

pub use error::SnapError;
pub use options::{Retention, SnapOptions};
pub use rows::SnapshotRow;
pub use schema::TABLES;
pub use snapshots::{DumpedSnapshot, Extent, Snapshots};
pub use state::SnapState;
pub use substore::SnapSubstore;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
