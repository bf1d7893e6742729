//! Importing: what an export gives, and what records may say.

use swing_core::ArtifactMode::{self, Archival, Debug, Operational, Replay};
use swing_core::substore::Offered::{self, Repeated, Skipped, Taken};
use swing_core::{Digest, Position};
use swing_transcript::{extend, initial_hash};

use crate::common::Store;

fn several() -> Store {
    Store::of(&[("v2", "aa|b^cc|d"), ("v10", "x"), ("v1", "e|f."), ("v3", "g|.")])
}

#[test]
fn an_import_of_everything_is_the_same_store() {
    let store = several();
    let (records, artifacts) = store.export(Debug);
    let (copy, offered) = Store::import(Debug, &records, &artifacts).unwrap();
    assert!(offered.iter().all(|offered| *offered == Taken));
    assert_eq!(copy.export(Debug), (records, artifacts));
    assert_eq!(copy.findings(), [""; 0]);
    let rows = |store: &Store, sql| {
        let row = |row: &rusqlite::Row<'_>| (0..6).map(|at| row.get::<_, rusqlite::types::Value>(at)).collect();
        store.session.read().all::<Vec<_>>(sql, [], row).unwrap()
    };
    for sql in [
        "SELECT vatID, startPos, endPos, hash, isCurrent, incarnation FROM transcriptSpans ORDER BY 1, 2",
        "SELECT vatID, position, item, incarnation, 0, 0 FROM transcriptItems ORDER BY 1, 2",
    ] {
        assert_eq!(rows(&store, sql), rows(&copy, sql));
    }
}

#[test]
fn each_mode_takes_what_it_needs_and_reads_nothing_else() {
    let (records, artifacts) = several().export(Debug);
    let taken = |mode: ArtifactMode| -> Vec<String> {
        let (copy, offered) = Store::import(mode, &records, &artifacts).unwrap();
        assert_eq!(copy.gaps(mode.completeness()), []);
        assert_eq!((copy.findings(), copy.records().len()), (vec![], records.len()));
        let names = artifacts.iter().zip(offered).filter(|(_, offered)| *offered == Taken);
        names.map(|((name, _), _)| name.clone()).collect()
    };
    let all: Vec<_> = artifacts.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(taken(Operational), ["transcript.v10.0.1", "transcript.v2.5.6"]);
    assert_eq!(taken(Replay), ["transcript.v10.0.1", "transcript.v2.3.5", "transcript.v2.5.6"]);
    assert_eq!((taken(Archival), taken(Debug)), (all.clone(), all));
}

#[test]
fn what_a_mode_has_no_use_for_is_not_read() {
    struct Untouchable;
    impl std::io::Read for Untouchable {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            panic!("read")
        }
    }
    use swing_core::substore::{Limits, Substore as _};
    let (records, _) = several().export(Operational);
    let mut store = Store::new(Default::default());
    let mut import = swing_transcript::TranscriptSubstore.import(Replay, Limits::default());
    let mut db = store.session.write().unwrap();
    for (key, value) in &records {
        import.record(&mut db, key, value.as_deref()).unwrap();
    }
    import.records_done(&mut db).unwrap();
    for name in ["transcript.v2.0.2", "transcript.v1.1.2", "transcript.v3.1.1"] {
        assert_eq!(import.artifact(&mut db, name, &mut Untouchable).unwrap(), Skipped);
    }
}

#[test]
fn items_keep_their_exact_bytes() {
    let odd = ["", " ", "\t", "\r", "a\r", "\u{feff}a", "a\u{2028}", "\0", "é ", "\u{10ffff}"];
    let mut store = Store::of(&[("v1", "")]);
    store.add("v1", &odd);
    store.commit();
    let (records, artifacts) = store.export(Operational);
    let (mut copy, _) = Store::import(Operational, &records, &artifacts).unwrap();
    assert_eq!(copy.items("v1", None).unwrap(), odd);
}

/// Found by the fuzz target `transcript_lines`: a list of records gave up at positions of 2^31 and more.
#[test]
fn spans_far_along_a_transcript_are_exported_again() {
    for start in [(1 << 31) - 1, 1 << 31, (1 << 53) - 3] {
        let records = [record(start, "ab", true, 0)];
        let artifacts = [(format!("transcript.v1.{start}.{}", start + 2), b"a\nb\n".to_vec())];
        let (copy, _) = Store::import(Debug, &records, &artifacts).unwrap();
        assert_eq!(copy.export(Debug), (records.to_vec(), artifacts.to_vec()));
    }
}

/// A record of a span of `v1` whose items are one letter each.
fn record(start: u64, items: &str, current: bool, incarnation: u64) -> (String, Option<String>) {
    let hash = items.chars().fold(initial_hash(), |hash, item| extend(hash, &item.to_string()));
    let end = start + items.len() as u64;
    let (slot, flag) = if current { ("current".to_owned(), 1) } else { (start.to_string(), 0) };
    let text = format!(
        r#"{{"vatID":"v1","startPos":{start},"endPos":{end},"hash":"{hash}","isCurrent":{flag},"incarnation":{incarnation}}}"#
    );
    (format!("transcript.v1.{slot}"), Some(text))
}

