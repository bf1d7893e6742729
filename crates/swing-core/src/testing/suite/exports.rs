//! Export data on its way to the host, and all of it at once.
#![expect(missing_docs, reason = "the names of the cases say the rules")]

use std::collections::BTreeMap;

use super::driver::Driven;
use super::ops::Op;
use super::samples::*;
use crate::testing::{Batch, Exports, StoreUnderTest, TestOptions};

fn fresh<S: StoreUnderTest>() -> Driven<S> {
    Driven::fresh(TestOptions::default())
}

/// A bit of everything, over two blocks.
fn history() -> Vec<Op> {
    let ((one, bundle_one), (two, bundle_two)) = (nested("1"), zipped(b"zip"));
    let mut ops = vec![set("k", "1"), set("l", "1"), set("local.k", "1"), host(set("host.height", "1"))];
    for id in ["v2", "v10", "v1"] {
        ops.extend([init(id), item(id, "a"), item(id, "b"), save(id, 1, "one"), roll_over(id), item(id, "c")]);
    }
    ops.extend([Op::AddBundle(two, bundle_two), Op::AddBundle(one.clone(), bundle_one), Op::Commit]);
    for position in 0..9 {
        ops.extend([item("v2", "d"), roll_over("v2"), save("v2", 2 + position, "two")]);
    }
    ops.extend([delete("l"), set("k", "2"), Op::StopUsingTranscript(vat("v1")), Op::StopUsingLastSnapshot(vat("v1"))]);
    ops.extend([Op::DeleteVatTranscripts(vat("v10"), budget(1)), Op::DeleteBundle(one), Op::Commit]);
    ops
}

fn fold(batches: Vec<Batch>) -> BTreeMap<String, String> {
    let mut folded = BTreeMap::new();
    for (key, value) in batches.into_iter().flatten() {
        match value {
            Some(value) => folded.insert(key, value),
            None => folded.remove(&key),
        };
    }
    folded
}

pub fn a_batch_is_in_key_order_with_the_last_change_of_each_key<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([Op::StartCrank, set("\u{1f600}", "1"), set("\u{ff5e}", "2"), set("b", "3"), set("a", "4"), delete("b")]);
    assert_eq!(store.batches(), NO_BATCHES, "not before the end of the crank");
    store.ok(Op::EndCrank);
    let expected = [("kv.a", Some("4")), ("kv.b", None), ("kv.\u{ff5e}", Some("2")), ("kv.\u{1f600}", Some("1"))];
    assert_eq!(store.batches(), [batch(expected)]);
}

pub fn a_key_that_was_deleted_and_set_again_is_exported_with_its_value<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([set("k", "1"), delete("k"), set("k", "2"), set("l", "1"), delete("l"), Op::Commit]);
    assert_eq!(store.batches(), [batch([("kv.k", Some("2")), ("kv.l", None)])]);
}

pub fn each_crank_has_its_batch_and_the_commit_has_the_rest<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([set("before", "1"), Op::StartCrank, set("one", "1"), Op::EndCrank]);
    assert_eq!(store.batches(), [batch([("kv.before", Some("1")), ("kv.one", Some("1"))])]);
    store.all([Op::StartCrank, set("two", "2"), Op::EndCrank, set("after", "2")]);
    assert_eq!(store.batches(), [batch([("kv.two", Some("2"))])]);
    store.ok(Op::Commit);
    assert_eq!(store.batches(), [batch([("kv.after", Some("2"))])]);
}

pub fn a_batch_is_never_empty<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([Op::StartCrank, get("k"), Op::EndCrank, Op::Commit, host(set("host.k", "1")), Op::Commit]);
    store.all([Op::StartCrank, savepoint("s"), set("k", "1"), rollback("s"), Op::EndCrank, Op::Commit, Op::Commit]);
    assert_eq!(store.batches(), NO_BATCHES);
}

