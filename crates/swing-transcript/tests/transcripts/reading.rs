//! Reading spans, by iterator and by cursor, whole and broken.

use std::collections::BTreeMap;
use std::path::Path;

use swing_core::roles::TranscriptStore as _;
use swing_core::session::{Location, OpenOptions};
use swing_core::{Digest, Position, Session};
use swing_transcript::{History, SpanCursor, TABLES, TranscriptError, TranscriptOptions, TranscriptState};

use crate::common::{Store, at, dropping, kind, vat};

/// Items in the table, then items not written yet.
fn mixed() -> Store {
    let mut store = Store::of(&[("v1", "ab|cd")]);
    store.add("v1", &["e", "f"]);
    store
}

#[test]
fn a_span_is_read_through_table_and_memory() {
    let mut store = mixed();
    assert_eq!(store.items("v1", Some(0)).unwrap(), ["a", "b"]);
    assert_eq!(store.items("v1", None).unwrap(), ["c", "d", "e", "f"]);
    assert_eq!(store.items("v1", Some(2)).unwrap(), ["c", "d", "e", "f"]);
}

#[test]
fn an_unknown_span_is_an_error_at_once() {
    let mut store = mixed();
    let mut view = store.view();
    let error = view.read_span(&vat("v1"), Some(at(3))).err().unwrap();
    assert_eq!(error.to_string(), r#"no transcript span for "v1" at 3"#);
    let error = view.read_span(&vat("v2"), None).err().unwrap();
    assert_eq!(error.to_string(), r#"no current transcript for "v2""#);
}

#[test]
fn batches_keep_within_their_bounds_and_hold_at_least_one_item() {
    let mut store = mixed();
    for (items, bytes, sizes) in [
        (1, usize::MAX, vec![1, 1, 1, 1, 0]),
        (3, usize::MAX, vec![3, 1, 0]),
        (4, usize::MAX, vec![4, 0]),
        (0, 0, vec![1, 1, 1, 1, 0]),
        (usize::MAX, 2, vec![2, 2, 0]),
        (usize::MAX, 3, vec![3, 1, 0]),
    ] {
        let mut cursor = store.view().open_cursor(&vat("v1"), None).unwrap();
        let view = store.view();
        let batches: Vec<_> = sizes.iter().map(|_| cursor.next_batch(&view, items, bytes).unwrap()).collect();
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), sizes);
        assert_eq!(batches.concat(), ["c", "d", "e", "f"]);
    }
}

#[test]
fn a_batch_whose_taker_fails_ends_the_cursor_with_the_takers_error_and_vouches_for_nothing() {
    let mut store = mixed();
    store.commit();
    let mut cursor = store.view().open_cursor(&vat("v1"), None).unwrap();
    assert_eq!(cursor.remaining(), 4);
    let mut taken = Vec::new();
    let stopped = cursor.visit_batch(&store.view(), 3, usize::MAX, |item| {
        taken.push(item.to_owned());
        if item == "d" { Err(TranscriptError::LineFeed { vat: vat("v1"), position: at(3) }) } else { Ok(()) }
    });
    assert!(matches!(stopped, Err(TranscriptError::LineFeed { .. })), "{stopped:?}");
    assert_eq!((taken, cursor.remaining()), (vec!["c".to_owned(), "d".to_owned()], 0));
    assert_eq!(cursor.next_batch(&store.view(), 3, usize::MAX).unwrap(), [""; 0]);
    // Refused at the very last item, it was read to its end but is not known to be right.
    store.damage("UPDATE transcriptItems SET item = 'x' WHERE position = 4");
    let mut cursor = store.view().open_cursor(&vat("v1"), None).unwrap();
    let refuse = |item: &str| {
        if item == "f" { Err(TranscriptError::LineFeed { vat: vat("v1"), position: at(5) }) } else { Ok(()) }
    };
    cursor.visit_batch(&store.view(), 9, usize::MAX, refuse).unwrap_err();
    let mut cursor = store.view().open_cursor(&vat("v1"), None).unwrap();
    let error = cursor.next_batch(&store.view(), 9, usize::MAX).unwrap_err();
    assert!(matches!(error, TranscriptError::HashMismatch { .. }), "{error:?}");
}

#[test]
fn a_cursor_sees_the_span_as_it_was_when_opened() {
    let mut store = mixed();
    let mut cursor = store.view().open_cursor(&vat("v1"), None).unwrap();
    assert_eq!(cursor.next_batch(&store.view(), 3, usize::MAX).unwrap(), ["c", "d", "e"]);
    store.add("v1", &["g"]);
    store.view().rollover_span(&vat("v1")).unwrap();
    store.commit();
    assert_eq!(cursor.next_batch(&store.view(), 3, usize::MAX).unwrap(), ["f"]);
    assert_eq!(cursor.next_batch(&store.view(), 3, usize::MAX).unwrap(), [""; 0]);
}

