//! Commits, rollbacks, images, imports, migrations: the digest follows.

use swing_core::ArtifactMode;
use swing_export::{DigestVerdict, ImportOptions};
use swing_store::prelude::*;
use swing_store::{RowDigests, exporter, import};

use crate::common::{assert_agrees, block, bundle, judged, open, options, position, vat};

#[test]
fn every_commit_leaves_a_digest_that_agrees() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    assert_agrees(dir.path());
    for height in 1..6 {
        block(&mut store, height);
        assert_agrees(dir.path());
    }
    store.close().unwrap();
    assert_agrees(dir.path());
    let mut store = open(dir.path());
    assert!(store.keeps_row_digests());
    block(&mut store, 6);
    assert_agrees(dir.path());
}

#[test]
fn what_is_rolled_back_or_abandoned_is_not_in_the_digest() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    block(&mut store, 1);
    let mut kernel = store.kernel();
    kernel.start_crank().unwrap();
    kernel.establish_crank_savepoint("outer").unwrap();
    kernel.snapshots().save_snapshot(&vat("v1"), position(50), &mut &b"kept"[..]).unwrap();
    kernel.establish_crank_savepoint("inner").unwrap();
    let (id, content) = bundle("abandoned");
    kernel.bundles().add_bundle(&id, &content).unwrap();
    kernel.transcripts().delete_vat_transcripts(&vat("v1"), Budget::Unlimited).unwrap();
    kernel.snapshots().delete_vat_snapshots(&vat("v1"), Budget::Unlimited).unwrap();
    kernel.kv().set("abandoned", "").unwrap();
    kernel.rollback_crank("inner").unwrap();
    kernel.end_crank().unwrap();
    store.host().commit().unwrap();
    assert_agrees(dir.path());

    store.kernel().kv().set("never committed", "").unwrap();
    store.close().unwrap();
    assert_agrees(dir.path());
}

#[test]
fn rows_deleted_and_pruned_are_taken_off() {
    let dir = tempfile::tempdir().unwrap();
    let keep = Options { keep_snapshots: swing_store::SnapshotRetention::All, ..Options::default() };
    let mut store = Store::open(dir.path(), keep).unwrap();
    for height in 1..6 {
        block(&mut store, height);
    }
    let mut kernel = store.kernel();
    assert_eq!(kernel.snapshots().prune_unused_snapshots().unwrap(), 4);
    kernel.transcripts().delete_vat_transcripts(&vat("v1"), Budget::at_most(2).unwrap()).unwrap();
    kernel.snapshots().delete_vat_snapshots(&vat("v1"), Budget::at_most(1).unwrap()).unwrap();
    kernel.snapshots().delete_all_unused_snapshots().unwrap();
    kernel.bundles().delete_bundle(&bundle("1").0).unwrap();
    kernel.kv().delete("key1").unwrap();
    store.host().commit().unwrap();
    assert_agrees(dir.path());
}

#[test]
fn a_large_block_whose_rows_are_hashed_on_another_thread_agrees_too() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    for round in 0..3 {
        for at in 0..6000 {
            // Set, changed, set to what it was, deleted, and deleted without ever having been there.
            match (at + round) % 4 {
                0 => store.kernel().kv().set(&format!("k{at}"), "same").unwrap(),
                1 => store.kernel().kv().set(&format!("k{at}"), &format!("{round}")).unwrap(),
                2 => store.kernel().kv().delete(&format!("k{at}")).unwrap(),
                _ => store.kernel().kv().delete(&format!("absent{at}")).unwrap(),
            }
        }
        store.host().commit().unwrap();
        assert_agrees(dir.path());
    }
}

#[test]
fn an_image_in_memory_takes_its_digest_along() {
    let mut store = Store::in_memory(Options::default()).unwrap();
    block(&mut store, 1);
    store.kernel().kv().set("uncommitted", "1").unwrap();
    let image = store.serialize().unwrap();
    let again = Store::from_image(image.clone(), Options::default()).unwrap();
    assert!(again.keeps_row_digests());
    let dir = tempfile::tempdir().unwrap();
    fs_err::write(dir.path().join("swingstore.sqlite"), image).unwrap();
    assert_agrees(dir.path());
}

#[test]
fn an_import_has_a_digest_of_all_it_took_in_and_of_the_hosts_keys() {
    let (dir, clone) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut store = open(dir.path());
    (1..4).for_each(|height| block(&mut store, height));
    let source = exporter(dir.path(), ArtifactMode::Archival).unwrap();
    let into = ImportOptions { mode: ArtifactMode::Archival, ..ImportOptions::default() };
    let mut imported = import(&source, clone.path(), into, Options::default(), &mut |_| {}).unwrap();
    imported.host_kv().set("host.height", "3").unwrap();
    let mut store = imported.commit().unwrap();
    assert!(store.keeps_row_digests());
    assert_agrees(clone.path());
    block(&mut store, 4);
    assert_agrees(clone.path());
}

#[test]
fn who_does_not_want_a_digest_has_none() {
    let (dir, clone) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut store = Store::init(dir.path(), options(RowDigests::Ignore)).unwrap();
    block(&mut store, 1);
    assert_eq!(judged(dir.path()).0, DigestVerdict::Absent);
    let source = exporter(dir.path(), ArtifactMode::Operational).unwrap();
    let ignoring = options(RowDigests::Ignore);
    let imported = import(&source, clone.path(), ImportOptions::default(), ignoring, &mut |_| {}).unwrap();
    assert!(!imported.commit().unwrap().keeps_row_digests());
    assert_eq!(judged(clone.path()).0, DigestVerdict::Absent);
}

#[test]
fn a_store_begun_anew_has_a_digest_of_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    block(&mut store, 1);
    store.close().unwrap();
    Store::init(dir.path(), Options::default()).unwrap().close().unwrap();
    assert_eq!(judged(dir.path()), (DigestVerdict::Agrees { rows: 0 }, vec![]));
}

#[test]
fn a_store_that_is_only_read_stays_as_it_is_with_a_digest_or_without() {
    for row_digests in [RowDigests::Ignore, RowDigests::Keep] {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path(), options(row_digests)).unwrap();
        block(&mut store, 1);
        store.close().unwrap();
        let file = dir.path().join("swingstore.sqlite");
        let before = fs_err::read(&file).unwrap();
        let mut store = Store::open(dir.path(), Options { read_only: true, ..Options::default() }).unwrap();
        assert_eq!(store.kernel().kv().get("key1").unwrap().as_deref(), Some("value 1"));
        store.close().unwrap();
        assert_eq!(fs_err::read(&file).unwrap(), before);
    }
}
