//! The transcriptStore: spans, their hashes and records, and their end.
#![expect(missing_docs, reason = "the names of the cases say the rules")]

use super::driver::Driven;
use super::ops::{Answer, Op};
use super::samples::*;
use crate::budget::Budget;
use crate::ids::Incarnation;
use crate::roles::SpanBounds;
use crate::testing::{Retention, StoreUnderTest, TestOptions};

fn fresh<S: StoreUnderTest>() -> Driven<S> {
    Driven::fresh(TestOptions::default())
}

/// The bounds of a current span with these items.
fn bounds(start: u64, items: &[&str], incarnation: u64) -> Answer {
    Answer::Span(SpanBounds {
        start: at(start),
        end: at(start + items.len() as u64),
        hash: span_hash(items).parse().expect("a digest"),
        incarnation: Incarnation::new(incarnation).expect("small"),
    })
}

fn current(id: &str) -> Op {
    Op::CurrentSpanBounds(vat(id))
}

pub fn a_new_transcript_is_an_empty_span_at_zero<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.refused(current("v1"));
    store.ok(init("v1"));
    store.answers(current("v1"), bounds(0, &[], 0));
    store.answers(read("v1", None), items([]));
    store.answers(read("v1", 0), items([]));
    store.ok(Op::Commit);
    assert_eq!(store.batches(), [batch([("transcript.v1.current", Some(&current_span("v1", 0, &[])))])]);
}

pub fn a_vat_has_one_transcript<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([init("v1"), item("v1", "a")]);
    store.refused(init("v1"));
    store.all([roll_over("v1")]);
    store.refused(init("v1"));
    store.ok(Op::StopUsingTranscript(vat("v1")));
    store.refused(init("v1"));
    store.answers(read("v1", 0), items(["a"]));
    store.ok(Op::Commit);
    store.refused(init("v1"));
}

pub fn a_span_hash_is_over_its_items_one_after_another<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.ok(init("v1"));
    let hash = |answer| match answer {
        Answer::Span(span) => span.hash.to_string(),
        other => panic!("{other:?}"),
    };
    // The values that the original's documentation and tests have.
    assert_eq!(hash(store.ok(current("v1"))), "43e6be43a3a34d60c0ebeb8498b5849b094fc20fc68483a7aeb3624fa10f79f6");
    store.ok(item("v1", "zeroth"));
    assert_eq!(hash(store.ok(current("v1"))), "92d0cf6ecd39b60b4e32dc65d4c6f343495928cb041f25b19e2825b17f4daa9a");
    store.ok(item("v1", ""));
    store.answers(current("v1"), bounds(0, &["zeroth", ""], 0));
}

pub fn items_are_read_in_order_committed_or_not<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([init("v1"), item("v1", "a"), item("v1", "b"), Op::Commit, item("v1", "c"), item("v1", "b")]);
    store.answers(read("v1", None), items(["a", "b", "c", "b"]));
    store.answers(read("v1", 0), items(["a", "b", "c", "b"]));
    store.answers(current("v1"), bounds(0, &["a", "b", "c", "b"], 0));
}

pub fn adding_an_item_exports_the_current_span<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([init("v1"), Op::Commit, item("v1", "a"), item("v1", "b")]);
    store.batches();
    store.ok(Op::Commit);
    assert_eq!(store.batches(), [batch([("transcript.v1.current", Some(&current_span("v1", 0, &["a", "b"])))])]);
}

pub fn an_item_may_hold_anything_but_a_line_feed<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    let long = "x".repeat(300_000);
    let good = ["", " trailing space ", "tab\t", "\r", "\u{2028}\u{feff}", "nul\0", "{\"d\":[\"é\u{1f600}\"]}", &long];
    store.ok(init("v1"));
    for text in good {
        store.ok(item("v1", text));
    }
    for bad in ["\n", "a\nb", "a\n", "\r\n"] {
        store.refused(item("v1", bad));
    }
    store.answers(current("v1"), bounds(0, &good, 0));
    store.all([Op::Commit, Op::Reopen]);
    store.answers(read("v1", None), items(good));
}

pub fn items_need_a_current_span<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.refused(item("v1", "a"));
    store.all([init("v1"), item("v1", "a"), Op::StopUsingTranscript(vat("v1"))]);
    store.refused(item("v1", "b"));
    store.refused(roll_over("v1"));
    store.refused(Op::RolloverIncarnation(vat("v1")));
    store.refused(current("v1"));
    store.refused(read("v1", None));
    store.answers(read("v1", 0), items(["a"]));
}

