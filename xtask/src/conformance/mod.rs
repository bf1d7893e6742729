//! `cargo xtask conformance`: does this store answer as the reference does?
//!
//! Random sequences of calls are put to both, the reference in a Node process and ours in this one, and everything that
//! can be seen is compared: answers, export batches, rows of the file, dumps, exports, imports, archives. A sequence on which
//! they differ is shrunk to the shortest one that still does. Where they are meant to differ, `differences.rs` says so
//! and why; there is no other exception. The second game has both take turns at one file, with blocks
//! abandoned and processes killed; what is in the file is then compared with a store of ours that nobody else touched.
//!
//! Two fixed parts complete it: the fixtures, which the reference wrote, and the recorded kernel. It knows nothing of how
//! a store works: what is right is what the reference does.

mod answer;
mod archive;
mod call;
mod checks;
mod differences;
mod driver;
mod duel;
mod fixtures;
mod generate;
mod hunt;
mod inquisitor;
mod minimize;
mod ours;
mod packages;
mod parts;
mod player;
mod specimens;
mod tally;
mod task;
mod trace;
mod transfer;
mod words;

pub(crate) use task::{Args, run};
