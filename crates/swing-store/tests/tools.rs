//! What tools are told of an open store.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use swing_core::roles::{BundleStore as _, HostStorage as _, KernelStorage as _, KvStore as _, TranscriptStore as _};
use swing_core::session::{Query, SqlValue};
use swing_core::substore::Substore;
use swing_core::{ArtifactMode, VatId};
use swing_export::ExportError;
use swing_store::{Options, SUBSTORES, Store, StoreError};

fn transcripts() -> &'static dyn Substore {
    SUBSTORES.iter().copied().find(|substore| substore.tag() == "transcript").unwrap()
}

fn count(store: &mut Store, table: &str) -> Result<SqlValue, StoreError> {
    let query = Query::parse(&format!("SELECT count(*) FROM {table}")).unwrap();
    Ok(store.ask(&query, &[], 1)?.rows[0][0].clone())
}

#[test]
fn tools_are_told_what_the_block_has_changed_and_nothing_that_may_be_rolled_back() {
    let mut store = Store::in_memory(Options::default()).unwrap();
    let vat = VatId::parse("v1").unwrap();
    let mut kernel = store.kernel();
    kernel.start_crank().unwrap();
    kernel.kv().set("a", "1").unwrap();
    kernel.transcripts().init_transcript(&vat).unwrap();
    kernel.transcripts().add_item(&vat, "one").unwrap();
    assert_eq!(count(&mut store, "kvStore").unwrap(), SqlValue::Integer(1));
    let records = store.export_records(transcripts()).unwrap();
    assert_eq!(records[0].0, "transcript.v1.current");
    let names = store.artifact_names(transcripts(), ArtifactMode::Operational).unwrap();
    assert_eq!(names, ["transcript.v1.0.1"]);
    assert_eq!(store.artifact(transcripts(), &names[0]).unwrap(), b"one\n");
    store.check_complete(transcripts(), ArtifactMode::Archival).unwrap();

    store.kernel().establish_crank_savepoint("s").unwrap();
    store.kernel().kv().set("b", "1").unwrap();
    assert!(matches!(count(&mut store, "kvStore"), Err(StoreError::InCrank { .. })));
    assert!(matches!(store.export_records(transcripts()), Err(StoreError::InCrank { .. })));
    assert!(matches!(store.artifact(transcripts(), &names[0]), Err(StoreError::InCrank { .. })));
    store.kernel().rollback_crank("s").unwrap();
    store.kernel().end_crank().unwrap();
    assert_eq!(count(&mut store, "kvStore").unwrap(), SqlValue::Integer(1));
    store.host().commit().unwrap();
}

#[test]
fn what_is_missing_and_what_is_not_there_are_errors() {
    let mut store = Store::in_memory(Options::default()).unwrap();
    let bundle = SUBSTORES.iter().copied().find(|substore| substore.tag() == "bundle").unwrap();
    let id = format!("b0-{}", "0".repeat(64)).parse().unwrap();
    store.kernel().bundles().add_record(&id).unwrap();
    assert!(!store.kernel().bundles().has_bundle(&id).unwrap());
    let incomplete = store.check_complete(bundle, ArtifactMode::Operational);
    assert!(matches!(incomplete, Err(StoreError::Export(ExportError::Incomplete { .. }))), "{incomplete:?}");
    for name in [format!("bundle.{id}"), "bundle.x".to_owned(), "transcript.v1.0.1".to_owned()] {
        let refused = store.artifact(bundle, &name);
        assert!(matches!(refused, Err(StoreError::Export(ExportError::Substore(_)))), "{refused:?}");
    }
}

#[test]
fn a_question_that_finds_nothing_changed_begins_no_block() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path(), Options::default()).unwrap();
    assert_eq!(count(&mut store, "kvStore").unwrap(), SqlValue::Integer(0));
    let raw = rusqlite::Connection::open(dir.path().join("swingstore.sqlite")).unwrap();
    raw.execute_batch("BEGIN IMMEDIATE; INSERT INTO kvStore VALUES ('a', '1'); COMMIT").unwrap();
    assert_eq!(count(&mut store, "kvStore").unwrap(), SqlValue::Integer(1));
}
