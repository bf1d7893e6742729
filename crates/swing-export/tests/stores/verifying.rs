//! What a verification finds, compares, counts and tells.

use swing_core::session::Pinned;
use swing_core::{ArtifactMode, error_chain};
use swing_export::{DigestVerdict, Exporter, SourceRecords, VerifyError, verify};

use crate::common::{SUBSTORES, alter, destroy, exported, found, store, tables, told, verified};

#[test]
fn a_sound_store_has_nothing_wrong_and_all_of_it_is_looked_at() {
    let (_dir, path) = store("archival");
    let report = verified(&path, None);
    assert_eq!((report.findings.len(), report.records, report.compared), (0, 26, None));
    assert_eq!(report.row_digests, DigestVerdict::Absent);
    let trusted = exported(&path);
    let report = verified(&path, Some(&trusted));
    assert_eq!((report.findings.len(), report.records, report.compared), (0, 26, Some(26)));
}

#[test]
fn a_verification_tells_its_stages_and_once_in_1024_records() {
    let (_dir, path) = store("worked-example");
    alter(
        &path,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2100)
        INSERT INTO kvStore SELECT printf('many%04d', i), '' FROM n",
    );
    let mut steps = Vec::new();
    let pinned = Pinned::open(&path, &tables()).unwrap();
    let report = verify(pinned.read(), SUBSTORES, None, &mut |step| steps.push(told(step))).unwrap();
    assert_eq!(report.records, 2107);
    let stages = ["database", "row digests", "kv", "snapshot", "transcript", "bundle", "completeness", "records"];
    assert_eq!(steps, [&stages[..], &["1024 records", "2048 records"]].concat());
}

#[test]
fn trusted_records_are_compared_both_ways_and_the_last_word_on_a_key_counts() {
    let (_dir, path) = store("worked-example");
    let mut trusted = exported(&path);
    let gone = trusted.pop().unwrap();
    trusted[0].1 = Some("other".to_owned());
    trusted.push(("kv.b".to_owned(), Some("1".to_owned())));
    trusted.push(("kv.a".to_owned(), Some("1".to_owned())));
    // Taken back, and said again differently.
    trusted.push(("kv.taken.back".to_owned(), Some("1".to_owned())));
    trusted.push(("kv.taken.back".to_owned(), None));
    let (again, value) = trusted[1].clone();
    trusted[1].1 = Some("first word".to_owned());
    trusted.push((again, value));
    let report = verified(&path, Some(&trusted));
    let absent = "is in the trusted export data and not in the store: \"1\" there";
    let (key, value) = (trusted[0].0.as_str(), exported(&path).remove(0).1.unwrap());
    assert_eq!(
        found(&report.findings),
        [
            (key, &*format!("differs from the trusted export data: {value:?} here, \"other\" there")),
            ("kv.a", absent),
            ("kv.b", absent),
            (gone.0.as_str(), &*format!("is not in the trusted export data: {:?} here", gone.1.unwrap())),
        ]
    );
    assert_eq!((report.records, report.compared, report.found()), (7, Some(8), 4));
}

#[test]
fn of_many_differences_a_hundred_of_each_kind_are_told_and_all_are_counted() {
    let (_dir, path) = store("worked-example");
    let sound = exported(&path);
    for more in [99, 100, 101, 5000] {
        let mut trusted = sound.clone();
        trusted.extend((0..more).rev().map(|at| (format!("kv.x{at:04}"), Some(String::new()))));
        trusted.push(("snapshot.v1.77".to_owned(), Some(String::new())));
        trusted.push(("gold.v1".to_owned(), Some(String::new())));
        let (key, value) = trusted.iter_mut().find(|(key, _)| key.starts_with("transcript.")).unwrap();
        let end = value.as_ref().unwrap().replacen("\"endPos\":", "\"endPos\":9", 1);
        let (key, _) = (key.clone(), value.replace(end));
        let report = verified(&path, Some(&trusted));
        let kinds: Vec<_> =
            report.differing.iter().flatten().map(|found| (found.kind, found.count, found.told)).collect();
        let told = more.min(100);
        assert_eq!(kinds[..2], [("kv", more, told), ("snapshot", 1, 1)]);
        assert_eq!(kinds[2..], [("transcript", 1, 1), ("bundle", 0, 0), ("other", 1, 1)]);
        assert_eq!((report.findings.len() as u64, report.found()), (told + 3, more + 3));
        let first: Vec<_> = (0..told).map(|at| format!("kv.x{at:04}")).collect();
        assert!(
            report.findings.iter().map(|found| &found.what).take(told as usize).eq(&first),
            "{:?}",
            report.findings
        );
        let span = report.findings.iter().find(|found| found.what == key).unwrap();
        assert!(span.problem.starts_with("differs from the trusted export data: endPos is "), "{span:?}");
        assert!(!span.problem.contains("hash"), "{span:?}");
    }
}

