//! The store: the session, the state of each substore, and what holds them together.

use std::path::{Path, PathBuf};

use swing_core::session::{
    Creation, Location, OpenOptions, Reader, Session, SessionError, has_store_header, real_path, side_file, store_file,
};
use swing_export::{ExportSource, RepairReport, repair};
use swing_kv::{KvOptions, KvState};
use swing_snap::{SnapOptions, SnapState};
use swing_transcript::{TranscriptOptions, TranscriptState};

use crate::crank::Crank;
use crate::error::StoreError;
use crate::host::Host;
use crate::kernel::Kernel;
use crate::options::{Durability, ExportCallback, Options};
use crate::substores::{SUBSTORES, tables};
use crate::trace::Trace;

/// A swing-store.
///
/// What is written is durable after [`commit`](swing_core::roles::HostStorage::commit) and not before; a store that
/// is dropped or closed abandons what was not committed.
pub struct Store {
    pub(crate) session: Session,
    pub(crate) kv: KvState,
    pub(crate) transcripts: TranscriptState,
    pub(crate) snapshots: SnapState,
    pub(crate) crank: Crank,
    pub(crate) trace: Option<Trace>,
    callback: Option<ExportCallback>,
    overlay_bytes: usize,
}

swing_core::opaque!(Store);

/// Lends the session and all parts at once, which a method could not.
macro_rules! with_parts {
    ($store:expr, $session:ident, $parts:ident => $body:expr) => {{
        let $session = &mut $store.session;
        let $parts: &mut [&mut dyn swing_core::Part] =
            &mut [&mut $store.kv, &mut $store.snapshots, &mut $store.transcripts];
        $body
    }};
}
pub(crate) use with_parts;

/// How large the files of a store are, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskUsage {
    /// The database file.
    pub database: u64,
    /// The write-ahead log beside it.
    pub wal: u64,
}

impl DiskUsage {
    /// That of the store in this database file, open or not. A store may have no log.
    ///
    /// # Errors
    /// [`StoreError::DiskUsage`] when the files cannot be looked at, or the database file is gone.
    pub fn of(path: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::DiskUsage { source };
        let size = |path: &Path| fs_err::metadata(path).map(|data| data.len());
        let database = size(path).map_err(failed)?;
        // Behind a link the log is beside what the link leads to.
        let path = real_path(path).map_err(failed)?;
        let wal = match size(&side_file(&path, "-wal")) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
            found => found,
        };
        Ok(Self { database, wal: wal.map_err(failed)? })
    }
}

/// The host's key for the height of the last block.
const HEIGHT: &str = "host.height";

/// Whether there is a store in directory `dir`. False for an absent or empty file, and for one that is no database.
#[must_use]
pub fn is_swing_store(dir: &Path) -> bool {
    has_store_header(&store_file(dir)).unwrap_or(false)
}

/// What the host has noted as its height, in its own words; `None` if it has not. A store that still lacks tables has none either.
///
/// # Errors
/// [`SessionError`] when it cannot be read, or is no text.
pub fn host_height(db: Reader<'_>) -> Result<Option<String>, SessionError> {
    const HAS_PAIRS: &str = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'kvStore'";
    match db.one(HAS_PAIRS, [], |_| Ok(()))? {
        None => Ok(None),
        Some(()) => db.one(swing_kv::VALUE_OF, [HEIGHT], |row| row.get(0)),
    }
}

/// Refuses a store that lacks blocks which its host knows to be committed. There may be none.
fn check_height(db: Option<Reader<'_>>, committed: u64) -> Result<(), StoreError> {
    let height = db.map_or(Ok(None), host_height)?;
    let found = height.as_deref().map_or(Ok(0), str::parse);
    match found {
        Ok(found) if found >= committed => Ok(()),
        Ok(found) => Err(StoreError::LostBlocks { committed, found }),
        Err(_) => Err(StoreError::NoHeight { text: height.unwrap_or_default() }),
    }
}

impl Store {
    /// Opens the store in directory `dir`, creating an empty one if there is none.
    ///
    /// # Errors
    /// [`StoreError::Open`] says what is wrong with the file, or which process has it open for writing.
    pub fn open(dir: impl AsRef<Path>, options: Options) -> Result<Self, StoreError> {
        Self::open_file(store_file(dir.as_ref()), options)
    }

    /// Creates an empty store in directory `dir`, erasing the one that is there. Other files in it are left alone.
    ///
    /// # Errors
    /// [`StoreError::Open`], also when another process has the old store open for writing.
    pub fn init(dir: impl AsRef<Path>, options: Options) -> Result<Self, StoreError> {
        Self::init_file(store_file(dir.as_ref()), options)
    }

