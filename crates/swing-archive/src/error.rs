//! What can go wrong in an archive's directory.

use std::io;
use std::path::PathBuf;

use swing_core::ArtifactName;

/// Why something could not be archived or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// The artifact is of another kind than the call.
    #[error("{name} is not a {expected}")]
    Kind {
        /// The artifact.
        name: ArtifactName,
        /// What it should be.
        expected: &'static str,
    },
    /// The name would leave the directory. No vat ID can do that; this is the second lock on the same door.
    #[error("{name} is not a plain file name")]
    NotAFileName {
        /// The artifact.
        name: ArtifactName,
    },
    /// The store could not say what to archive.
    #[error("{name} could not be read from the store")]
    Source {
        /// The artifact.
        name: ArtifactName,
        /// The store's own error.
        #[source]
        source: io::Error,
    },
    /// The file system refused.
    #[error("could not {what} {path}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl DirectoryError {
    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }
}
