//! One commit as records and artifacts, and the records that a repair adds.

use std::io::Read as _;

use swing_core::ArtifactMode;
use swing_core::session::{Location, OpenOptions, Session};
use swing_export::{ExportError, ExportSource, Exporter, RepairError, RepairReport, gaps, repair};

use crate::common::{Fails, SUBSTORES, Source, alter, import_in_memory, options, store, tables};

fn exporter(path: &std::path::Path, mode: ArtifactMode) -> Exporter {
    Exporter::open(path, SUBSTORES, mode).unwrap()
}

#[test]
fn what_is_exported_is_what_the_reference_exports_and_can_be_imported() {
    for (mode, word) in [(ArtifactMode::Operational, "operational"), (ArtifactMode::Debug, "debug")] {
        let (_dir, path) = store("archival");
        let exporter = exporter(&path, mode);
        assert_eq!(exporter.mode(), mode);
        let expected = Source::of("archival", word);
        let records: Vec<_> = exporter.records().unwrap().map(Result::unwrap).collect();
        assert_eq!(records, expected.records);
        let names: Vec<_> = ExportSource::artifact_names(&exporter).unwrap().map(Result::unwrap).collect();
        assert_eq!(names, expected.artifacts.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>());
        for (name, bytes) in &expected.artifacts {
            let mut read = Vec::new();
            ExportSource::artifact(&exporter, name).unwrap().read_to_end(&mut read).unwrap();
            assert_eq!(read, *bytes, "{name}");
        }
        let report = import_in_memory(&exporter, options(mode)).unwrap().report();
        assert_eq!((report.records, report.taken), (26, names.len() as u64));
        exporter.close().unwrap();
    }
}

#[test]
fn records_by_key_are_all_records_in_the_order_of_their_bytes() {
    let (_dir, path) = store("archival");
    let exporter = exporter(&path, ArtifactMode::Operational);
    let by_key: Vec<_> = exporter.export_data_by_key().map(Result::unwrap).collect();
    let mut sorted: Vec<_> = exporter.export_data().map(Result::unwrap).collect();
    assert_ne!(by_key, sorted);
    sorted.sort();
    assert_eq!(by_key, sorted);
}

#[test]
fn only_keys_of_the_host_can_be_asked_for() {
    let (_dir, path) = store("archival");
    let exporter = exporter(&path, ArtifactMode::Operational);
    assert_eq!(exporter.host_kv("host.height").unwrap().as_deref(), Some("5"));
    assert_eq!(exporter.host_kv("host.nothing").unwrap(), None);
    for key in ["activityhash", "hos", ""] {
        let error = exporter.host_kv(key).unwrap_err();
        assert!(matches!(&error, ExportError::NotHostKey { key: told } if told == key), "{error}");
    }
}

#[test]
fn names_of_no_substore_or_no_artifact_are_refused() {
    let (_dir, path) = store("worked-example");
    let exporter = exporter(&path, ArtifactMode::Operational);
    let error = exporter.artifact("colour.blue").err().unwrap();
    assert!(matches!(&error, ExportError::UnknownTag { name } if name == "colour.blue"), "{error}");
    assert!(matches!(exporter.artifact("transcript.v9.0.1").err().unwrap(), ExportError::Substore(_)));
}

#[test]
fn a_store_that_lacks_something_says_what_except_for_debugging() {
    let (_dir, path) = store("pruned");
    assert!(exporter(&path, ArtifactMode::Operational).artifact_names().is_ok());
    let archival = exporter(&path, ArtifactMode::Archival);
    let error = archival.artifact_names().err().unwrap();
    let ExportError::Incomplete { mode: ArtifactMode::Archival, gaps: missing } = &error else { panic!("{error}") };
    assert!(missing.len() > 1);
    let said = error.to_string();
    assert!(said.starts_with(&format!("the store is not complete for archival mode: {} (", missing[0].what)), "{said}");
    assert!(said.ends_with(&format!(", and {} more", missing.len() - 1)), "{said}");
    assert!(exporter(&path, ArtifactMode::Debug).artifact_names().is_ok());
    assert_eq!(gaps(archival.read(), SUBSTORES, ArtifactMode::Debug).unwrap(), []);
    assert_eq!(&gaps(archival.read(), SUBSTORES, ArtifactMode::Archival).unwrap(), missing);
}

