//! Whole stores through this crate alone: exported, imported, put in place, verified, with the four substores of a
//! swing-store and the committed fixtures.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;
mod diffing;
mod digests;
mod exporting;
mod importing;
mod refused;
mod refusing;
mod replacing;
mod verifying;
