//! What an exporter sees: records, names by mode, artifacts, gaps.

use swing_core::ArtifactMode::{self, Archival, Debug, Operational, Replay};
use swing_core::Digest;
use swing_core::substore::Substore as _;
use swing_transcript::TranscriptSubstore;

use crate::common::{Store, vat};

/// Two living vats, one of them upgraded, one stopped, one stopped right after a rollover.
fn several() -> Store {
    Store::of(&[("v2", "aa|b^cc|d"), ("v10", "x"), ("v1", "e|f."), ("v3", "g|.")])
}

#[test]
fn the_substore_says_who_it_is() {
    assert_eq!(TranscriptSubstore.tag(), "transcript");
    assert_eq!(TranscriptSubstore.tables().len(), 2);
}

#[test]
fn records_come_by_vat_as_text_and_start_as_number() {
    let mut store = several();
    store.add("v10", &["y"; 20]);
    for _ in 0..3 {
        store.view().rollover_all(&["v10"]);
    }
    store.commit();
    let keys: Vec<_> = store.records().into_iter().map(|(key, _)| key).collect();
    assert_eq!(
        keys,
        [
            "transcript.v1.0",
            "transcript.v1.1",
            "transcript.v10.0",
            "transcript.v10.21",
            "transcript.v10.22",
            "transcript.v10.current",
            "transcript.v2.0",
            "transcript.v2.2",
            "transcript.v2.3",
            "transcript.v2.current",
            "transcript.v3.0",
            "transcript.v3.1",
        ]
    );
}

trait RolloverAll {
    fn rollover_all(&mut self, vats: &[&str]);
}

impl RolloverAll for swing_transcript::Transcripts<'_> {
    fn rollover_all(&mut self, vats: &[&str]) {
        use swing_core::roles::TranscriptStore as _;
        for name in vats {
            self.rollover_span(&vat(name)).unwrap();
            self.add_item(&vat(name), "after").unwrap();
        }
    }
}

#[test]
fn records_of_many_spans_come_in_pages() {
    let script = "a|".repeat(2500);
    let store = Store::of(&[("v1", &script)]);
    let records = store.records();
    assert_eq!(records.len(), 2501);
    assert!(records.windows(2).all(|pair| pair[0] != pair[1]));
    assert_eq!(records[2499].0, "transcript.v1.2499");
    assert_eq!(records[2500].0, "transcript.v1.current");
}

/// Keys order positions as texts, and vats by what is before or after a dot.
#[test]
fn records_by_key_are_the_same_in_the_order_of_their_bytes() {
    let script = "a|".repeat(30);
    let mut store = Store::of(&["v1", "v10", "v1-", "v1é", "v", "w"].map(|vat| (vat, &*script)));
    let mut sorted = store.records();
    let by_key = |store: &Store| TranscriptSubstore.records_by_key(store.session.read()).collect::<Vec<_>>();
    let found: Vec<_> = by_key(&store).into_iter().map(Result::unwrap).collect();
    assert_ne!(found, sorted);
    sorted.sort();
    assert_eq!(found, sorted);
    store.damage("UPDATE transcriptSpans SET hash = 'odd' WHERE vatID = 'v10' AND startPos = 7");
    let found = by_key(&store);
    assert_eq!(found.iter().position(Result::is_err), Some(3 * 31), "after the vats v, v1- and v1");
    assert_eq!(found.len(), 3 * 31 + 1, "and that is the end");
    store.damage("UPDATE transcriptSpans SET vatID = '' WHERE vatID = 'w'");
    let found = by_key(&store);
    assert!(matches!(&*found, [Err(_)]), "{found:?}");
}

#[test]
fn an_empty_span_lacks_nothing_and_one_that_runs_backwards_does() {
    let mut store = Store::of(&[("v1", "ab|")]);
    assert_eq!(store.gaps(Archival), []);
    store.damage("UPDATE transcriptSpans SET endPos = 1 WHERE isCurrent = 1");
    let reason = "incomplete current transcript span: 0 of 0 items are there".to_owned();
    assert_eq!(store.gaps(Operational), [("transcript.v1.2.1".to_owned(), reason)]);
}

