//! Writers that do not keep the digest: it is out of date, known to be, and never taken up again by itself.

use swing_export::DigestVerdict;
use swing_store::prelude::*;
use swing_store::{RowDigests, exporter};

use crate::common::{alter, assert_agrees, block, judged, open, options};

/// What a block of other software does at least.
const BLOCK: &str = "BEGIN;
    UPDATE kvStore SET value = 'other' WHERE key = 'key1';
    UPDATE kvStore SET value = '9' WHERE key = 'host.height';
    COMMIT;";

fn store(blocks: u64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    (1..=blocks).for_each(|height| block(&mut store, height));
    store.close().unwrap();
    dir
}

#[track_caller]
fn assert_out_of_date(dir: &std::path::Path, height: u64) {
    let (verdict, findings) = judged(dir);
    let DigestVerdict::OutOfDate { since } = &verdict else { panic!("{verdict:?} {findings:?}") };
    assert!(since.starts_with(&format!("block height {height}, activityhash ")), "{since}");
    assert_eq!(findings, [], "it is no damage");
}

#[test]
fn a_block_of_other_software_makes_the_digest_out_of_date_and_is_no_damage() {
    let dir = store(2);
    alter(dir.path(), BLOCK);
    assert_out_of_date(dir.path(), 2);
    // And so it stays: what we write now is not added to what is wrong.
    let mut store = open(dir.path());
    assert!(!store.keeps_row_digests());
    block(&mut store, 10);
    assert_out_of_date(dir.path(), 2);
    store.build_row_digests().unwrap();
    assert!(store.keeps_row_digests());
    store.host().commit().unwrap();
    assert_agrees(dir.path());
    block(&mut store, 11);
    store.close().unwrap();
    assert_agrees(dir.path());
    assert!(open(dir.path()).keeps_row_digests());
}

#[test]
fn every_kind_of_change_to_every_table_is_noticed() {
    for sql in [
        "INSERT INTO kvStore VALUES ('new', '')",
        "DELETE FROM kvStore WHERE key = 'key2'",
        "UPDATE transcriptSpans SET incarnation = 7 WHERE startPos = 0",
        "DELETE FROM transcriptSpans WHERE startPos = 0",
        "INSERT INTO snapshots (vatID, snapPos, hash) VALUES ('v9', 1, '')",
        "UPDATE snapshots SET inUse = NULL",
        "DELETE FROM bundles",
        "INSERT OR REPLACE INTO bundles SELECT bundleID, 'x' FROM bundles LIMIT 1",
    ] {
        let dir = store(2);
        alter(dir.path(), sql);
        let store = open(dir.path());
        assert!(!store.keeps_row_digests(), "{sql}");
        // No block has that height, so somebody has had a hand in it.
        let (verdict, findings) = judged(dir.path());
        assert_eq!(verdict, DigestVerdict::Contradicts { by_damage: false }, "{sql}");
        assert_eq!(findings.len(), 1, "{sql}: {findings:?}");
        assert!(
            findings[0].problem.contains("by a program that does not keep the digest, but not in a block"),
            "{findings:?}"
        );
    }
}

#[test]
fn another_writer_between_two_blocks_is_noticed_at_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    block(&mut store, 1);
    // Cached, so that the row's old content would be taken from memory.
    store.kernel().kv().get("key1").unwrap();
    alter(dir.path(), BLOCK);
    store.kernel().kv().set("key1", "ours").unwrap();
    assert!(!store.keeps_row_digests());
    store.host().commit().unwrap();
    assert_out_of_date(dir.path(), 1);
    assert_eq!(store.kernel().kv().get("key1").unwrap().as_deref(), Some("ours"));
}

#[test]
fn a_store_of_ours_that_ignores_the_digest_is_such_a_writer() {
    let dir = store(1);
    let mut store = Store::open(dir.path(), options(RowDigests::Ignore)).unwrap();
    block(&mut store, 2);
    store.close().unwrap();
    assert_out_of_date(dir.path(), 1);
}

#[test]
fn a_store_of_other_software_has_no_digest_until_one_is_built() {
    let dir = store(1);
    alter(
        dir.path(),
        "DROP TABLE rowDigests; DROP TABLE rowDigestState;
        DROP TRIGGER rowDigest_kvStore_insert; DROP TRIGGER rowDigest_kvStore_update;",
    );
    assert_eq!(judged(dir.path()).0, DigestVerdict::Absent);
    let mut store = open(dir.path());
    assert!(!store.keeps_row_digests());
    store.build_row_digests().unwrap();
    // Abandoned, it was never there.
    store.close().unwrap();
    assert_eq!(judged(dir.path()).0, DigestVerdict::Absent);
    let mut store = open(dir.path());
    store.build_row_digests().unwrap();
    store.host().commit().unwrap();
    assert_agrees(dir.path());
    block(&mut store, 2);
    assert_agrees(dir.path());
}

#[test]
fn a_digest_without_its_triggers_is_not_taken_up() {
    let dir = store(1);
    alter(dir.path(), "DROP TRIGGER rowDigest_bundles_delete");
    let mut store = open(dir.path());
    assert!(!store.keeps_row_digests());
    store.build_row_digests().unwrap();
    store.host().commit().unwrap();
    store.close().unwrap();
    assert!(open(dir.path()).keeps_row_digests());
}

#[test]
fn a_digest_that_is_none_or_of_a_later_release_is_left_alone_and_told() {
    for (sql, said) in [
        ("UPDATE rowDigestState SET version = 3", "version 3; this release knows version 2"),
        ("DELETE FROM rowDigestState", "not one state"),
        ("UPDATE rowDigests SET lanes = x'00' WHERE id = 1", "\"kvStore\" is none"),
        ("UPDATE rowDigests SET lanes = 'text' WHERE id = 1", "rowDigests"),
        ("DELETE FROM rowDigests WHERE id = 2", "of other tables"),
        ("DROP TABLE rowDigests", "rowDigests has other columns"),
    ] {
        let dir = store(1);
        alter(dir.path(), sql);
        let (verdict, findings) = judged(dir.path());
        assert_eq!(verdict, DigestVerdict::Contradicts { by_damage: false }, "{sql}");
        assert!(findings.iter().any(|finding| finding.problem.contains(said)), "{sql}: {findings:?}");
        assert!(!open(dir.path()).keeps_row_digests(), "{sql}");
    }
}

#[test]
fn a_reader_that_is_there_while_we_write_sees_the_digest_of_its_own_commit() {
    let dir = store(1);
    let pinned = exporter(dir.path(), swing_core::ArtifactMode::Debug).unwrap();
    let mut store = open(dir.path());
    block(&mut store, 2);
    let (verdict, findings) = swing_export::digest_verdict(pinned.read(), swing_store::SUBSTORES).unwrap();
    assert!(matches!(verdict, DigestVerdict::Agrees { .. }), "{findings:?}");
}
