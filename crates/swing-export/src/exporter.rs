//! The exporter: one commit of a store, as records and artifacts, while the writer goes on.

use std::io::Read;
use std::path::Path;

use swing_core::names::tag;
use swing_core::session::{OpenError, Pinned};
use swing_core::substore::{Gap, Record, Substore, SubstoreError};
use swing_core::{ArtifactMode, Reader, SessionError};

use crate::source::{ExportSource, SourceError, SourceNames, SourceRecords};

/// The parts of a store, in the order in which an export lists them.
pub type Substores = &'static [&'static dyn Substore];

/// An export that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store cannot be opened for reading.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store does not have what this mode promises.
    #[error("the store is not complete for {mode} mode: {} ({}){}", .gaps[0].what, .gaps[0].reason, more(.gaps))]
    Incomplete {
        /// The mode that was asked for.
        mode: ArtifactMode,
        /// What is missing; at least one thing.
        gaps: Vec<Gap>,
    },
    /// A name of no substore's.
    #[error("invalid type in artifact name {name:?}")]
    UnknownTag {
        /// The name.
        name: String,
    },
    /// Only keys of the host's section can be asked for.
    #[error("only host keys can be read from an exporter, not {key:?}")]
    NotHostKey {
        /// The key.
        key: String,
    },
    /// A record or artifact is not what it should be.
    #[error(transparent)]
    Substore(#[from] SubstoreError),
}

fn more(gaps: &[Gap]) -> String {
    if gaps.len() > 1 { format!(", and {} more", gaps.len() - 1) } else { String::new() }
}

/// One commit of a store, pinned: it goes on seeing the commit that was the last when it was made.
///
/// It opens the file read-only, takes no write lock and lets the commit go when it is dropped.
pub struct Exporter {
    pinned: Pinned,
    substores: Substores,
    mode: ArtifactMode,
}

swing_core::opaque!(Exporter);

impl Exporter {
    /// Pins the last commit of the store whose database is the file `path`.
    ///
    /// # Errors
    /// [`ExportError::Open`] when there is no store there; nothing is created then.
    pub fn open(path: &Path, substores: Substores, mode: ArtifactMode) -> Result<Self, ExportError> {
        let tables: Vec<_> = substores.iter().flat_map(|substore| substore.tables()).copied().collect();
        Ok(Self::pinned(Pinned::open(path, &tables)?, substores, mode))
    }

    /// An exporter of a commit that is pinned already, by one of several readers of a pool.
    #[must_use]
    pub fn pinned(pinned: Pinned, substores: Substores, mode: ArtifactMode) -> Self {
        Self { pinned, substores, mode }
    }

    /// Which artifacts it offers.
    #[must_use]
    pub fn mode(&self) -> ArtifactMode {
        self.mode
    }

    /// Reads the pinned commit.
    #[must_use]
    pub fn read(&self) -> Reader<'_> {
        self.pinned.read()
    }

    /// The value of a `host.*` key.
    ///
    /// # Errors
    /// [`ExportError::NotHostKey`] for any other key.
    pub fn host_kv(&self, key: &str) -> Result<Option<String>, ExportError> {
        if !key.starts_with("host.") {
            return Err(ExportError::NotHostKey { key: key.to_owned() });
        }
        for substore in self.substores {
            if let Some(value) = substore.host_value(self.read(), key)? {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    /// All export records in their canonical order, the same in every mode.
    pub fn export_data(&self) -> impl Iterator<Item = Result<Record, SubstoreError>> + '_ {
        self.substores.iter().flat_map(|substore| substore.records(self.read()))
    }

    /// All export records in the order of their keys' bytes, as a Merkle tree over them lists them.
    pub fn export_data_by_key(&self) -> impl Iterator<Item = Result<Record, SubstoreError>> + '_ {
        let mut substores = self.substores.to_vec();
        substores.sort_by_key(|substore| format!("{}.", substore.tag()));
        substores.into_iter().flat_map(|substore| substore.records_by_key(self.read()))
    }

    /// The names of all artifacts of its mode.
    ///
    /// # Errors
    /// [`ExportError::Incomplete`] at once when the store does not have them all (never in `debug` mode).
    pub fn artifact_names(&self) -> Result<impl Iterator<Item = Result<String, SubstoreError>> + use<'_>, ExportError> {
        let gaps = gaps(self.read(), self.substores, self.mode)?;
        if !gaps.is_empty() {
            return Err(ExportError::Incomplete { mode: self.mode, gaps });
        }
        Ok(self.substores.iter().flat_map(|substore| substore.artifact_names(self.read(), self.mode)))
    }

    /// The bytes of an artifact, verified: if they are not what the record says, the last read fails.
    ///
    /// # Errors
    /// [`ExportError`] when the name is not exactly that of an artifact that is there.
    pub fn artifact(&self, name: &str) -> Result<Box<dyn Read + '_>, ExportError> {
        let substore = of_tag(self.substores, name).ok_or_else(|| ExportError::UnknownTag { name: name.to_owned() })?;
        Ok(substore.artifact(self.read(), name)?)
    }

    /// Lets the pinned commit go.
    ///
    /// # Errors
    /// [`SessionError`] when SQLite cannot end the transaction.
    pub fn close(self) -> Result<(), SessionError> {
        self.pinned.close()
    }
}

impl ExportSource for Exporter {
    fn records(&self) -> Result<SourceRecords<'_>, SourceError> {
        Ok(Box::new(self.export_data().map(|record| match record {
            Ok((key, value)) => Ok((key, Some(value))),
            Err(error) => Err(error.into()),
        })))
    }

    fn artifact_names(&self) -> Result<SourceNames<'_>, SourceError> {
        Ok(Box::new(Exporter::artifact_names(self)?.map(|name| Ok(name?))))
    }

    fn artifact(&self, name: &str) -> Result<Box<dyn Read + '_>, SourceError> {
        Ok(Exporter::artifact(self, name)?)
    }
}

/// The substore that a record key or artifact name belongs to.
pub(crate) fn of_tag(substores: Substores, name: &str) -> Option<&'static dyn Substore> {
    substores.iter().copied().find(|substore| substore.tag() == tag(name))
}

/// What a store lacks for a complete export in this mode.
///
/// # Errors
/// [`SubstoreError`] when the rows cannot be read.
pub fn gaps(db: Reader<'_>, substores: Substores, mode: ArtifactMode) -> Result<Vec<Gap>, SubstoreError> {
    let mut gaps = Vec::new();
    if mode != ArtifactMode::Debug {
        for substore in substores {
            gaps.extend(substore.gaps(db, mode)?);
        }
    }
    Ok(gaps)
}
