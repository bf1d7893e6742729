//! Taking in records and artifacts of others, and repairing.

use std::io::Read;

use proptest::prelude::*;
use swing_core::session::Table;
use swing_core::substore::{Import, Offered};

use super::*;
use crate::schema::{TABLES, TABLES_1A};
use crate::testing::{Failing, Store, Untouchable, options};
use crate::{Retention, SnapOptions};

/// An import into an empty store in memory.
struct Taking {
    store: Store,
    import: Box<dyn Import>,
}

impl Taking {
    fn new(tables: &[Table], mode: ArtifactMode, limits: Limits) -> Self {
        let store = Store::new(tables, SnapOptions { keep: Retention::All, ..options() });
        Self { store, import: SnapSubstore::default().import(mode, limits) }
    }

    fn record(&mut self, key: &str, value: Option<&str>) -> Result<(), SubstoreError> {
        self.import.record(&mut self.store.session.write().unwrap(), key, value)
    }

    fn done(&mut self) -> Result<(), SubstoreError> {
        self.import.records_done(&mut self.store.session.write().unwrap())
    }

    fn artifact(&mut self, name: &str, source: &mut dyn Read) -> Result<Offered, SubstoreError> {
        self.import.artifact(&mut self.store.session.write().unwrap(), name, source)
    }
}