#[test]
fn a_single_gap_is_told_without_a_count() {
    let (_dir, path) = store("worked-example");
    alter(&path, "DELETE FROM transcriptItems WHERE position >= 3");
    let exporter = exporter(&path, ArtifactMode::Operational);
    let error = exporter.artifact_names().err().unwrap();
    let ExportError::Incomplete { gaps, .. } = &error else { panic!("{error}") };
    assert_eq!(gaps.len(), 1);
    assert!(error.to_string().ends_with(')'), "{error}");
}

/// A store that lost the records of its old spans and unused snapshots.
fn forgetful() -> (tempfile::TempDir, Session) {
    let (dir, path) = store("archival");
    alter(&path, "DELETE FROM snapshots WHERE inUse IS NULL; DELETE FROM transcriptSpans WHERE isCurrent IS NULL");
    (dir, Session::open(Location::File(path), &OpenOptions::default(), &tables()).unwrap())
}

#[test]
fn a_repair_counts_what_it_adds_and_what_agrees_and_commits_nothing() {
    let (_dir, mut session) = forgetful();
    let source = Source::of("archival", "operational");
    // Five snapshots that are not in use, ten spans that are not current.
    assert_eq!(repair(&mut session, SUBSTORES, &source).unwrap(), RepairReport { added: 15, agreed: 8 });
    assert!(session.is_open());
    assert_eq!(repair(&mut session, SUBSTORES, &source).unwrap(), RepairReport { added: 0, agreed: 23 });
}

/// The failure is such that nothing can be rolled back after it.
#[test]
fn a_repair_that_the_database_fails_says_how() {
    let (dir, path) = store("archival");
    alter(&path, "DELETE FROM transcriptSpans WHERE isCurrent IS NULL");
    alter(&path, "CREATE TRIGGER odd AFTER INSERT ON transcriptSpans BEGIN INSERT INTO gone VALUES (1); END");
    let mut session = Session::open(Location::File(path), &OpenOptions::default(), &tables()).unwrap();
    let error = repair(&mut session, SUBSTORES, &Source::of("archival", "operational")).unwrap_err();
    assert!(matches!(error, RepairError::Substore(_)), "{error}");
    assert!(swing_core::error_chain(&error).contains("no such table: main.gone"), "{error:?}");
    assert!(session.commit(&mut []).is_err());
    drop((session, dir));
}

#[test]
fn a_repair_that_fails_changes_nothing() {
    let count = |session: &Session| {
        session.read().one("SELECT count(*) FROM transcriptSpans", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let (_dir, mut session) = forgetful();
    let mut wrong = Source::of("archival", "operational");
    let current = wrong.records.iter_mut().find(|(key, _)| key == "transcript.v2.current").unwrap();
    current.1 = current.1.as_ref().map(|text| text.replace("\"endPos\":107", "\"endPos\":108"));
    assert!(matches!(repair(&mut session, SUBSTORES, &wrong), Err(RepairError::Substore(_))));
    assert_eq!(count(&session), Some(3));

    let mut strange = Source::of("archival", "operational");
    strange.records.push(("colour.blue".to_owned(), Some(String::new())));
    assert!(matches!(repair(&mut session, SUBSTORES, &strange), Err(RepairError::UnknownKey { .. })));
    let failing = Source { fails: Fails::AfterTheRecords, ..Source::of("archival", "operational") };
    assert!(matches!(repair(&mut session, SUBSTORES, &failing), Err(RepairError::Source(_))));
    assert_eq!(count(&session), Some(3));
}
