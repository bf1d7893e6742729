//! Deleting what a vat leaves behind.

use swing_core::roles::TranscriptStore as _;
use swing_core::{Budget, Cleanup};

use crate::common::{Store, vat};

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
