//! The recipes, by what they attack.

mod archives;
mod bundles;
mod databases;
mod folders;
mod list;
mod names;
mod records;
mod spans;
mod streams;

pub use list::all;
