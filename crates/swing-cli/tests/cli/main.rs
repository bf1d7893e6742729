//! The program as a person or a script meets it: exit codes, JSON, messages, and what it leaves on disk.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_dataset;
mod bad_store;
mod bad_trace;
mod diff;
mod digest;
mod export;
mod export_refused;
mod import;
mod import_over;
mod migrate;
mod replay;
mod replay_all_ops;
mod sandbox;
mod stat;
mod usage;
mod verify;
mod verify_more;
