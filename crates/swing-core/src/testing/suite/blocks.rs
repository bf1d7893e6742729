//! Blocks: the commit is the only point at which anything becomes durable.
#![expect(missing_docs, reason = "the names of the cases say the rules")]

use super::driver::Driven;
use super::ops::{Answer, Op};
use super::samples::*;
use crate::digest::Digest;
use crate::testing::{StoreUnderTest, TestOptions};

fn fresh<S: StoreUnderTest>() -> Driven<S> {
    Driven::fresh(TestOptions::default())
}

pub fn what_is_committed_is_there_after_reopening<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    let (id, bundle) = zipped(b"zip");
    store.all([set("k", "1"), set("local.k", "2"), host(set("host.k", "3")), init("v1"), item("v1", "a")]);
    store.all([save("v1", 0, "heap"), Op::AddBundle(id.clone(), bundle.clone()), Op::Commit]);
    let export = store.full_export();
    store.ok(Op::Reopen);
    store.answers(get("k"), text("1"));
    store.answers(get("local.k"), text("2"));
    store.answers(host(get("host.k")), text("3"));
    store.answers(read("v1", None), items(["a"]));
    store.answers(Op::LoadSnapshot(vat("v1")), loaded("heap"));
    store.answers(Op::GetBundle(id), Answer::Bundle(bundle));
    assert_eq!(store.full_export(), export);
}

pub fn what_is_not_committed_is_gone_after_reopening<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    let (id, bundle) = zipped(b"zip");
    store.all([set("k", "1"), init("v1"), item("v1", "a"), save("v1", 0, "one"), Op::Commit]);
    let export = store.full_export();
    store.all([set("k", "2"), host(set("host.k", "2")), item("v1", "b"), roll_over("v1"), init("v2")]);
    store.all([save("v1", 1, "two"), Op::AddBundle(id.clone(), bundle)]);
    assert_eq!(store.full_export(), export, "nor is it exported before");
    store.ok(Op::Reopen);
    store.answers(get("k"), text("1"));
    store.answers(host(get("host.k")), NOTHING);
    store.answers(read("v1", None), items(["a"]));
    store.refused(read("v2", None));
    store.answers(Op::LoadSnapshot(vat("v1")), loaded("one"));
    store.answers(Op::HasBundle(id), Answer::Flag(false));
    store.ok(Op::Commit);
    assert_eq!(store.full_export(), export);
}

pub fn ending_a_crank_commits_nothing<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([Op::StartCrank, savepoint("s"), set("k", "1"), Op::EndCrank, Op::Reopen]);
    store.answers(get("k"), NOTHING);
    // Also when the savepoint is the first thing in the block, and when nothing is written after it.
    store.all([Op::StartCrank, savepoint("s"), Op::EndCrank, set("k", "1"), Op::Reopen]);
    store.answers(get("k"), NOTHING);
}

pub fn a_commit_inside_a_crank_is_refused<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([Op::StartCrank, set("k", "1")]);
    store.refused(Op::Commit);
    store.all([savepoint("s"), set("k", "2")]);
    store.refused(Op::Commit);
    assert_eq!(store.batches(), NO_BATCHES);
    assert_eq!(store.full_export(), []);
    store.all([rollback("s"), Op::EndCrank, Op::Commit, Op::Reopen]);
    store.answers(get("k"), text("1"));
}

pub fn a_commit_without_changes_is_no_error<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([Op::Commit, Op::Commit, set("k", "1"), Op::Commit, Op::Commit, Op::Reopen, Op::Commit]);
    assert_eq!(store.full_export(), records([("kv.k", "1")]));
}

pub fn reopening_ends_a_crank_and_its_hash<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([Op::StartCrank, savepoint("s"), set("k", "1"), Op::Reopen]);
    match store.ok(Op::EmitCrankHashes) {
        Answer::Hashes(hashes) => assert_eq!(hashes.crankhash, Digest::of(b"")),
        other => panic!("{other:?}"),
    }
    store.ok(Op::StartCrank);
    store.refused(rollback("s"));
}

pub fn many_blocks_of_many_cranks_end_where_they_should<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.ok(init("v1"));
    for block in 0..8_u64 {
        for crank in 0..8_u64 {
            let (count, item_text) = ((block * 8 + crank).to_string(), format!("item {block}.{crank}"));
            store.all([Op::StartCrank, savepoint("deliver"), set("count", &count), item("v1", &item_text)]);
            if crank % 3 == 1 {
                store.all([rollback("deliver"), savepoint("again"), set("failed", &count)]);
            }
            store.all([Op::EmitCrankHashes, Op::EndCrank]);
        }
        store.ok(roll_over("v1"));
        store.all(if block % 2 == 0 { vec![Op::Commit] } else { vec![Op::Commit, Op::Reopen] });
    }
    // Cranks 1, 4 and 7 of each block were rolled back.
    store.answers(get("count"), text("62"));
    store.answers(get("failed"), text("63"));
    store.answers(read("v1", 35), items(["item 7.0", "item 7.2", "item 7.3", "item 7.5", "item 7.6"]));
}
