//! What another implementation commits to the same file between our blocks is seen by our next call.

use swing_core::Session;
use swing_core::roles::TranscriptStore as _;
use swing_core::session::{Location, OpenOptions};
use swing_transcript::{TABLES, TranscriptState, initial_hash};

use crate::common::{Store, kind, vat};

fn store_in(dir: &std::path::Path) -> Store {
    let location = Location::File(dir.join("swingstore.sqlite"));
    let session = Session::open(location, &OpenOptions::default(), TABLES).unwrap();
    Store { session, state: TranscriptState::default() }
}

#[test]
fn the_memory_of_current_spans_is_dropped_when_somebody_else_commits() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store_in(dir.path());
    let other = rusqlite::Connection::open(dir.path().join("swingstore.sqlite")).unwrap();
    let v1 = vat("v1");
    assert_eq!(kind(&store.view().current_span_bounds(&v1).unwrap_err()), "no current");
    let insert = |sql: &str| other.execute(sql, [initial_hash().to_string()]).unwrap();
    insert("INSERT INTO transcriptSpans VALUES ('v1', 0, 0, ?1, 1, 0)");
    assert_eq!(store.view().current_span_bounds(&v1).unwrap().start.get(), 0);
    other.execute("UPDATE transcriptSpans SET isCurrent = NULL", []).unwrap();
    insert("INSERT INTO transcriptSpans VALUES ('v1', 7, 7, ?1, 1, 3)");
    store.add("v1", &["x"]);
    store.commit();
    assert_eq!(store.view().current_span_bounds(&v1).unwrap().end.get(), 8);
    other.execute("UPDATE transcriptSpans SET isCurrent = NULL", []).unwrap();
    assert_eq!(kind(&store.items("v1", None).unwrap_err()), "no current");
    assert_eq!(store.spans("v1").len(), 2);
}

/// What a reader has been given a page of he has, whatever becomes of the table: so the page's bounds can be seen.
#[test]
fn a_span_is_read_in_pages_of_256_items_or_a_mebibyte() {
    for (length, items, pages) in [(1, 256, 1), (1, 257, 2), (600 << 10, 2, 1), (600 << 10, 3, 2), (2 << 20, 1, 1)] {
        let dir = tempfile::tempdir().unwrap();
        let mut store = store_in(dir.path());
        store.view().init_transcript(&vat("v1")).unwrap();
        let item = "x".repeat(length);
        store.add("v1", &vec![&*item; items]);
        store.commit();
        let mut view = store.view();
        let mut read = view.read_span(&vat("v1"), None).unwrap();
        assert_eq!(read.next().unwrap().unwrap(), item);
        let other = rusqlite::Connection::open(dir.path().join("swingstore.sqlite")).unwrap();
        other.execute("DELETE FROM transcriptItems WHERE position = ?1", [items - 1]).unwrap();
        let rest: Result<Vec<_>, _> = read.collect();
        match pages {
            1 => assert_eq!(rest.unwrap().len(), items - 1, "{items} of {length}"),
            _ => assert_eq!(kind(&rest.unwrap_err()), "incomplete", "{items} of {length}"),
        }
    }
}

#[test]
fn what_was_committed_is_there_after_reopening_and_what_was_not_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store_in(dir.path());
    store.view().init_transcript(&vat("v1")).unwrap();
    store.add("v1", &["a", "b"]);
    store.commit();
    store.add("v1", &["c"]);
    store.view().rollover_span(&vat("v1")).unwrap();
    store.flush();
    store.session.close().unwrap();
    let mut store = store_in(dir.path());
    assert_eq!(store.items("v1", None).unwrap(), ["a", "b"]);
    assert_eq!(store.spans("v1"), [(0, 2, true, 0)]);
}

#[test]
fn a_read_only_store_reads_and_refuses_to_write() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store_in(dir.path());
    store.view().init_transcript(&vat("v1")).unwrap();
    store.add("v1", &["a"]);
    store.commit();
    drop(store);
    let location = Location::File(dir.path().join("swingstore.sqlite"));
    let options = OpenOptions { read_only: true, ..OpenOptions::default() };
    let session = Session::open(location, &options, TABLES).unwrap();
    let mut store = Store { session, state: TranscriptState::default() };
    assert_eq!(store.items("v1", None).unwrap(), ["a"]);
    assert_eq!(kind(&store.view().add_item(&vat("v1"), "b").unwrap_err()), "session");
    assert_eq!(store.items("v1", None).unwrap(), ["a"]);
}
