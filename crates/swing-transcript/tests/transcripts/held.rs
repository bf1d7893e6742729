//! Items that are held in memory because their span was read again.

use swing_core::roles::TranscriptStore as _;
use swing_core::session::{Location, OpenOptions};
use swing_core::{Budget, Session};
use swing_transcript::{SpanCursor, TABLES, TranscriptError, TranscriptOptions, TranscriptState};

use crate::common::{Store, at, dropping, kind, vat};

/// Changes the table behind the state's back, which shows who looks there.
fn behind(store: &mut Store, sql: &str) {
    store.session.write().unwrap().run(sql, []).unwrap();
}

const SPOIL: &str = "UPDATE transcriptItems SET item = 'x'";

/// A span that was read so often, and its items then spoilt in the table.
fn read_and_spoilt(times: usize) -> Store {
    read_and_spoilt_in(TranscriptOptions::default(), times)
}

fn read_and_spoilt_in(options: TranscriptOptions, times: usize) -> Store {
    let mut store = Store::of(&[("v1", "ab")]);
    store.state = TranscriptState::new(options);
    for _ in 0..times {
        assert_eq!(store.items("v1", None).unwrap(), ["a", "b"]);
    }
    behind(&mut store, SPOIL);
    store
}

#[test]
fn a_span_is_fetched_twice_and_then_held() {
    for (times, items) in [(1, ["x", "x"]), (2, ["a", "b"]), (3, ["a", "b"])] {
        let mut store = read_and_spoilt(times);
        assert_eq!(store.items("v1", None).unwrap(), items, "{times}");
        assert_eq!(store.items("v1", Some(0)).unwrap(), items, "{times}");
    }
}

#[test]
fn that_a_span_was_seen_to_be_empty_holds_nothing_that_is_added() {
    let mut store = Store::of(&[("v1", "")]);
    for _ in 0..3 {
        assert_eq!(store.items("v1", None).unwrap(), [""; 0]);
    }
    store.add("v1", &["a", "b"]);
    store.commit();
    behind(&mut store, SPOIL);
    assert_eq!(store.items("v1", None).unwrap(), ["x", "x"]);
}

#[test]
fn what_is_added_is_held_too_before_and_after_it_is_written() {
    let mut store = read_and_spoilt(2);
    store.add("v1", &["c", "d"]);
    assert_eq!(store.items("v1", None).unwrap(), ["a", "b", "c", "d"]);
    store.commit();
    behind(&mut store, SPOIL);
    assert_eq!(store.items("v1", None).unwrap(), ["a", "b", "c", "d"]);
}

#[test]
fn batches_of_what_is_held_keep_within_their_bounds() {
    let mut store = read_and_spoilt(2);
    store.add("v1", &["c"]);
    for (items, bytes, sizes) in
        [(1, 9, vec![1, 1, 1, 0]), (2, 9, vec![2, 1, 0, 0]), (9, 2, vec![2, 1, 0]), (9, 9, vec![3, 0])]
    {
        let mut cursor = store.view().open_cursor(&vat("v1"), None).unwrap();
        let view = store.view();
        let (mut batches, mut remaining) = (Vec::new(), 3);
        for size in sizes {
            assert_eq!(cursor.remaining(), remaining);
            let batch = cursor.next_batch(&view, items, bytes).unwrap();
            assert_eq!(batch.len(), size);
            remaining -= size as u64;
            batches.extend(batch);
        }
        assert_eq!(batches, ["a", "b", "c"]);
    }
}

#[test]
fn a_taker_that_fails_ends_the_cursor_and_what_is_held_stays() {
    let mut store = read_and_spoilt(2);
    let mut cursor = store.view().open_cursor(&vat("v1"), None).unwrap();
    let refused = || TranscriptError::LineFeed { vat: vat("v1"), position: at(0) };
    let stopped = cursor.visit_batch(&store.view(), 9, 9, |_| Err(refused()));
    assert!(matches!(stopped, Err(TranscriptError::LineFeed { .. })), "{stopped:?}");
    assert_eq!(cursor.remaining(), 0);
    assert_eq!(cursor.next_batch(&store.view(), 9, 9).unwrap(), [""; 0]);
    assert_eq!(store.items("v1", None).unwrap(), ["a", "b"]);
}