#[test]
fn long_values_that_differ_late_are_told_by_where_they_do() {
    let (_dir, path) = store("worked-example");
    alter(
        &path,
        "INSERT INTO kvStore VALUES ('long', printf('%.*c', 300000, 'x') || 'ours'), ('longer', printf('%.*c', 99999, 'x'))",
    );
    let mut trusted = exported(&path);
    for (key, value) in &mut trusted {
        match key.as_str() {
            "kv.long" => *value = Some("x".repeat(300_000) + "theirs"),
            "kv.longer" => *value = Some("x".repeat(100_000)),
            _ => {}
        }
    }
    let shown = format!("…{}", "x".repeat(40));
    let told = "differs from the trusted export data: from byte";
    assert_eq!(
        found(&verified(&path, Some(&trusted)).findings),
        [
            (
                "kv.long",
                &*format!(
                    "{told} 300000 on, of 300004 here and 300006 there: \"{shown}ours\" here, \"{shown}theirs\" there"
                )
            ),
            (
                "kv.longer",
                &*format!("{told} 99999 on, of 99999 here and 100000 there: \"{shown}\" here, \"{shown}x\" there")
            ),
        ]
    );
}

#[test]
fn a_kind_that_cannot_be_read_to_its_end_has_no_absent_records() {
    let (_dir, path) = store("worked-example");
    let mut trusted = exported(&path);
    trusted.push(("bundle.b0-gone".to_owned(), Some("b0-gone".to_owned())));
    alter(&path, "INSERT INTO kvStore VALUES ('a', 'mine'), ('b', CAST(x'eda080' AS TEXT))");
    let report = verified(&path, Some(&trusted));
    let broken = "export record \"kv.b\": its value is not text; so they could not be compared whole with the trusted export data";
    let of_records: Vec<_> = found(&report.findings)
        .into_iter()
        .filter(|(what, problem)| *what == "kv records" || problem.contains("trusted"))
        .collect();
    assert_eq!(
        of_records,
        [
            ("kv records", broken),
            ("kv.a", "is not in the trusted export data: \"mine\" here"),
            ("bundle.b0-gone", "is in the trusted export data and not in the store: \"b0-gone\" there"),
        ]
    );
    let kinds: Vec<_> = report.differing.iter().flatten().map(|found| (found.kind, found.count)).collect();
    assert_eq!(kinds, [("snapshot", 0), ("transcript", 0), ("bundle", 1)]);
    assert_eq!(report.found(), report.findings.len() as u64);
}

#[test]
fn the_key_of_a_trusted_span_may_tell_its_end() {
    let (_dir, path) = store("archival");
    let mut trusted = exported(&path);
    let is_closed = |key: &str| key.starts_with("transcript.") && !key.ends_with(".current");
    let (key, value) = trusted.iter_mut().find(|(key, _)| is_closed(key)).unwrap();
    let record = swing_core::SpanRecord::parse(value.as_ref().unwrap()).unwrap();
    *key = record.artifact().to_string();
    let text = value.clone();
    let key = key.clone();
    let report = verified(&path, Some(&trusted));
    assert_eq!((found(&report.findings), report.records, report.compared), (vec![], 26, Some(26)));
    // What is not spelled as a store does is another record.
    let at = trusted.iter().position(|(known, _)| *known == key).unwrap();
    trusted[at].1 = text.as_ref().map(|text| text.replacen('{', "{ ", 1));
    assert_eq!(verified(&path, Some(&trusted)).findings.len(), 2);
    trusted[at].1 = text;
    // Taken back by its longer name, too.
    trusted.push((key, None));
    let report = verified(&path, Some(&trusted));
    let [finding] = &report.findings[..] else { panic!("{:?}", report.findings) };
    assert!(finding.what == record.key().to_string() && finding.problem.starts_with("is not in the trusted"));
    // One that names another end is another key.
    trusted.pop();
    let wrong = trusted.iter_mut().find(|(key, _)| *key == record.artifact().to_string()).unwrap();
    wrong.0.push('9');
    assert_eq!(verified(&path, Some(&trusted)).findings.len(), 2);
}

