//! The snapStore: at most one snapshot in use, the records of all.
#![expect(missing_docs, reason = "the names of the cases say the rules")]

use super::driver::Driven;
use super::ops::{Answer, Op};
use super::samples::*;
use crate::budget::Budget;
use crate::digest::Digest;
use crate::testing::{Retention, StoreUnderTest, TestOptions};

fn fresh<S: StoreUnderTest>() -> Driven<S> {
    Driven::fresh(TestOptions::default())
}

fn keeping<S: StoreUnderTest>(keep_snapshots: Retention) -> Driven<S> {
    Driven::fresh(TestOptions { keep_snapshots, ..TestOptions::default() })
}

fn load(id: &str) -> Op {
    Op::LoadSnapshot(vat(id))
}

fn info(id: &str) -> Op {
    Op::SnapshotInfo(vat(id))
}

fn stop(id: &str) -> Op {
    Op::StopUsingLastSnapshot(vat(id))
}

fn remove(id: &str, units: Budget) -> Op {
    Op::DeleteVatSnapshots(vat(id), units)
}

pub fn a_snapshot_is_loaded_as_it_was_saved<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    let big: Vec<u8> = (0..700_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for (position, bytes) in [b"heap".to_vec(), Vec::new(), vec![0; 100_000], big].into_iter().enumerate() {
        let (position, hash, size) = (at(position as u64), Digest::of(&bytes), bytes.len() as u64);
        store.answers(Op::SaveSnapshot(vat("v1"), position, bytes.clone()), Answer::Saved(hash, size));
        store.answers(load("v1"), Answer::Bytes(bytes.clone()));
        store.answers(info("v1"), Answer::Info(Some((position, hash, Some(size), true))));
        store.all([Op::Commit, Op::Reopen]);
        store.answers(load("v1"), Answer::Bytes(bytes));
    }
}

pub fn saving_exports_the_record_and_which_one_is_current<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([save("v1", 5, "heap"), Op::Commit]);
    let record = snapshot("v1", 5, "heap", 1);
    let expected = [("snapshot.v1.5", &*record), ("snapshot.v1.current", "snapshot.v1.5")];
    assert_eq!(store.batches(), [batch(expected.map(|(key, value)| (key, Some(value))))]);
    assert_eq!(store.full_export(), records(expected));
}

pub fn a_new_snapshot_takes_the_place_of_the_one_in_use<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([save("v1", 5, "one"), Op::Commit]);
    store.batches();
    store.all([save("v1", 11, "two"), Op::Commit]);
    let expected = [
        ("snapshot.v1.11", Some(&*snapshot("v1", 11, "two", 1))),
        ("snapshot.v1.5", Some(&snapshot("v1", 5, "one", 0))),
        ("snapshot.v1.current", Some("snapshot.v1.11")),
    ];
    assert_eq!(store.batches(), [batch(expected)]);
    store.answers(load("v1"), loaded("two"));
}

pub fn saving_at_the_same_position_replaces_the_snapshot_there<S: StoreUnderTest>() {
    let mut store = keeping::<S>(Retention::Keep);
    store.all([save("v1", 5, "one"), Op::Commit]);
    store.batches();
    store.all([save("v1", 5, "two"), Op::Commit]);
    let record = snapshot("v1", 5, "two", 1);
    let expected = [("snapshot.v1.5", Some(&*record)), ("snapshot.v1.current", Some("snapshot.v1.5"))];
    assert_eq!(store.batches(), [batch(expected)]);
    store.answers(load("v1"), loaded("two"));
    store.answers(Op::PruneUnusedSnapshots, Answer::Number(0));
    // Also one that is not in use any more, at an earlier position.
    store.all([save("v1", 9, "three"), save("v1", 5, "four"), Op::Commit]);
    store.answers(load("v1"), loaded("four"));
    let (in_use, unused) = (snapshot("v1", 5, "four", 1), snapshot("v1", 9, "three", 0));
    let expected = [("snapshot.v1.5", &*in_use), ("snapshot.v1.current", "snapshot.v1.5"), ("snapshot.v1.9", &unused)];
    assert_eq!(store.full_export(), records(expected));
}

pub fn a_vat_without_a_snapshot_has_none<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.ok(save("v1", 5, "heap"));
    store.refused(load("v2"));
    store.answers(info("v2"), Answer::Info(None));
    store.all([stop("v2"), stop("v1")]);
    store.refused(load("v1"));
    store.answers(info("v1"), Answer::Info(None));
}

pub fn a_stream_that_fails_changes_nothing<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([save("v1", 5, "one"), Op::Commit]);
    store.batches();
    for bytes in [Vec::new(), b"some".to_vec(), vec![7; 200_000]] {
        store.refused(Op::SaveBrokenSnapshot(vat("v1"), at(6), bytes));
    }
    store.answers(load("v1"), loaded("one"));
    store.ok(Op::Commit);
    assert_eq!(store.batches(), NO_BATCHES);
    assert_eq!(store.full_export().len(), 2);
}

