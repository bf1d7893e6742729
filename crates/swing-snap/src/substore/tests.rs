//! Reading committed snapshots, sound and unsound ones.

use std::io::Read as _;

use swing_core::roles::SnapStore as _;

use super::*;
use crate::Retention;
use crate::testing::{Store, vat};

/// v1: unused 2 and in use 10; v10: in use 3; v2: unused 4 and 30. All have their bytes.
fn store() -> Store {
    let mut store = Store::keeping(Retention::All);
    for (vat, at) in [("v2", 4), ("v2", 30), ("v1", 2), ("v1", 10), ("v10", 3)] {
        store.save(vat, at, format!("heap of {vat} at {at}").as_bytes());
    }
    store.snapshots().stop_using_last_snapshot(&vat("v2")).unwrap();
    store
}

fn names(store: &Store, mode: ArtifactMode) -> Vec<String> {
    SnapSubstore::default().artifact_names(store.session.read(), mode).collect::<Result<_, _>>().unwrap()
}

fn artifact(store: &Store, name: &str) -> Result<Vec<u8>, String> {
    let mut raw = Vec::new();
    let mut reader = SnapSubstore::default().artifact(store.session.read(), name).map_err(|error| error.to_string())?;
    reader.read_to_end(&mut raw).map_err(|error| error.to_string())?;
    Ok(raw)
}

fn findings(store: &Store) -> Vec<String> {
    let mut findings = Vec::new();
    let mut found = |finding: Finding| findings.push(format!("{}: {}", finding.what, finding.problem));
    SnapSubstore::default().verify(store.session.read(), &mut found).unwrap();
    findings
}

#[test]
fn the_substore_says_who_it_is() {
    let substore = SnapSubstore::default();
    assert_eq!((substore.tag(), substore.tables()[0].name), ("snapshot", "snapshots"));
}

