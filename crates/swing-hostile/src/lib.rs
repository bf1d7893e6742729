//! Hostile input for a swing-store: datasets, databases and archives that are not what they should be.
//!
//! Each [`Case`] is a recipe: a few edits to one of the fixtures. So the corpus is a file of one line per case, with what the
//! reference does, what we do, and why; what is fed to either is [made](Material) from it on the spot. [`cases`] lists the
//! recipes, [`run()`] says what becomes of one here. It is for tests and for `cargo xtask hostile`; nothing that is shipped
//! depends on it.

mod case;
pub mod cases;
mod material;
mod run;
mod source;

pub use case::{Bytes, Case, Edit, Input, Line, Verdict};
pub use material::{Artifact, Material};
pub use run::{LIMITS, Outcome, database, run};
pub use source::Source;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
