//! Loss of power at every moment of a run.
//!
//! The store works on the layer of [`crate::vfs`], which writes down what reaches the file system and what is flushed.
//! After every entry of that log the power is cut: of what was not flushed by then something is lost, and the store is
//! opened on what is left. It must hold what the last acknowledged block left, or what a block whose commit had been
//! asked for would have left, and nothing else. Some of these stores are then used, and cut off a second time while
//! they recover and go on.
//!
//! An import moves files and flushes directories, which that layer does not see. Its log is made of system calls.

mod disk;
mod explore;
#[cfg(test)]
mod failed_flush;
mod imports;
mod run;

pub(crate) use imports::import_controls;
pub(crate) use run::{controls, power};
