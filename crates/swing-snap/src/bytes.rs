//! The raw bytes of a stored snapshot, on their way to whoever asked for them.

use std::io::{self, Read};

use swing_core::session::Reader;
use swing_core::{ArtifactName, Digest, SessionError};

use crate::codec::{CodecError, Expected, ReadAhead, SnapshotReader};
use crate::error::SnapError;
use crate::schema::SNAPSHOTS;

/// The gzip of a row, given its rowid and the type of the value: what is neither a blob nor NULL is an error.
pub(crate) fn read_gzip(db: Reader<'_>, rowid: i64, kind: &str) -> Result<Option<Vec<u8>>, SessionError> {
    const OTHER: &str = "SELECT compressedSnapshot FROM snapshots WHERE rowid = ?1";
    match kind {
        "blob" => db.blob(SNAPSHOTS.name, "compressedSnapshot", rowid).map(Some),
        "null" => Ok(None),
        _ => Ok(db.one(OTHER, [rowid], |row| row.get(0))?.flatten()),
    }
}

/// Reads a stored snapshot and verifies it on the way; its errors name it.
pub(crate) struct StoredBytes {
    name: ArtifactName,
    reader: SnapshotReader,
}

impl StoredBytes {
    /// `raw_len` is the length on record: where it is known, a reader never hands out more.
    pub(crate) fn new(name: ArtifactName, gzip: Vec<u8>, hash: Digest, raw_len: Option<u64>) -> Self {
        let expected = Expected { hash, raw_len };
        Self { name, reader: SnapshotReader::new(gzip, expected, ReadAhead::WhenItPays) }
    }

    fn blame(&self, error: io::Error) -> io::Error {
        let kind = error.kind();
        let name = self.name.clone();
        match error.downcast::<CodecError>() {
            Ok(CodecError::HashMismatch { expected, actual }) => {
                io::Error::new(kind, SnapError::HashMismatch { name, actual, expected })
            }
            Ok(source) => io::Error::new(kind, SnapError::Damaged { name, source }),
            Err(error) => error,
        }
    }
}

impl Read for StoredBytes {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.reader.read(room).map_err(|error| self.blame(error))
    }
}