fn text(vat: &str, at: u64, raw: &[u8], in_use: u8) -> String {
    let hash = Digest::of(raw);
    format!(r#"{{"vatID":"{vat}","snapPos":{at},"hash":"{hash}","inUse":{in_use}}}"#)
}

/// v1: in use 5 and unused 2; v2: unused 7.
fn records() -> Vec<(String, String)> {
    vec![
        ("snapshot.v1.5".to_owned(), text("v1", 5, b"five", 1)),
        ("snapshot.v1.current".to_owned(), "snapshot.v1.5".to_owned()),
        ("snapshot.v1.2".to_owned(), text("v1", 2, b"two", 0)),
        ("snapshot.v2.7".to_owned(), text("v2", 7, b"seven", 0)),
    ]
}

fn recorded(mode: ArtifactMode) -> Taking {
    let mut taking = Taking::new(TABLES, mode, Limits { artifact: 100, ..Limits::default() });
    for (key, value) in records() {
        taking.record(&key, Some(&value)).unwrap();
    }
    taking.done().unwrap();
    taking
}

/// What an import of these records says.
fn judge(records: &[(&str, &str)]) -> Result<(), String> {
    let mut taking = Taking::new(TABLES, ArtifactMode::Operational, Limits::default());
    for (key, value) in records {
        taking.record(key, Some(value)).map_err(|error| error.to_string())?;
    }
    taking.done().map_err(|error| error.to_string())
}

#[test]
fn what_was_imported_is_exported_again() {
    for (tables, mode, names) in [
        (TABLES, ArtifactMode::Operational, &["snapshot.v1.5"][..]),
        (TABLES_1A, ArtifactMode::Archival, &["snapshot.v1.5"]),
        (TABLES_1A, ArtifactMode::Debug, &["snapshot.v1.5", "snapshot.v1.2", "snapshot.v2.7"]),
    ] {
        let mut taking = Taking::new(tables, mode, Limits::default());
        for (key, value) in records().iter().rev() {
            taking.record(key, Some(value)).unwrap();
        }
        taking.done().unwrap();
        let substore = SnapSubstore::default();
        assert_eq!(substore.gaps(taking.store.session.read(), mode.completeness()).unwrap().len(), 1);
        for (name, raw) in [("snapshot.v2.7", "seven"), ("snapshot.v1.5", "five"), ("snapshot.v1.2", "two")] {
            let expected = if names.contains(&name) { Offered::Taken } else { Offered::Skipped };
            assert_eq!(taking.artifact(name, &mut raw.as_bytes()).unwrap(), expected);
        }
        let db = taking.store.session.read();
        assert_eq!(substore.records(db).collect::<Result<Vec<_>, _>>().unwrap(), records());
        assert_eq!(substore.artifact_names(db, ArtifactMode::Debug).collect::<Result<Vec<_>, _>>().unwrap(), names);
        assert_eq!(substore.gaps(db, mode.completeness()).unwrap(), []);
        substore.verify(db, &mut |finding| panic!("{finding:?}")).unwrap();
        assert_eq!(taking.store.load("v1").unwrap(), b"five");
        assert_eq!(taking.store.exports(), [""; 0], "an import notes no changes");
    }
}

#[test]
fn the_last_word_on_a_key_counts() {
    let mut taking = Taking::new(TABLES, ArtifactMode::Operational, Limits::default());
    for (key, value) in [
        ("snapshot.v1.5", Some("nonsense that is corrected later")),
        ("snapshot.v1.2", Some(&*text("v1", 2, b"two", 1))),
        ("snapshot.v1.current", Some("snapshot.v1.2")),
        ("snapshot.v3.1", Some(&text("v3", 1, b"", 1))),
        ("snapshot.v3.1", None),
        ("snapshot.v4.1", None),
        ("snapshot.v2.7", None),
    ] {
        taking.record(key, value).unwrap();
    }
    for (key, value) in records() {
        taking.record(&key, Some(&value)).unwrap();
    }
    taking.done().unwrap();
    assert_eq!(
        SnapSubstore::default().records(taking.store.session.read()).map(Result::unwrap).collect::<Vec<_>>(),
        records()
    );
}

#[test]
fn loose_records_are_refused() {
    let good = text("v1", 5, b"five", 1);
    let current = ("snapshot.v1.current", "snapshot.v1.5");
    assert_eq!(judge(&[("snapshot.v1.5", &good), current]), Ok(()));
    assert_eq!(judge(&[]), Ok(()));
    let hash = Digest::of(b"five").to_string();
    let changed = |from: &str, to: &str| good.replace(from, to);
    for (key, value, told) in [
        // RELIABILITY.md I11: the key and its metadata.
        ("snapshot.v1.5", text("v2", 5, b"five", 1), "its text is that of \"snapshot.v2.5\""),
        ("snapshot.v1.5", text("v1", 7, b"five", 1), "its text is that of \"snapshot.v1.7\""),
        ("snapshot.v1.5.6", good.clone(), "is not of the form"),
        ("snapshot.v1", good.clone(), "is not of the form"),
        ("snapshot.v1.05", good.clone(), "is not a valid name"),
        ("snapshot.v1.5 ", good.clone(), "is not a valid name"),
        ("bundle.b0-00", good.clone(), "it is not of a snapshot"),
        // I12: types.
        ("snapshot.v1.5", changed("5", "\"5\""), "export record"),
        ("snapshot.v1.5", changed(":5", ":5.0"), "export record"),
        ("snapshot.v1.5", changed(":5", ":-1"), "export record"),
        ("snapshot.v1.5", changed(":5", ":1e300"), "export record"),
        ("snapshot.v1.5", changed(":5", ":9007199254740993"), "export record"),
        ("snapshot.v1.5", changed(&hash, ""), "export record"),
        ("snapshot.v1.5", changed(&format!("\"{hash}\""), "123"), "export record"),
        ("snapshot.v1.5", changed(":1}", ":\"false\"}"), "export record"),
        ("snapshot.v1.5", changed(":1}", ":true}"), "export record"),
        ("snapshot.v1.5", changed("}", ",\"more\":1}"), "export record"),
        ("snapshot.v1.5", changed(",", ", "), "export record"),
        ("snapshot.v1.5", String::new(), "export record"),
    ] {
        let error = judge(&[(key, &value), current]).unwrap_err();
        assert!(error.contains(told), "{key} {value}: {error}");
    }
}

#[test]
fn current_must_name_the_snapshot_in_use() {
    let (two, five) = (text("v1", 2, b"two", 1), text("v1", 5, b"five", 1));
    let unused = text("v1", 5, b"five", 0);
    let five_in_use = ("snapshot.v1.5", five.as_str());
    for (records, told) in [
        (&[five_in_use][..], "\"snapshot.v1.current\": it is missing, and snapshot.v1.5 is in use"),
        (&[("snapshot.v1.current", "snapshot.v1.5")], "the vat has no snapshot in use"),
        (&[("snapshot.v1.5", &unused), ("snapshot.v1.current", "snapshot.v1.5")], "the vat has no snapshot in use"),
        (
            &[five_in_use, ("snapshot.v1.current", "snapshot.v1.2")],
            "it is \"snapshot.v1.2\", but snapshot.v1.5 is in use",
        ),
        (&[five_in_use, ("snapshot.v1.current", "snapshot.v1.05")], "but snapshot.v1.5 is in use"),
        (&[five_in_use, ("snapshot.v1.current", "")], "but snapshot.v1.5 is in use"),
        (&[five_in_use, ("snapshot.v2.current", "snapshot.v1.5")], "the vat has no snapshot in use"),
        (
            &[("snapshot.v1.2", &two), five_in_use, ("snapshot.v1.current", "snapshot.v1.5")],
            "another snapshot in use, snapshot.v1.2",
        ),
    ] {
        let error = judge(records).unwrap_err();
        assert!(error.contains(told), "{records:?}: {error}");
    }
}

#[test]
fn an_artifact_without_use_is_not_read() {
    let mut taking = recorded(ArtifactMode::Archival);
    assert_eq!(taking.artifact("snapshot.v1.2", &mut Untouchable).unwrap(), Offered::Skipped);
    assert!(matches!(taking.artifact("snapshot.v1.3", &mut Untouchable), Err(SubstoreError::NoRecord { .. })));
    for name in ["snapshot.v1.05", "snapshot.v1.5.6", "snapshot.v1.-0", "snapshot.v1.0x5", "snapshot.v1.current"] {
        assert!(matches!(taking.artifact(name, &mut Untouchable), Err(SubstoreError::Name(_))), "{name}");
    }
    assert!(taking.artifact("transcript.v1.0.5", &mut Untouchable).is_err());
    assert_eq!(taking.artifact("snapshot.v1.5", &mut &b"five"[..]).unwrap(), Offered::Taken);
    for again in ["snapshot.v1.5", "snapshot.v1.2"] {
        assert_eq!(taking.artifact(again, &mut Untouchable).unwrap(), Offered::Repeated);
    }
}

#[test]
fn an_artifact_that_its_record_does_not_vouch_for_is_refused() {
    let before = recorded(ArtifactMode::Debug).store.rows();
    let offer = |source: &mut dyn Read| {
        let mut taking = recorded(ArtifactMode::Debug);
        let error = taking.artifact("snapshot.v1.5", source).unwrap_err();
        assert_eq!(taking.store.rows(), before);
        error
    };
    let (actual, expected) = (Digest::of(b"four"), Digest::of(b"five"));
    assert_eq!(
        offer(&mut &b"four"[..]).to_string(),
        format!("artifact \"snapshot.v1.5\": hash mismatch (expected {expected}, got {actual})")
    );
    for other in [&b""[..], b"five\n", b"fiv", b"two"] {
        assert!(matches!(offer(&mut &*other), SubstoreError::Artifact { .. }));
    }
    assert!(matches!(offer(&mut Failing(50)), SubstoreError::Io { .. }));
}

#[test]
fn an_endless_artifact_is_read_one_byte_past_the_limit() {
    struct Counting(u64);
    impl Read for Counting {
        fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
            self.0 += room.len() as u64;
            Ok(room.len())
        }
    }
    let mut source = Counting(0);
    let error = recorded(ArtifactMode::Debug).artifact("snapshot.v1.5", &mut source).unwrap_err();
    assert_eq!(error.to_string(), "artifact \"snapshot.v1.5\": snapshot is longer than 100 bytes");
    assert_eq!(source.0, 101);
}

