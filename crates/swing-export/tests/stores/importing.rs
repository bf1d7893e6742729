//! What an import takes in, asks for and tells.

use swing_core::ArtifactMode;
use swing_export::{EmptyExport, ImportError, ImportOptions, ImportReport, Target, import};

use crate::common::{SUBSTORES, Source, dataset, import_in_memory, options, told};

#[test]
fn an_import_tells_its_stages_records_and_artifacts_in_order() {
    let mut steps = Vec::new();
    let source = dataset("worked-example", "archival");
    let options = options(ArtifactMode::Archival);
    let imported = import(&source, Target::Memory, SUBSTORES, options, &mut |step| steps.push(told(step))).unwrap();
    let artifacts = source.artifact_names().map(|name| {
        let bytes = std::io::copy(&mut source.artifact(name).unwrap(), &mut std::io::sink()).unwrap();
        format!("{name}: {bytes}")
    });
    let mut expected = vec!["records".to_owned(), "7 records".to_owned(), "artifacts".to_owned()];
    expected.extend(artifacts);
    expected.push("completeness".to_owned());
    assert_eq!(steps, expected);
    assert_eq!(imported.report(), ImportReport { records: 7, taken: 4, skipped: 0, bytes: 178 });
}

#[test]
fn many_records_are_told_of_once_in_1024() {
    let records = (0..2500).map(|at| (format!("kv.k{at:04}"), Some(String::new()))).collect();
    let source = Source { records, ..Source::default() };
    let mut steps = Vec::new();
    let options = options(ArtifactMode::Operational);
    let _ = import(&source, Target::Memory, SUBSTORES, options, &mut |step| steps.push(told(step))).unwrap();
    assert_eq!(steps[..4], ["records", "1024 records", "2048 records", "2500 records"]);
}

#[test]
fn what_the_mode_has_no_use_for_is_counted_and_not_asked_for() {
    let source = Source::of("archival", "archival");
    let imported = import_in_memory(&source, options(ArtifactMode::Operational)).unwrap();
    assert_eq!(imported.report(), ImportReport { records: 26, taken: 6, skipped: 10, bytes: 6800 });
    assert_eq!(source.asked.borrow().len(), 6);
    assert!(!source.asked.borrow().contains(&"transcript.v1.0.7".to_owned()));
}

#[test]
fn the_last_word_on_a_key_counts_and_every_word_is_counted() {
    let mut source = Source::of("worked-example", "operational");
    for value in [Some("first"), None, Some("second"), None] {
        source.records.push(("kv.odd".to_owned(), value.map(str::to_owned)));
    }
    let mut imported = import_in_memory(&source, options(ArtifactMode::Operational)).unwrap();
    assert_eq!(imported.report().records, 11);
    let rows = imported.session().read().one("SELECT count(*) FROM kvStore WHERE key = 'odd'", [], |row| row.get(0));
    assert_eq!(rows.unwrap(), Some(0));
}

#[test]
fn an_import_into_memory_is_a_store_once_it_is_published() {
    let imported = import_in_memory(&dataset("worked-example", "operational"), options(ArtifactMode::Operational));
    let session = imported.unwrap().publish(&mut []).unwrap();
    assert!(!session.is_open() && session.keeps_row_digests());
    let spans = session.read().one("SELECT count(*) FROM transcriptSpans", [], |row| row.get(0)).unwrap();
    assert_eq!(spans, Some(2));
}

#[test]
fn without_a_record_there_is_nothing_to_import_unless_that_is_meant() {
    let nothing = Source::default();
    let refused = import_in_memory(&nothing, options(ArtifactMode::Operational)).err().unwrap();
    assert!(matches!(refused, ImportError::Empty), "{refused}");
    let accepted = ImportOptions { empty: EmptyExport::Accepted, ..options(ArtifactMode::Operational) };
    let imported = import_in_memory(&nothing, accepted).unwrap();
    assert_eq!(imported.report(), ImportReport::default());
}

#[test]
fn a_limit_on_the_whole_import_is_to_the_byte() {
    let source = Source::of("worked-example", "archival");
    let total = 178;
    let with = |total| import_in_memory(&source, ImportOptions { total, ..options(ArtifactMode::Archival) });
    assert_eq!(with(total).unwrap().report().bytes, total);
    assert_eq!(with(total + 1).unwrap().report().bytes, total);
    // One byte less, and so little that the very first artifact is past it: each is told by its name.
    let (first, last) = (&source.artifacts[0].0, &source.artifacts[3].0);
    for (total, culprit) in [(total - 1, last), (3, first), (0, first)] {
        match with(total).err().unwrap() {
            ImportError::TooLong { limit, name } => assert_eq!((limit, &name), (total, culprit)),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn what_is_not_read_does_not_count_towards_the_limit() {
    let source = Source::of("archival", "archival");
    let options = ImportOptions { total: 6800, ..options(ArtifactMode::Operational) };
    assert_eq!(import_in_memory(&source, options).unwrap().report().bytes, 6800);
}

#[test]
fn unless_told_otherwise_sixteen_tebibytes_and_five_seconds_are_enough() {
    let ImportOptions { total, empty, patience, .. } = ImportOptions::default();
    assert_eq!((total, empty, patience.as_secs()), (17_592_186_044_416, EmptyExport::Refused, 5));
}
