//! Deleting what a vat leaves behind.

use std::num::NonZeroU64;

use rusqlite::Connection;
use swing_core::roles::TranscriptStore as _;
use swing_core::row_digest::{scan, stored};
use swing_core::session::CommitError;
use swing_core::{Budget, Cleanup, Position, SessionError};
use swing_transcript::{TABLES, TranscriptError};

use crate::common::{Store, dropping, vat};

fn keys(batch: Vec<(String, Option<String>)>) -> Vec<String> {
    assert!(batch.iter().all(|(_, value)| value.is_none()), "{batch:?}");
    batch.into_iter().map(|(key, _)| key).collect()
}

fn count(store: &Store, table: &str) -> i64 {
    store.session.read().one(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap().unwrap()
}

fn delete(store: &mut Store, budget: Option<u64>) -> (bool, u64) {
    let budget = budget.map_or(Budget::Unlimited, |spans| Budget::at_most(spans).unwrap());
    let Cleanup { done, cleanups } = store.view().delete_vat_transcripts(&vat("v1"), budget).unwrap();
    (done, cleanups)
}

#[test]
fn everything_at_once_with_one_record_per_span() {
    for script in ["aa|bb|cc", "aa|bb|cc."] {
        let mut store = Store::of(&[("v1", script), ("v2", "x")]);
        assert_eq!(delete(&mut store, None), (true, 3));
        assert_eq!(store.spans("v1"), []);
        let last = if script.ends_with('.') { "transcript.v1.4" } else { "transcript.v1.current" };
        assert_eq!(keys(store.commit()), ["transcript.v1.0", "transcript.v1.2", last]);
        assert_eq!((count(&store, "transcriptItems"), count(&store, "transcriptSpans")), (1, 1));
        assert_eq!(delete(&mut store, None), (true, 0));
        assert_eq!(store.commit(), []);
    }
}

#[test]
fn everything_includes_items_that_are_in_no_span() {
    let mut store = Store::of(&[("v1", "aa|bb")]);
    store.damage("DELETE FROM transcriptSpans");
    assert_eq!(delete(&mut store, Some(1)), (true, 0));
    store.commit();
    assert_eq!(count(&store, "transcriptItems"), 4);
    assert_eq!(delete(&mut store, None), (true, 0));
    store.commit();
    assert_eq!(count(&store, "transcriptItems"), 0);
}

#[test]
fn a_budget_takes_the_newest_spans_first() {
    let mut store = Store::of(&[("v1", "aa|bb|cc|dd|ee"), ("v2", "x")]);
    assert_eq!(delete(&mut store, Some(2)), (false, 2));
    assert_eq!(keys(store.commit()), ["transcript.v1.6", "transcript.v1.current"]);
    assert_eq!(store.spans("v1"), [(0, 2, false, 0), (2, 4, false, 0), (4, 6, false, 0)]);
    assert_eq!(count(&store, "transcriptItems"), 7);
    assert_eq!(store.findings(), [""; 0]);
    assert_eq!(delete(&mut store, Some(3)), (true, 3));
    assert_eq!(keys(store.commit()), ["transcript.v1.0", "transcript.v1.2", "transcript.v1.4"]);
    assert_eq!(delete(&mut store, Some(u64::MAX)), (true, 0));
    store.view().init_transcript(&vat("v1")).unwrap();
    assert_eq!(store.spans("v1"), [(0, 0, true, 0)]);
}

/// What is about to go need not be what it should be; where it is must.
#[test]
fn a_span_with_a_damaged_hash_is_deleted_and_one_that_runs_backwards_is_not() {
    for budget in [None, Some(9)] {
        let mut store = Store::of(&[("v1", "aa|bb|cc")]);
        store.damage("UPDATE transcriptSpans SET hash = 'odd', incarnation = -1 WHERE startPos > 0");
        assert_eq!(delete(&mut store, budget), (true, 3));
        store.commit();
        assert_eq!((count(&store, "transcriptItems"), count(&store, "transcriptSpans")), (0, 0));
        let mut store = Store::of(&[("v1", "aa|bb|cc")]);
        store.damage("UPDATE transcriptSpans SET endPos = 1 WHERE startPos = 2");
        let all = budget.map_or(Budget::Unlimited, |spans| Budget::at_most(spans).unwrap());
        let error = store.view().delete_vat_transcripts(&vat("v1"), all).unwrap_err();
        assert!(matches!(error, TranscriptError::Backwards { .. }), "{error}");
        assert_eq!((count(&store, "transcriptItems"), count(&store, "transcriptSpans")), (6, 3));
    }
}

#[test]
fn a_budget_leaves_items_that_are_in_no_span() {
    let mut store = Store::of(&[("v1", "aa|bb|cc|dd")]);
    store.damage("DELETE FROM transcriptSpans WHERE startPos = 2");
    assert_eq!(delete(&mut store, Some(5)), (true, 3));
    assert_eq!(keys(store.commit()), ["transcript.v1.0", "transcript.v1.4", "transcript.v1.current"]);
    let left = store.session.read().all("SELECT position FROM transcriptItems", [], |row| row.get::<_, u64>(0));
    assert_eq!((count(&store, "transcriptSpans"), left.unwrap()), (0, vec![2, 3]));
}

#[test]
fn spans_of_this_block_are_deleted_like_any_other() {
    // In SQLite the span from 0 is still the current one; in memory there are two more.
    let mut store = Store::of(&[("v1", "aa")]);
    store.view().rollover_span(&vat("v1")).unwrap();
    store.add("v1", &["b"]);
    store.view().rollover_span(&vat("v1")).unwrap();
    store.savepoint("s");
    assert_eq!(delete(&mut store, Some(1)), (false, 1));
    assert_eq!(store.spans("v1"), [(0, 2, false, 0), (2, 3, false, 0)]);
    assert!(store.view().current_span_bounds(&vat("v1")).is_err());
    assert_eq!(delete(&mut store, Some(1)), (false, 1));
    assert_eq!(delete(&mut store, Some(1)), (true, 1));
    assert_eq!(store.spans("v1"), []);
    store.rollback("s");
    assert_eq!(store.spans("v1"), [(0, 2, false, 0), (2, 3, false, 0), (3, 3, true, 0)]);
    assert_eq!(store.items("v1", Some(2)).unwrap(), ["b"]);
    assert_eq!(delete(&mut store, Some(1)), (false, 1));
    store.commit();
    assert_eq!(store.spans("v1"), [(0, 2, false, 0), (2, 3, false, 0)]);
    assert_eq!((store.findings(), store.records().len()), (vec![], 2));
}

#[test]
fn a_deleted_vat_can_begin_again_in_the_same_block() {
    let mut store = Store::of(&[("v1", "aa|bb")]);
    assert_eq!(delete(&mut store, None), (true, 2));
    store.view().init_transcript(&vat("v1")).unwrap();
    store.add("v1", &["new"]);
    let batch = store.commit();
    assert_eq!(batch.len(), 2);
    assert_eq!(store.items("v1", None).unwrap(), ["new"]);
    assert_eq!(store.findings(), [""; 0]);
}

/// A store with these transcripts, one of which is that of `v5`: it gets 400 spans of an item each and is nearly all there is.
fn with_400_spans(transcripts: &[(&str, &str)]) -> Store {
    let mut store = Store::of(transcripts);
    for _ in 0..400 {
        store.add("v5", &["an item"]);
        store.view().rollover_span(&vat("v5")).unwrap();
    }
    store.commit();
    store
}

/// How many rows the connection has changed.
fn changes(store: &Store) -> i64 {
    store.session.read().one("SELECT total_changes()", [], |row| row.get(0)).unwrap().unwrap()
}

/// Row by row or by emptying the tables: the same rows are left, under the same rowids.
#[test]
fn deleting_a_vat_that_is_nearly_all_there_is_leaves_the_others_as_they_were() {
    const ITEMS: &str =
        "SELECT rowid || vatID || position || item || incarnation FROM transcriptItems WHERE vatID <> 'v5'";
    const SPANS: &str = "SELECT rowid || vatID || startPos || endPos || hash || ifnull(isCurrent, '-') || incarnation
        FROM transcriptSpans WHERE vatID <> 'v5'";
    let rows =
        |store: &Store, sql: &str| -> Vec<String> { store.session.read().all(sql, [], |row| row.get(0)).unwrap() };
    let shown = |store: &Store| (rows(store, ITEMS), rows(store, SPANS));
    for (others, emptied) in [("x|yy", true), (&*"x".repeat(110), false)] {
        let mut store = with_400_spans(&[("v1", others), ("v5", ""), ("v9", "zz|z.")]);
        let before = shown(&store);
        store.savepoint("s");
        let deleted = |store: &mut Store| {
            let Cleanup { done, cleanups } =
                store.view().delete_vat_transcripts(&vat("v5"), Budget::Unlimited).unwrap();
            (done, cleanups)
        };
        let changed = changes(&store);
        assert_eq!(deleted(&mut store), (true, 401));
        // The vat's rows; and, where a table was emptied, the others' out and in again: their spans are few both times.
        let (items, spans) = (if emptied { before.0.len() } else { 0 }, before.1.len());
        assert_eq!(changes(&store) - changed, (801 + 2 * (items + spans)) as i64, "{emptied}");
        assert_eq!(shown(&store), before, "{emptied}");
        store.rollback("s");
        assert_eq!(count(&store, "transcriptSpans"), before.1.len() as i64 + 401);
        assert_eq!(deleted(&mut store), (true, 401));
        store.commit();
        assert_eq!(shown(&store), before, "{emptied}");
        assert_eq!(count(&store, "transcriptItems"), before.0.len() as i64);
        assert_eq!(store.findings(), [""; 0]);
    }
}

#[test]
fn what_could_not_be_put_back_is_left_alone_when_a_vat_that_is_nearly_all_there_is_goes() {
    let mut store = with_400_spans(&[("v1", "x"), ("v5", "")]);
    // No store writes a blob where an item's text should be, and a table would not take this 0.
    store.damage("UPDATE transcriptItems SET item = x'00ff' WHERE vatID = 'v1'");
    store.damage("UPDATE transcriptSpans SET isCurrent = 0 WHERE vatID = 'v1'");
    store.session.write().unwrap().run("PRAGMA ignore_check_constraints = OFF", []).unwrap();
    let Cleanup { done, .. } = store.view().delete_vat_transcripts(&vat("v5"), Budget::Unlimited).unwrap();
    store.commit();
    assert!(done);
    assert_eq!((count(&store, "transcriptItems"), count(&store, "transcriptSpans")), (1, 1));
}

/// Of a table that has more than a store gives it.
#[test]
fn when_others_rows_cannot_be_put_back_after_all_nothing_is_committed() {
    for table in ["transcriptItems", "transcriptSpans"] {
        let mut store = with_400_spans(&[("v1", "x"), ("v5", "")]);
        store.damage(&format!(
            "CREATE TRIGGER guard BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'not this one'); END"
        ));
        let error = store.view().delete_vat_transcripts(&vat("v5"), Budget::Unlimited).unwrap_err();
        assert!(std::error::Error::source(&error).is_some_and(|source| source.to_string().contains("not this one")));
        let refused = store.session.commit(&mut [&mut store.state]).unwrap_err();
        let poisoned = |reason: &str| reason.contains("not this one");
        assert!(
            matches!(&refused, CommitError::NotCommitted(SessionError::Poisoned { reason }) if poisoned(reason)),
            "{refused:?}"
        );
    }
}

#[test]
fn spans_that_cannot_be_read_are_not_deleted_and_the_block_goes_on() {
    let mut store = Store::of(&[("v1", "aa|bb"), ("v2", "x")]);
    store.damage("UPDATE transcriptSpans SET endPos = startPos - 1 WHERE vatID = 'v1' AND startPos > 0");
    let error = store.view().delete_vat_transcripts(&vat("v1"), Budget::Unlimited).unwrap_err();
    assert!(error.to_string().contains("v1"), "{error}");
    store.add("v2", &["more"]);
    store.commit();
    assert_eq!((count(&store, "transcriptItems"), count(&store, "transcriptSpans")), (6, 3));
}

/// Of a damaged file: lengths that no number has room for together.
#[test]
fn spans_may_claim_more_items_than_can_be_counted() {
    let mut store = Store::of(&[("v1", "aa"), ("v2", "x")]);
    store.damage(&format!(
        "WITH RECURSIVE span(start) AS (VALUES (1) UNION ALL SELECT start + 1 FROM span WHERE start < 2100)
         INSERT INTO transcriptSpans SELECT 'v1', start, {}, '', NULL, 0 FROM span",
        Position::MAX
    ));
    assert_eq!(delete(&mut store, None), (true, 2101));
    store.commit();
    assert_eq!((count(&store, "transcriptItems"), count(&store, "transcriptSpans")), (1, 1));
}

/// No store is opened that has such a table; it is a read that fails without the transaction's failing.
#[test]
fn a_table_whose_rows_cannot_be_put_back_where_they_were_is_deleted_from_row_by_row() {
    let mut store = with_400_spans(&[("v1", "x"), ("v5", "")]);
    store.damage("ALTER TABLE transcriptItems RENAME TO before");
    store.damage(
        "CREATE TABLE transcriptItems (vatID TEXT, position INTEGER, item TEXT, incarnation INTEGER,
        PRIMARY KEY (vatID, position)) WITHOUT ROWID",
    );
    store.damage("INSERT INTO transcriptItems SELECT * FROM before");
    store.session.build_row_digests(TABLES, String::new()).unwrap();
    store.commit();
    let deleted = store.view().delete_vat_transcripts(&vat("v5"), Budget::Unlimited);
    store.commit();
    let kept = stored::load(store.session.read(), TABLES).unwrap().unwrap();
    assert_eq!(kept.of(&TABLES[1]), Some(&scan(store.session.read(), &TABLES[1]).unwrap()));
    assert_eq!(deleted.unwrap(), Cleanup { done: true, cleanups: 401 });
    assert_eq!((count(&store, "transcriptItems"), count(&store, "transcriptSpans")), (1, 1));
}