pub fn stopping_keeps_the_record_and_takes_the_current_one_back<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([save("v1", 5, "heap"), Op::Commit]);
    store.batches();
    store.all([stop("v1"), stop("v1"), Op::Commit]);
    let record = snapshot("v1", 5, "heap", 0);
    let expected = [("snapshot.v1.5", Some(&*record)), ("snapshot.v1.current", None)];
    assert_eq!(store.batches(), [batch(expected)]);
    assert_eq!(store.full_export(), records([("snapshot.v1.5", &record)]));
    store.all([stop("v1"), Op::Commit]);
    assert_eq!(store.batches(), NO_BATCHES, "stopping again says nothing");
}

pub fn unused_snapshots_lose_their_bytes_unless_they_are_kept<S: StoreUnderTest>() {
    for (keep, left) in [(Retention::Drop, 0), (Retention::Keep, 3)] {
        let mut store = keeping::<S>(keep);
        store.all([
            save("v1", 5, "one"),
            save("v1", 9, "two"),
            save("v1", 12, "three"),
            save("v2", 1, "x"),
            stop("v2"),
        ]);
        store.ok(Op::Commit);
        let export = store.full_export();
        store.batches();
        store.answers(Op::PruneUnusedSnapshots, Answer::Number(left));
        store.answers(Op::PruneUnusedSnapshots, Answer::Number(0));
        store.ok(Op::Commit);
        assert_eq!(store.batches(), NO_BATCHES, "pruning keeps the records");
        assert_eq!(store.full_export(), export);
        store.answers(load("v1"), loaded("three"));
    }
}

pub fn deleting_without_a_budget_always_takes_the_current_one_back<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.answers(remove("v1", Budget::Unlimited), cleanup(true, 0));
    store.ok(Op::Commit);
    assert_eq!(store.batches(), [batch([("snapshot.v1.current", None)])], "even of a vat that has none");
    store.all([save("v1", 5, "one"), save("v1", 9, "two"), stop("v1"), save("v2", 1, "x"), Op::Commit]);
    store.batches();
    store.answers(remove("v1", Budget::Unlimited), cleanup(true, 2));
    store.ok(Op::Commit);
    let expected = [("snapshot.v1.5", None), ("snapshot.v1.9", None), ("snapshot.v1.current", None)];
    assert_eq!(store.batches(), [batch(expected)]);
    store.refused(load("v1"));
    store.answers(load("v2"), loaded("x"));
}

pub fn deleting_within_a_budget_takes_the_newest_first<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.answers(remove("v1", budget(3)), cleanup(true, 0));
    store.all([save("v1", 9, "one"), save("v1", 10, "two"), save("v1", 11, "three"), Op::Commit]);
    store.batches();
    store.answers(remove("v1", budget(2)), cleanup(false, 2));
    store.ok(Op::Commit);
    let expected = [("snapshot.v1.10", None), ("snapshot.v1.11", None), ("snapshot.v1.current", None)];
    assert_eq!(store.batches(), [batch(expected)]);
    store.refused(load("v1"));
    store.answers(remove("v1", budget(2)), cleanup(true, 1));
    store.answers(remove("v1", budget(2)), cleanup(true, 0));
    store.ok(Op::Commit);
    assert_eq!(store.batches(), [batch([("snapshot.v1.9", None)])], "only with the one in use goes `.current`");
    assert_eq!(store.full_export(), []);
}

pub fn a_budget_of_just_enough_is_done_at_once<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([save("v1", 1, "one"), save("v1", 2, "two"), init("v1"), item("v1", "a"), roll_over("v1")]);
    store.answers(remove("v1", budget(2)), cleanup(true, 2));
    store.answers(Op::DeleteVatTranscripts(vat("v1"), budget(2)), cleanup(true, 2));
}

pub fn deleting_all_unused_snapshots_tells_nobody<S: StoreUnderTest>() {
    let mut store = keeping::<S>(Retention::Keep);
    store.all([save("v1", 5, "one"), save("v1", 9, "two"), save("v2", 1, "x"), stop("v2"), Op::Commit]);
    store.batches();
    store.all([Op::DeleteAllUnusedSnapshots, Op::Commit]);
    assert_eq!(store.batches(), NO_BATCHES);
    let record = snapshot("v1", 9, "two", 1);
    assert_eq!(store.full_export(), records([("snapshot.v1.9", &record), ("snapshot.v1.current", "snapshot.v1.9")]));
    store.answers(remove("v2", budget(1)), cleanup(true, 0));
}
