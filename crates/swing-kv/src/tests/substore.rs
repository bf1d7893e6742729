//! The table as tools see it.

use proptest::prelude::*;
use swing_core::roles::KvStore as _;
use swing_core::session::{Reader, SessionError};
use swing_core::substore::{Finding, Limits, Repaired, Substore as _, SubstoreError};
use swing_core::{ArtifactMode, Session};

use crate::{KvState, KvSubstore, Section, TABLES};

fn store<'k>(rows: impl IntoIterator<Item = (&'k str, &'k str)>) -> Session {
    let (mut session, mut state) = (Session::in_memory(TABLES).unwrap(), KvState::default());
    for (key, value) in rows {
        state.bind(&mut session).set(key, value).unwrap();
    }
    session.commit(&mut [&mut state]).unwrap();
    session
}

fn records(db: Reader<'_>) -> Vec<(String, String)> {
    KvSubstore.records(db).collect::<Result<_, _>>().unwrap()
}

fn findings(session: &Session) -> Vec<(String, String)> {
    let mut found = Vec::new();
    KvSubstore.verify(session.read(), &mut |Finding { what, problem }| found.push((what, problem))).unwrap();
    found
}

fn import(records: &[(&str, Option<&str>)]) -> Result<Session, SubstoreError> {
    let mut session = Session::in_memory(TABLES).unwrap();
    let mut import = KvSubstore.import(ArtifactMode::Operational, Limits::default());
    let mut writer = session.write()?;
    for (key, value) in records {
        import.record(&mut writer, key, *value)?;
    }
    import.records_done(&mut writer)?;
    session.commit(&mut []).unwrap();
    Ok(session)
}

#[test]
fn records_are_the_consensus_keys_in_the_order_of_their_bytes() {
    let session = store([
        ("z", "1"),
        ("", "empty key"),
        ("host.height", "17"),
        ("host/", "not the host's"),
        ("host", "2"),
        ("local.x", "3"),
        ("local/", "4"),
        ("local.", "5"),
        ("\u{10000}", "6"),
        ("\u{ffff}", ""),
        ("a\nb", "line\nfeed"),
    ]);
    let by_key: Vec<_> = KvSubstore.records_by_key(session.read()).collect::<Result<_, _>>().unwrap();
    assert_eq!(records(session.read()), by_key, "it is their order anyway");
    let keys: Vec<String> = by_key.into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["kv.", "kv.a\nb", "kv.host", "kv.host/", "kv.local/", "kv.z", "kv.\u{ffff}", "kv.\u{10000}"]);
}

#[test]
fn records_of_many_pages_are_all_there() {
    let rows: Vec<(String, String)> = (0..5_000).map(|at| (format!("{at:05}"), "x".repeat(at % 700))).collect();
    let session = store(rows.iter().map(|(key, value)| (&**key, &**value)));
    let expected = rows.iter().map(|(key, value)| (format!("kv.{key}"), value.clone()));
    assert!(records(session.read()).into_iter().eq(expected));
    let only_host = store([("host.a", ""), ("host.b", "")]);
    assert_eq!(records(only_host.read()), []);
}

#[test]
fn a_record_that_is_no_text_is_an_error_after_those_before_it() {
    let mut session = store([("a", "1"), ("b", "2"), ("d", "4")]);
    session.write().unwrap().run("INSERT INTO kvStore VALUES ('c', NULL), (x'00', '')", []).unwrap();
    let read = |session: &Session| -> Vec<_> {
        KvSubstore
            .records(session.read())
            .map(|record| record.map(|(key, _)| key).map_err(|error| error.to_string()))
            .collect()
    };
    let (a, b) = (Ok("kv.a".to_owned()), Ok("kv.b".to_owned()));
    let error = Err("export record \"kv.c\": its value is not text".to_owned());
    assert_eq!(read(&session), [a.clone(), b.clone(), error]);
    session.write().unwrap().run("DELETE FROM kvStore WHERE key = 'c'", []).unwrap();
    let found = read(&session);
    assert_eq!(found[..3], [a, b, Ok("kv.d".to_owned())]);
    assert!(found[3].is_err() && found.len() == 4, "{found:?}");
}

#[test]
fn the_host_s_values_are_read_beside_the_records_and_no_others() {
    let mut session = store([("host.height", "17"), ("host.", ""), ("local.x", "1"), ("host", "2")]);
    session.write().unwrap().run("INSERT INTO kvStore VALUES ('host.null', NULL)", []).unwrap();
    let host = |key| KvSubstore.host_value(session.read(), key);
    assert_eq!(host("host.height").unwrap().as_deref(), Some("17"));
    assert_eq!(host("host.").unwrap().as_deref(), Some(""));
    for key in ["host.absent", "local.x", "host", ""] {
        assert_eq!(host(key).unwrap(), None, "{key:?}");
    }
    assert!(matches!(host("host.null"), Err(SubstoreError::Session(SessionError::Corrupt { .. }))));
}