#[test]
fn missing_items_are_an_error_at_the_end() {
    let mut store = mixed();
    store.commit();
    store.damage("DELETE FROM transcriptItems WHERE position = 3");
    let mut cursor = store.view().open_cursor(&vat("v1"), None).unwrap();
    assert_eq!(cursor.next_batch(&store.view(), 2, usize::MAX).unwrap(), ["c", "e"]);
    let error = cursor.next_batch(&store.view(), 2, usize::MAX).unwrap_err();
    assert_eq!(error.to_string(), r#"read 3 transcript entries (expected 4) of the span of "v1" at 2"#);
    assert_eq!(cursor.next_batch(&store.view(), 2, usize::MAX).unwrap(), [""; 0]);
    assert_eq!(store.view().read_span(&vat("v1"), None).unwrap().filter(Result::is_err).count(), 1);
}

#[test]
fn forged_items_are_an_error_at_the_end() {
    let mut store = mixed();
    store.commit();
    store.damage("UPDATE transcriptItems SET item = 'x' WHERE position = 5");
    let error = store.items("v1", None).unwrap_err();
    assert_eq!(kind(&error), "hash");
    assert!(error.to_string().starts_with(r#"transcript span of "v1" at 2: hash mismatch (expected "#), "{error}");
}

#[test]
fn a_batch_that_holds_the_last_item_is_given_only_when_the_whole_is_right() {
    let mut store = mixed();
    store.commit();
    store.damage("UPDATE transcriptItems SET item = 'x' WHERE position = 3");
    let mut cursor = store.view().open_cursor(&vat("v1"), None).unwrap();
    assert_eq!(cursor.next_batch(&store.view(), 3, usize::MAX).unwrap(), ["c", "x", "e"]);
    assert_eq!(kind(&cursor.next_batch(&store.view(), 1, usize::MAX).unwrap_err()), "hash");
    // Nor is it known to be right when the cursor, at its end, is asked again.
    assert_eq!(cursor.next_batch(&store.view(), 1, usize::MAX).unwrap(), [""; 0]);
    let mut cursor = store.view().open_cursor(&vat("v1"), None).unwrap();
    assert_eq!(kind(&cursor.next_batch(&store.view(), 4, usize::MAX).unwrap_err()), "hash");
}

#[test]
fn an_empty_span_must_have_the_hash_of_one() {
    let mut store = Store::of(&[("v1", "a|")]);
    assert_eq!(store.items("v1", None).unwrap(), [""; 0]);
    store.damage(&format!("UPDATE transcriptSpans SET hash = '{}' WHERE isCurrent = 1", Digest::of(b"")));
    assert_eq!(kind(&store.items("v1", None).unwrap_err()), "hash");
}

#[test]
fn items_that_are_no_text_are_errors() {
    for value in ["x'ff'", "NULL", "CAST(x'ff' AS TEXT)"] {
        let mut store = mixed();
        store.commit();
        store.damage(&format!("UPDATE transcriptItems SET item = {value} WHERE position = 2"));
        assert_eq!(kind(&store.items("v1", None).unwrap_err()), "session", "{value}");
    }
}

#[test]
fn the_full_transcript_passes_over_what_was_pruned() {
    let mut store = mixed();
    store.state = TranscriptState::new(dropping());
    store.add("v1", &["g"]);
    store.view().rollover_span(&vat("v1")).unwrap();
    store.add("v1", &["h"]);
    let full: Vec<_> = store.view().full_transcript(&vat("v1")).unwrap().map(Result::unwrap).collect();
    let expected = [(0, "a"), (1, "b"), (5, "h")].map(|(position, item)| (at(position), item.to_owned()));
    assert_eq!(full, expected);
    assert_eq!(store.view().full_transcript(&vat("v9")).unwrap().count(), 0);
}

#[test]
fn batches_of_a_full_transcript_keep_within_their_bounds_and_within_a_span() {
    let mut store = Store::of(&[("v1", "ab|c|")]);
    store.add("v1", &["dd", "e", "f"]);
    for (items, bytes, expected) in [
        (9, 9, &["a b", "c", "dd e f", ""][..]),
        (2, 9, &["a b", "c", "dd e", "f", ""]),
        (9, 1, &["a", "b", "c", "dd", "e", "f", ""]),
        (9, 2, &["a b", "c", "dd", "e f", ""]),
        (9, 3, &["a b", "c", "dd e", "f", ""]),
        (0, 9, &["a", "b", "c", "dd", "e", "f", ""]),
    ] {
        let mut cursor = store.view().open_full_cursor(&vat("v1")).unwrap();
        for expected in expected {
            let batch = cursor.next_batch(&store.view(), items, bytes).unwrap();
            let texts: Vec<_> = batch.iter().map(|(_, item)| &**item).collect();
            assert_eq!(texts.join(" "), *expected, "{items} {bytes}");
        }
    }
}

#[test]
fn a_dump_shows_current_spans_or_all() {
    let mut store = mixed();
    store.view().init_transcript(&vat("v2")).unwrap();
    store.view().init_transcript(&vat("v3")).unwrap();
    store.add("v3", &["x"]);
    store.view().stop_using_transcript(&vat("v3")).unwrap();
    let dumped = |history, store: &mut Store| -> BTreeMap<String, Vec<(u64, String)>> {
        let plain = |items: BTreeMap<Position, String>| items.into_iter().map(|(at, item)| (at.get(), item)).collect();
        let dump = store.view().dump(history).unwrap();
        dump.into_iter().map(|(vat, items)| (vat.to_string(), plain(items))).collect()
    };
    let items = |first: u64, text: &str| {
        text.chars().enumerate().map(|(at, c)| (first + at as u64, c.to_string())).collect::<Vec<_>>()
    };
    for _ in 0..2 {
        let current = dumped(History::Current, &mut store);
        assert_eq!(current, BTreeMap::from([("v1".to_owned(), items(2, "cdef"))]));
        let all = dumped(History::All, &mut store);
        assert_eq!(all, BTreeMap::from([("v1".to_owned(), items(0, "abcdef")), ("v3".to_owned(), items(0, "x"))]));
        store.commit();
    }
}

#[test]
fn long_spans_are_read_in_pages() {
    let mut store = Store::new(TranscriptOptions::default());
    store.view().init_transcript(&vat("v1")).unwrap();
    let texts: Vec<_> = (0..1000).map(|number| format!("{number:0>2000}")).collect();
    for (number, text) in texts.iter().enumerate() {
        store.add("v1", &[text]);
        if number == 700 {
            store.flush();
        }
    }
    assert_eq!(store.items("v1", None).unwrap(), texts);
    store.commit();
    assert_eq!(store.items("v1", None).unwrap(), texts);
    assert_eq!(store.artifact("transcript.v1.0.1000").unwrap(), (texts.join("\n") + "\n").into_bytes());
}

fn in_file(path: &Path) -> Store {
    let session = Session::open(Location::File(path.to_owned()), &OpenOptions::default(), TABLES).unwrap();
    Store { session, state: TranscriptState::default() }
}

/// The items `a` and `b` of `v1`, committed.
fn with_two_items(path: &Path) -> Store {
    let mut store = in_file(path);
    store.view().init_transcript(&vat("v1")).unwrap();
    store.add("v1", &["a", "b"]);
    store.commit();
    store
}

#[test]
fn a_span_that_was_verified_is_verified_again_after_another_connection_has_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("swingstore.sqlite");
    let mut store = with_two_items(&path);
    for _ in 0..2 {
        assert_eq!(store.items("v1", None).unwrap(), ["a", "b"]);
    }
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute("UPDATE transcriptItems SET item = 'x' WHERE position = 0", []).unwrap();
    assert_eq!(kind(&store.items("v1", None).unwrap_err()), "hash");
    other.execute("UPDATE transcriptItems SET item = 'a' WHERE position = 0", []).unwrap();
    assert_eq!(store.items("v1", None).unwrap(), ["a", "b"]);
}

/// Opened while the span is known to be right, and of the two items the first is read if `begun`.
fn under_way(store: &mut Store, begun: bool) -> SpanCursor {
    let mut cursor = store.view().open_cursor(&vat("v1"), None).unwrap();
    if begun {
        assert_eq!(cursor.next_batch(&store.view(), 1, usize::MAX).unwrap(), ["a"]);
    }
    cursor
}

#[test]
fn a_cursor_under_way_goes_on_by_what_is_known_now() {
    for (begun, damaged) in [(false, 0), (false, 1), (true, 0), (true, 1)] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("swingstore.sqlite");
        let mut store = with_two_items(&path);
        let other = rusqlite::Connection::open(&path).unwrap();
        let set =
            |item| other.execute("UPDATE transcriptItems SET item = ?1 WHERE position = ?2", (item, damaged)).unwrap();
        let rest = |cursor: &mut SpanCursor, store: &mut Store| cursor.next_batch(&store.view(), 9, usize::MAX);
        let seen = |store: &mut Store| assert!(store.view().current_span_bounds(&vat("v1")).is_ok());

        let mut cursor = under_way(&mut store, begun);
        set("x");
        seen(&mut store);
        assert_eq!(kind(&rest(&mut cursor, &mut store).unwrap_err()), "hash", "{begun} {damaged}");
        assert_eq!(rest(&mut cursor, &mut store).unwrap(), [""; 0], "it is at its end");

        set(["a", "b"][damaged]);
        assert_eq!(store.items("v1", None).unwrap(), ["a", "b"]);
        // Another has written, and the items are as they were.
        let mut cursor = under_way(&mut store, begun);
        other.execute("UPDATE transcriptItems SET incarnation = 0", []).unwrap();
        seen(&mut store);
        assert_eq!(rest(&mut cursor, &mut store).unwrap(), &["a", "b"][usize::from(begun)..]);

        // What was hashed before somebody wrote, and what after, make nothing known.
        set("x");
        assert!(store.items("v1", None).is_err());
        set(["a", "b"][damaged]);
        seen(&mut store);
        let mut cursor = under_way(&mut store, begun);
        if begun && damaged == 0 {
            set("x");
            seen(&mut store);
            assert_eq!(rest(&mut cursor, &mut store).unwrap(), ["b"], "which it hashed after the right one");
            assert_eq!(kind(&store.items("v1", None).unwrap_err()), "hash");
        }
    }
}

#[test]
fn a_cursor_under_way_does_not_take_what_came_in_place_of_an_item_that_was_rolled_back() {
    let mut store = Store::of(&[("v1", "ab")]);
    let Store { session, state } = &mut store;
    session.savepoint("crank", &mut [state]).unwrap();
    store.add("v1", &["c"]);
    let mut cursor = under_way(&mut store, true);
    let Store { session, state } = &mut store;
    session.rollback_to("crank", &mut [state]).unwrap();
    store.add("v1", &["d"]);
    assert_eq!(kind(&cursor.next_batch(&store.view(), 9, usize::MAX).unwrap_err()), "hash");
}

#[test]
fn a_cursor_that_is_under_way_when_another_connection_writes_vouches_for_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("swingstore.sqlite");
    let mut store = with_two_items(&path);
    store.add("v1", &["c"]);
    store.commit();
    let mut cursor = store.view().open_cursor(&vat("v1"), None).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute("UPDATE transcriptItems SET item = 'x' WHERE position = 0", []).unwrap();
    store.view().current_span_bounds(&vat("v1")).unwrap();
    assert_eq!(cursor.next_batch(&store.view(), 1, usize::MAX).unwrap(), ["x"]);
    assert_eq!(kind(&store.items("v1", None).unwrap_err()), "hash");
}

