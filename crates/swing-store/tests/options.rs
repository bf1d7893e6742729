//! Options that cannot be had, and that nothing is lost because of them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex};

use fs_err as fs;
use swing_core::archive::ArchiveError;
use swing_core::roles::{HostStorage as _, KernelStorage as _, KvStore as _, SnapStore as _, TranscriptStore as _};
use swing_core::{ArtifactMode, ArtifactName, Position, SessionError, SnapshotArchive, TranscriptArchive, VatId};
use swing_export::dataset::Dataset;
use swing_export::{EmptyExport, ImportOptions};
use swing_kv::KvError;
use swing_store::{Durability, ImportedStore, Options, Store, StoreError, import};

/// A store with one key of the host's.
fn old_store(dir: &Path) {
    let mut store = Store::open(dir, Options::default()).unwrap();
    store.host().kv().set("host.old", "1").unwrap();
    store.host().commit().unwrap();
    store.close().unwrap();
}

fn is_old(dir: &Path) -> bool {
    let mut store = Store::open(dir, Options::default()).unwrap();
    store.host().kv().has("host.old").unwrap()
}

fn imported(dir: &Path, options: Options) -> Result<ImportedStore, StoreError> {
    let dataset = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/worked-example/dataset-js/operational");
    let how = ImportOptions { empty: EmptyExport::Accepted, ..ImportOptions::default() };
    import(&Dataset::open(dataset).unwrap(), dir, how, options, &mut |_| {})
}

#[test]
fn what_is_made_anew_is_to_be_written() {
    let dir = tempfile::tempdir().unwrap();
    old_store(dir.path());
    let read_only = || Options { read_only: true, ..Options::default() };
    assert!(matches!(Store::init(dir.path(), read_only()), Err(StoreError::NewReadOnly)));
    assert!(matches!(imported(dir.path(), read_only()), Err(StoreError::NewReadOnly)));
    assert!(is_old(dir.path()));
}

#[test]
fn a_trace_file_that_cannot_be_had_is_told_before_anything_is_erased_or_imported() {
    let dir = tempfile::tempdir().unwrap();
    old_store(dir.path());
    let traced = || Options { trace_file: Some(dir.path().join("nowhere/trace")), ..Options::default() };
    assert!(matches!(Store::init(dir.path(), traced()), Err(StoreError::Trace { .. })));
    assert!(matches!(imported(dir.path(), traced()), Err(StoreError::Trace { .. })));
    assert!(is_old(dir.path()));
}

#[test]
fn a_trace_has_the_keys_of_the_host_from_before_and_after_an_import_is_in_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("trace");
    let options = Options { trace_file: Some(trace.clone()), ..Options::default() };
    let mut imported = imported(&dir.path().join("new"), options).unwrap();
    imported.host_kv().set("host.height", "1").unwrap();
    let mut store = imported.commit().unwrap();
    store.host().kv().set("host.height", "2").unwrap();
    store.host().commit().unwrap();
    assert_eq!(fs::read_to_string(&trace).unwrap(), "set host.height 1\nset host.height 2\n", "a commit flushes it");
}

#[cfg(target_os = "linux")]
#[test]
fn a_trace_that_could_not_be_written_is_told_when_the_store_is_closed() {
    let options = Options { trace_file: Some("/dev/full".into()), ..Options::default() };
    let mut store = Store::in_memory(options).unwrap();
    store.kernel().kv().set("a", "1").unwrap();
    store.host().commit().unwrap();
    assert_eq!(store.kernel().kv().get("a").unwrap().as_deref(), Some("1"), "nothing else suffers");
    assert!(matches!(store.close(), Err(StoreError::Trace { .. })));
}

#[test]
fn a_store_that_is_only_read_takes_no_changes_and_is_not_created() {
    let dir = tempfile::tempdir().unwrap();
    let read_only = || Options { read_only: true, ..Options::default() };
    assert!(Store::open(dir.path().join("absent"), read_only()).is_err());
    assert!(!dir.path().join("absent").exists());
    old_store(dir.path());
    let mut store = Store::open(dir.path(), read_only()).unwrap();
    assert_eq!(store.host().kv().get("host.old").unwrap().as_deref(), Some("1"));
    let error = store.host().kv().set("host.old", "2").unwrap_err();
    assert!(matches!(error, StoreError::Kv(KvError::Session(SessionError::ReadOnly))), "{error:?}");
    // Another one may write meanwhile.
    let mut writer = Store::open(dir.path(), Options::default()).unwrap();
    writer.host().kv().set("host.old", "3").unwrap();
    writer.host().commit().unwrap();
    assert_eq!(store.host().kv().get("host.old").unwrap().as_deref(), Some("3"));
}

#[test]
fn a_store_in_memory_begins_as_its_image() {
    let mut store = Store::in_memory(Options::default()).unwrap();
    assert_eq!(store.disk_usage().unwrap(), None);
    store.kernel().kv().set("a", "1").unwrap();
    let image = store.serialize().unwrap();
    let mut again = Store::from_image(image, Options::default()).unwrap();
    assert_eq!(again.kernel().kv().get("a").unwrap().as_deref(), Some("1"));
    assert!(Store::from_image(b"no database".to_vec(), Options::default()).is_err());
}

