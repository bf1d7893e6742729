//! What can go wrong with snapshots.

use swing_core::{ArchiveError, ArtifactName, Digest, SessionError, VatId};

use crate::codec::CodecError;

/// Why a snapshot could not be saved, loaded or deleted. A snapshot is named as its artifact is: `snapshot.VAT.POSITION`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapError {
    /// The vat has no snapshot in use.
    #[error("no snapshot available for vat {:?}", .vat.as_str())]
    NoSnapshot {
        /// The vat.
        vat: VatId,
    },
    /// The vat has a snapshot in use, but the store does not have its bytes: they were not imported.
    #[error("no snapshot available for vat {:?} (the store has the record of {name} but not its bytes)", .vat.as_str())]
    NotPopulated {
        /// The vat.
        vat: VatId,
        /// The snapshot.
        name: ArtifactName,
    },
    /// The stored bytes are not the ones that were saved. Inside the [`std::io::Error`] of a reader.
    #[error("{name}: actual hash \"{actual}\" !== expected \"{expected}\"")]
    HashMismatch {
        /// The snapshot.
        name: ArtifactName,
        /// The hash of what is stored.
        actual: Digest,
        /// The hash in the record.
        expected: Digest,
    },
    /// The stored bytes are no gzip of the length on record. Inside the [`std::io::Error`] of a reader.
    #[error("{name} is damaged")]
    Damaged {
        /// The snapshot.
        name: ArtifactName,
        /// What is wrong with it.
        #[source]
        source: CodecError,
    },
    /// A new snapshot could not be read or compressed.
    #[error("{name} could not be taken in")]
    Source {
        /// The snapshot.
        name: ArtifactName,
        /// What failed.
        #[source]
        source: CodecError,
    },
    /// A new snapshot is larger than a row of the database can be.
    #[error("{name} is too large for the database (more than {limit} bytes compressed)")]
    TooLarge {
        /// The snapshot.
        name: ArtifactName,
        /// The largest one that fits.
        limit: u64,
    },
    /// The archive refused a new snapshot.
    #[error("{name} could not be archived")]
    Archive {
        /// The snapshot.
        name: ArtifactName,
        /// The archive's own error.
        #[source]
        source: ArchiveError,
    },
    /// The database failed.
    #[error(transparent)]
    Session(#[from] SessionError),
}
