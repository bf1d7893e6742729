//! Cranks: their hashes, which are consensus to the byte, and their savepoints.
#![expect(missing_docs, reason = "the names of the cases say the rules")]

use super::driver::Driven;
use super::ops::{Answer, Op};
use super::samples::*;
use crate::digest::Digest;
use crate::roles::CrankHashes;
use crate::testing::{StoreUnderTest, TestOptions};

fn fresh<S: StoreUnderTest>() -> Driven<S> {
    Driven::fresh(TestOptions::default())
}

/// The crankhash over these lines, and the activityhash after `old`.
fn hashes(old: &str, lines: &str) -> CrankHashes {
    let crankhash = Digest::of(lines.as_bytes());
    let activityhash = Digest::of(format!("activityhash\n{old}\n{crankhash}\n").as_bytes());
    CrankHashes { crankhash, activityhash }
}

/// Emits the hashes, which must be those over these lines in a store that has emitted none before.
#[track_caller]
fn emits<S: StoreUnderTest>(store: &mut Driven<S>, lines: &str) {
    store.answers(Op::EmitCrankHashes, Answer::Hashes(hashes("", lines)));
}

pub fn a_crankhash_is_over_all_changes_in_the_order_of_the_calls<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([Op::StartCrank, set("b", "1"), set("a", "x\ny"), delete("b"), set("b", ""), get("a")]);
    emits(&mut store, "add\nb\n1\nadd\na\nx\ny\ndelete\nb\nadd\nb\n\n");
}

pub fn deleting_an_absent_key_still_hashes_and_exports<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([Op::StartCrank, delete("absent")]);
    emits(&mut store, "delete\nabsent\n");
    store.ok(Op::EndCrank);
    assert_eq!(store.batches()[0][0], ("kv.absent".to_owned(), None));
}

pub fn setting_the_same_value_again_still_hashes_and_exports<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([set("k", "same"), Op::Commit]);
    store.batches();
    store.all([Op::StartCrank, set("k", "same"), set("k", "same"), Op::EndCrank]);
    assert_eq!(store.batches(), [batch([("kv.k", Some("same"))])]);
    emits(&mut store, "add\nk\nsame\nadd\nk\nsame\n");
}

pub fn an_empty_crank_has_the_hash_of_nothing<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.ok(Op::StartCrank);
    emits(&mut store, "");
}

pub fn activityhashes_chain_from_the_empty_text<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.answers(Op::Activityhash, text(""));
    let mut old = String::new();
    for round in ["1", "2", "3"] {
        store.all([Op::StartCrank, set("k", round)]);
        let expected = hashes(&old, &format!("add\nk\n{round}\n"));
        store.answers(Op::EmitCrankHashes, Answer::Hashes(expected));
        old = expected.activityhash.to_string();
        store.answers(Op::Activityhash, text(&old));
        store.all([Op::EndCrank, Op::Commit, Op::Reopen]);
        store.answers(Op::Activityhash, text(&old));
    }
}

pub fn the_activityhash_is_a_key_that_is_exported_but_not_hashed<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    let first = hashes("", "").activityhash.to_string();
    store.all([Op::StartCrank, Op::EmitCrankHashes]);
    store.answers(get("activityhash"), text(&first));
    let second = hashes(&first, "");
    store.answers(Op::EmitCrankHashes, Answer::Hashes(second));
    store.all([Op::EndCrank, Op::Commit]);
    let second = second.activityhash.to_string();
    assert_eq!(store.batches(), [batch([("kv.activityhash", Some(&second))])]);
    assert_eq!(store.full_export(), records([("kv.activityhash", &second)]));
}

pub fn crank_hashes_are_emitted_outside_a_crank_too<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.ok(set("k", "1"));
    emits(&mut store, "add\nk\n1\n");
}

pub fn starting_a_crank_drops_what_was_not_emitted_from_the_hash<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([set("before", "1"), Op::StartCrank, set("inside", "2")]);
    emits(&mut store, "add\ninside\n2\n");
    store.ok(Op::EndCrank);
    let keys: Vec<_> = store.batches().concat().into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["kv.activityhash", "kv.before", "kv.inside"], "but it is exported");
}

pub fn a_crankhash_goes_on_until_it_is_emitted<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([Op::StartCrank, set("inside", "1"), Op::EndCrank, set("after", "2"), Op::Commit]);
    emits(&mut store, "add\ninside\n1\nadd\nafter\n2\n");
}

pub fn a_rollback_does_not_rewind_the_crankhash<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([Op::StartCrank, savepoint("s"), set("k", "undone"), delete("gone"), rollback("s"), set("k", "2")]);
    emits(&mut store, "add\nk\nundone\ndelete\ngone\nadd\nk\n2\n");
    store.answers(get("k"), text("2"));
}

