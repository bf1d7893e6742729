//! The rows against their digest: sound, damaged, or written since by somebody who does not keep it.

use std::path::PathBuf;

use swing_core::RowDigests;
use swing_core::session::Pinned;
use swing_export::{DigestVerdict, digest_verdict};

use crate::common::{SUBSTORES, alter, destroy, found, publish, tables, verified};

/// A store with a digest of its rows.
fn digested() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("swingstore.sqlite");
    publish("worked-example", &path, RowDigests::Keep).close().unwrap();
    (dir, path)
}

/// As a bit that flips changes rows: no trigger runs, and what counts them is not told.
fn damage(path: &std::path::Path, sql: &str) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false).unwrap();
    connection.execute_batch(sql).unwrap();
}

#[test]
fn a_store_as_it_was_committed_agrees_in_all_its_rows() {
    let (_dir, path) = digested();
    let report = verified(&path, None);
    let connection = rusqlite::Connection::open(&path).unwrap();
    let count = |table: &str| {
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, u64>(0)).unwrap()
    };
    let rows = count("kvStore") + count("snapshots") + count("transcriptSpans") + count("bundles");
    assert!(rows > 4, "{rows}");
    assert_eq!((report.row_digests, report.findings), (DigestVerdict::Agrees { rows }, vec![]));
}

#[test]
fn a_changed_row_is_damage_and_told_with_its_table() {
    let (_dir, path) = digested();
    damage(&path, "UPDATE kvStore SET value = value || 'x' WHERE key = 'vat.names'");
    let pinned = Pinned::open(&path, &tables()).unwrap();
    let (verdict, findings) = digest_verdict(pinned.read(), SUBSTORES).unwrap();
    assert_eq!(verdict, DigestVerdict::Contradicts { by_damage: true });
    let [finding] = &findings[..] else { panic!("{findings:?}") };
    assert_eq!(finding.what, "kvStore");
    let said = "its rows are damaged: they are not those that were committed: ";
    assert!(finding.problem.starts_with(said), "{}", finding.problem);
    // The verification says the same.
    let report = verified(&path, None);
    assert_eq!((&report.row_digests, &report.findings), (&verdict, &findings));
}

#[test]
fn rows_that_cannot_be_read_are_damage_if_the_digest_is_up_to_date() {
    let (_dir, path) = digested();
    let (_other, outdated) = digested();
    alter(&outdated, "UPDATE kvStore SET value = 'other' WHERE key = 'vat.names'");
    for (path, by_damage) in [(path, true), (outdated, false)] {
        destroy(&path, "bundles");
        let report = verified(&path, None);
        assert_eq!(report.row_digests, DigestVerdict::Contradicts { by_damage });
        assert!(report.findings.iter().any(|finding| finding.what == "bundles"), "{:?}", report.findings);
    }
}

#[test]
fn another_program_that_commits_a_block_leaves_the_digest_out_of_date() {
    let (_dir, path) = digested();
    alter(&path, "UPDATE kvStore SET value = 'other' WHERE key = 'vat.names'");
    // Nothing tells of a block, so somebody has had a hand in it.
    let report = verified(&path, None);
    assert_eq!(report.row_digests, DigestVerdict::Contradicts { by_damage: false });
    let said = "rows were written by a program that does not keep the digest, but not in a block";
    assert!(found(&report.findings)[0].1.starts_with(said), "{:?}", report.findings);

    alter(&path, "UPDATE kvStore SET value = 'ff' WHERE key = 'activityhash'");
    let report = verified(&path, None);
    let DigestVerdict::OutOfDate { since } = &report.row_digests else { panic!("{report:?}") };
    assert!(since.starts_with("activityhash "), "{since}");
    assert_eq!(report.findings, []);
}

#[test]
fn a_missing_trigger_is_told_when_rows_have_changed_outside_a_block() {
    let (_dir, path) = digested();
    damage(&path, "DROP TRIGGER rowDigest_kvStore_update");
    // Which alone is no reason to doubt rows that agree.
    let report = verified(&path, None);
    assert!(matches!(report.row_digests, DigestVerdict::Agrees { .. }), "{report:?}");
    damage(&path, "UPDATE kvStore SET value = 'other' WHERE key = 'vat.names'");
    let report = verified(&path, None);
    assert_eq!(report.row_digests, DigestVerdict::Contradicts { by_damage: false });
    let said = "its rows are not those that were committed, and a trigger that tells of other writers is missing: ";
    assert!(found(&report.findings)[0].1.starts_with(said), "{:?}", report.findings);
    damage(&path, "UPDATE kvStore SET value = 'ff' WHERE key = 'activityhash'");
    assert!(matches!(verified(&path, None).row_digests, DigestVerdict::OutOfDate { .. }));
}

#[test]
fn a_digest_that_is_none_contradicts_every_row() {
    let (_dir, path) = digested();
    damage(&path, "UPDATE rowDigests SET lanes = x'00' WHERE id = 1");
    let report = verified(&path, None);
    assert_eq!(report.row_digests, DigestVerdict::Contradicts { by_damage: false });
    assert_eq!(report.findings[0].what, "row digests");
}

#[test]
fn the_triggers_that_guard_a_digest_are_no_strange_objects_but_others_are() {
    let (_dir, path) = digested();
    assert_eq!(verified(&path, None).findings, []);
    damage(&path, "CREATE TRIGGER t AFTER INSERT ON kvStore BEGIN DELETE FROM kvStore; END");
    assert_eq!(found(&verified(&path, None).findings)[0].0, "trigger \"t\"");
}

#[test]
fn a_digest_is_told_with_the_block_that_it_is_of() {
    let (_dir, path) = digested();
    let connection = rusqlite::Connection::open(&path).unwrap();
    let witness: String = connection.query_row("SELECT witness FROM rowDigestState", [], |row| row.get(0)).unwrap();
    let hash: String =
        connection.query_row("SELECT value FROM kvStore WHERE key = 'activityhash'", [], |row| row.get(0)).unwrap();
    assert_eq!(witness, format!("activityhash {hash}"));
}