fn import(records: &[(String, Option<String>)]) -> Result<Vec<(u64, u64, bool, u64)>, String> {
    match Store::import(Operational, records, &[]) {
        Ok((mut store, _)) => Ok(store.spans("v1")),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn the_last_word_on_a_key_counts() {
    let (key, _) = record(0, "a", false, 0);
    let log = [
        record(0, "x", true, 0),
        record(0, "a", false, 0),
        record(1, "b", true, 0),
        record(1, "bb", true, 0),
        (key.clone(), Some("nonsense".to_owned())),
        record(0, "a", false, 0),
    ];
    assert_eq!(import(&log).unwrap(), [(0, 1, false, 0), (1, 3, true, 0)]);
    let mut gone = log.to_vec();
    gone.push((key, None));
    gone.push(("transcript.v7.current".to_owned(), None));
    assert_eq!(import(&gone).unwrap(), [(1, 3, true, 0)]);
}

#[test]
fn both_forms_of_a_closed_spans_key_are_read_as_one() {
    let (key, value) = record(0, "ab", false, 0);
    let longer = ("transcript.v1.0.2".to_owned(), value.clone());
    assert_eq!(import(std::slice::from_ref(&longer)).unwrap(), [(0, 2, false, 0)]);
    assert_eq!(import(&[longer, (key, None)]).unwrap(), []);
    let error = import(&[("transcript.v1.0.3".to_owned(), value)]).unwrap_err();
    assert!(error.contains("the key does not agree with the metadata"), "{error}");
}

#[test]
fn legal_histories_are_taken() {
    let max = Position::MAX.get();
    for records in [
        vec![],
        vec![record(0, "", true, 0)],
        vec![record(7, "ab", false, 3), record(9, "", true, 3)],
        vec![record(7, "ab", false, 3), record(9, "", false, 3)],
        vec![record(0, "a", false, 0), record(1, "b", false, 2), record(2, "c", true, 2)],
        vec![record(2, "c", true, 2), record(1, "b", false, 2), record(0, "a", false, 0)],
        vec![record(max, "", true, max)],
    ] {
        assert_eq!(import(&records).map(|spans| spans.len()), Ok(records.len()), "{records:?}");
    }
}

#[test]
fn histories_that_contradict_themselves_are_refused() {
    for (records, why) in [
        (vec![record(0, "ab", false, 0), record(1, "c", true, 0)], "it overlaps the span before it, from 0 to 2"),
        (vec![record(0, "a", false, 0), record(2, "c", true, 0)], "there is no span from 1"),
        (vec![record(0, "a", false, 1), record(1, "c", true, 0)], "incarnation 0 after incarnation 1"),
        (vec![record(0, "a", true, 0), record(1, "c", false, 0)], "it overlaps the span before it, from 1 to 2"),
        (vec![record(1, "", false, 0), record(1, "a", true, 0)], "it overlaps the span before it, from 1 to 1"),
        (vec![record(1, "", false, 0), record(1, "", true, 0)], "it overlaps the span before it, from 1 to 1"),
    ] {
        let error = import(&records).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn records_that_contradict_their_keys_are_refused() {
    let (_, closed) = record(0, "ab", false, 0);
    let (_, current) = record(0, "ab", true, 0);
    for (key, value) in [
        ("transcript.v1.1", &closed),
        ("transcript.v2.0", &closed),
        ("transcript.v1.current", &closed),
        ("transcript.v1.0", &current),
        ("transcript.v1.0.2", &current),
        ("transcript.v2.current", &current),
    ] {
        let error = import(&[(key.to_owned(), value.clone())]).unwrap_err();
        assert!(error.contains("the key does not agree with the metadata"), "{key}: {error}");
    }
}

#[test]
fn keys_and_texts_that_are_none_are_refused() {
    let (key, value) = record(0, "ab", false, 0);
    let value = value.unwrap();
    for bad in ["transcript.v1", "transcript.v1.0.2.3", "transcript.v1.00", "transcript..0", "snapshot.v1.5", "kv.a"] {
        assert!(import(&[(bad.to_owned(), Some(value.clone()))]).is_err(), "{bad}");
    }
    for bad in [
        String::new(),
        "null".to_owned(),
        value.replace("\"isCurrent\":0", "\"isCurrent\":false"),
        value.replace("\"endPos\":2", "\"endPos\":2.0"),
        value.replace("\"startPos\":0", "\"startPos\":-1"),
        value.replace("\"incarnation\":0", "\"incarnation\":null"),
        value.replace("v1", "v.1"),
        value.replace(':', ": "),
        value.replace("\"endPos\":2", "\"endPos\":9007199254740992"),
    ] {
        assert!(import(&[(key.clone(), Some(bad.clone()))]).is_err(), "{bad}");
    }
    let empty = record(0, "", true, 0);
    let forged = empty.1.unwrap().replace(&initial_hash().to_string(), &Digest::of(b"").to_string());
    let error = import(&[(empty.0, Some(forged))]).unwrap_err();
    assert!(error.contains("an empty span with the hash of another"), "{error}");
}

#[test]
fn an_artifact_needs_a_record_and_comes_once() {
    let (records, artifacts) = several().export(Debug);
    let offer = |name: &str, times: usize| -> Result<Vec<Offered>, String> {
        let bytes = artifacts.iter().find(|(known, _)| known == name).map(|(_, bytes)| bytes.clone());
        let offered = vec![(name.to_owned(), bytes.unwrap_or_default()); times];
        Store::import(Debug, &records, &offered).map(|(_, offered)| offered).map_err(|error| error.to_string())
    };
    assert_eq!(offer("transcript.v2.0.2", 1).unwrap(), [Taken]);
    assert_eq!(offer("transcript.v2.0.2", 3).unwrap(), [Taken, Repeated, Repeated]);
    for name in ["transcript.v2.0.1", "transcript.v2.1.2", "transcript.v9.0.0", "snapshot.v2.1", "bundle.b0-0"] {
        assert_eq!(offer(name, 1).unwrap_err(), format!("artifact {name:?} has no export record"));
    }
    for name in ["transcript.v2.0", "transcript.v2..2", "transcript.v2.0x0.2", "transcript.v2. 0 .2", "transcript"] {
        assert!(offer(name, 1).is_err(), "{name}");
    }
}
