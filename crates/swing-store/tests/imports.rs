//! An import that cannot be committed while somebody reads the old store, and can afterwards.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fs_err as fs;
use swing_core::ArtifactMode;
use swing_core::roles::{HostStorage as _, KernelStorage as _, KvStore as _};
use swing_export::dataset::Dataset;
use swing_export::{Exporter, ImportOptions, PublishError, StagingError, verify};
use swing_store::{ImportedStore, Options, SUBSTORES, Store, StoreError, exporter, import, tables};

fn dataset() -> Dataset {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    Dataset::open(fixtures.join("worked-example/dataset-js/operational")).unwrap()
}

/// A directory with a store in it, and somebody who reads what is only in its log.
struct Old {
    dir: tempfile::TempDir,
    reader: Option<Exporter>,
}

impl Old {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path(), Options::default()).unwrap();
        store.host().kv().set("host.old", "1").unwrap();
        store.host().commit().unwrap();
        let reader = Some(exporter(dir.path(), ArtifactMode::Operational).unwrap());
        store.close().unwrap();
        Self { dir, reader }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn import(&self, options: Options) -> ImportedStore {
        let how = ImportOptions { patience: Duration::ZERO, ..ImportOptions::default() };
        import(&dataset(), self.path(), how, options, &mut |_| {}).unwrap()
    }

    /// What the import has staged, as other software opens it.
    fn staged(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path().join("swingstore.sqlite-import")).unwrap()
    }

    fn files(&self) -> Vec<PathBuf> {
        let names = fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().file_name().into());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }
}

/// The import, of which a commit was refused because the old store is being read.
fn in_use(committed: Result<Store, PublishError<ImportedStore, StoreError>>) -> ImportedStore {
    let PublishError { error, import } = committed.err().unwrap();
    assert!(matches!(error, StoreError::Publish(StagingError::TargetInUse { .. })), "{error:?}");
    import.unwrap().into_import()
}

#[test]
fn a_commit_that_was_refused_twice_succeeds_when_the_reader_is_gone() {
    let mut old = Old::new();
    let told = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&told);
    let trace = old.path().join("trace");
    let options = Options {
        trace_file: Some(trace.clone()),
        export_callback: Some(Box::new(move |batch| {
            hears.lock().unwrap().extend(batch.iter().map(|entry| entry.key.to_string()));
            Ok(())
        })),
        ..Options::default()
    };
    let mut imported = old.import(options);
    let report = imported.report();
    for attempt in ["1", "2"] {
        imported.host_kv().set("host.height", attempt).unwrap();
        imported = in_use(imported.commit());
        assert_eq!(imported.host_kv().get("host.height").unwrap().as_deref(), Some(attempt));
    }
    assert_eq!(imported.report(), report);
    imported.host_kv().set("host.late", "yes").unwrap();
    drop(old.reader.take());
    let mut store = imported.commit().unwrap();
    assert!(store.keeps_row_digests());
    assert_eq!(store.host().kv().get("host.height").unwrap().as_deref(), Some("2"));
    assert_eq!(store.host().kv().get("host.late").unwrap().as_deref(), Some("yes"));
    assert!(!store.host().kv().has("host.old").unwrap());
    store.kernel().kv().set("changed", "later").unwrap();
    store.host().commit().unwrap();
    store.close().unwrap();
    assert_eq!(*told.lock().unwrap(), ["kv.changed"], "what was imported is no news");
    let traced = "set host.height 1\nset host.height 2\nset host.late yes\n";
    assert!(fs::read_to_string(&trace).unwrap().starts_with(traced));
}

#[test]
fn what_is_committed_at_last_verifies_as_what_was_imported() {
    let mut old = Old::new();
    let mut imported = in_use(old.import(Options::default()).commit());
    imported.host_kv().set("host.height", "17").unwrap();
    drop(old.reader.take());
    imported.commit().unwrap().close().unwrap();
    let pinned = swing_core::session::Pinned::open(&old.path().join("swingstore.sqlite"), &tables()).unwrap();
    let dataset = dataset();
    let trusted = || swing_export::ExportSource::records(&dataset);
    let report = verify(pinned.read(), SUBSTORES, Some(&trusted), &mut |_| {}).unwrap();
    assert_eq!(report.findings, []);
    assert!(matches!(report.row_digests, swing_export::DigestVerdict::Agrees { .. }), "{report:?}");
}