/// Of tables that have more than a store gives them.
#[test]
fn when_the_spans_go_without_the_items_or_these_without_them_nothing_is_committed() {
    for (table, budget) in [
        ("transcriptSpans", Budget::Unlimited),
        ("transcriptSpans", Budget::AtMost(NonZeroU64::MIN)),
        ("transcriptItems", Budget::Unlimited),
        ("transcriptItems", Budget::AtMost(NonZeroU64::MIN)),
    ] {
        let mut store = Store::of(&[("v1", "aa|bb"), ("v2", "x")]);
        store.damage(&format!(
            "CREATE TRIGGER guard BEFORE DELETE ON {table} BEGIN SELECT RAISE(ABORT, 'not this one'); END"
        ));
        store.view().delete_vat_transcripts(&vat("v1"), budget).unwrap_err();
        let refused = store.session.commit(&mut [&mut store.state]);
        let poisoned = matches!(refused, Err(CommitError::NotCommitted(SessionError::Poisoned { .. })));
        assert!(poisoned, "{table}, {budget:?}: {refused:?}");
    }
}

#[test]
fn others_rows_are_not_written_again_for_items_that_were_pruned() {
    let mut store = Store::new(dropping());
    for name in ["v1", "v5"] {
        store.view().init_transcript(&vat(name)).unwrap();
    }
    store.add("v1", &["x"; 100]);
    for _ in 0..400 {
        store.add("v5", &["an item"]);
    }
    store.view().rollover_span(&vat("v5")).unwrap();
    store.add("v5", &["an item"]);
    store.commit();
    assert_eq!(count(&store, "transcriptItems"), 101);
    let before = changes(&store);
    store.view().delete_vat_transcripts(&vat("v5"), Budget::Unlimited).unwrap();
    assert_eq!(changes(&store) - before, 3);
}

