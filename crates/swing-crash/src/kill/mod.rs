//! A process that is killed: at any time, and before and after each thing it does to a file.

mod points;
mod random;
mod scenario;

pub(crate) use points::points;
pub(crate) use random::{controls, random};
pub(crate) use scenario::{Scenario, Staged, copy_dir, program};