/// Who it is of is in its own words, so that a digest of an attempt before is told from this one's.
fn assert_vouches_for_all_rows(old: &Old, witness: &str) {
    let file = old.path().join("swingstore.sqlite");
    let pinned = swing_core::session::Pinned::open(&file, &tables()).unwrap();
    let (verdict, findings) = swing_export::digest_verdict(pinned.read(), SUBSTORES).unwrap();
    assert!(matches!(verdict, swing_export::DigestVerdict::Agrees { .. }), "{verdict:?}, {findings:?}");
    let of = pinned.read().one("SELECT witness FROM rowDigestState", [], |row| row.get::<_, String>(0)).unwrap();
    assert!(of.as_deref().is_some_and(|of| of.starts_with(witness)), "{of:?}");
}

#[test]
fn the_digest_is_of_the_rows_of_the_last_attempt() {
    let mut old = Old::new();
    let mut imported = old.import(Options::default());
    for attempt in ["1", "2"] {
        imported.host_kv().set("host.height", attempt).unwrap();
        imported.host_kv().set(&format!("host.attempt{attempt}"), "yes").unwrap();
        imported = in_use(imported.commit());
    }
    imported.host_kv().delete("host.attempt1").unwrap();
    imported.host_kv().set("host.height", "3").unwrap();
    drop(old.reader.take());
    imported.commit().unwrap().close().unwrap();
    assert_vouches_for_all_rows(&old, "block height 3");
}

/// Other software has no business there; should it write between two attempts, its rows are counted like all others and the store
/// does not begin its life without a digest or with one that is of other rows.
#[test]
fn a_digest_that_others_have_put_out_of_date_between_two_attempts_is_made_anew() {
    let mut old = Old::new();
    let mut imported = old.import(Options::default());
    imported.host_kv().set("host.height", "1").unwrap();
    let mut imported = in_use(imported.commit());
    old.staged().execute_batch("UPDATE kvStore SET value = '2' WHERE key = 'host.height'").unwrap();
    assert_eq!(imported.host_kv().get("host.height").unwrap().as_deref(), Some("2"));
    drop(old.reader.take());
    let store = imported.commit().unwrap();
    assert!(store.keeps_row_digests());
    store.close().unwrap();
    assert_vouches_for_all_rows(&old, "block height 2");
}

#[test]
fn a_store_that_fails_after_the_move_is_not_said_to_be_worth_another_try() {
    let mut old = Old::new();
    let options = Options { export_callback: Some(Box::new(|_| Ok(()))), ..Options::default() };
    let imported = in_use(old.import(options).commit());
    // What the callback would be told first, and nobody can read.
    old.staged().execute_batch("INSERT INTO pendingExports VALUES (x'ff', NULL)").unwrap();
    drop(old.reader.take());
    let PublishError { error, import } = imported.commit().err().unwrap();
    assert!(matches!(error, StoreError::Publish(StagingError::Unknown { .. })), "{error:?}");
    assert!(import.is_none());
    assert!(error.to_string().contains("cannot be committed again"), "{error}");
    // It was moved, and what is there is the new store.
    let mut store = Store::open(old.path(), Options::default()).unwrap();
    assert!(!store.host().kv().has("host.old").unwrap());
    assert!(store.kernel().kv().has("vat.names").unwrap());
    store.close().unwrap();
    assert_eq!(old.files(), [PathBuf::from("swingstore.sqlite")]);
}

#[test]
fn who_does_not_look_at_the_error_loses_the_import_and_nothing_else() {
    let mut old = Old::new();
    let commit = || -> Result<Store, StoreError> { Ok(old.import(Options::default()).commit()?) };
    assert!(matches!(commit(), Err(StoreError::Publish(StagingError::TargetInUse { .. }))));
    drop(old.reader.take());
    // The lock is free again.
    let mut store = Store::open(old.path(), Options::default()).unwrap();
    assert!(store.host().kv().has("host.old").unwrap());
    store.close().unwrap();
    assert_eq!(old.files(), [PathBuf::from("swingstore.sqlite")]);
}