#[test]
fn a_table_is_emptied_from_256_rows_on() {
    for (items, emptied) in [(255, false), (256, true)] {
        let mut store = Store::of(&[("v1", "xyz"), ("v5", "")]);
        store.add("v5", &vec!["an item"; items]);
        store.commit();
        let before = changes(&store);
        store.view().delete_vat_transcripts(&vat("v5"), Budget::Unlimited).unwrap();
        let others = if emptied { 2 * 3 } else { 0 };
        assert_eq!(changes(&store) - before, items as i64 + 1 + others, "{items}");
    }
}

#[test]
fn others_rows_of_more_than_is_held_stay_where_they_are() {
    let long = "x".repeat(1 << 20);
    for (items, stay) in [(31, false), (33, true)] {
        let mut store = Store::of(&[("v1", ""), ("v5", "")]);
        store.add("v1", &vec![&*long; items]);
        (0..400).for_each(|_| store.add("v5", &["an item"]));
        store.commit();
        let before = changes(&store);
        store.view().delete_vat_transcripts(&vat("v5"), Budget::Unlimited).unwrap();
        // The vat's items and its span; and, where the table was emptied, the others out and in again.
        let expected = if stay { 401 } else { 401 + 2 * items as i64 };
        assert_eq!(changes(&store) - before, expected, "{items}");
        store.commit();
        assert_eq!((count(&store, "transcriptItems"), store.findings()), (items as i64, vec![]));
    }
}

