//! Where closed spans and new snapshots of a swing-store go besides the store.
//!
//! A [`DirectoryArchive`] keeps each in a gzip file of its own, which any tool can read, under the name of its artifact.
//! It rests on one decision: a file is complete and durable from the moment it has its name, and the store waits for
//! that; so an archive is ahead of the store, never behind, and needs no repair. It knows nothing of records: whoever
//! reads an archive brings the hash that consensus has seen, and gets bytes verified against it.

mod directory;
mod error;
mod verified;

pub use directory::{Archived, DirectoryArchive};
pub use error::DirectoryError;
pub use verified::{ArchivedBytes, Unverified};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