#[test]
fn a_taker_that_fails_while_items_are_fetched_to_be_held_leaves_none_held() {
    for refused_at in ["a", "b"] {
        let mut store = read_and_spoilt(1);
        behind(&mut store, "UPDATE transcriptItems SET item = char(97 + position)");
        let mut cursor = store.view().open_cursor(&vat("v1"), None).unwrap();
        let refused = || TranscriptError::LineFeed { vat: vat("v1"), position: at(0) };
        cursor
            .visit_batch(&store.view(), 9, 9, |item| if item == refused_at { Err(refused()) } else { Ok(()) })
            .unwrap_err();
        behind(&mut store, SPOIL);
        assert_eq!(store.items("v1", None).unwrap(), ["x", "x"], "{refused_at}");
    }
}

#[test]
fn nothing_is_held_once_another_connection_has_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("swingstore.sqlite");
    let session = Session::open(Location::File(path.clone()), &OpenOptions::default(), TABLES).unwrap();
    let mut store = Store { session, state: TranscriptState::default() };
    store.view().init_transcript(&vat("v1")).unwrap();
    store.add("v1", &["a", "b"]);
    store.commit();
    let other = rusqlite::Connection::open(&path).unwrap();
    for begun in [false, true] {
        for _ in 0..3 {
            assert_eq!(store.items("v1", None).unwrap(), ["a", "b"]);
        }
        let mut cursor = store.view().open_cursor(&vat("v1"), None).unwrap();
        if begun {
            assert_eq!(cursor.next_batch(&store.view(), 1, 9).unwrap(), ["a"]);
        }
        other.execute(SPOIL, []).unwrap();
        assert_eq!(kind(&store.items("v1", None).unwrap_err()), "hash");
        assert_eq!(kind(&cursor.next_batch(&store.view(), 9, 9).unwrap_err()), "hash", "one under way, too");
        other.execute("UPDATE transcriptItems SET item = char(97 + position)", []).unwrap();
    }
}

#[test]
fn nothing_is_held_once_a_crank_was_rolled_back() {
    let mut store = read_and_spoilt(2);
    store.savepoint("crank");
    store.add("v1", &["c"]);
    let mut cursor = store.view().open_cursor(&vat("v1"), None).unwrap();
    store.rollback("crank");
    assert_eq!(kind(&store.items("v1", None).unwrap_err()), "hash", "the table is looked at");
    assert_eq!(kind(&cursor.next_batch(&store.view(), 9, 9).unwrap_err()), "incomplete", "its last item is gone");
}

#[test]
fn items_that_were_deleted_are_not_answered_from_memory() {
    let delete = |store: &mut Store, budget| {
        assert!(store.view().delete_vat_transcripts(&vat("v1"), budget).unwrap().done);
    };
    let prune = |store: &mut Store| store.view().stop_using_transcript(&vat("v1")).unwrap();
    for (budget, expected) in
        [(Some(Budget::Unlimited), "no span"), (Budget::at_most(1), "no span"), (None, "incomplete")]
    {
        let mut store = read_and_spoilt_in(dropping(), 3);
        match budget {
            Some(budget) => delete(&mut store, budget),
            None => prune(&mut store),
        }
        let error = store.items("v1", Some(0)).unwrap_err();
        assert_eq!(kind(&error), expected, "{error:?}");
    }
}

/// A cursor that gathers, answers from memory, or goes by what is known alone.
fn begun_after(times: usize, begun: bool) -> (Store, SpanCursor) {
    let mut store = Store::of(&[("v1", "ab")]);
    for _ in 0..times {
        assert_eq!(store.items("v1", None).unwrap(), ["a", "b"]);
    }
    let mut cursor = store.view().open_cursor(&vat("v1"), None).unwrap();
    if begun {
        assert_eq!(cursor.next_batch(&store.view(), 1, 9).unwrap(), ["a"]);
    }
    (store, cursor)
}

fn delete(store: &mut Store, budget: Budget) {
    assert!(store.view().delete_vat_transcripts(&vat("v1"), budget).unwrap().done);
}

#[test]
fn a_cursor_under_way_misses_what_was_deleted_however_often_it_was_read() {
    for (times, begun, budget) in (0..4)
        .flat_map(|times| {
            [false, true]
                .map(|begun| [Budget::Unlimited, Budget::at_most(1).unwrap()].map(|budget| (times, begun, budget)))
        })
        .flatten()
    {
        let (mut store, mut cursor) = begun_after(times, begun);
        delete(&mut store, budget);
        let error = cursor.next_batch(&store.view(), 9, 9).unwrap_err();
        assert_eq!((kind(&error), cursor.remaining()), ("incomplete", 0), "{times} {begun}");
        assert_eq!(cursor.next_batch(&store.view(), 9, 9).unwrap(), [""; 0], "{times} {begun}");
    }
}

