//! For tests of this project and of other implementations: a store in memory, and a suite that holds every store to
//! the same answers.
//!
//! [`model`] is the specification in code: plain maps, whole copies for savepoints, no cleverness. [`suite`] is a list of
//! named cases, each for one rule, and a random comparison of any store with the model. An implementation says how it
//! is opened and looked at ([`StoreUnderTest`]) and runs all of it with one line,
//! [`conformance!`](crate::conformance).
//!
//! The module is there with the feature `testing`, which a crate asks for among its dev-dependencies.

mod host;
pub mod model;
pub mod suite;
mod under_test;

pub use host::{Batch, CallbackFailed, Record, RecordingHost};
pub use under_test::{Exports, Retention, StoreUnderTest, TestOptions};