pub fn rolling_over_closes_the_span_and_opens_an_empty_one<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([init("v1"), item("v1", "a"), item("v1", "b"), Op::Commit]);
    store.batches();
    store.answers(roll_over("v1"), Answer::Number(0));
    store.answers(current("v1"), bounds(2, &[], 0));
    store.answers(read("v1", 0), items(["a", "b"]));
    store.answers(read("v1", None), items([]));
    store.ok(Op::Commit);
    let expected = [
        ("transcript.v1.0", Some(&*closed_span("v1", 0, &["a", "b"]))),
        ("transcript.v1.current", Some(&current_span("v1", 2, &[]))),
    ];
    assert_eq!(store.batches(), [batch(expected)]);
    store.ok(item("v1", "c"));
    store.answers(current("v1"), bounds(2, &["c"], 0));
    store.answers(read("v1", 2), items(["c"]));
}

pub fn a_new_incarnation_counts_up_and_its_items_say_so<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([init("v1"), item("v1", "a")]);
    store.answers(Op::RolloverIncarnation(vat("v1")), Answer::Number(1));
    store.ok(item("v1", "b"));
    store.answers(roll_over("v1"), Answer::Number(1));
    store.ok(item("v1", "c"));
    store.answers(Op::RolloverIncarnation(vat("v1")), Answer::Number(2));
    store.answers(current("v1"), bounds(3, &[], 2));
    store.ok(Op::Commit);
    let expected = [
        ("transcript.v1.0", &*span("v1", 0, &["a"], 0, 0)),
        ("transcript.v1.1", &span("v1", 1, &["b"], 0, 1)),
        ("transcript.v1.2", &span("v1", 2, &["c"], 0, 1)),
        ("transcript.v1.current", &span("v1", 3, &[], 1, 2)),
    ];
    assert_eq!(store.full_export(), records(expected));
}

pub fn rolling_an_empty_span_over_is_refused_and_nothing_changes<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([init("v1"), Op::Commit]);
    store.batches();
    for _ in 0..2 {
        store.refused(roll_over("v1"));
        store.refused(Op::RolloverIncarnation(vat("v1")));
        store.answers(current("v1"), bounds(0, &[], 0));
    }
    store.ok(Op::Commit);
    assert_eq!(store.batches(), NO_BATCHES);
    store.all([item("v1", "a"), roll_over("v1")]);
    store.refused(roll_over("v1"));
    store.answers(read("v1", 0), items(["a"]));
}

pub fn a_vat_that_was_never_there_has_no_spans<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.ok(init("v1"));
    for op in [read("v2", None), read("v2", 0), current("v2"), roll_over("v2"), read("v1", 1)] {
        store.refused(op);
    }
    store.ok(Op::StopUsingTranscript(vat("v2")));
    store.answers(Op::DeleteVatTranscripts(vat("v2"), Budget::Unlimited), cleanup(true, 0));
    store.answers(Op::DeleteVatTranscripts(vat("v2"), budget(5)), cleanup(true, 0));
}

pub fn a_span_is_found_by_its_start_only<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([init("v1"), item("v1", "a"), item("v1", "b"), roll_over("v1"), item("v1", "c")]);
    store.refused(read("v1", 1));
    store.refused(read("v1", 3));
    store.answers(read("v1", 0), items(["a", "b"]));
    store.answers(read("v1", 2), items(["c"]));
}

pub fn closed_spans_keep_their_items_if_they_are_to_be_kept<S: StoreUnderTest>() {
    let options = TestOptions { keep_transcripts: Retention::Keep, ..TestOptions::default() };
    let mut store = Driven::<S>::fresh(options);
    store.all([init("v1"), item("v1", "a"), roll_over("v1"), item("v1", "b"), Op::StopUsingTranscript(vat("v1"))]);
    store.all([Op::Commit, Op::Reopen]);
    store.answers(read("v1", 0), items(["a"]));
    store.answers(read("v1", 1), items(["b"]));
}

pub fn closed_spans_lose_their_items_but_not_their_records_if_not<S: StoreUnderTest>() {
    let options = TestOptions { keep_transcripts: Retention::Drop, ..TestOptions::default() };
    let mut store = Driven::<S>::fresh(options);
    store.all([init("v1"), item("v1", "a"), Op::Commit, item("v1", "b"), roll_over("v1"), item("v1", "c")]);
    store.all([init("v2"), item("v2", "x"), roll_over("v2"), item("v2", "y"), Op::StopUsingTranscript(vat("v2"))]);
    for commit in [false, true] {
        if commit {
            store.all([Op::Commit, Op::Reopen]);
        }
        store.refused(read("v1", 0));
        store.answers(read("v1", None), items(["c"]));
        store.refused(read("v2", 0));
        store.refused(read("v2", 1));
    }
    let expected = [
        ("transcript.v1.0", &*closed_span("v1", 0, &["a", "b"])),
        ("transcript.v1.current", &current_span("v1", 2, &["c"])),
        ("transcript.v2.0", &closed_span("v2", 0, &["x"])),
        ("transcript.v2.1", &closed_span("v2", 1, &["y"])),
    ];
    assert_eq!(store.full_export(), records(expected));
}

