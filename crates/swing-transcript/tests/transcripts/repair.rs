//! Span records that a store has lost come back from export data.

use swing_core::substore::Repaired::{self, Added, Agreed};
use swing_core::substore::Substore as _;
use swing_transcript::TranscriptSubstore;

use crate::common::Store;

fn repair(store: &mut Store, key: &str, value: &str) -> Result<Repaired, String> {
    let mut db = store.session.write().unwrap();
    TranscriptSubstore.repair(&mut db, key, value).map_err(|error| error.to_string())
}

#[test]
fn records_that_are_there_agree_and_lost_ones_are_added_in_any_order() {
    let mut store = Store::of(&[("v1", "aa|b^cc|d"), ("v2", "x|.")]);
    let records = store.records();
    for (key, value) in &records {
        assert_eq!(repair(&mut store, key, value), Ok(Agreed));
    }
    for order in [vec![0, 1, 2, 3, 4, 5], vec![5, 4, 3, 2, 1, 0], vec![3, 0, 5, 2, 4, 1]] {
        store.damage("DELETE FROM transcriptSpans");
        for at in order {
            assert_eq!(repair(&mut store, &records[at].0, &records[at].1), Ok(Added));
        }
        assert_eq!((store.records(), store.findings()), (records.clone(), vec![]));
        store.commit();
    }
}

#[test]
fn the_longer_form_of_a_key_is_read_too() {
    let mut store = Store::of(&[("v1", "aa|b")]);
    let (key, value) = store.records().remove(0);
    assert_eq!(key, "transcript.v1.0");
    assert_eq!(repair(&mut store, "transcript.v1.0.2", &value), Ok(Agreed));
    assert!(repair(&mut store, "transcript.v1.0.3", &value).is_err());
    assert!(repair(&mut store, "transcript.v1.current", &value).is_err());
    assert!(repair(&mut store, "transcript.v2.0", &value).is_err());
    assert!(repair(&mut store, "kv.a", &value).is_err());
    assert!(repair(&mut store, &key, "{}").is_err());
}

#[test]
fn a_record_that_contradicts_the_store_is_refused() {
    let mut store = Store::of(&[("v1", "aa|b^cc|d")]);
    let records = store.records();
    let (key, value) = &records[1];
    let (other, _) = Store::of(&[("v1", "aa|c")]).records().remove(1);
    assert_eq!(other, "transcript.v1.current");
    for changed in [
        value.replace("\"incarnation\":0", "\"incarnation\":1"),
        value.replace("\"endPos\":3", "\"endPos\":4"),
        value.replace("\"hash\":\"", "\"hash\":\"0").replacen("0\",\"isCurrent", "\",\"isCurrent", 1),
    ] {
        if changed != *value {
            let error = repair(&mut store, key, &changed).unwrap_err();
            assert!(error.contains("metadata mismatch") || error.contains("export record"), "{error}");
        }
    }
    let as_current = value.replace("\"isCurrent\":0", "\"isCurrent\":1");
    let error = repair(&mut store, "transcript.v1.current", &as_current).unwrap_err();
    assert!(error.contains("metadata mismatch: the store has {"), "{error}");
    assert_eq!(store.records(), records);
}

#[test]
fn a_record_that_does_not_fit_its_neighbours_is_refused() {
    let mut store = Store::of(&[("v1", "aa|b^cc|d")]);
    let records = store.records();
    store.damage("DELETE FROM transcriptSpans WHERE startPos IN (2, 3)");
    let b = &records[1].1;
    for (key, changed, order) in [
        ("transcript.v1.1", b.replace("\"startPos\":2", "\"startPos\":1"), "after the closed span from 0 to 2"),
        ("transcript.v1.2", b.replace("\"endPos\":3", "\"endPos\":6"), "before the current span from 5 to 6"),
        ("transcript.v1.2", b.replace("\"incarnation\":0", "\"incarnation\":2"), "before the current span from 5"),
        ("transcript.v1.6", b.replace("2,\"endPos\":3", "6,\"endPos\":7"), "after the current span from 5 to 6"),
        ("transcript.v1.current", b.replace("\"isCurrent\":0", "\"isCurrent\":1"), "before the current span"),
    ] {
        let error = repair(&mut store, key, &changed).unwrap_err();
        assert!(error.contains(&format!("it cannot come {order}")), "{key}: {error}");
    }
    store.damage("UPDATE transcriptSpans SET incarnation = 9 WHERE startPos = 0");
    let error = repair(&mut store, "transcript.v1.2", b).unwrap_err();
    assert!(error.contains("it cannot come after the closed span from 0 to 2, incarnation 9"), "{error}");
}