#[test]
fn names_are_those_of_the_mode() {
    let store = several();
    let current = ["transcript.v10.0.1", "transcript.v2.5.6"];
    assert_eq!(store.names(Operational), current);
    assert_eq!(store.names(Replay), ["transcript.v10.0.1", "transcript.v2.3.5", "transcript.v2.5.6"]);
    let archival =
        ["transcript.v10.0.1", "transcript.v2.0.2", "transcript.v2.2.3", "transcript.v2.3.5", "transcript.v2.5.6"];
    assert_eq!(store.names(Archival), archival);
    let mut all = vec!["transcript.v1.0.1", "transcript.v1.1.2"];
    all.extend(archival);
    all.extend(["transcript.v3.0.1", "transcript.v3.1.1"]);
    assert_eq!(store.names(Debug), all);
}

#[test]
fn debug_names_what_is_complete_and_fails_at_nothing() {
    let mut store = several();
    store.damage("DELETE FROM transcriptItems WHERE vatID = 'v2' AND position IN (0, 3)");
    store.damage("UPDATE transcriptSpans SET vatID = 'v.1' WHERE vatID = 'v1' AND startPos = 0");
    store.damage("UPDATE transcriptSpans SET startPos = 'x' WHERE vatID = 'v1'");
    store.damage("UPDATE transcriptSpans SET endPos = -1 WHERE vatID = 'v10'");
    assert_eq!(
        store.names(Debug),
        ["transcript.v2.2.3", "transcript.v2.5.6", "transcript.v3.0.1", "transcript.v3.1.1"]
    );
    assert_eq!(store.gaps(Debug), []);
}

#[test]
fn a_row_that_names_nothing_is_an_error_in_the_other_modes() {
    let mut store = several();
    store.damage("UPDATE transcriptSpans SET endPos = 0.5 WHERE vatID = 'v10'");
    let db = store.session.read();
    for mode in [Operational, Replay, Archival] {
        assert!(TranscriptSubstore.artifact_names(db, mode).any(|name| name.is_err()));
        assert!(TranscriptSubstore.gaps(db, mode).is_err());
    }
    assert_eq!(TranscriptSubstore.records(db).filter(Result::is_err).count(), 1);
}

#[test]
fn gaps_are_those_of_the_mode() {
    let mut store = several();
    for mode in ArtifactMode::ALL {
        assert_eq!(store.gaps(mode), []);
    }
    let lack = |name: &str, of: &str| (name.to_owned(), format!("incomplete {of} items are there"));
    let d = lack("transcript.v2.5.6", "current transcript span: 0 of 1");
    let c = lack("transcript.v2.3.5", "transcript span: 1 of 2");
    let b = lack("transcript.v2.2.3", "transcript span: 0 of 1");
    store.damage("DELETE FROM transcriptItems WHERE position IN (1, 2) OR vatID IN ('v1', 'v3')");
    let a = lack("transcript.v2.0.2", "transcript span: 1 of 2");
    assert_eq!((store.gaps(Operational), store.gaps(Replay)), (vec![], vec![]));
    assert_eq!(store.gaps(Archival), [a.clone(), b.clone()]);
    store.damage("DELETE FROM transcriptItems WHERE position = 4");
    assert_eq!((store.gaps(Operational), store.gaps(Replay)), (vec![], vec![c.clone()]));
    store.damage("DELETE FROM transcriptItems WHERE position = 5");
    assert_eq!((store.gaps(Operational), store.gaps(Replay)), (vec![d.clone()], vec![c.clone(), d.clone()]));
    assert_eq!(store.gaps(Archival), [a, b, c, d]);
    assert_eq!(store.gaps(Debug), []);
}

#[test]
fn a_missing_record_is_a_gap_and_an_archive_begins_at_0() {
    let mut store = several();
    store.damage("DELETE FROM transcriptSpans WHERE vatID = 'v2' AND startPos = 0");
    store.damage("DELETE FROM transcriptItems WHERE vatID = 'v2' AND position < 2");
    let late = ("transcript.v2.2.3".to_owned(), "the vat's transcript before position 2 is lost".to_owned());
    assert_eq!(store.gaps(Archival), std::slice::from_ref(&late));
    store.damage("DELETE FROM transcriptSpans WHERE vatID = 'v2' AND startPos = 3");
    assert_eq!(store.gaps(Replay), []);
    let gap = ("transcript.v2.5.6".to_owned(), "the span before it ends at 3".to_owned());
    assert_eq!(store.gaps(Archival), [late, gap]);
}