/// A later release, or somebody else's, may add one: the other columns are all that is asked for.
#[test]
fn a_column_of_others_rows_that_no_store_has_keeps_what_it_says() {
    for table in ["transcriptItems", "transcriptSpans"] {
        let mut store = with_400_spans(&[("v1", "x"), ("v5", "")]);
        store.damage(&format!("ALTER TABLE {table} ADD COLUMN extra"));
        store.damage(&format!("UPDATE {table} SET extra = 'kept' WHERE vatID = 'v1'"));
        store.view().delete_vat_transcripts(&vat("v5"), Budget::Unlimited).unwrap();
        store.commit();
        let extra =
            store.session.read().all(&format!("SELECT extra FROM {table}"), [], |row| row.get::<_, Option<String>>(0));
        assert_eq!(extra.unwrap(), [Some("kept".to_owned())]);
    }
}

/// The same store, after this was done to `bare`, a table of the rows of the items that has none of their indexes.
fn past_the_index(store: &Store, sql: &str) -> Store {
    let image = store.session.serialize().unwrap();
    let mut db = Connection::open_in_memory().unwrap();
    db.deserialize_read_exact("main", &image[..], image.len(), false).unwrap();
    db.execute_batch(&format!(
        "CREATE TABLE bare (vatID TEXT, position INTEGER, item TEXT, incarnation INTEGER);
        CREATE TEMP TABLE own AS SELECT rootpage FROM sqlite_schema WHERE name = 'bare';
        PRAGMA writable_schema = ON;
        UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'transcriptItems')
        WHERE name = 'bare';
        PRAGMA writable_schema = RESET;
        {sql};
        PRAGMA writable_schema = ON;
        UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM own) WHERE name = 'bare';
        PRAGMA writable_schema = RESET"
    ))
    .unwrap();
    Store::from_image(Some(db.serialize("main").unwrap().to_vec()), Default::default())
}

