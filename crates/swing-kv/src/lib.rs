//! The key-value store of a swing-store: ordered string keys and values, the state of a kernel and its host.
//!
//! It rests on one decision: the table is written once per block, sorted, and never read twice. What a block changes
//! stays in an ordered overlay that follows its savepoints, what the table said is kept beside it within bounds, and every
//! answer merges the two as if each change had gone to SQLite at once. It knows the sections that keys belong to
//! ([`Section`]) but not who may write which, nothing of cranks and their hashes, of transcripts or of snapshots.
//!
//! - [`KvState`] is what is kept in memory; [`KvState::bind`] makes a [`Kv`] of it and a session, which is a
//!   [`KvStore`](swing_core::roles::KvStore).
//! - [`KvSubstore`] is the same table for export, import, verify and repair.

mod ahead;
mod digesting;
mod entries;
mod error;
mod gaps;
mod key;
mod pairs;
mod schema;
mod section;
mod state;
mod substore;
mod view;
mod walk;

pub use digesting::commit_witness;
pub use entries::Entry;
pub use error::KvError;
pub use key::Key;
pub use schema::TABLES;
pub use section::Section;
pub use state::{KvOptions, KvState};
pub use substore::KvSubstore;
pub use view::{GET as VALUE_OF, Kv};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
mod tests;