#[test]
fn there_are_no_artifacts_and_never_a_gap() {
    let mut session = store([("a", "1")]);
    for mode in ArtifactMode::ALL {
        assert_eq!(KvSubstore.artifact_names(session.read(), mode).count(), 0);
        assert_eq!(KvSubstore.gaps(session.read(), mode).unwrap(), []);
        for name in ["kv.a", "kv", "bundle.b0-00"] {
            assert!(matches!(KvSubstore.artifact(session.read(), name), Err(SubstoreError::NotAvailable { .. })));
            let mut import = KvSubstore.import(mode, Limits::default());
            let mut source = std::io::empty();
            let taken = import.artifact(&mut session.write().unwrap(), name, &mut source);
            assert!(matches!(taken, Err(SubstoreError::NoRecord { .. })));
        }
    }
}

#[test]
fn in_an_import_the_last_word_on_a_key_counts() {
    let session = import(&[
        ("kv.a", Some("1")),
        ("kv.b", Some("2")),
        ("kv.a", Some("3")),
        ("kv.b", None),
        ("kv.c", None),
        ("kv.d", None),
        ("kv.d", Some("4")),
        ("kv.", Some("empty")),
        ("kv.kv.host.x", Some("5")),
        ("kv.local", Some("6")),
    ]);
    let expected = [("kv.", "empty"), ("kv.a", "3"), ("kv.d", "4"), ("kv.kv.host.x", "5"), ("kv.local", "6")];
    let expected: Vec<_> = expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    assert_eq!(records(session.unwrap().read()), expected);
}

#[test]
fn an_import_refuses_keys_that_no_export_has() {
    for (key, message) in [
        ("kv.host.height", "export record \"kv.host.height\": the host's keys are not export data"),
        ("kv.local.x", "export record \"kv.local.x\": local keys are not export data"),
        ("kv.host.", "export record \"kv.host.\": the host's keys are not export data"),
        ("bundle.b0-00", "export record \"bundle.b0-00\": not a key-value pair"),
    ] {
        for value in [Some(""), None] {
            assert_eq!(import(&[(key, value)]).err().unwrap().to_string(), message);
        }
    }
    for key in ["kv", "", "KV.a", "kvStore.a", "other.a"] {
        assert!(matches!(import(&[(key, Some(""))]), Err(SubstoreError::Name(_))), "{key:?}");
    }
}

#[test]
fn verify_tells_of_every_row_that_no_store_writes() {
    let mut session = store([("good", "1"), ("", ""), ("local.x", "2")]);
    assert_eq!(findings(&session), []);
    const BAD: &str = "INSERT INTO kvStore VALUES ('null', NULL), ('blob', x'00'), ('cut', CAST(x'e282' AS TEXT)), \
        (x'00ff', 'v'), (CAST(x'ff' AS TEXT), 'v'), (NULL, NULL)";
    session.write().unwrap().run(BAD, []).unwrap();
    let expected = [
        ("kvStore key \"null\"", "its value is NULL"),
        ("kvStore key \"blob\"", "its value is of type blob and not text"),
        ("kvStore key \"cut\"", "its value is text that is not UTF-8"),
        ("kvStore row 7", "its key is of type blob and not text (x'00FF')"),
        ("kvStore row 8", "its key is text that is not UTF-8 (x'FF')"),
        ("kvStore row 9", "its key is NULL (x'')"),
        ("kvStore row 9", "its value is NULL"),
    ];
    assert_eq!(findings(&session), expected.map(|(what, problem)| (what.to_owned(), problem.to_owned())));
}

#[test]
fn a_table_that_cannot_be_read_is_an_error_and_no_finding() {
    let mut session = store([("a", "1")]);
    session.write().unwrap().run("DROP TABLE kvStore", []).unwrap();
    let verified = KvSubstore.verify(session.read(), &mut |finding| panic!("{finding:?}"));
    assert!(matches!(verified, Err(SubstoreError::Session(SessionError::Sql { .. }))), "{verified:?}");
}

#[test]
fn repair_agrees_and_changes_nothing() {
    let mut session = store([("a", "1")]);
    let mut writer = session.write().unwrap();
    for (key, value) in [("kv.a", "other"), ("kv.absent", "new")] {
        assert_eq!(KvSubstore.repair(&mut writer, key, value).unwrap(), Repaired::Agreed);
    }
    assert_eq!(records(session.read()), [("kv.a".to_owned(), "1".to_owned())]);
}

proptest! {
    #[test]
    fn what_is_exported_imports_to_the_same_records(
        rows in prop::collection::btree_map("((host|local)[./])?\\PC{0,4}", ".{0,6}", 0..40),
    ) {
        let session = store(rows.iter().map(|(key, value)| (&**key, &**value)));
        let exported = records(session.read());
        let expected = rows.iter().filter(|(key, _)| Section::of(key) == Section::Consensus);
        prop_assert!(exported.iter().map(|(key, value)| (&key[3..], value)).eq(expected.map(|(key, value)| (&**key, value))));
        let stream: Vec<_> = exported.iter().map(|(key, value)| (&**key, Some(&**value))).collect();
        prop_assert_eq!(records(import(&stream).unwrap().read()), exported);
    }
}
