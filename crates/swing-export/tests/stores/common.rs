//! The substores of a swing-store, copies of fixtures, and a source that says what a test wants it to say.

use std::cell::{Cell, RefCell};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fs_err as fs;
use swing_bundle::BundleSubstore;
use swing_core::session::{Pinned, Session, Table};
use swing_core::substore::{Finding, Substore};
use swing_core::{ArtifactMode, RowDigests};
use swing_export::dataset::Dataset;
use swing_export::{
    ExportSource, Exporter, ImportError, ImportOptions, Imported, SourceError, SourceNames, SourceRecords, Step,
    Substores, Target, Trusted, VerifyReport, import, verify,
};
use swing_kv::KvSubstore;
use swing_snap::SnapSubstore;
use swing_snap::codec::Level;
use swing_transcript::TranscriptSubstore;

pub(crate) static SUBSTORES: Substores =
    &[&KvSubstore as &dyn Substore, &SnapSubstore { level: Level::DEFAULT }, &TranscriptSubstore, &BundleSubstore];

pub(crate) fn tables() -> Vec<Table> {
    SUBSTORES.iter().flat_map(|substore| substore.tables()).copied().collect()
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// A dataset of a fixture, where it is: it is only read.
pub(crate) fn dataset(name: &str, mode: &str) -> Dataset {
    Dataset::open(fixtures().join(name).join("dataset-js").join(mode)).unwrap()
}

/// A copy of a fixture's database file, in a directory of its own.
pub(crate) fn store(name: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("swingstore.sqlite");
    fs::copy(fixtures().join(name).join("store/swingstore.sqlite"), &path).unwrap();
    (dir, path)
}

/// A store whose writer was killed: the fixture's, with what `sql` did still in its log, which nobody has recovered.
pub(crate) fn killed_store(name: &str, sql: &str) -> (tempfile::TempDir, PathBuf) {
    let (dir, path) = store(name);
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch(&format!("PRAGMA wal_autocheckpoint = 0; {sql}")).unwrap();
    let killed = tempfile::tempdir().unwrap();
    for name in ["swingstore.sqlite", "swingstore.sqlite-wal"] {
        fs::copy(dir.path().join(name), killed.path().join(name)).unwrap();
    }
    let path = killed.path().join("swingstore.sqlite");
    (killed, path)
}

/// What lies in a directory.
pub(crate) fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Changes a database as other software would.
pub(crate) fn alter(path: &Path, sql: &str) {
    rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

/// Overwrites a table's first page, as a failing disk would.
pub(crate) fn destroy(path: &Path, table: &str) {
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    let connection = rusqlite::Connection::open(path).unwrap();
    let root = connection.query_row(sql, [table], |row| row.get::<_, usize>(0)).unwrap();
    drop(connection);
    let mut bytes = fs::read(path).unwrap();
    bytes[(root - 1) * 4096..root * 4096].fill(0xa5);
    fs::write(path, bytes).unwrap();
}

pub(crate) type Records = Vec<(String, Option<String>)>;

/// Where a [`Source`] fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Fails {
    #[default]
    Nowhere,
    AtTheRecords,
    /// They can be had once.
    AtTheRecordsAgain,
    AfterTheRecords,
    AtTheNames,
    AfterTheNames,
    AtAnArtifact,
    WhileReading,
}

/// Records and artifacts from memory.
#[derive(Default)]
pub(crate) struct Source {
    pub(crate) records: Records,
    pub(crate) artifacts: Vec<(String, Vec<u8>)>,
    pub(crate) fails: Fails,
    /// The artifacts that were asked for.
    pub(crate) asked: RefCell<Vec<String>>,
    /// How often the records were asked for.
    pub(crate) reads: Cell<u32>,
}

impl Source {
    /// What a fixture's dataset has.
    pub(crate) fn of(name: &str, mode: &str) -> Self {
        let dataset = dataset(name, mode);
        let records = dataset.records().unwrap().map(|record| record.unwrap()).collect();
        let artifact = |name: &str| {
            let mut bytes = Vec::new();
            dataset.artifact(name).unwrap().read_to_end(&mut bytes).unwrap();
            (name.to_owned(), bytes)
        };
        Self { records, artifacts: dataset.artifact_names().map(artifact).collect(), ..Self::default() }
    }

    fn failure(&self, at: Fails) -> Result<(), SourceError> {
        if self.fails == at { Err("out of order".into()) } else { Ok(()) }
    }

    /// Nothing more, or a failure.
    fn end<T: 'static>(&self, at: Fails) -> impl Iterator<Item = Result<T, SourceError>> + use<T> {
        self.failure(at).err().map(Err).into_iter()
    }
}

