//! What no import takes, and in which words it says so.

use swing_core::ArtifactMode;
use swing_core::error_chain;
use swing_core::substore::SubstoreError;
use swing_export::ImportError;

use crate::common::{Fails, Source, import_in_memory, options};

fn refused(source: &Source, mode: ArtifactMode) -> ImportError {
    import_in_memory(source, options(mode)).err().unwrap()
}

fn worked_example() -> Source {
    Source::of("worked-example", "operational")
}

#[test]
fn a_failing_source_is_named_with_what_was_asked_of_it() {
    for (fails, at) in [
        (Fails::AtTheRecords, "export data"),
        (Fails::AfterTheRecords, "export data"),
        (Fails::AtTheNames, "the artifact names"),
        (Fails::AfterTheNames, "the artifact names"),
    ] {
        let error = refused(&Source { fails, ..worked_example() }, ArtifactMode::Operational);
        assert!(matches!(&error, ImportError::Source { at: asked, .. } if asked == at), "{fails:?}: {error}");
        assert_eq!(error_chain(&error), format!("the source failed at {at}: out of order"));
    }
    for fails in [Fails::AtAnArtifact, Fails::WhileReading] {
        let source = Source { fails, ..worked_example() };
        let error = refused(&source, ArtifactMode::Operational);
        let name = source.artifacts[0].0.clone();
        assert!(
            matches!(&error, ImportError::Substore(SubstoreError::Io { name: read, .. }) if *read == name),
            "{fails:?}: {error}"
        );
        assert!(error_chain(&error).ends_with("out of order"), "{}", error_chain(&error));
    }
}

#[test]
fn records_and_artifacts_of_no_substore_are_refused_by_name() {
    let mut source = worked_example();
    source.records.insert(3, ("colour.blue".to_owned(), Some("1".to_owned())));
    let error = refused(&source, ArtifactMode::Operational);
    assert!(matches!(&error, ImportError::UnknownKey { key } if key == "colour.blue"), "{error}");

    let mut source = worked_example();
    source.artifacts.insert(1, ("colour.blue".to_owned(), Vec::new()));
    let error = refused(&source, ArtifactMode::Operational);
    assert!(matches!(&error, ImportError::UnknownName { name } if name == "colour.blue"), "{error}");
}

#[test]
fn an_artifact_is_offered_once_whether_it_is_wanted_or_not() {
    for (mode, at) in [("operational", 0), ("archival", 1)] {
        let mut source = Source::of("worked-example", mode);
        let again = source.artifacts[at].clone();
        source.artifacts.push(again.clone());
        let error = refused(&source, ArtifactMode::Operational);
        assert!(matches!(&error, ImportError::Repeated { name } if *name == again.0), "{error}");
    }
}

#[test]
fn an_artifact_without_a_record_is_refused() {
    let mut source = worked_example();
    source.artifacts.push(("transcript.v7.0.3".to_owned(), Vec::new()));
    let error = refused(&source, ArtifactMode::Operational);
    assert!(matches!(&error, ImportError::Substore(SubstoreError::NoRecord { .. })), "{error}");
}

#[test]
fn what_is_missing_is_told_the_first_by_name_and_how_many_more() {
    let mut source = worked_example();
    let (name, _) = source.artifacts.remove(0);
    let error = refused(&source, ArtifactMode::Operational);
    let ImportError::Incomplete { mode, gaps } = &error else { panic!("{error}") };
    assert_eq!((*mode, gaps.len(), &gaps[0].what), (ArtifactMode::Operational, 1, &name));
    let said = error.to_string();
    assert!(said.starts_with(&format!("the import is not complete for operational mode: {name} (")), "{said}");
    assert!(said.ends_with(')'), "{said}");

    source.artifacts.clear();
    let error = refused(&source, ArtifactMode::Operational);
    assert!(error.to_string().ends_with(", and 2 more"), "{error}");
}

#[test]
fn an_import_for_debugging_need_only_be_operational() {
    let mut source = Source::of("worked-example", "archival");
    source.artifacts.retain(|(name, _)| name != "transcript.v1.0.3");
    let error = refused(&source, ArtifactMode::Archival);
    assert!(matches!(error, ImportError::Incomplete { mode: ArtifactMode::Archival, .. }), "{error}");
    assert_eq!(import_in_memory(&source, options(ArtifactMode::Debug)).unwrap().report().taken, 3);
    source.artifacts.clear();
    let error = refused(&source, ArtifactMode::Debug);
    assert!(matches!(error, ImportError::Incomplete { mode: ArtifactMode::Operational, .. }), "{error}");
}
