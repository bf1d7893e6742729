//! A damaged index gives rows in another order than asked for. Nothing may go on for ever because of it.

use rusqlite::Connection;
use swing_core::SessionError;
use swing_core::substore::Substore as _;
use swing_transcript::{TABLES, TranscriptError, TranscriptSubstore};

use crate::common::{Store, vat};

/// A store with a span of twelve items and an empty one, whose indexes run backwards but are said to run forwards.
fn backwards() -> Store {
    let honest = Store::of(&[("v1", "abcdefghijkl|")]);
    let mut db = Connection::open_in_memory().unwrap();
    let image = honest.session.serialize().unwrap();
    db.deserialize_read_exact("main", &image[..], image.len(), false).unwrap();
    db.execute_batch("DROP TABLE transcriptItems; DROP TABLE transcriptSpans").unwrap();
    let create = TABLES[0].create.replace("position)", "position DESC)").replace("startPos)", "startPos DESC)");
    db.execute_batch(&create).unwrap();
    for (key, text) in honest.records() {
        let record = swing_core::SpanRecord::parse(&text).unwrap();
        let current = key.ends_with("current").then_some(1);
        let (start, end, hash) = (record.start, record.end, record.hash);
        db.execute("INSERT INTO transcriptSpans VALUES ('v1', ?1, ?2, ?3, ?4, 0)", (start, end, hash, current))
            .unwrap();
    }
    for (position, item) in ('a'..='l').enumerate() {
        db.execute("INSERT INTO transcriptItems VALUES ('v1', ?1, ?2, 0)", (position as i64, item.to_string()))
            .unwrap();
    }
    db.execute_batch("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, ' DESC', '')").unwrap();
    Store::from_image(Some(db.serialize("main").unwrap().to_vec()), Default::default())
}

#[test]
fn walks_over_a_damaged_index_end_in_an_error() {
    let mut store = backwards();
    let disorder = |error: &SessionError| matches!(error, SessionError::OutOfOrder { .. });
    let mut view = store.view();
    let walked = view.full_transcript(&vat("v1")).unwrap().find_map(Result::err);
    assert!(matches!(walked, Some(TranscriptError::Session(error)) if disorder(&error)));
    // Whatever these answer, they end.
    let _ = TranscriptSubstore.records(store.session.read()).find_map(Result::err);
    // The positions of a vat are sorted anyway.
    let by_key = TranscriptSubstore.records_by_key(store.session.read()).find_map(Result::err);
    assert!(by_key.is_none(), "{by_key:?}");
    for name in store.names(swing_core::ArtifactMode::Debug) {
        let _ = store.artifact(&name);
    }
    let mut findings = 0;
    let _ = TranscriptSubstore.verify(store.session.read(), &mut |_| findings += 1);
    assert!(findings > 0);
}