#[test]
fn repair_adds_what_is_missing_and_agrees_with_what_is_there() {
    for tables in [TABLES, TABLES_1A] {
        let mut store = Store::new(tables, options());
        store.save("v1", 5, b"five");
        let mut repair = |key: &str, value: &str| {
            let mut writer = store.session.write().unwrap();
            SnapSubstore::default().repair(&mut writer, key, value).map_err(|error| error.to_string())
        };
        for (key, value) in &records()[..2] {
            assert_eq!(repair(key, value), Ok(Repaired::Agreed));
        }
        for (key, value) in &records()[2..] {
            assert_eq!(repair(key, value), Ok(Repaired::Added));
            assert_eq!(repair(key, value), Ok(Repaired::Agreed));
        }
        for (key, value, told) in [
            ("snapshot.v1.5", text("v1", 5, b"five", 0), "the store has {"),
            ("snapshot.v1.5", text("v1", 5, b"four", 1), "the store has {"),
            ("snapshot.v1.2", text("v1", 2, b"two", 1), "the store has {"),
            ("snapshot.v1.9", text("v1", 9, b"nine", 1), "another snapshot in use, snapshot.v1.5"),
            ("snapshot.v1.5", text("v1", 6, b"five", 1), "its text is that of"),
            ("snapshot.v1.6", text("v1", 6, b"six", 0).replace(":6", ":6.0"), "export record"),
            ("snapshot.v1.current", "snapshot.v1.2".to_owned(), "but the store has snapshot.v1.5 in use"),
            ("snapshot.v2.current", "snapshot.v2.7".to_owned(), "no snapshot of the vat in use"),
            ("snapshot.v2", String::new(), "is not of the form"),
            ("kv.snapshot", String::new(), "it is not of a snapshot"),
        ] {
            let error = repair(key, &value).unwrap_err();
            assert!(error.contains(told), "{key} {value}: {error}");
        }
        assert_eq!(store.records().len(), 4);
        assert_eq!(store.load("v1").unwrap(), b"five");
    }
}