pub fn stopping_a_transcript_closes_its_span_for_good<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([init("v1"), item("v1", "a"), Op::Commit]);
    store.batches();
    store.all([Op::StopUsingTranscript(vat("v1")), Op::StopUsingTranscript(vat("v1")), Op::Commit]);
    let expected = [("transcript.v1.0", Some(&*closed_span("v1", 0, &["a"]))), ("transcript.v1.current", None)];
    assert_eq!(store.batches(), [batch(expected)]);
    store.all([Op::StopUsingTranscript(vat("v1")), Op::Commit]);
    assert_eq!(store.batches(), NO_BATCHES, "stopping again says nothing");
}

pub fn stopping_right_after_a_rollover_leaves_an_empty_closed_span<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([init("v1"), item("v1", "a"), roll_over("v1"), Op::StopUsingTranscript(vat("v1")), Op::Commit]);
    let expected =
        [("transcript.v1.0", &*closed_span("v1", 0, &["a"])), ("transcript.v1.1", &closed_span("v1", 1, &[]))];
    assert_eq!(store.full_export(), records(expected));
    store.answers(read("v1", 1), items([]));
}

pub fn deleting_within_a_budget_takes_the_newest_spans_first<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.ok(init("v1"));
    for text in ["a", "b", "c"] {
        store.all([item("v1", text), roll_over("v1")]);
    }
    store.all([item("v1", "d"), Op::Commit]);
    store.batches();
    store.answers(Op::DeleteVatTranscripts(vat("v1"), budget(2)), cleanup(false, 2));
    store.ok(Op::Commit);
    assert_eq!(store.batches(), [batch([("transcript.v1.2", None), ("transcript.v1.current", None)])]);
    store.refused(current("v1"));
    store.refused(read("v1", 2));
    store.answers(read("v1", 1), items(["b"]));
    store.answers(Op::DeleteVatTranscripts(vat("v1"), budget(2)), cleanup(true, 2));
    store.answers(Op::DeleteVatTranscripts(vat("v1"), budget(2)), cleanup(true, 0));
    store.ok(Op::Commit);
    assert_eq!(store.batches(), [batch([("transcript.v1.0", None), ("transcript.v1.1", None)])]);
    assert_eq!(store.full_export(), []);
}

pub fn deleting_without_a_budget_takes_all_spans_and_no_other_vats<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    for id in ["v1", "v10", "v2"] {
        store.all([init(id), item(id, "a"), roll_over(id), item(id, "b")]);
    }
    store.all([Op::Commit, item("v1", "c")]);
    store.batches();
    store.answers(Op::DeleteVatTranscripts(vat("v1"), Budget::Unlimited), cleanup(true, 2));
    store.ok(Op::Commit);
    assert_eq!(store.batches(), [batch([("transcript.v1.0", None), ("transcript.v1.current", None)])]);
    store.answers(read("v10", 0), items(["a"]));
    store.answers(read("v2", None), items(["b"]));
    assert_eq!(store.full_export().len(), 4);
}

pub fn a_deleted_vat_can_begin_anew<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([init("v1"), item("v1", "a"), roll_over("v1"), item("v1", "b"), Op::Commit]);
    for units in [Budget::Unlimited, budget(9)] {
        store.ok(Op::DeleteVatTranscripts(vat("v1"), units));
        store.all([init("v1"), item("v1", "c")]);
        store.answers(read("v1", None), items(["c"]));
        store.answers(current("v1"), bounds(0, &["c"], 0));
        store.ok(Op::Commit);
        assert_eq!(store.full_export(), records([("transcript.v1.current", &current_span("v1", 0, &["c"]))]));
    }
}

pub fn a_rolled_back_deletion_deletes_nothing<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([init("v1"), item("v1", "a"), roll_over("v1"), item("v1", "b"), Op::Commit, item("v1", "c")]);
    store.all([Op::StartCrank, savepoint("s"), Op::DeleteVatTranscripts(vat("v1"), Budget::Unlimited)]);
    store.all([init("v1"), item("v1", "x"), rollback("s"), Op::EndCrank]);
    store.answers(read("v1", 0), items(["a"]));
    store.answers(read("v1", None), items(["b", "c"]));
    store.all([Op::Commit, Op::Reopen]);
    store.answers(read("v1", 0), items(["a"]));
    store.answers(read("v1", None), items(["b", "c"]));
}
