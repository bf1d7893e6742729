//! The digest of the rows: kept by us, known to be out of date after others, and right whatever happens in between.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;
mod damage;
mod height;
mod keeping;
mod others;
