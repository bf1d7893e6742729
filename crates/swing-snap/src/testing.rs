//! A small store, and collaborators that do as they are told.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use swing_core::roles::SnapStore as _;
use swing_core::session::Table;
use swing_core::substore::Substore as _;
use swing_core::{ArchiveError, ArtifactName, Clock, Position, Session, SnapshotArchive, VatId};

use crate::{Retention, SnapOptions, SnapState, SnapSubstore};

pub(crate) fn vat(text: &str) -> VatId {
    VatId::parse(text).unwrap()
}

pub(crate) fn position(number: u64) -> Position {
    Position::new(number).unwrap()
}

/// A clock on which a second passes whenever somebody looks.
#[derive(Debug, Default)]
pub(crate) struct Ticking(AtomicU64);

impl Clock for Ticking {
    fn now(&self) -> Duration {
        Duration::from_secs(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

pub(crate) fn options() -> SnapOptions {
    SnapOptions::new(Arc::new(Ticking::default()))
}

/// What an archive was given, and whether it should refuse more.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    pub(crate) given: Vec<(String, Vec<u8>)>,
    pub(crate) closed: bool,
}

/// An archive whose other end the test holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct TestArchive(pub(crate) Arc<Mutex<Shelf>>);

impl SnapshotArchive for TestArchive {
    fn snapshot(&mut self, name: &ArtifactName, gzip: &[u8]) -> Result<(), ArchiveError> {
        let mut shelf = self.0.lock().unwrap();
        if shelf.closed {
            return Err("the shelf is full".into());
        }
        shelf.given.push((name.to_string(), gzip.to_vec()));
        Ok(())
    }
}

/// A source that fails after some bytes.
pub(crate) struct Failing(pub(crate) usize);

impl Read for Failing {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let len = room.len().min(self.0);
        if len == 0 {
            return Err(io::Error::other("the worker died"));
        }
        self.0 -= len;
        room[..len].fill(7);
        Ok(len)
    }
}

/// A source that must not be read.
pub(crate) struct Untouchable;

impl Read for Untouchable {
    fn read(&mut self, _room: &mut [u8]) -> io::Result<usize> {
        panic!("nobody should have read this")
    }
}

/// A store in memory that queues its changes of export data.
pub(crate) struct Store {
    pub(crate) session: Session,
    pub(crate) state: SnapState,
}

impl Store {
    pub(crate) fn new(tables: &[Table], options: SnapOptions) -> Self {
        let mut session = Session::in_memory(tables).unwrap();
        session.record_exports().unwrap();
        Self { session, state: SnapState::new(options) }
    }

    pub(crate) fn keeping(keep: Retention) -> Self {
        Self::new(crate::TABLES, SnapOptions { keep, ..options() })
    }

    pub(crate) fn snapshots(&mut self) -> crate::Snapshots<'_> {
        self.state.bind(&mut self.session)
    }

    pub(crate) fn save(&mut self, vat_id: &str, at: u64, raw: &[u8]) {
        self.snapshots().save_snapshot(&vat(vat_id), position(at), &mut &raw[..]).unwrap();
    }

    pub(crate) fn load(&mut self, vat_id: &str) -> Result<Vec<u8>, String> {
        let mut reader = self.snapshots().load_snapshot(&vat(vat_id)).map_err(|error| error.to_string())?;
        let mut raw = Vec::new();
        reader.read_to_end(&mut raw).map_err(|error| error.to_string())?;
        Ok(raw)
    }

    pub(crate) fn sql(&mut self, sql: &str) {
        self.session.write().unwrap().run(sql, []).unwrap();
    }

    /// Takes the queued changes of export data, as `KEY` or `KEY=VALUE`.
    pub(crate) fn exports(&mut self) -> Vec<String> {
        let mut batch = Vec::new();
        self.session
            .hand_over(|entries| {
                batch = entries
                    .iter()
                    .map(|entry| match &entry.value {
                        Some(value) => format!("{}={value}", entry.key),
                        None => entry.key.to_string(),
                    })
                    .collect();
                Ok::<_, swing_core::SessionError>(())
            })
            .unwrap();
        batch
    }

    /// All export records, as `KEY=VALUE`.
    pub(crate) fn records(&self) -> Vec<String> {
        let records = SnapSubstore::default().records(self.session.read());
        records.map(|record| record.map(|(key, value)| format!("{key}={value}")).unwrap()).collect()
    }

    /// Every row, its bytes included, as text.
    pub(crate) fn rows(&self) -> Vec<String> {
        const SQL: &str = "SELECT concat_ws(' ', rowid, vatID, snapPos, coalesce(inUse, '-'), hash,
            coalesce(uncompressedSize, '-'), coalesce(compressedSize, '-'), coalesce(hex(compressedSnapshot), '-'))
            FROM snapshots ORDER BY rowid";
        self.session.read().all(SQL, [], |row| row.get(0)).unwrap()
    }
}

/// Bytes that do not compress, always the same.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(&mut next).flatten().take(len).collect()
}