impl ExportSource for Source {
    fn records(&self) -> Result<SourceRecords<'_>, SourceError> {
        self.failure(Fails::AtTheRecords)?;
        if self.reads.replace(self.reads.get() + 1) > 0 {
            self.failure(Fails::AtTheRecordsAgain)?;
        }
        Ok(Box::new(self.records.iter().cloned().map(Ok).chain(self.end(Fails::AfterTheRecords))))
    }

    fn artifact_names(&self) -> Result<SourceNames<'_>, SourceError> {
        self.failure(Fails::AtTheNames)?;
        let names = self.artifacts.iter().map(|(name, _)| Ok(name.clone()));
        Ok(Box::new(names.chain(self.end(Fails::AfterTheNames))))
    }

    fn artifact(&self, name: &str) -> Result<Box<dyn Read + '_>, SourceError> {
        self.asked.borrow_mut().push(name.to_owned());
        self.failure(Fails::AtAnArtifact)?;
        let (_, bytes) = self.artifacts.iter().find(|(known, _)| known == name).ok_or("no such artifact")?;
        if self.fails == Fails::WhileReading {
            return Ok(Box::new(bytes[..bytes.len() / 2].chain(Failing)));
        }
        Ok(Box::new(&bytes[..]))
    }
}

struct Failing;

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("out of order"))
    }
}

pub(crate) fn options(mode: ArtifactMode) -> ImportOptions {
    ImportOptions { mode, patience: Duration::ZERO, ..ImportOptions::default() }
}

/// As [`import_to`], for a commit that waits for whoever looks at the old store.
pub(crate) fn import_patiently(source: &dyn ExportSource, path: &Path) -> Imported {
    let options = ImportOptions { patience: Duration::from_secs(600), ..options(ArtifactMode::Operational) };
    import(source, Target::File(path.to_owned()), SUBSTORES, options, &mut |_| {}).unwrap()
}

/// Imports into memory, telling nobody.
pub(crate) fn import_in_memory(source: &dyn ExportSource, options: ImportOptions) -> Result<Imported, ImportError> {
    import(source, Target::Memory, SUBSTORES, options, &mut |_| {})
}

/// Imports to become the store in the file `path`.
pub(crate) fn import_to(source: &dyn ExportSource, path: &Path) -> Result<Imported, ImportError> {
    import_keeping(source, path, RowDigests::Ignore)
}

pub(crate) fn import_keeping(
    source: &dyn ExportSource,
    path: &Path,
    row_digests: RowDigests,
) -> Result<Imported, ImportError> {
    let options = ImportOptions { row_digests, ..options(ArtifactMode::Operational) };
    import(source, Target::File(path.to_owned()), SUBSTORES, options, &mut |_| {})
}

/// Puts a fixture's store, as it is imported in `operational` mode, into the file `path`.
pub(crate) fn publish(name: &str, path: &Path, row_digests: RowDigests) -> Session {
    import_keeping(&dataset(name, "operational"), path, row_digests).unwrap().publish(&mut []).unwrap()
}

/// All records that the store in the file `path` exports.
pub(crate) fn exported(path: &Path) -> Records {
    let exporter = Exporter::open(path, SUBSTORES, ArtifactMode::Debug).unwrap();
    exporter.export_data().map(|record| record.unwrap()).map(|(key, value)| (key, Some(value))).collect()
}

/// Verifies the store in the file `path`, comparing it with `trusted` records if there are some.
pub(crate) fn verified(path: &Path, trusted: Option<&Records>) -> VerifyReport {
    let pinned = Pinned::open(path, &tables()).unwrap();
    let read = || Ok(Box::new(trusted.into_iter().flatten().cloned().map(Ok)) as SourceRecords<'_>);
    verify(pinned.read(), SUBSTORES, trusted.map(|_| &read as Trusted<'_>), &mut |_| {}).unwrap()
}

pub(crate) fn found(findings: &[Finding]) -> Vec<(&str, &str)> {
    findings.iter().map(|finding| (finding.what.as_str(), finding.problem.as_str())).collect()
}

/// A step in words.
pub(crate) fn told(step: Step<'_>) -> String {
    match step {
        Step::Stage(stage) => stage.to_owned(),
        Step::Records(records) => format!("{records} records"),
        Step::Artifact { name, bytes } => format!("{name}: {bytes}"),
    }
}