#[test]
fn a_cursor_under_way_misses_what_was_dropped_when_its_span_was_closed() {
    let close: [fn(&mut Store); 2] = [
        |store| _ = store.view().rollover_span(&vat("v1")).unwrap(),
        |store| store.view().stop_using_transcript(&vat("v1")).unwrap(),
    ];
    for (times, close) in (0..3).flat_map(|times| close.map(|close| (times, close))) {
        let mut store = Store::new(dropping());
        store.view().init_transcript(&vat("v1")).unwrap();
        store.add("v1", &["a", "b"]);
        for _ in 0..times {
            assert_eq!(store.items("v1", None).unwrap(), ["a", "b"]);
        }
        let mut cursor = store.view().open_cursor(&vat("v1"), None).unwrap();
        close(&mut store);
        assert_eq!(kind(&cursor.next_batch(&store.view(), 9, 9).unwrap_err()), "incomplete", "{times}");
    }
}

#[test]
fn what_is_held_is_of_one_transcript_and_not_of_two_after_each_other() {
    for times in 0..4 {
        let (mut store, mut cursor) = begun_after(times, false);
        let begin = |store: &mut Store, items: &[&str]| {
            delete(store, Budget::Unlimited);
            store.view().init_transcript(&vat("v1")).unwrap();
            store.add("v1", items);
        };
        begin(&mut store, &["x", "y"]);
        assert_eq!(cursor.next_batch(&store.view(), 1, 9).unwrap(), ["x"], "{times}");
        begin(&mut store, &["a", "b"]);
        let _ = cursor.next_batch(&store.view(), 9, 9);
        for _ in 0..3 {
            assert_eq!(store.items("v1", None).unwrap(), ["a", "b"], "{times}");
        }
    }
}

#[test]
fn what_is_held_grows_although_a_cursor_that_came_to_its_end_is_kept() {
    let (mut store, mut cursor) = begun_after(2, true);
    assert_eq!(cursor.next_batch(&store.view(), 9, 9).unwrap(), ["b"]);
    let (_, mut stopped) = (store.items("v1", None).unwrap(), store.view().open_cursor(&vat("v1"), None).unwrap());
    let refused = TranscriptError::LineFeed { vat: vat("v1"), position: at(0) };
    let mut refused = Some(refused);
    stopped.visit_batch(&store.view(), 9, 9, |_| refused.take().map_or(Ok(()), Err)).unwrap_err();
    store.add("v1", &["c"]);
    store.commit();
    behind(&mut store, SPOIL);
    assert_eq!(store.items("v1", None).unwrap(), ["a", "b", "c"]);
    assert_eq!((cursor.remaining(), stopped.remaining()), (0, 0));
}

#[test]
fn a_cursor_at_its_end_that_is_asked_again_leaves_what_is_held_as_it_is() {
    for times in 0..4 {
        let (mut store, mut cursor) = begun_after(times, true);
        assert_eq!(cursor.next_batch(&store.view(), 9, 9).unwrap(), ["b"]);
        assert_eq!(cursor.next_batch(&store.view(), 9, 9).unwrap(), [""; 0]);
        for _ in 0..3 {
            assert_eq!(store.items("v1", None).unwrap(), ["a", "b"], "{times}");
        }
    }
}

#[test]
fn a_span_that_was_stopped_takes_no_room() {
    let mut store = read_and_spoilt(2);
    store.view().stop_using_transcript(&vat("v1")).unwrap();
    assert_eq!(kind(&store.items("v1", Some(0)).unwrap_err()), "hash", "the table is looked at");
}

/// As a binding does that may have to go back.
#[test]
fn a_cursor_gathers_also_if_it_is_cloned_for_each_batch_and_its_clones_do_not() {
    for goes_on_with_clone in [false, true] {
        // Right as it was written, so that the first time it is read gathers.
        let (mut store, mut cursor) = begun_after(0, false);
        for item in ["a", "b"] {
            let mut here = cursor.clone();
            let one = if goes_on_with_clone { &mut here } else { &mut cursor };
            assert_eq!(one.next_batch(&store.view(), 1, 9).unwrap(), [item]);
            if goes_on_with_clone {
                cursor = here;
            }
        }
        behind(&mut store, SPOIL);
        let items = if goes_on_with_clone { ["x", "x"] } else { ["a", "b"] };
        assert_eq!(store.items("v1", None).unwrap(), items);
    }
}
