//! Snapshots that are packed while the block goes on.

use swing_core::Part as _;
use swing_core::roles::SnapStore as _;
use swing_core::session::CommitError;

use super::*;
use crate::codec::MEMBER_LEN;
use crate::schema::{TABLES, TABLES_1A};
use crate::testing::{Failing, Store, TestArchive, noise, options, position, vat};
use crate::{Extent, SnapOptions};

fn save_behind(store: &mut Store, at: u64, raw: &[u8]) {
    store.snapshots().save_snapshot_behind(&vat("v1"), position(at), &mut &raw[..]).unwrap();
}

fn commit(store: &mut Store) -> Result<(), CommitError> {
    store.session.commit(&mut [&mut store.state])
}

/// How many rows lack their packed length.
fn waiting(store: &Store) -> u64 {
    const SQL: &str = "SELECT count(*) FROM snapshots WHERE compressedSize IS NULL";
    store.session.read().one(SQL, [], |row| row.get(0)).unwrap().unwrap()
}

#[test]
fn a_snapshot_saved_behind_is_the_same_after_the_commit_as_one_saved_at_once() {
    for len in [0, 5, MEMBER_LEN, 5 * MEMBER_LEN + 3] {
        let raw = noise(len);
        let (mut behind, mut at_once) = (Store::keeping(Retention::InUse), Store::keeping(Retention::InUse));
        save_behind(&mut behind, 2, &raw);
        at_once.save("v1", 2, &raw);
        assert_eq!((waiting(&behind), waiting(&at_once)), (1, 0));
        assert_eq!(behind.records(), at_once.records());
        assert_eq!(behind.exports(), at_once.exports());
        commit(&mut behind).unwrap();
        assert!(behind.rows() == at_once.rows(), "{len} bytes");
    }
}

#[test]
fn of_snapshots_that_wait_each_vat_gets_its_own() {
    let mut store = Store::keeping(Retention::InUse);
    let heaps = [("v1", &b"heap"[..]), ("v2", b"another"), ("v3", b"heap")];
    for (name, raw) in heaps {
        store.snapshots().save_snapshot_behind(&vat(name), position(2), &mut &raw[..]).unwrap();
    }
    for (name, raw) in heaps {
        assert_eq!(store.load(name).unwrap(), raw, "{name}");
    }
}

#[test]
fn what_might_not_fit_a_row_is_found_out_at_once() {
    let most = crate::rows::largest_gzip(&vat("v1"));
    let fits = |raw_len| !behind::may_be_too_large(&vat("v1"), raw_len);
    let least_that_might_not = (most - 2_500_000..most).find(|raw_len| !fits(*raw_len)).unwrap();
    assert_eq!(least_that_might_not + least_that_might_not / 512 + 1024, most + 1);
    assert!(fits(0) && fits(least_that_might_not - 1) && !fits(most));
}

#[test]
fn whoever_asks_before_the_commit_is_answered_as_if_it_were_packed() {
    let raw = noise(2 * MEMBER_LEN);
    let (mut behind, mut at_once) = (Store::keeping(Retention::InUse), Store::keeping(Retention::InUse));
    save_behind(&mut behind, 2, &raw);
    at_once.save("v1", 2, &raw);
    let info = |store: &mut Store| store.snapshots().snapshot_info(&vat("v1")).unwrap();
    assert!(behind.load("v1").unwrap() == raw);
    assert_eq!(info(&mut behind), info(&mut at_once));
    assert_eq!(waiting(&behind), 1, "neither needs the bytes to be in their place");
    assert_eq!(behind.snapshots().list_all().unwrap(), at_once.snapshots().list_all().unwrap());
    let dump = behind.snapshots().dump(Extent::All).unwrap();
    assert!(dump == at_once.snapshots().dump(Extent::All).unwrap());
}

#[test]
fn what_was_put_in_place_and_rolled_back_is_put_in_place_again() {
    let mut store = Store::keeping(Retention::InUse);
    save_behind(&mut store, 2, b"heap");
    store.session.savepoint("t0", &mut [&mut store.state]).unwrap();
    store.snapshots().dump(Extent::All).unwrap();
    assert_eq!(waiting(&store), 0);
    store.session.rollback_to("t0", &mut [&mut store.state]).unwrap();
    assert_eq!(waiting(&store), 1);
    commit(&mut store).unwrap();
    assert_eq!((waiting(&store), store.load("v1").unwrap()), (0, b"heap".to_vec()));
}

