//! The kvStore at both ends.
#![expect(missing_docs, reason = "the names of the cases say the rules")]

use super::driver::Driven;
use super::ops::{Answer, Op};
use super::samples::*;
use crate::testing::{StoreUnderTest, TestOptions};

fn fresh<S: StoreUnderTest>() -> Driven<S> {
    Driven::fresh(TestOptions::default())
}

pub fn a_key_has_the_value_that_was_set_last<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.answers(get("k"), NOTHING);
    store.answers(has("k"), Answer::Flag(false));
    store.all([set("k", "1"), set("other", "x"), set("k", "2")]);
    store.answers(get("k"), text("2"));
    store.answers(has("k"), Answer::Flag(true));
    store.all([delete("k"), delete("k")]);
    store.answers(get("k"), NOTHING);
    store.answers(has("k"), Answer::Flag(false));
}

pub fn keys_are_in_the_order_of_their_utf8_bytes<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    // In UTF-16, U+1F600 comes before U+FF5E; a length or a case never matters.
    let ordered = ["a", "a.", "aa", "b", "é", "\u{ff5e}", "\u{1f600}"];
    for key in ["é", "aa", "\u{1f600}", "a", "b", "\u{ff5e}", "a."] {
        store.ok(set(key, ""));
    }
    for commit in [false, true] {
        if commit {
            store.ok(Op::Commit);
        }
        let mut previous = "";
        for key in ordered {
            store.answers(next_key(previous), text(key));
            store.answers(host(next_key(previous)), text(key));
            previous = key;
        }
        store.answers(next_key(previous), NOTHING);
    }
}

pub fn the_next_key_is_found_from_keys_that_are_not_there<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.answers(next_key(""), NOTHING);
    store.all([set("b", "1"), set("d", "2"), Op::Commit, set("c", "3"), delete("d")]);
    store.answers(next_key("a"), text("b"));
    store.answers(next_key("b"), text("c"));
    store.answers(next_key("bz"), text("c"));
    store.answers(next_key("c"), NOTHING);
}

pub fn committed_and_uncommitted_keys_are_one_store<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([set("a", "1"), set("c", "1"), set("e", "1"), Op::Commit]);
    store.all([set("b", "2"), set("c", "2"), delete("e"), set("g", "2"), delete("h")]);
    for (previous, next) in [("", "a"), ("a", "b"), ("b", "c"), ("c", "g"), ("e", "g")] {
        store.answers(next_key(previous), text(next));
    }
    store.answers(get("c"), text("2"));
    store.answers(get("e"), NOTHING);
    store.ok(Op::Reopen);
    store.answers(next_key("a"), text("c"));
    store.answers(get("c"), text("1"));
}

pub fn keys_and_values_may_be_long_empty_or_odd<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    let (long_key, long_value) = ("k".repeat(762), "v".repeat(100_000));
    let pairs = [
        (long_key.as_str(), "1"),
        (&long_key[1..], "2"),
        ("long value", &long_value),
        ("empty value", ""),
        ("nul\0in key", "nul\0in value"),
        ("line\nfeed", "line\nfeed"),
        ("\u{feff}bom", "\u{feff}"),
        (" spaces ", " spaces "),
        ("percent%_", "'\"\\"),
        ("", "empty key"),
    ];
    for commit in [false, true] {
        for (key, value) in pairs {
            if !commit {
                store.ok(set(key, value));
            }
            store.answers(get(key), text(value));
        }
        store.all([Op::Commit, Op::Reopen]);
    }
    store.answers(next_key(""), text(" spaces "));
}

pub fn the_kernel_can_do_nothing_with_host_keys<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.ok(host(set("host.height", "1")));
    for op in
        [get("host.height"), has("host.height"), next_key("host.height"), set("host.x", ""), delete("host.height")]
    {
        store.refused(op);
    }
    store.refused(get("host."));
    store.answers(host(get("host.height")), text("1"));
}

pub fn the_kernels_next_key_steps_over_the_host_section<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([host(set("host.a", "1")), host(set("host.b", "2")), set("g", "3")]);
    store.answers(next_key("g"), NOTHING);
    store.answers(next_key("host"), NOTHING);
    for key in ["i", "host/", "host"] {
        store.ok(set(key, ""));
    }
    for (previous, next) in [("g", "host"), ("host", "host/"), ("host/", "i")] {
        store.answers(next_key(previous), text(next));
    }
    store.ok(delete("host/"));
    store.answers(next_key("host"), text("i"));
    store.answers(next_key("host-"), text("i"));
    for (previous, next) in [("host", "host.a"), ("host.a", "host.b"), ("host.b", "i")] {
        store.answers(host(next_key(previous)), text(next));
    }
}

pub fn the_host_writes_only_host_keys<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([set("k", "1"), set("local.k", "2")]);
    for key in ["k", "local.k", "host", "hosts.x", "", "Host.x"] {
        store.refused(host(set(key, "x")));
        store.refused(host(delete(key)));
    }
    store.all([host(set("host.", "")), host(set("host.x", "3")), host(delete("host.x")), host(delete("host.x"))]);
    store.answers(host(get("k")), text("1"));
    store.answers(host(get("local.k")), text("2"));
}

pub fn the_host_reads_everything<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([set("k", "1"), set("local.k", "2"), host(set("host.k", "3"))]);
    for (key, value) in [("k", "1"), ("local.k", "2"), ("host.k", "3")] {
        store.answers(host(get(key)), text(value));
        store.answers(host(has(key)), Answer::Flag(true));
    }
    for (previous, next) in [("", "host.k"), ("host.k", "k"), ("k", "local.k")] {
        store.answers(host(next_key(previous)), text(next));
    }
}

pub fn host_and_local_keys_are_neither_hashed_nor_exported<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([Op::StartCrank, set("local.k", "1"), delete("local.gone"), host(set("host.height", "2"))]);
    let empty = crate::Digest::of(b"");
    match store.ok(Op::EmitCrankHashes) {
        Answer::Hashes(hashes) => assert_eq!(hashes.crankhash, empty),
        other => panic!("{other:?}"),
    }
    store.all([Op::EndCrank, Op::Commit]);
    let keys = |pairs: Vec<(String, _)>| pairs.into_iter().map(|(key, _)| key).collect::<Vec<_>>();
    assert_eq!(store.batches().into_iter().map(keys).collect::<Vec<_>>(), [["kv.activityhash"]]);
    let exported: Vec<_> = store.full_export().into_iter().map(|(key, _)| key).collect();
    assert_eq!(exported, ["kv.activityhash"]);
    store.answers(get("local.k"), text("1"));
}

pub fn keys_that_only_resemble_a_section_are_consensus_keys<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    let keys = ["Host.x", "host", "hosts.x", "local", "local-x", "xlocal.x"];
    for key in keys {
        store.ok(set(key, "1"));
    }
    store.ok(Op::Commit);
    let expected: Vec<_> = keys.iter().map(|key| (format!("kv.{key}"), "1".to_owned())).collect();
    assert_eq!(store.full_export(), expected);
}
