//! A layer between SQLite and the real file system that sees every operation, can write it down and can make it fail.
//!
//! It forwards everything to SQLite's own unix VFS, shared memory and mapped pages included, so that what is tested is
//! what runs. It is registered as the default VFS of this process, and a hook tunes every connection that is opened;
//! the crates of the store know nothing of it and need no change.

mod beside;
mod control;
mod files;
mod memory;
mod register;

pub(crate) use beside::Beside;
#[cfg(test)]
pub(crate) use control::tuning_alone;
pub(crate) use control::{
    Event, Fault, Journal, Mark, Synchronous, Tuning, arm, disarm, mark, record, stop_recording, tune,
};
pub(crate) use memory::{arm_memory, count_allocations, disarm_memory};
pub(crate) use register::install;
