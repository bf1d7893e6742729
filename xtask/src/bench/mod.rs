//! `cargo xtask bench`: the reference and ours doing the same work, by turns, in one run.
//!
//! A piece of [`Work`](work::Work) is a value. A [`Side`](side::Side) is somebody who can do it in a process of its own and say
//! in figures what it cost; the reference is one (in Node.js), ours is another (this program again, optimised), and whoever
//! has the reference's API can be a third. A run makes the stores that the works need, lets the sides take turns, and
//! tells medians, ratios and their spread, beside the goals and beside what the machine could do at best.
//!
//! `cargo xtask bench growth` plots what operations cost as stores and sessions grow.
//!
//! `cargo xtask bench pair` has two programs of ours work at the same time, for who wants to know whether a change is worth it.
//!
//! `cargo xtask bench instructions` counts instead of timing: the instructions of ten hot operations, which do not depend on
//! the machine's mood and are therefore held to.

mod data;
mod floors;
mod growth;
mod heap;
mod instructions;
mod making;
mod ours;
mod pair;
mod plan;
mod report;
mod rows;
mod side;
mod stats;
mod stores;
mod svg;
mod table;
mod task;
mod work;

pub(crate) use ours::serve;
pub(crate) use task::{Args, run, work_with_package};
