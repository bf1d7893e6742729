//! A program stopped at its system calls: to write down what it does to files, to kill it at one of them, to let one
//! fail.
//!
//! The VFS layer sees what SQLite does and nothing else. What the store does by itself (archives, the move of an
//! import, flushing directories) is seen here, by the means of a debugger, so that no hook is needed in the store. Linux
//! only.

mod calls;
mod process;
mod rule;

pub(crate) use calls::{Call, Phase};
pub(crate) use process::{Action, Ended, trace};
pub(crate) use rule::{Broken, Ledger};
