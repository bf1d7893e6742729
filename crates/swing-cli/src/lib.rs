//! The `swing-store` program: what is in a store, is it sound, out of it, into it, and does it answer as the original
//! does.
//!
//! One module per subcommand, each a plain function from options to a report that prints itself for people or as JSON.
//! It rests on one decision: a command that did not do all of what it was asked to leaves everything as it was, and says
//! which file or record is to blame and what to do next. It knows nothing of how a store works: it calls
//! [`swing_store`] and [`swing_export`] as any host would.
#![doc = ""]
#![doc = include_str!("../README.md")]

mod alone;
mod args;
mod console;
mod error;
mod exit;
mod height;
mod hint;
mod program;
mod progress;
mod text;
mod waiting;

pub mod diff;
pub mod digest;
pub mod export;
pub mod import;
pub mod migrate;
pub mod replay;
pub mod stat;
pub mod verify;

pub use error::Refusal;
pub use exit::Exit;
pub use program::run;
pub use progress::Meter;
