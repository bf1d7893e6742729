//! Beginning spans, adding to them, rolling them over and stopping.

use swing_core::roles::TranscriptStore as _;
use swing_core::{Incarnation, Position};
use swing_transcript::{TranscriptError, TranscriptOptions, initial_hash};

use crate::common::{Store, dropping, kind, vat};

const ITEMS: [&str; 3] = [r#"{"d":["initialize-worker",{}]}"#, r#"{"d":["startVat"]}"#, r#"{"d":["save-snapshot"]}"#];
const LOAD: &str = r#"{"d":["load-snapshot"]}"#;

#[test]
fn the_worked_example_gives_the_records_that_consensus_saw() {
    let mut store = Store::new(TranscriptOptions::default());
    store.savepoint("start");
    store.view().init_transcript(&vat("v1")).unwrap();
    store.add("v1", &ITEMS);
    assert_eq!(store.view().rollover_span(&vat("v1")).unwrap(), Incarnation::ZERO);
    store.add("v1", &[LOAD]);
    store.release();
    let batch = store.commit();
    let expected = [
        (
            "transcript.v1.0",
            r#"{"vatID":"v1","startPos":0,"endPos":3,"hash":"d561b4931977e3833c5a8567f95a1cf559505013963ed7a7020090bfdcb585c0","isCurrent":0,"incarnation":0}"#,
        ),
        (
            "transcript.v1.current",
            r#"{"vatID":"v1","startPos":3,"endPos":4,"hash":"61cf6be48f4787ed0e075c28a03ceb259e3b836bd7d7efb012eb0734a7dd4a12","isCurrent":1,"incarnation":0}"#,
        ),
    ]
    .map(|(key, value)| (key.to_owned(), Some(value.to_owned())));
    assert_eq!(batch, expected);
    assert_eq!(store.artifact("transcript.v1.0.3").unwrap(), (ITEMS.join("\n") + "\n").into_bytes());
    assert_eq!(store.artifact("transcript.v1.3.4").unwrap(), format!("{LOAD}\n").into_bytes());
}

#[test]
fn a_new_transcript_is_an_empty_current_span_at_0() {
    let mut store = Store::new(TranscriptOptions::default());
    store.view().init_transcript(&vat("v1")).unwrap();
    let bounds = store.view().current_span_bounds(&vat("v1")).unwrap();
    assert_eq!((bounds.start, bounds.end, bounds.hash), (Position::ZERO, Position::ZERO, initial_hash()));
    assert_eq!(bounds.incarnation, Incarnation::ZERO);
    assert_eq!(store.items("v1", None).unwrap(), [""; 0]);
}

#[test]
fn a_transcript_is_begun_once() {
    // Begun in this block, begun in an earlier one, stopped, and stopped after a rollover.
    for (script, flush) in [("", false), ("a", true), ("a.", false), ("a.", true), ("a|.", false), ("a|.", true)] {
        let mut store = Store::of(&[("v1", script)]);
        if flush {
            store.state = Default::default();
        }
        let before = store.spans("v1");
        let error = store.view().init_transcript(&vat("v1")).unwrap_err();
        assert_eq!(kind(&error), "exists", "{script}");
        assert_eq!(error.to_string(), r#"vat "v1" has a transcript already (a span from 0)"#);
        assert_eq!((store.spans("v1"), store.commit()), (before, vec![]));
    }
}

#[test]
fn an_imported_vat_that_does_not_start_at_0_is_begun_no_second_time_while_it_has_a_current_span() {
    let mut store = Store::of(&[("v1", "a|b")]);
    store.damage("DELETE FROM transcriptSpans WHERE startPos = 0");
    assert_eq!(
        store.view().init_transcript(&vat("v1")).unwrap_err().to_string(),
        r#"vat "v1" has a transcript already (a span from 1)"#
    );
}

#[test]
fn without_a_current_span_nothing_but_stopping_works() {
    for mut store in [Store::new(TranscriptOptions::default()), Store::of(&[("v1", "a.")])] {
        let v1 = vat("v1");
        let errors = [
            store.view().add_item(&v1, "x").unwrap_err(),
            store.view().rollover_span(&v1).unwrap_err(),
            store.view().rollover_incarnation(&v1).unwrap_err(),
            store.view().current_span_bounds(&v1).unwrap_err(),
            store.items("v1", None).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.to_string(), r#"no current transcript for "v1""#);
        }
        store.view().stop_using_transcript(&v1).unwrap();
        assert_eq!(store.commit(), []);
    }
}

#[test]
fn an_item_with_a_line_feed_is_refused() {
    let mut store = Store::of(&[("v1", "a")]);
    let error = store.view().add_item(&vat("v1"), "x\ny").unwrap_err();
    assert_eq!(error.to_string(), r#"transcript item 1 of "v1" contains a line feed"#);
    assert_eq!((store.spans("v1"), store.commit()), (vec![(0, 1, true, 0)], vec![]));
}

#[test]
fn an_item_that_the_commit_could_not_write_is_refused_when_it_is_added() {
    let mut store = Store::of(&[("v1", "a")]);
    let huge = String::from_utf8(vec![0; 999_995_905]).unwrap();
    let error = store.view().add_item(&vat("v1"), &huge).unwrap_err();
    assert!(matches!(error, TranscriptError::TooLong { bytes: 999_995_905, most: 999_995_904, .. }), "{error:?}");
    assert_eq!((store.spans("v1"), store.commit()), (vec![(0, 1, true, 0)], vec![]));
}

#[test]
fn a_crank_that_fails_takes_nothing_with_it_of_the_one_before() {
    let mut store = Store::of(&[("v1", "ab")]);
    store.savepoint("crank");
    store.add("v1", &["c"]);
    store.view().rollover_span(&vat("v1")).unwrap();
    store.add("v1", &["d"]);
    store.release();
    store.savepoint("crank");
    store.add("v1", &["e"]);
    store.view().rollover_span(&vat("v1")).unwrap();
    store.rollback("crank");
    assert_eq!(store.items("v1", None).unwrap(), ["d"]);
    assert_eq!(store.spans("v1"), [(0, 3, false, 0), (3, 4, true, 0)]);
    store.commit();
    assert_eq!(store.spans("v1"), [(0, 3, false, 0), (3, 4, true, 0)]);
}

#[test]
fn rollover_of_an_empty_span_changes_nothing() {
    for script in ["", "a|"] {
        let mut store = Store::of(&[("v1", script)]);
        let before = store.spans("v1");
        assert_eq!(kind(&store.view().rollover_span(&vat("v1")).unwrap_err()), "empty span");
        let error = store.view().rollover_incarnation(&vat("v1")).unwrap_err();
        assert!(error.to_string().contains("is empty and cannot be rolled over"), "{error}");
        assert_eq!((store.spans("v1"), store.commit()), (before, vec![]));
    }
}

#[test]
fn incarnations_count_up_and_items_carry_theirs() {
    let mut store = Store::of(&[("v1", "a^bc|d^e")]);
    assert_eq!(store.spans("v1"), [(0, 1, false, 0), (1, 3, false, 1), (3, 4, false, 1), (4, 5, true, 2)]);
    let sql = "SELECT incarnation FROM transcriptItems ORDER BY position";
    let incarnations: Vec<i64> = store.session.read().all(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(incarnations, [0, 1, 1, 1, 2]);
}

#[test]
fn stopping_an_empty_span_leaves_an_empty_closed_one() {
    let mut store = Store::of(&[("v1", "a|")]);
    store.view().stop_using_transcript(&vat("v1")).unwrap();
    store.view().stop_using_transcript(&vat("v1")).unwrap();
    assert_eq!(store.spans("v1"), [(0, 1, false, 0), (1, 1, false, 0)]);
    let batch = store.commit();
    assert_eq!(
        batch.iter().map(|(key, value)| (&key[..], value.is_some())).collect::<Vec<_>>(),
        [("transcript.v1.1", true), ("transcript.v1.current", false),]
    );
    assert_eq!(store.findings(), [""; 0]);
    assert_eq!(store.items("v1", Some(1)).unwrap(), [""; 0]);
}

#[test]
fn only_the_closed_span_is_pruned() {
    for flush in [false, true] {
        let mut store = Store::of(&[("v1", "ab|cd"), ("v2", "x")]);
        store.state = swing_transcript::TranscriptState::new(dropping());
        store.add("v1", &["e"]);
        if flush {
            store.flush();
        }
        store.savepoint("s");
        store.view().rollover_span(&vat("v1")).unwrap();
        store.add("v1", &["f"]);
        assert_eq!(store.items("v1", Some(0)).unwrap(), ["a", "b"]);
        let error = store.items("v1", Some(2)).unwrap_err();
        assert_eq!(error.to_string(), r#"read 0 transcript entries (expected 3) of the span of "v1" at 2"#);
        assert_eq!(store.items("v1", Some(5)).unwrap(), ["f"]);
        store.rollback("s");
        assert_eq!(store.items("v1", None).unwrap(), ["c", "d", "e"]);
        store.view().stop_using_transcript(&vat("v1")).unwrap();
        store.commit();
        assert_eq!(kind(&store.items("v1", Some(2)).unwrap_err()), "incomplete");
        assert_eq!((store.items("v2", None).unwrap(), store.findings()), (vec!["x".to_owned()], vec![]));
    }
}

#[test]
fn positions_and_incarnations_that_run_out_are_errors() {
    let mut store = Store::of(&[("v1", "a")]);
    let max = Position::MAX.get();
    store.damage(&format!("UPDATE transcriptSpans SET startPos = {max} - 1, endPos = {max} - 1, incarnation = {max}"));
    store.damage("DELETE FROM transcriptItems");
    store.add("v1", &["last"]);
    let error = store.view().add_item(&vat("v1"), "more").unwrap_err();
    assert_eq!(error.to_string(), r#"the transcript of "v1" has run out of positions"#);
    let error = store.view().rollover_incarnation(&vat("v1")).unwrap_err();
    assert_eq!(error.to_string(), r#"the transcript of "v1" has run out of incarnations"#);
    store.view().rollover_span(&vat("v1")).unwrap();
    assert_eq!(kind(&store.view().add_item(&vat("v1"), "more").unwrap_err()), "exhausted");
    store.view().stop_using_transcript(&vat("v1")).unwrap();
    assert_eq!(store.spans("v1"), [(max - 1, max, false, max), (max, max, false, max)]);
    store.commit();
    assert_eq!(store.spans("v1"), [(max - 1, max, false, max), (max, max, false, max)]);
    store.view().delete_vat_transcripts(&vat("v1"), swing_core::Budget::Unlimited).unwrap();
    assert_eq!(store.spans("v1"), []);
}

#[test]
fn items_that_stand_where_the_next_one_goes_are_found_at_once() {
    let mut store = Store::of(&[("v1", "ab")]);
    store.damage("UPDATE transcriptSpans SET endPos = 1");
    let error = store.view().add_item(&vat("v1"), "x").unwrap_err();
    assert_eq!(error.to_string(), r#"the store has transcript items of "v1" beyond the end of its current span at 1"#);
    assert_eq!(kind(&store.view().rollover_span(&vat("v1")).unwrap_err()), "occupied");
    store.damage("DELETE FROM transcriptSpans");
    assert_eq!(kind(&store.view().init_transcript(&vat("v1")).unwrap_err()), "occupied");
    assert_eq!(store.spans("v1"), []);
}

#[test]
fn a_span_that_ends_before_it_starts_is_an_error_and_no_panic() {
    let mut store = Store::of(&[("v1", "ab|c")]);
    store.damage("UPDATE transcriptSpans SET endPos = 1 WHERE startPos = 2");
    assert_eq!(kind(&store.view().current_span_bounds(&vat("v1")).unwrap_err()), "backwards");
    assert_eq!(kind(&store.view().add_item(&vat("v1"), "x").unwrap_err()), "backwards");
    assert_eq!(kind(&store.view().spans(&vat("v1")).unwrap_err()), "backwards");
    assert_eq!(kind(&store.items("v1", Some(2)).unwrap_err()), "backwards");
    assert!(store.artifact("transcript.v1.2.2").unwrap_err().contains("ends at 1"));
}