#[test]
fn a_save_that_is_rolled_back_populates_no_record_of_the_same_snapshot() {
    let mut store = Store::keeping(Retention::InUse);
    store.save("v1", 2, b"heap");
    store.sql("UPDATE snapshots SET uncompressedSize = NULL, compressedSize = NULL, compressedSnapshot = NULL");
    let before = store.rows();
    store.session.savepoint("t0", &mut [&mut store.state]).unwrap();
    save_behind(&mut store, 2, b"heap");
    store.session.rollback_to("t0", &mut [&mut store.state]).unwrap();
    assert!(store.load("v1").is_err());
    commit(&mut store).unwrap();
    assert_eq!(store.rows(), before);
}

#[test]
fn a_snapshot_out_of_use_before_it_is_packed_gets_its_length_and_bytes_only_if_all_are_kept() {
    for keep in [Retention::InUse, Retention::All] {
        let (mut behind, mut at_once) = (Store::keeping(keep), Store::keeping(keep));
        save_behind(&mut behind, 2, b"old");
        save_behind(&mut behind, 9, b"new");
        at_once.save("v1", 2, b"old");
        at_once.save("v1", 9, b"new");
        commit(&mut behind).unwrap();
        assert_eq!(behind.rows(), at_once.rows(), "{keep:?}");
    }
}

#[test]
fn a_failing_source_changes_nothing() {
    let mut store = Store::keeping(Retention::InUse);
    store.save("v1", 2, b"old");
    let before = store.rows();
    for at in [0, 1, MEMBER_LEN, 3 * MEMBER_LEN + 1] {
        let saved = store.snapshots().save_snapshot_behind(&vat("v1"), position(9), &mut Failing(at));
        assert_eq!(saved.unwrap_err().to_string(), "snapshot.v1.9 could not be taken in");
    }
    assert_eq!(store.rows(), before);
    commit(&mut store).unwrap();
}

#[test]
fn nothing_is_put_off_where_an_archive_or_an_older_table_wants_the_bytes_at_once() {
    let mut store = Store::new(TABLES_1A, options());
    save_behind(&mut store, 2, b"heap");
    assert_eq!((waiting(&store), store.load("v1").unwrap()), (0, b"heap".to_vec()));

    let archive = TestArchive::default();
    let mut store = Store::new(TABLES, SnapOptions { archive: Some(Box::new(archive.clone())), ..options() });
    save_behind(&mut store, 2, b"heap");
    assert_eq!((waiting(&store), archive.0.lock().unwrap().given.len()), (0, 1));
}

#[test]
fn a_packing_that_is_lost_fails_the_commit_by_name_and_the_last_block_stands() {
    let dir = tempfile::tempdir().unwrap();
    let location = swing_core::session::Location::File(dir.path().join("s.sqlite"));
    let open = || Session::open(location.clone(), &swing_core::session::OpenOptions::default(), TABLES).unwrap();
    let mut store = Store::new(TABLES, options());
    store.session = open();
    store.save("v1", 2, b"old");
    commit(&mut store).unwrap();

    save_behind(&mut store, 9, b"new");
    store.state.behind.lose_all();
    assert_eq!(store.load("v1").unwrap_err(), "snapshot.v1.9 could not be taken in");
    let error = commit(&mut store).unwrap_err();
    let chain = swing_core::error_chain(&error);
    assert!(chain.contains("snapshot.v1.9 could not be finished"), "{chain}");
    let again = swing_core::error_chain(&commit(&mut store).unwrap_err());
    assert!(again.contains("poisoned") && again.contains("snapshot.v1.9"), "{again}");

    drop(store.session);
    store.session = open();
    store.state = SnapState::new(options());
    assert_eq!(store.load("v1").unwrap(), b"old");
}

#[test]
fn a_snapshot_put_off_is_given_up_with_the_store() {
    let mut store = Store::keeping(Retention::InUse);
    save_behind(&mut store, 2, &noise(8 * MEMBER_LEN));
    drop(store);
}

#[test]
fn packed_bytes_that_wait_for_the_commit_count_as_held() {
    let mut store = Store::keeping(Retention::InUse);
    save_behind(&mut store, 2, &noise(3 * MEMBER_LEN));
    store.load("v1").unwrap();
    assert!(store.state.bytes() > 3 * MEMBER_LEN);
    commit(&mut store).unwrap();
    assert_eq!(store.state.bytes(), 0);
}