#[test]
fn others_rows_that_the_index_does_not_lead_to_are_not_lost() {
    let store = with_400_spans(&[("v1", "x"), ("v5", "")]);
    let mut store = past_the_index(&store, "INSERT INTO bare VALUES ('v1', 1, 'y', 0)");
    let error = store.view().delete_vat_transcripts(&vat("v5"), Budget::Unlimited).unwrap_err();
    let unindexed = matches!(error, TranscriptError::Session(SessionError::Unindexed { table: "transcriptItems" }));
    assert!(unindexed, "{error}");
    let refused = store.session.commit(&mut [&mut store.state]);
    assert!(matches!(refused, Err(CommitError::NotCommitted(SessionError::Poisoned { .. }))), "{refused:?}");
}

/// SQLite lets nothing more be written in a transaction that found damage.
#[test]
fn damage_found_among_others_rows_is_told_as_what_it_was() {
    let store = with_400_spans(&[("v1", "xy"), ("v5", "")]);
    let mut store = past_the_index(&store, "DELETE FROM bare WHERE vatID = 'v1' AND position = 0");
    let error = store.view().delete_vat_transcripts(&vat("v5"), Budget::Unlimited).unwrap_err();
    let found_by = |error: &TranscriptError| match error {
        TranscriptError::Session(SessionError::Corrupt { statement, .. }) => statement.clone(),
        error => panic!("{error:?}"),
    };
    assert!(found_by(&error).contains("vatID < ?1"), "{error}");
    let refused = store.session.commit(&mut [&mut store.state]);
    assert!(matches!(refused, Err(CommitError::NotCommitted(SessionError::Poisoned { .. }))), "{refused:?}");
}
