//! `cargo xtask mutants`: deliberate mistakes, one at a time, each of which some test must notice.
//!
//! cargo-mutants makes them: it replaces what a function answers, turns conditions round, leaves arms and fields out. A mistake
//! that no test notices is a survivor. Those that are known, each with the reason why no test can or need notice it, are listed in
//! `xtask/mutants/survivors.json`; any other is an error, and so is a listed one that is noticed after all.
//!
//! - [`parts`] says what is mutated and which tests are asked, the nearest first.
//! - [`outcomes`] reads what cargo-mutants found.
//! - [`survivors`] is the list, and what of the outcomes it covers.
//! - [`task`] runs it all.

mod outcomes;
mod parts;
mod survivors;
mod task;

pub(crate) use task::{Args, run};
