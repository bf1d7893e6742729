//! A store in memory that is as plain as its rules.
//!
//! Every table is a map, a savepoint is a copy of all maps, a commit is another. What is here instead of elsewhere is
//! what consensus and hosts rely on; anything that an engine does for speed or safety is missing. [`Model`] implements
//! every role, so a host's tests can use it as a store without files.

mod bundles;
mod cranks;
mod export;
mod kv;
mod snapshots;
mod state;
mod store;
mod transcripts;

pub use bundles::Bundles;
pub use cranks::Kernel;
pub use kv::{HostKv, KernelKv};
pub use snapshots::Snapshots;
pub use store::{ExportCallback, Host, Model, ModelError, ModelOptions, ModelUnderTest};
pub use transcripts::Transcripts;

#[cfg(test)]
mod tests;