#[test]
fn repair_cannot_add_a_snapshot_in_use_to_the_older_schema_and_says_why() {
    let repair = |tables| {
        let mut store = Store::new(tables, options());
        let (key, value) = &records()[0];
        let done = SnapSubstore::default().repair(&mut store.session.write().unwrap(), key, value);
        store.session.commit(&mut [&mut store.state]).expect("nothing is poisoned");
        done.map_err(|error| error.to_string())
    };
    assert_eq!(repair(TABLES), Ok(Repaired::Added));
    assert!(repair(TABLES_1A).unwrap_err().contains("migrate the store first"));
}

proptest! {
    #[test]
    fn any_records_and_artifacts_are_taken_whole_or_refused_without_a_panic(
        keys in prop::collection::vec(("(snapshot|kv)(\\.(v1|v2|[ -~]{0,3})){0,2}\\.(current|[0-9]{1,2})", 0..4u8, any::<bool>()), 0..8),
        offers in prop::collection::vec(("snapshot\\.v[12]\\.[0-9]{1,2}", prop::collection::vec(any::<u8>(), 0..5)), 0..4),
    ) {
        let mut taking = Taking::new(TABLES, ArtifactMode::Debug, Limits::default());
        for (key, kind, in_use) in &keys {
            let mut parts = key.split('.').skip(1);
            let (vat, at) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            let value = match kind {
                0 => None,
                1 => Some(format!("snapshot.{vat}.{at}")),
                _ => Some(text(vat, at.parse().unwrap_or(3), b"a", u8::from(*in_use))),
            };
            let _ = taking.record(key, value.as_deref());
        }
        let done = taking.done();
        let accepted = taking.store.records();
        prop_assert!(done.is_ok() || accepted.is_empty());
        for (name, raw) in offers {
            let _ = taking.artifact(&name, &mut &raw[..]);
        }
        prop_assert_eq!(taking.store.records(), accepted);
        SnapSubstore::default().verify(taking.store.session.read(), &mut |finding| panic!("{finding:?}")).unwrap();
    }
}
