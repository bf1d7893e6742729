//! One case for each rule, and a random comparison with the model.
//!
//! A case is a function that panics when the store breaks its rule; its name says the rule. Cases speak of calls as
//! values ([`Op`]), so that the random comparison runs the same ones. What an error says is the implementation's own
//! affair; the suite only tells errors from answers.

mod driver;
mod list;
mod ops;
mod random;
mod samples;

pub mod blocks;
pub mod bundles;
pub mod cranks;
pub mod exports;
pub mod kv;
pub mod snapshots;
pub mod transcripts;
pub mod worked_example;

pub use driver::Driven;
pub use ops::{Answer, End, KvOp, Op, Outcome, Refusal, call_host, call_kernel};
pub use random::{RandomRun, calls_get_the_models_answers, random_calls_get_the_models_answers};

#[cfg(test)]
mod tests;
