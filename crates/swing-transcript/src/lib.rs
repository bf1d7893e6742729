//! The transcriptStore of a swing-store: every delivery of every vat, in hashed spans.
//!
//! A vat is brought back by replaying what was delivered to it since its last heap snapshot. This crate keeps those
//! deliveries, divided into *spans*: one current span per vat, that grows, and closed ones before it, whose cumulative
//! hash vouches for their items wherever they are now. It rests on one decision: what a block adds lives in memory
//! until the block is written, while what it deletes is deleted from the tables at once, where the session's
//! savepoints can bring it back. It knows nothing of snapshots, keys, cranks or what an item says.
//!
//! [`TranscriptState`] is the part of a session that lives as long as the store. Bound to the session it is
//! [`Transcripts`], which implements the [role](swing_core::roles::TranscriptStore) that a kernel calls.
//! [`TranscriptSubstore`] is what export, import, verify and repair need.
#![doc = ""]
#![doc = include_str!("../README.md")]

mod artifact;
mod closing;
mod cursor;
mod deletion;
mod emptying;
mod error;
mod hash;
mod layers;
mod listing;
mod schema;
mod state;
mod substore;
mod texts;
mod unwritten;
mod verified;
mod view;
mod walk;

pub use cursor::SpanCursor;
pub use error::TranscriptError;
pub use hash::{extend, initial_hash};
pub use listing::{FullCursor, History};
pub use schema::TABLES;
pub use state::{Retention, TranscriptOptions, TranscriptState};
pub use substore::TranscriptSubstore;
pub use view::Transcripts;