pub fn a_rolled_back_crank_leaves_no_export<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([Op::StartCrank, set("k", "before"), savepoint("s"), set("k", "inside"), set("l", "inside"), init("v1")]);
    store.all([item("v1", "a"), save("v1", 0, "x"), rollback("s"), Op::EndCrank]);
    assert_eq!(store.batches(), [batch([("kv.k", Some("before"))])]);
}

pub fn a_callback_that_fails_at_the_end_of_a_crank_leaves_it_open_and_loses_nothing<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([Op::StartCrank, savepoint("s"), set("k", "1"), Op::FailNextCallback]);
    store.refused(Op::EndCrank);
    assert_eq!(store.batches(), NO_BATCHES);
    store.refused(Op::StartCrank);
    store.refused(Op::Commit);
    store.refused(rollback("s"));
    store.all([set("l", "2"), Op::EndCrank]);
    assert_eq!(store.batches(), [batch([("kv.k", Some("1")), ("kv.l", Some("2"))])]);
    store.all([Op::Commit, Op::Reopen]);
    store.answers(get("k"), text("1"));
    assert_eq!(store.batches(), NO_BATCHES, "once");
}

pub fn a_callback_that_fails_in_a_commit_commits_nothing_and_loses_nothing<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([set("k", "1"), Op::Commit, set("k", "2"), set("l", "2"), Op::FailNextCallback]);
    store.batches();
    store.refused(Op::Commit);
    assert_eq!(store.full_export(), records([("kv.k", "1")]));
    store.answers(get("l"), text("2"));
    store.all([delete("l"), Op::Commit]);
    assert_eq!(store.batches(), [batch([("kv.k", Some("2")), ("kv.l", None)])]);
    assert_eq!(store.full_export(), records([("kv.k", "2")]));
}

pub fn what_a_failed_commit_left_is_abandoned_by_closing<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([set("k", "1"), Op::Commit, set("k", "2"), Op::FailNextCallback]);
    store.refused(Op::Commit);
    store.all([Op::Reopen]);
    store.batches();
    store.answers(get("k"), text("1"));
    store.all([set("l", "3"), Op::Commit]);
    assert_eq!(store.batches(), [batch([("kv.l", Some("3"))])]);
}

pub fn without_a_callback_everything_else_is_the_same<S: StoreUnderTest>() {
    let mut with = fresh::<S>();
    let mut without = Driven::<S>::fresh(TestOptions { exports: Exports::Ignored, ..TestOptions::default() });
    for op in history() {
        assert_eq!(with.run(&op), without.run(&op), "{op:?}");
    }
    assert_eq!(with.full_export(), without.full_export());
    assert_eq!(without.batches(), NO_BATCHES);
}

pub fn all_batches_add_up_to_the_full_export<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all(history());
    let folded = fold(store.batches());
    assert_eq!(folded, store.full_export().into_iter().collect());
}

pub fn a_full_export_is_in_its_own_order_and_not_in_that_of_keys<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all(history());
    let keys: Vec<_> = store.full_export().into_iter().map(|(key, _)| key).collect();
    let zip = zipped(b"zip").0;
    let mut expected = vec!["kv.k".to_owned()];
    // Snapshots in use come first; positions are in order as numbers, vats as text.
    let in_use = ["snapshot.v10.1", "snapshot.v10.current", "snapshot.v2.10", "snapshot.v2.current", "snapshot.v1.1"];
    expected.extend(in_use.map(str::to_owned));
    expected.extend((1..10).map(|position| format!("snapshot.v2.{position}")));
    expected.extend(["transcript.v1.0", "transcript.v1.2", "transcript.v10.0", "transcript.v2.0"].map(str::to_owned));
    expected.extend([2, 4, 5, 6, 7, 8, 9, 10, 11].map(|start| format!("transcript.v2.{start}")));
    expected.extend(["transcript.v2.current".to_owned(), format!("bundle.{zip}")]);
    assert_eq!(keys, expected);
}
