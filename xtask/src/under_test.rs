//! Which package a run is put to: the one that `cargo xtask node` makes, any other, or the reference itself.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::node_package;

/// Whether `cargo xtask node` has left a package to be tested.
pub(crate) fn is_built() -> bool {
    node_package::folder().join("package.json").is_file()
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
            Self::Ours if is_built() => node_package::folder(),
            Self::Ours => {
                bail!("there is no npm package in {}: run `cargo xtask node`", node_package::folder().display())
            }
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
