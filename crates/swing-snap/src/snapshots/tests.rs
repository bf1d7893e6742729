//! What a kernel sees.

use swing_core::roles::{SnapStore as _, SnapshotInfo, SnapshotSaved};
use swing_core::{Budget, Cleanup, Digest};

use super::*;
use crate::schema::{TABLES, TABLES_1A};
use crate::testing::{Store, TestArchive, options, position, vat};
use crate::{Extent, SnapOptions};

const HASH: &str = "7783d47a378f6c3ca8d1b29aa1b688ff6b14d26bd3bf8bae14785138db1eff0c";

fn record(vat: &str, at: u64, raw: &[u8], in_use: u8) -> String {
    let hash = Digest::of(raw);
    format!(r#"snapshot.{vat}.{at}={{"vatID":"{vat}","snapPos":{at},"hash":"{hash}","inUse":{in_use}}}"#)
}

fn both_schemas(test: impl Fn(Store)) {
    for tables in [TABLES, TABLES_1A] {
        test(Store::new(tables, options()));
    }
}

#[test]
fn the_worked_example_of_the_contract() {
    both_schemas(|mut store| {
        let saved = store.snapshots().save_snapshot(&vat("v1"), position(2), &mut &b"snapshot-bytes"[..]).unwrap();
        let SnapshotSaved { hash, uncompressed_size, compressed_size, .. } = saved;
        assert_eq!((hash.to_string().as_str(), uncompressed_size), (HASH, 14));
        let record = format!(r#"snapshot.v1.2={{"vatID":"v1","snapPos":2,"hash":"{HASH}","inUse":1}}"#);
        assert_eq!(store.exports(), [record.clone(), "snapshot.v1.current=snapshot.v1.2".to_owned()]);
        assert_eq!(store.records(), [record, "snapshot.v1.current=snapshot.v1.2".to_owned()]);
        assert_eq!(store.load("v1").unwrap(), b"snapshot-bytes");
        let info = SnapshotInfo {
            position: position(2),
            hash,
            uncompressed_size: Some(14),
            compressed_size: Some(compressed_size),
        };
        assert_eq!(store.snapshots().snapshot_info(&vat("v1")).unwrap(), Some(info));
    });
}

#[test]
fn times_are_those_of_the_clock_that_was_given() {
    let mut store = Store::new(TABLES, SnapOptions { archive: Some(Box::<TestArchive>::default()), ..options() });
    let saved = store.snapshots().save_snapshot(&vat("v1"), position(2), &mut &b"x"[..]).unwrap();
    assert_eq!((saved.compress_seconds, saved.db_save_seconds), (1.0, 1.0));
    assert_eq!(saved.archive_write_seconds, Some(1.0));
    let saved = Store::keeping(Retention::InUse).snapshots().save_snapshot(&vat("v1"), position(2), &mut &b"x"[..]);
    assert_eq!(saved.unwrap().archive_write_seconds, None);
}

#[test]
fn an_archive_gets_the_stored_bytes() {
    let archive = TestArchive::default();
    let mut store = Store::new(TABLES, SnapOptions { archive: Some(Box::new(archive.clone())), ..options() });
    store.save("v1", 2, b"heap");
    let dump = store.snapshots().dump(Extent::InUse).unwrap();
    let stored = dump[&vat("v1")][0].compressed.clone().unwrap();
    assert_eq!(archive.0.lock().unwrap().given, [("snapshot.v1.2".to_owned(), stored)]);
}

#[test]
fn a_new_snapshot_takes_the_old_one_out_of_use_and_drops_its_bytes() {
    both_schemas(|mut store| {
        store.save("v1", 2, b"old");
        store.exports();
        store.save("v1", 9, b"new");
        let current = "snapshot.v1.current=snapshot.v1.9".to_owned();
        assert_eq!(store.exports(), [record("v1", 2, b"old", 0), record("v1", 9, b"new", 1), current.clone()]);
        assert_eq!(store.records(), [record("v1", 9, b"new", 1), current, record("v1", 2, b"old", 0)]);
        let dump = store.snapshots().dump(Extent::All).unwrap();
        assert_eq!(dump[&vat("v1")].iter().map(|one| one.compressed.is_some()).collect::<Vec<_>>(), [false, true]);
        assert_eq!(store.snapshots().list_all().unwrap()[0].uncompressed_size, Some(3), "sizes are kept");
    });
}

#[test]
fn snapshots_that_are_kept_keep_their_bytes() {
    let mut store = Store::keeping(Retention::All);
    store.save("v1", 2, b"old");
    store.save("v1", 9, b"new");
    store.snapshots().stop_using_last_snapshot(&vat("v1")).unwrap();
    let dump = store.snapshots().dump(Extent::All).unwrap();
    assert!(dump[&vat("v1")].iter().all(|one| one.compressed.is_some() && !one.in_use));
    assert!(store.snapshots().dump(Extent::InUse).unwrap().is_empty());
}

#[test]
fn saving_at_the_same_position_again_replaces() {
    both_schemas(|mut store| {
        store.save("v1", 2, b"first");
        store.exports();
        store.save("v1", 2, b"second");
        let expected = [record("v1", 2, b"second", 1), "snapshot.v1.current=snapshot.v1.2".to_owned()];
        assert_eq!(store.exports(), expected);
        assert_eq!(store.records(), expected);
        assert_eq!(store.load("v1").unwrap(), b"second");
        // Also one that is in use no more.
        store.save("v1", 5, b"later");
        store.save("v1", 2, b"back");
        assert_eq!((store.load("v1").unwrap(), store.rows().len()), (b"back".to_vec(), 2));
    });
}

#[test]
fn stopping_to_use_a_snapshot_keeps_its_record_and_is_idempotent() {
    both_schemas(|mut store| {
        store.save("v1", 2, b"heap");
        store.exports();
        store.snapshots().stop_using_last_snapshot(&vat("v1")).unwrap();
        assert_eq!(store.exports(), [record("v1", 2, b"heap", 0), "snapshot.v1.current".to_owned()]);
        store.snapshots().stop_using_last_snapshot(&vat("v1")).unwrap();
        store.snapshots().stop_using_last_snapshot(&vat("v2")).unwrap();
        assert_eq!(store.exports(), [""; 0]);
        assert_eq!(store.records(), [record("v1", 2, b"heap", 0)]);
        assert_eq!(store.load("v1"), Err(r#"no snapshot available for vat "v1""#.to_owned()));
        assert_eq!(store.snapshots().snapshot_info(&vat("v1")).unwrap(), None);
    });
}

#[test]
fn loading_where_there_is_nothing_says_so() {
    let mut store = Store::keeping(Retention::InUse);
    assert_eq!(store.load("v7"), Err(r#"no snapshot available for vat "v7""#.to_owned()));
    store.save("v7", 4, b"heap");
    store.sql("UPDATE snapshots SET compressedSnapshot = NULL");
    let error = store.load("v7").unwrap_err();
    assert!(error.starts_with(r#"no snapshot available for vat "v7" ("#) && error.contains("snapshot.v7.4"), "{error}");
}

#[test]
fn deletion_without_a_budget_always_deletes_the_current_record() {
    both_schemas(|mut store| {
        let done = |cleanups| Cleanup { done: true, cleanups };
        assert_eq!(store.snapshots().delete_vat_snapshots(&vat("v9"), Budget::Unlimited).unwrap(), done(0));
        assert_eq!(store.exports(), ["snapshot.v9.current"]);
        store.save("v1", 2, b"a");
        store.save("v1", 10, b"b");
        store.save("v10", 2, b"c");
        store.exports();
        assert_eq!(store.snapshots().delete_vat_snapshots(&vat("v1"), Budget::Unlimited).unwrap(), done(2));
        assert_eq!(store.exports(), ["snapshot.v1.10", "snapshot.v1.2", "snapshot.v1.current"]);
        assert_eq!(store.records(), [record("v10", 2, b"c", 1), "snapshot.v10.current=snapshot.v10.2".to_owned()]);
    });
}

#[test]
fn deletion_with_a_budget_goes_newest_first_and_deletes_the_current_record_with_the_one_in_use() {
    both_schemas(|mut store| {
        for at in [2, 5, 9, 10] {
            store.save("v1", at, &at.to_le_bytes());
        }
        // The one in use is not the newest.
        store.save("v1", 5, b"again");
        store.exports();
        let mut delete = |budget, expected: &[&str]| {
            let budget = Budget::at_most(budget).unwrap();
            let cleanup = store.snapshots().delete_vat_snapshots(&vat("v1"), budget).unwrap();
            assert_eq!(store.exports(), expected);
            (cleanup.done, cleanup.cleanups)
        };
        assert_eq!(delete(1, &["snapshot.v1.10"]), (false, 1));
        assert_eq!(delete(2, &["snapshot.v1.5", "snapshot.v1.9", "snapshot.v1.current"]), (false, 2));
        assert_eq!(delete(1, &["snapshot.v1.2"]), (true, 1), "the last one ends it in the same call");
        assert_eq!(delete(u64::MAX, &[]), (true, 0), "and then nothing is exported");
    });
}

#[test]
fn deleting_unused_snapshots_exports_nothing_and_pruning_keeps_records() {
    let mut store = Store::keeping(Retention::All);
    store.save("v1", 2, b"a");
    store.save("v1", 5, b"b");
    store.save("v2", 5, b"c");
    store.snapshots().stop_using_last_snapshot(&vat("v2")).unwrap();
    let records = store.records();
    store.exports();
    assert_eq!(store.snapshots().prune_unused_snapshots().unwrap(), 2);
    assert_eq!(store.snapshots().prune_unused_snapshots().unwrap(), 0);
    assert_eq!((store.records(), store.load("v1").unwrap()), (records, b"b".to_vec()));
    store.snapshots().delete_all_unused_snapshots().unwrap();
    assert_eq!(store.records().len(), 2);
    assert_eq!(store.exports(), [""; 0]);
}

#[test]
fn tools_find_and_delete_by_hash() {
    let mut store = Store::keeping(Retention::InUse);
    store.save("v1", 2, b"a");
    store.save("v1", 5, b"b");
    store.exports();
    let has = |store: &mut Store, raw| store.snapshots().has_hash(&vat("v1"), &Digest::of(raw)).unwrap();
    assert!(has(&mut store, b"a") && has(&mut store, b"b") && !has(&mut store, b"c"));
    assert!(!store.snapshots().has_hash(&vat("v2"), &Digest::of(b"a")).unwrap());
    assert!(store.snapshots().snapshot_info(&vat("v1")).unwrap().is_some());
    store.snapshots().delete_snapshot_by_hash(&vat("v1"), &Digest::of(b"b")).unwrap();
    assert_eq!(store.snapshots().snapshot_info(&vat("v1")).unwrap(), None, "nothing stale is told");
    let left = store.snapshots().list_all().unwrap();
    assert_eq!(left.iter().map(|row| row.name().to_string()).collect::<Vec<_>>(), ["snapshot.v1.2"]);
    assert_eq!(store.exports(), [""; 0]);
}

#[test]
fn a_rolled_back_crank_leaves_the_snapshot_as_it_was() {
    let mut store = Store::keeping(Retention::InUse);
    store.save("v1", 2, b"kept");
    store.exports();
    let before = (store.rows(), store.records());
    let Store { session, state } = &mut store;
    session.savepoint("start", &mut [state]).unwrap();
    store.save("v1", 9, b"undone");
    assert_eq!(store.snapshots().snapshot_info(&vat("v1")).unwrap().unwrap().position, position(9));
    let Store { session, state } = &mut store;
    session.rollback_to("start", &mut [state]).unwrap();
    assert_eq!(store.snapshots().snapshot_info(&vat("v1")).unwrap().unwrap().position, position(2));
    assert_eq!((store.rows(), store.records()), before);
    assert_eq!(store.exports(), [""; 0]);
}
