//! The reference package's own tests, run against another package.
//!
//! The test files come with the reference from npm and are run as they are. They import the modules of their package by relative
//! paths; here each of these modules is one line that hands on what the package under test exports. All tests are run, also
//! those that cannot pass: afterwards the failures are compared with a list (`expected.json`), so that a test which passes against
//! expectation is an error as well as one that fails, and so is a test that is missing.

mod listed;
mod scratch;
mod tap;
mod task;

pub(crate) use tap::{Test, parse as tests};
pub(crate) use task::run;
