//! Every operation of SQLite on the file system, and every allocation, made to fail once, alone or with all that
//! follow, while a careless host uses the store.

mod cases;
mod run;

pub(crate) use cases::{Case, Prepared};
pub(crate) use run::{control, faults};
