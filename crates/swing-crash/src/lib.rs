//! What is left of a store when its power, its process, its disk or its memory goes: engines that take them away at
//! every point there is, and compare what a store opens with afterwards with what the model says must be there.
//!
//! It rests on three decisions. A workload is drawn from a seed and depends on nothing a store answers, so every state
//! can be had again and the model knows what each height holds. Faults are played below the store, by a VFS between
//! SQLite and the file system and by stopping a process at its system calls, so the store under test is the one that
//! ships. And every engine has controls, settings that are known to be unsafe, which must be found out: an engine that
//! finds nothing wrong with them is broken itself.
//!
//! It knows nothing of how the store does its work. Nothing depends on it, and it is never published.

#![expect(clippy::print_stdout, reason = "a program talks to the person who runs it")]

mod careless;
mod child;
mod cli;
mod datasets;
mod disk_full;
mod dump;
mod faults;
mod kill;
mod mount;
mod power;
mod readers;
mod rng;
mod stage;
mod syscalls;
mod trace;
mod vfs;
mod workload;

pub use cli::{Cli, run};