    /// As [`Store::open`], with the path of the database file itself.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_file(path: impl Into<PathBuf>, options: Options) -> Result<Self, StoreError> {
        Self::at(Location::File(path.into()), Creation::IfAbsent, None, options)
    }

    /// As [`Store::init`], with the path of the database file itself.
    ///
    /// # Errors
    /// As [`Store::init`].
    pub fn init_file(path: impl Into<PathBuf>, options: Options) -> Result<Self, StoreError> {
        Self::at(Location::File(path.into()), Creation::Fresh, None, options)
    }

    /// An empty store in memory, for tests and tools.
    ///
    /// # Errors
    /// [`StoreError::Open`] when SQLite cannot create it.
    pub fn in_memory(options: Options) -> Result<Self, StoreError> {
        Self::at(Location::Memory, Creation::IfAbsent, None, options)
    }

    /// A store in memory that begins as `image`, which [`Store::serialize`] made.
    ///
    /// # Errors
    /// [`StoreError::Open`] when the image is not that of a store.
    pub fn from_image(image: Vec<u8>, options: Options) -> Result<Self, StoreError> {
        Self::at(Location::Memory, Creation::IfAbsent, Some(image), options)
    }

    fn at(
        location: Location,
        creation: Creation,
        image: Option<Vec<u8>>,
        options: Options,
    ) -> Result<Self, StoreError> {
        let unsafe_fast = options.durability == Durability::UnsafeFast;
        let Options { read_only, row_digests, .. } = options;
        if creation == Creation::Fresh && read_only {
            return Err(StoreError::NewReadOnly);
        }
        // Before anything is erased.
        let trace = Trace::of(&options)?;
        let open = OpenOptions { creation, read_only, unsafe_fast, row_digests, image, ..OpenOptions::default() };
        let committed = options.committed_height.filter(|_| creation != Creation::Fresh);
        // Before the session may copy the log and remove it: if the end of it is damaged, the lost blocks may be nowhere else.
        let session = Session::open_if(location, &open, &tables(), |db| {
            committed.map_or(Ok(()), |committed| check_height(db, committed))
        })?;
        Self::over(session, options, trace)
    }

    /// A store over a session that is open already.
    pub(crate) fn over(session: Session, options: Options, trace: Option<Trace>) -> Result<Self, StoreError> {
        let mut store = Self {
            session,
            kv: KvState::new(KvOptions { cache_bytes: options.cache_bytes }),
            transcripts: TranscriptState::new(TranscriptOptions {
                keep: options.keep_transcripts,
                archive: options.archive_transcript,
            }),
            snapshots: SnapState::new(SnapOptions {
                keep: options.keep_snapshots,
                archive: options.archive_snapshot,
                ..SnapOptions::new(options.clock)
            }),
            crank: Crank::default(),
            trace,
            callback: None,
            overlay_bytes: options.overlay_bytes,
        };
        if let Some(callback) = options.export_callback {
            store.set_export_callback(callback)?;
        }
        Ok(store)
    }

    /// The kernel's end.
    pub fn kernel(&mut self) -> Kernel<'_> {
        Kernel::new(self)
    }

    /// The host's end.
    pub fn host(&mut self) -> Host<'_> {
        Host::new(self)
    }

    /// Installs the callback that takes changes of export data, from now on.
    ///
    /// # Errors
    /// [`StoreError::Session`] when what an earlier writer left for it cannot be read.
    pub fn set_export_callback(&mut self, callback: ExportCallback) -> Result<(), StoreError> {
        if !self.session.records_exports() {
            self.session.record_exports()?;
        }
        self.callback = Some(callback);
        Ok(())
    }

    /// Hands queued changes of export data to the host.
    pub(crate) fn hand_over(&mut self) -> Result<(), StoreError> {
        let Some(callback) = &mut self.callback else { return Ok(()) };
        self.session.hand_over(|batch| callback(batch).map_err(|error| StoreError::Callback { source: error.into() }))
    }

    /// Between cranks: writes what memory should not hold any longer into the open transaction.
    pub(crate) fn spill(&mut self) -> Result<(), StoreError> {
        let held = with_parts!(self, _session, parts => parts.iter().map(|part| part.bytes()).sum::<usize>());
        if held > self.overlay_bytes {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes everything that is held in memory into the open transaction.
    pub(crate) fn flush(&mut self) -> Result<(), StoreError> {
        Ok(with_parts!(self, session, parts => session.flush(parts))?)
    }

    pub(crate) fn in_crank(&self, call: &'static str) -> Result<(), StoreError> {
        if self.crank.active { Ok(()) } else { Err(StoreError::OutsideCrank { call }) }
    }

    pub(crate) fn between_cranks(&self, call: &'static str) -> Result<(), StoreError> {
        if self.crank.active { Err(StoreError::InCrank { call }) } else { Ok(()) }
    }

    pub(crate) fn commit(&mut self) -> Result<(), StoreError> {
        self.settle_block()?;
        self.hand_over()?;
        self.seal_block()
    }

    /// Adds the metadata records of `source` that the store lacks, and checks that it is complete for `operational`
    /// mode. Reads no artifacts and commits nothing.
    ///
    /// # Errors
    /// [`StoreError::Repair`] when a record contradicts the store; everything is then as it was.
    pub fn repair_metadata(&mut self, source: &dyn ExportSource) -> Result<RepairReport, StoreError> {
        self.between_cranks("repair metadata")?;
        self.session.begin()?;
        self.flush()?;
        Ok(repair(&mut self.session, SUBSTORES, source)?)
    }

    /// Whether the digest of the rows is being kept up to date.
    #[must_use]
    pub fn keeps_row_digests(&self) -> bool {
        self.session.keeps_row_digests()
    }

    /// Makes the digest of the rows anew from all rows and keeps it from now on. It is durable with the next commit.
    ///
    /// # Errors
    /// [`StoreError::InCrank`] inside a crank, and whatever keeps the rows from being read.
    pub fn build_row_digests(&mut self) -> Result<(), StoreError> {
        self.between_cranks("build the row digests")?;
        self.session.begin()?;
        self.flush()?;
        let witness = swing_kv::commit_witness(self.session.read())?;
        Ok(self.session.build_row_digests(&tables(), witness)?)
    }

    /// How large the store's files are; `None` for one in memory.
    ///
    /// # Errors
    /// [`StoreError::DiskUsage`] when the files cannot be looked at, or the database file is gone.
    pub fn disk_usage(&self) -> Result<Option<DiskUsage>, StoreError> {
        self.session.location().path().map(DiskUsage::of).transpose()
    }

    /// The whole store as a byte image, uncommitted changes included. Only for stores in memory.
    ///
    /// # Errors
    /// [`StoreError::WrongKind`] for a store in a file, [`StoreError::InCrank`] inside a crank.
    pub fn serialize(&mut self) -> Result<Vec<u8>, StoreError> {
        if self.session.location().path().is_some() {
            return Err(StoreError::WrongKind { call: "serialize", kind: "in memory" });
        }
        self.between_cranks("serialize")?;
        if self.session.is_open() {
            self.flush()?;
        }
        Ok(self.session.serialize()?)
    }

    /// Closes the store, abandoning what is not committed.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be closed, or the trace file could not be written.
    pub fn close(self) -> Result<(), StoreError> {
        self.session.close()?;
        self.trace.map_or(Ok(()), Trace::close).map_err(|source| StoreError::Trace { source })
    }
}

#[cfg(test)]
mod tests {
    use swing_core::roles::{KernelStorage as _, KvStore as _, TranscriptStore as _};

    use super::*;

    fn held(store: &mut Store) -> usize {
        with_parts!(store, _session, parts => parts.iter().map(|part| part.bytes()).sum())
    }

    /// What is held after a crank that writes some 10 kB.
    fn held_after_a_crank(overlay_bytes: usize) -> usize {
        let mut store = Store::in_memory(Options { overlay_bytes, ..Options::default() }).unwrap();
        let (vat, mut kernel) = (swing_core::VatId::parse("v1").unwrap(), store.kernel());
        kernel.start_crank().unwrap();
        kernel.kv().set("a", &"x".repeat(5_000)).unwrap();
        kernel.transcripts().init_transcript(&vat).unwrap();
        kernel.transcripts().add_item(&vat, &"x".repeat(5_000)).unwrap();
        kernel.end_crank().unwrap();
        held(&mut store)
    }

    #[test]
    fn no_more_is_held_between_cranks_than_the_options_say() {
        let all = held_after_a_crank(usize::MAX);
        assert!(all > 10_000, "{all}");
        assert_eq!(held_after_a_crank(all), all);
        let less = held_after_a_crank(all - 1);
        assert!(less < 1_000, "{less}");
    }
}
