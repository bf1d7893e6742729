//! Options that cannot be had, and that nothing is lost because of them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use fs_err as fs;
use swing_core::roles::{HostStorage as _, KvStore as _};
use swing_export::dataset::Dataset;
use swing_export::{EmptyExport, ImportOptions};
use swing_store::{ImportedStore, Options, Store, StoreError, import};

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
    store.close().unwrap();
    assert_eq!(fs::read_to_string(&trace).unwrap(), "set host.height 1\nset host.height 2\n");
}