#[test]
fn a_span_that_was_verified_and_then_grew_is_verified_as_a_whole() {
    let mut store = Store::of(&[("v1", "ab")]);
    assert_eq!(store.items("v1", None).unwrap(), ["a", "b"]);
    store.add("v1", &["c"]);
    assert_eq!(store.items("v1", None).unwrap(), ["a", "b", "c"]);
    store.commit();
    assert_eq!(store.items("v1", None).unwrap(), ["a", "b", "c"]);
}

#[test]
fn what_was_written_here_is_hashed_again_when_the_store_is_opened_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("swingstore.sqlite");
    let mut store = with_two_items(&path);
    // Behind the state's back, to see whether it looks.
    store.session.write().unwrap().run("UPDATE transcriptItems SET item = 'x' WHERE position = 0", []).unwrap();
    assert_eq!(store.items("v1", None).unwrap(), ["x", "b"]);
    store.commit();
    drop(store);
    let mut store = in_file(&path);
    assert_eq!(kind(&store.items("v1", None).unwrap_err()), "hash");
    store.add("v1", &["c"]);
    assert_eq!(kind(&store.items("v1", None).unwrap_err()), "hash", "growth vouches for nothing");
}

#[test]
fn an_item_that_was_taken_back_is_not_vouched_for() {
    let mut store = Store::of(&[("v1", "ab")]);
    let Store { session, state } = &mut store;
    session.savepoint("crank", &mut [state]).unwrap();
    store.add("v1", &["c"]);
    let Store { session, state } = &mut store;
    session.rollback_to("crank", &mut [state]).unwrap();
    assert_eq!(store.items("v1", None).unwrap(), ["a", "b"]);
    store.add("v1", &["d"]);
    store.commit();
    store.session.write().unwrap().run("UPDATE transcriptItems SET item = 'c' WHERE position = 2", []).unwrap();
    store.session.invalidate();
    assert_eq!(kind(&store.items("v1", None).unwrap_err()), "hash");
}

#[test]
fn items_that_are_missing_from_a_verified_span_are_missed() {
    let mut store = Store::of(&[("v1", "ab")]);
    store.session.write().unwrap().run("DELETE FROM transcriptItems WHERE position = 1", []).unwrap();
    assert_eq!(kind(&store.items("v1", None).unwrap_err()), "incomplete");
}