#[test]
fn records_come_in_the_order_of_an_export() {
    let records = store().records();
    let keys: Vec<_> = records.iter().map(|record| record.split_once('=').unwrap().0).collect();
    let in_use = ["snapshot.v1.10", "snapshot.v1.current", "snapshot.v10.3", "snapshot.v10.current"];
    assert_eq!(keys, [&in_use[..], &["snapshot.v1.2", "snapshot.v2.4", "snapshot.v2.30"]].concat());
    assert!(records[0].contains(r#""snapPos":10,"#) && records[0].ends_with(r#""inUse":1}"#));
    assert!(records[4].ends_with(r#""inUse":0}"#));
}

#[test]
fn more_records_than_fit_a_page_are_all_there_in_order() {
    let mut store = Store::keeping(Retention::All);
    store.sql(&format!(
        "WITH RECURSIVE n(i) AS (SELECT 4999 UNION ALL SELECT i - 1 FROM n WHERE i > 0)
         INSERT INTO snapshots (vatID, snapPos, inUse, hash)
         SELECT iif(i % 2, 'w' || (i / 3000), 'v' || (i / 2)), i, iif(i % 2, NULL, 1), '{}' FROM n",
        Digest::of(b"")
    ));
    let records = store.records();
    assert_eq!(records.len(), 2500 + 2 * 2500);
    let key = |record: &String| {
        let mut parts = record.split(['.', '=']).skip(1);
        (parts.next().unwrap().to_owned(), parts.next().unwrap().parse::<u64>().ok())
    };
    let (in_use, unused) = records.split_at(5000);
    assert!(in_use.chunks(2).map(|pair| key(&pair[0])).is_sorted());
    assert!(unused.iter().map(key).is_sorted());
    assert_eq!(SnapSubstore::default().gaps(store.session.read(), ArtifactMode::Archival).unwrap().len(), 2500);
}

#[test]
fn artifacts_of_unused_snapshots_are_for_debug_only() {
    let mut store = store();
    for mode in [ArtifactMode::Operational, ArtifactMode::Replay, ArtifactMode::Archival] {
        assert_eq!(names(&store, mode), ["snapshot.v1.10", "snapshot.v10.3"]);
    }
    let all = ["snapshot.v1.10", "snapshot.v10.3", "snapshot.v1.2", "snapshot.v2.4", "snapshot.v2.30"];
    assert_eq!(names(&store, ArtifactMode::Debug), all);
    store.sql("UPDATE snapshots SET compressedSnapshot = NULL WHERE vatID IN ('v10', 'v2')");
    assert_eq!(names(&store, ArtifactMode::Debug), ["snapshot.v1.10", "snapshot.v1.2"]);
}

#[test]
fn an_artifact_is_the_raw_bytes() {
    let mut store = store();
    for name in names(&store, ArtifactMode::Debug) {
        let (vat, at) = name.strip_prefix("snapshot.").unwrap().split_once('.').unwrap();
        assert_eq!(artifact(&store, &name).unwrap(), format!("heap of {vat} at {at}").as_bytes());
    }
    store.sql(&format!("UPDATE snapshots SET hash = '{}' WHERE snapPos = 3", Digest::of(b"x")));
    assert!(artifact(&store, "snapshot.v10.3").unwrap_err().starts_with("snapshot.v10.3: actual hash"));
}

#[test]
fn an_artifact_that_is_not_exactly_there_is_refused() {
    let mut store = store();
    store.sql("UPDATE snapshots SET compressedSnapshot = NULL WHERE snapPos = 2");
    for (name, told) in [
        ("snapshot.v1.11", "not available: there is no such snapshot"),
        ("snapshot.v3.2", "not available: there is no such snapshot"),
        ("snapshot.v1.2", "not available: the store has its record but not its bytes"),
        ("snapshot.v1.010", "is not a valid name"),
        ("snapshot.v1.1e1", "is not a valid name"),
        ("snapshot.v1.current", "is not a valid name"),
        ("snapshot.v1.10.0", "is not of the form"),
        ("snapshot.v1", "is not of the form"),
        ("transcript.v1.0.10", "it is not a snapshot"),
        ("", "is not of the form"),
    ] {
        let error = artifact(&store, name).unwrap_err();
        assert!(error.contains(told), "{name}: {error}");
    }
}

#[test]
fn a_snapshot_in_use_without_bytes_is_a_gap_in_all_modes_but_debug() {
    let mut store = store();
    store.sql("UPDATE snapshots SET compressedSnapshot = NULL WHERE snapPos <> 10");
    let gaps = |mode| SnapSubstore::default().gaps(store.session.read(), mode).unwrap();
    for mode in [ArtifactMode::Operational, ArtifactMode::Replay, ArtifactMode::Archival] {
        assert_eq!(gaps(mode).iter().map(|gap| gap.what.as_str()).collect::<Vec<_>>(), ["snapshot.v10.3"]);
    }
    assert_eq!(gaps(ArtifactMode::Debug), []);
}

#[test]
fn a_sound_store_has_no_findings() {
    let mut store = store();
    store.snapshots().prune_unused_snapshots().unwrap();
    store.sql(&format!("INSERT INTO snapshots (vatID, snapPos, hash) VALUES ('v5', 1, '{}')", Digest::of(b"")));
    assert_eq!(findings(&store), [""; 0]);
}

/// A table that takes anything, which only a damaged file is.
const LAWLESS: &[Table] = &[Table {
    name: "snapshots",
    columns: &["vatID"],
    create: "CREATE TABLE snapshots (vatID, snapPos, inUse, hash, uncompressedSize, compressedSize, compressedSnapshot);",
    digested: swing_core::session::Digested::Rows,
}];

fn lawless(damages: &[&str]) -> Store {
    let mut sound = store();
    let rows = sound.snapshots().list_all().unwrap();
    let dump = sound.snapshots().dump(crate::Extent::All).unwrap();
    let mut store = Store::new(LAWLESS, crate::testing::options());
    let mut writer = store.session.write().unwrap();
    for (row, dumped) in rows.into_iter().zip(dump.into_values().flatten()) {
        let sizes = (row.uncompressed_size, row.compressed_size);
        let values = (row.vat, row.position, row.in_use.then_some(1), row.hash, sizes.0, sizes.1, dumped.compressed);
        writer.run("INSERT INTO snapshots VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", values).unwrap();
    }
    for damage in damages {
        assert_eq!(writer.run(damage, []).unwrap(), 1, "{damage}");
    }
    store
}

#[test]
fn every_kind_of_damage_is_found() {
    assert_eq!(findings(&lawless(&[])), [""; 0]);
    for (damage, told) in [
        ("inUse = 0", "snapshot.v1.10: inUse is 0 (unused is NULL)"),
        ("inUse = 2", "snapshot.v1.10: inUse is 2"),
        ("inUse = 'yes'", "snapshot.v1.10: inUse is \"yes\""),
        ("vatID = 'v10'", "snapshot.v10.3: it is in use, and so is snapshot.v10.10"),
        ("vatID = 'v.1'", "snapshots row 2: vatID is \"v.1\""),
        ("vatID = NULL", "snapshots row 2: vatID is NULL"),
        ("vatID = 7", "snapshots row 2: vatID is 7"),
        ("vatID = cast(x'76ff' AS TEXT)", "snapshots row 2: vatID is text that is not UTF-8"),
        ("snapPos = -1", "snapshots row 2: snapPos is -1"),
        ("snapPos = 9007199254740992", "snapshots row 2: snapPos is 9007199254740992"),
        ("snapPos = 1.5", "snapshots row 2: snapPos is a fraction"),
        ("snapPos = '10'", "snapshots row 2: snapPos is \"10\""),
        ("snapPos = 2", "snapshot.v1.2: there is another row of the same vat and position"),
        ("hash = NULL", "snapshot.v1.10: hash is NULL"),
        ("hash = 123", "snapshot.v1.10: hash is 123"),
        ("hash = upper(hash)", "snapshot.v1.10: hash is \""),
        ("hash = 'ab'", "snapshot.v1.10: hash is \"ab\""),
        ("uncompressedSize = -1", "snapshot.v1.10: uncompressedSize is -1"),
        ("uncompressedSize = NULL", "snapshot.v1.10: uncompressedSize is absent, although the bytes are there"),
        ("uncompressedSize = 15", "snapshot.v1.10: snapshot is longer than 15 bytes"),
        ("uncompressedSize = 17", "snapshot.v1.10: snapshot is too short (expected 17 bytes, got 16)"),
        ("compressedSize = 1.5", "snapshot.v1.10: compressedSize is a fraction"),
        ("compressedSize = NULL", "snapshot.v1.10: compressedSize is absent, although the bytes are there"),
        ("compressedSize = 5", "snapshot.v1.10: compressedSize is 5, but"),
        ("compressedSnapshot = 'text'", "snapshot.v1.10: compressedSnapshot is text"),
        ("compressedSnapshot = 3", "snapshot.v1.10: compressedSnapshot is integer"),
        ("compressedSnapshot = zeroblob(compressedSize)", "snapshot.v1.10: corrupt gzip"),
        ("compressedSnapshot = x'', compressedSize = 0", "snapshot.v1.10: gzip data is cut off"),
    ] {
        let found = findings(&lawless(&[&format!("UPDATE snapshots SET {damage} WHERE rowid = 2")]));
        assert!(found.len() == 1 && found[0].contains(told), "{damage}: {found:?}");
    }
    let swapped = findings(&lawless(&[&format!("UPDATE snapshots SET hash = '{}' WHERE rowid = 3", Digest::of(b"x"))]));
    assert!(swapped[0].starts_with("snapshot.v10.3: hash mismatch (expected "), "{swapped:?}");
}

#[test]
fn a_page_of_rows_may_be_followed_by_a_single_one() {
    let mut store = lawless(&[]);
    let mut writer = store.session.write().unwrap();
    let count = "SELECT count(*) FROM snapshots";
    let rows: i64 = writer.read().one(count, [], |row| row.get(0)).unwrap().unwrap();
    let more = "WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < 1001)
        INSERT INTO snapshots (vatID, snapPos, hash) SELECT 'v77', i, ?2 FROM n";
    writer.run(more, (rows + 1, Digest::of(b""))).unwrap();
    assert_eq!(writer.read().one(count, [], |row| row.get(0)).unwrap(), Some(1001));
    assert_eq!(findings(&store), [""; 0]);
    store.session.write().unwrap().run("UPDATE snapshots SET snapPos = -1 WHERE rowid = 1001", []).unwrap();
    assert_eq!(findings(&store), ["snapshots row 1001: snapPos is -1"]);
}

#[test]
fn verifying_goes_on_after_a_finding() {
    let damages =
        ["vatID = x'00', hash = 1.5, inUse = -1", "compressedSize = 1", "inUse = 0", "snapPos = 'a'", "hash = ''"];
    let damages: Vec<_> =
        (1..).zip(damages).map(|(row, damage)| format!("UPDATE snapshots SET {damage} WHERE rowid = {row}")).collect();
    let found = findings(&lawless(&damages.iter().map(String::as_str).collect::<Vec<_>>()));
    assert_eq!(found.len(), 7, "{found:?}");
}

#[test]
fn rows_that_cannot_be_exported_are_errors_of_the_export() {
    for damage in ["vatID = NULL", "vatID = 'v.1'", "snapPos = -1", "hash = 'x'"] {
        let store = lawless(&[&format!("UPDATE snapshots SET {damage} WHERE rowid = 2")]);
        let mut records = SnapSubstore::default().records(store.session.read());
        assert!(records.any(|record| record.is_err()), "{damage}");
    }
}
