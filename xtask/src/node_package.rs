//! The npm package that replaces the reference in JavaScript.

use std::path::PathBuf;

use crate::shell;

/// Where `cargo xtask node` leaves the installable package.
pub(crate) fn folder() -> PathBuf {
    shell::target().join("npm")
}