#[test]
fn a_store_that_may_be_lost_has_no_log_and_any_other_has_one() {
    let dir = tempfile::tempdir().unwrap();
    for (durability, logs) in [(Durability::Full, true), (Durability::UnsafeFast, false)] {
        let dir = dir.path().join(format!("{durability:?}"));
        let mut store = Store::open(&dir, Options { durability, ..Options::default() }).unwrap();
        store.host().kv().set("host.a", "1").unwrap();
        store.host().commit().unwrap();
        let usage = store.disk_usage().unwrap().unwrap();
        assert!(usage.database >= 4096, "{usage:?}");
        assert_eq!(usage.wal > 0, logs, "{usage:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_log_that_cannot_be_looked_at_is_not_one_that_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Options { durability: Durability::UnsafeFast, ..Options::default() }).unwrap();
    let log = dir.path().join("swingstore.sqlite-wal");
    fs::os::unix::fs::symlink(&log, &log).unwrap();
    assert!(matches!(store.disk_usage(), Err(StoreError::DiskUsage { .. })));
}

#[test]
fn the_size_of_a_file_that_is_gone_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Options { durability: Durability::UnsafeFast, ..Options::default() }).unwrap();
    assert_eq!(store.disk_usage().unwrap().unwrap().wal, 0, "there is no log");
    fs::remove_file(dir.path().join("swingstore.sqlite")).unwrap();
    assert!(matches!(store.disk_usage(), Err(StoreError::DiskUsage { .. })));
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<String>>>);

impl SnapshotArchive for Kept {
    fn snapshot(&mut self, name: &ArtifactName, _: &[u8]) -> Result<(), ArchiveError> {
        self.0.lock().unwrap().push(name.to_string());
        Ok(())
    }
}

impl TranscriptArchive for Kept {
    fn transcript(&mut self, name: &ArtifactName, _: &mut dyn Read) -> Result<(), ArchiveError> {
        self.0.lock().unwrap().push(name.to_string());
        Ok(())
    }
}

#[test]
fn archives_are_given_what_is_closed_and_what_is_saved() {
    let kept = Kept::default();
    let options = Options {
        archive_snapshot: Some(Box::new(kept.clone())),
        archive_transcript: Some(Box::new(kept.clone())),
        ..Options::default()
    };
    let mut store = Store::in_memory(options).unwrap();
    let vat = VatId::parse("v1").unwrap();
    let mut kernel = store.kernel();
    kernel.transcripts().init_transcript(&vat).unwrap();
    kernel.transcripts().add_item(&vat, "one").unwrap();
    kernel.snapshots().save_snapshot(&vat, Position::new(1).unwrap(), &mut &b"a heap"[..]).unwrap();
    kernel.transcripts().rollover_span(&vat).unwrap();
    assert_eq!(*kept.0.lock().unwrap(), ["snapshot.v1.1", "transcript.v1.0.1"]);
}

#[test]
fn a_trace_has_deletions_too() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("trace");
    let mut store = Store::in_memory(Options { trace_file: Some(trace.clone()), ..Options::default() }).unwrap();
    store.kernel().kv().set("a", "1").unwrap();
    store.kernel().kv().delete("a").unwrap();
    store.host().kv().set("host.b", "2").unwrap();
    store.host().kv().delete("host.b").unwrap();
    store.unguarded_kv().set("c", "3").unwrap();
    store.unguarded_kv().delete("c").unwrap();
    store.close().unwrap();
    let told = fs::read_to_string(&trace).unwrap();
    assert_eq!(told, "set a 1\ndel a\nset host.b 2\ndel host.b\nset c 3\ndel c\n");
}

/// What is in the block and not in the tables yet counts.
#[test]
fn a_repair_sees_what_the_block_has_changed() {
    let dir = tempfile::tempdir().unwrap();
    let work = |store: &mut Store| {
        let (vat, mut kernel) = (VatId::parse("v1").unwrap(), store.kernel());
        kernel.transcripts().init_transcript(&vat).unwrap();
        kernel.transcripts().add_item(&vat, "one").unwrap();
    };
    let mut other = Store::open(dir.path(), Options::default()).unwrap();
    work(&mut other);
    other.host().commit().unwrap();
    let source = swing_store::exporter(dir.path(), ArtifactMode::Operational).unwrap();
    let mut store = Store::in_memory(Options::default()).unwrap();
    work(&mut store);
    let report = store.repair_metadata(&source).unwrap();
    assert_eq!((report.added, report.agreed), (0, 1), "{report:?}");
}

#[cfg(unix)]
#[test]
fn the_log_of_a_store_behind_a_link_counts_where_it_is() {
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    old_store(dir.path());
    let link = elsewhere.path().join("link.sqlite");
    fs::os::unix::fs::symlink(dir.path().join("swingstore.sqlite"), &link).unwrap();
    let mut store = Store::open_file(&link, Options::default()).unwrap();
    store.host().kv().set("host.new", "1").unwrap();
    store.host().commit().unwrap();
    let found = store.disk_usage().unwrap().unwrap();
    let size = |name: &str| fs::metadata(dir.path().join(name)).unwrap().len();
    assert_eq!((found.database, found.wal), (size("swingstore.sqlite"), size("swingstore.sqlite-wal")));
    assert!(found.wal > 0);
}