#[test]
fn an_artifact_is_named_whole() {
    let store = several();
    assert_eq!(store.artifact("transcript.v2.0.2").unwrap(), b"a\na\n");
    assert_eq!(store.artifact("transcript.v3.1.1").unwrap(), b"");
    for (name, why) in [
        ("transcript.v2.0.3", "the span ends at 2"),
        ("transcript.v2.1.2", "there is no such span"),
        ("transcript.v9.0.2", "there is no such span"),
        ("bundle.b0-1", "it is not a transcript span"),
        ("transcript.v2.0", "is not of the form"),
        ("transcript.v2.00.2", "is not a valid name"),
    ] {
        let error = store.artifact(name).unwrap_err();
        assert!(error.contains(why), "{name}: {error}");
    }
}

#[test]
fn an_artifact_that_is_not_whole_ends_in_an_error() {
    let change = |sql: &str| {
        let mut store = several();
        store.damage(sql);
        store.artifact("transcript.v2.0.2").unwrap_err()
    };
    for (sql, why) in [
        ("DELETE FROM transcriptItems WHERE vatID = 'v2' AND position = 1", "read 1 transcript entries (expected 2)"),
        ("UPDATE transcriptItems SET item = 'x' WHERE vatID = 'v2' AND position = 1", "hash mismatch"),
        ("UPDATE transcriptItems SET item = char(10) WHERE vatID = 'v2' AND position = 1", "contains a line feed"),
        ("UPDATE transcriptItems SET item = x'61' WHERE vatID = 'v2' AND position = 1", "the database is corrupt"),
        ("UPDATE transcriptItems SET position = 0.5 WHERE vatID = 'v2' AND position = 1", "the database is corrupt"),
    ] {
        let error = change(sql);
        assert!(error.starts_with(r#"artifact "transcript.v2.0.2": "#) && error.contains(why), "{sql}: {error}");
    }
    let error = change(&format!("UPDATE transcriptSpans SET hash = '{}'", Digest::of(b"")));
    assert!(error.contains("hash mismatch"), "{error}");
}

#[test]
fn the_last_chunk_of_a_wrong_artifact_is_never_given() {
    use std::io::Read as _;
    let mut store = Store::of(&[("v1", "")]);
    let text = "x".repeat(1000);
    for _ in 0..200 {
        store.add("v1", &[&text]);
    }
    store.commit();
    store.damage("UPDATE transcriptItems SET item = 'y' WHERE position = 0");
    let mut artifact = TranscriptSubstore.artifact(store.session.read(), "transcript.v1.0.200").unwrap();
    let mut given = 0;
    let mut buffer = [0; 1000];
    let error = loop {
        match artifact.read(&mut buffer) {
            Ok(0) => panic!("it ended as if it were right"),
            Ok(count) => given += count,
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("hash mismatch"));
    assert_eq!(given, 199 * 1001 + 2 - 1001);
    // Nor does it pretend to be at its end afterwards.
    assert!(artifact.read(&mut buffer).is_err());
}

#[test]
fn the_first_gap_of_a_vat_says_in_short_what_all_of_them_come_to() {
    let mut store = several();
    store.damage("DELETE FROM transcriptItems WHERE vatID = 'v2' AND position IN (1, 2, 4)");
    let in_short = |mode| {
        let gaps = TranscriptSubstore.gaps(store.session.read(), mode).unwrap();
        gaps.into_iter().map(|gap| gap.in_short).collect::<Vec<_>>()
    };
    let archival = "incomplete archival transcript: 3 vs 6".to_owned();
    assert_eq!(in_short(Archival), [Some(archival), None, None]);
    assert_eq!(in_short(Replay), [Some("incomplete current incarnation transcript: 2 items".to_owned())]);
}