pub fn a_rollback_does_rewind_the_activityhash<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([Op::StartCrank, savepoint("s"), set("k", "1"), Op::EmitCrankHashes, rollback("s")]);
    store.answers(Op::Activityhash, text(""));
    emits(&mut store, "");
}

pub fn a_refused_call_is_not_hashed<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.ok(Op::StartCrank);
    store.refused(set("host.k", "1"));
    store.refused(delete("host.k"));
    store.refused(host(set("k", "1")));
    emits(&mut store, "");
}

pub fn a_crank_inside_a_crank_is_refused<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([Op::StartCrank, set("k", "1")]);
    store.refused(Op::StartCrank);
    emits(&mut store, "add\nk\n1\n");
    store.all([Op::EndCrank, Op::StartCrank]);
}

pub fn what_belongs_in_a_crank_is_refused_outside_one<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    for op in [savepoint("s"), rollback("s"), Op::EndCrank] {
        store.refused(op);
    }
    store.all([Op::StartCrank, savepoint("s"), Op::EndCrank]);
    for op in [savepoint("s"), rollback("s"), Op::EndCrank] {
        store.refused(op);
    }
}

pub fn a_rollback_undoes_changes_of_every_kind<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    let (id, bundle) = nested("1");
    store.all([set("k", "1"), host(set("host.k", "1")), init("v1"), item("v1", "a"), save("v1", 0, "one"), Op::Commit]);
    let before = store.full_export();
    store.all([Op::StartCrank, savepoint("s")]);
    store.all([set("k", "2"), set("new", "2"), set("local.k", "2"), host(set("host.k", "2")), init("v2")]);
    store.all([
        item("v1", "b"),
        roll_over("v1"),
        item("v1", "c"),
        save("v1", 1, "two"),
        Op::AddBundle(id.clone(), bundle),
    ]);
    store.all([rollback("s"), Op::EndCrank]);
    store.answers(get("k"), text("1"));
    store.answers(next_key("k"), NOTHING);
    store.answers(host(get("host.k")), text("1"));
    store.answers(read("v1", None), items(["a"]));
    store.refused(read("v1", 2));
    store.refused(read("v2", None));
    store.answers(Op::LoadSnapshot(vat("v1")), loaded("one"));
    store.answers(Op::HasBundle(id), Answer::Flag(false));
    store.ok(Op::Commit);
    assert_eq!(store.full_export(), before);
}

pub fn a_rollback_keeps_what_was_done_before_the_savepoint<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([Op::StartCrank, set("k", "before"), init("v1"), item("v1", "a"), savepoint("s")]);
    store.all([set("k", "inside"), item("v1", "b"), rollback("s"), set("l", "after"), item("v1", "c")]);
    store.all([Op::EndCrank, Op::Commit, Op::Reopen]);
    store.answers(get("k"), text("before"));
    store.answers(get("l"), text("after"));
    store.answers(read("v1", None), items(["a", "c"]));
}

pub fn a_rollback_forgets_its_savepoint_and_all_later_ones<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([Op::StartCrank, savepoint("one"), set("k", "1"), savepoint("two"), set("k", "2"), savepoint("three")]);
    store.all([set("k", "3"), rollback("two")]);
    store.answers(get("k"), text("1"));
    store.refused(rollback("three"));
    store.refused(rollback("two"));
    store.answers(get("k"), text("1"));
    store.all([set("k", "4"), rollback("one")]);
    store.answers(get("k"), NOTHING);
    store.refused(rollback("one"));
}

pub fn of_two_savepoints_with_one_name_the_first_counts<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([Op::StartCrank, set("k", "1"), savepoint("s"), set("k", "2"), savepoint("s"), set("k", "3")]);
    store.ok(rollback("s"));
    store.answers(get("k"), text("1"));
    store.refused(rollback("s"));
}

pub fn an_unknown_savepoint_is_refused_and_nothing_changes<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([Op::StartCrank, savepoint("s"), set("k", "1")]);
    for name in ["t0", "S", "", "s "] {
        store.refused(rollback(name));
    }
    store.answers(get("k"), text("1"));
    store.ok(rollback("s"));
    store.answers(get("k"), NOTHING);
}

pub fn savepoints_may_have_any_name<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.ok(Op::StartCrank);
    for name in ["", "t0", "a; COMMIT; --", "\"'`]", "\0", "ü"] {
        store.all([savepoint(name), set("k", "1"), rollback(name)]);
        store.answers(get("k"), NOTHING);
    }
}

pub fn savepoints_end_with_their_crank<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([Op::StartCrank, savepoint("s"), set("k", "1"), Op::EndCrank, Op::StartCrank]);
    store.refused(rollback("s"));
    store.all([savepoint("s"), set("k", "2"), rollback("s")]);
    store.answers(get("k"), text("1"));
}