#[test]
fn trusted_data_that_can_be_read_only_once_tells_less() {
    let (_dir, path) = store("worked-example");
    let mut records = exported(&path);
    records[0].1 = Some("other".to_owned());
    let once = std::cell::Cell::new(Some(records));
    let read = || Ok(Box::new(once.take().into_iter().flatten().map(Ok)) as SourceRecords<'_>);
    let pinned = Pinned::open(&path, &tables()).unwrap();
    let report = verify(pinned.read(), SUBSTORES, Some(&read), &mut |_| {}).unwrap();
    let [finding] = &report.findings[..] else { panic!("{:?}", report.findings) };
    assert!(finding.problem.starts_with("differs from the trusted export data: \""), "{finding:?}");
    assert!(finding.problem.ends_with(" here"), "{finding:?}");
}

#[test]
fn trusted_records_that_cannot_be_read_are_no_finding() {
    let (_dir, path) = store("worked-example");
    let pinned = Pinned::open(&path, &tables()).unwrap();
    let failing = || Ok(Box::new(std::iter::once(Err("out of order".into()))) as SourceRecords<'_>);
    let error = verify(pinned.read(), SUBSTORES, Some(&failing), &mut |_| {}).unwrap_err();
    assert!(matches!(error, VerifyError::Trusted(_)), "{error}");
    assert_eq!(error_chain(&error), "the trusted export data failed: out of order");
    let empty = || Ok(Box::new(std::iter::empty()) as SourceRecords<'_>);
    let error = verify(pinned.read(), SUBSTORES, Some(&empty), &mut |_| {}).unwrap_err();
    assert!(matches!(error, VerifyError::NothingTrusted), "{error}");
}

#[test]
fn what_is_missing_is_told_once() {
    let (_dir, path) = store("archival");
    alter(&path, "DELETE FROM transcriptItems WHERE vatID = 'v1' AND position >= 21");
    let problem = "incomplete current transcript span: 0 of 2 items are there";
    assert_eq!(found(&verified(&path, None).findings), [("transcript.v1.21.23", problem)]);
}

#[test]
fn what_acts_by_itself_in_a_database_is_found() {
    let (_dir, path) = store("worked-example");
    alter(&path, "CREATE TRIGGER t AFTER INSERT ON kvStore BEGIN DELETE FROM kvStore; END; CREATE VIEW v AS SELECT 1");
    let problem = "no store has one: it changes or hides what others read";
    assert_eq!(found(&verified(&path, None).findings), [("trigger \"t\"", problem), ("view \"v\"", problem)]);
}

#[test]
fn rows_that_contradict_their_hashes_or_are_missing_are_found_by_name() {
    let (_dir, path) = store("archival");
    alter(
        &path,
        "UPDATE transcriptItems SET item = 'forged' WHERE vatID = 'v1' AND position = 0;
        UPDATE snapshots SET compressedSnapshot = NULL WHERE vatID = 'v2' AND inUse = 1;",
    );
    let findings = verified(&path, None).findings;
    let names: Vec<_> = findings.iter().map(|finding| finding.what.as_str()).collect();
    assert!(names.contains(&"transcript.v1.0.7") && names.contains(&"snapshot.v2.103"), "{findings:?}");
}

#[test]
fn a_value_of_the_wrong_type_is_a_finding_and_the_rest_is_still_looked_at() {
    let (_dir, path) = store("archival");
    alter(&path, "UPDATE kvStore SET value = x'ff00' WHERE key = 'activityhash'; UPDATE bundles SET bundle = 'x'");
    let findings = verified(&path, None).findings;
    assert!(findings.iter().any(|finding| finding.what.starts_with("kv")), "{findings:?}");
    assert!(findings.iter().any(|finding| finding.what.starts_with("bundle.")), "{findings:?}");
}

#[test]
fn damage_of_the_file_is_a_finding_and_the_rest_is_still_looked_at() {
    let (_dir, path) = store("archival");
    destroy(&path, "transcriptItems");
    alter(&path, "UPDATE bundles SET bundle = 'x'");
    let findings = verified(&path, None).findings;
    for what in ["database file", "transcript", "bundle."] {
        assert!(findings.iter().any(|finding| finding.what.starts_with(what)), "no {what}: {findings:?}");
    }
}

#[test]
fn a_store_that_lacks_what_a_node_needs_is_found_out() {
    let (_dir, path) = store("worked-example");
    alter(&path, "DELETE FROM transcriptItems WHERE position >= 3");
    let findings = verified(&path, None).findings;
    assert!(findings.iter().any(|finding| finding.what.starts_with("transcript.v1.3")), "{findings:?}");
    let exporter = Exporter::open(&path, SUBSTORES, ArtifactMode::Operational).unwrap();
    assert!(exporter.artifact_names().is_err());
}
