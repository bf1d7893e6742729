//! The npm package that replaces the reference in JavaScript: where it is, and which package a run is put to.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::shell;

/// Where `cargo xtask node` leaves the installable package.
pub(crate) fn folder() -> PathBuf {
    shell::target().join("npm")
}

/// Whether there is a package to be tested.
pub(crate) fn is_built() -> bool {
    folder().join("package.json").is_file()
}

/// Answers the folder with the package in it.
pub(crate) fn build() -> Result<PathBuf> {
    if !is_built() {
        bail!("there is no npm package in {}: run `cargo xtask node`", folder().display());
    }
    Ok(folder())
}

/// The package that a run is put to: ours, any other folder with a package, or the reference itself.
#[derive(Debug, Clone, Default)]
pub(crate) enum UnderTest {
    /// What `cargo xtask node` made.
    #[default]
    Ours,
    /// The reference in its own place, which shows that the run itself is right.
    Reference,
    /// A folder with a `package.json`.
    Folder(PathBuf),
}

impl UnderTest {
    /// For a command line.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        match text {
            "reference" => Ok(Self::Reference),
            folder if Path::new(folder).join("package.json").is_file() => {
                Ok(Self::Folder(std::path::absolute(folder)?))
            }
            other => bail!("neither `reference` nor a folder with a package.json: {other}"),
        }
    }

    pub(crate) fn is_reference(&self) -> bool {
        matches!(self, Self::Reference)
    }

    /// The package's folder; the reference is the one at `reference`.
    pub(crate) fn folder(&self, reference: &Path) -> Result<PathBuf> {
        let folder = match self {
            Self::Ours => build()?,
            Self::Reference => reference.to_owned(),
            Self::Folder(folder) => folder.clone(),
        };
        Ok(std::path::absolute(folder)?)
    }
}

impl fmt::Display for UnderTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ours => f.write_str("our package"),
            Self::Reference => f.write_str("the reference"),
            Self::Folder(folder) => write!(f, "the package in {}", folder.display()),
        }
    }
}
