//! Sources, archives, disks and rows that fail.

use std::error::Error as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use swing_core::roles::SnapStore as _;
use swing_core::session::{Location, OpenOptions};
use swing_core::{Digest, Session};

use super::*;
use crate::SnapOptions;
use crate::codec::{CodecError, MEMBER_LEN};
use crate::schema::{TABLES, TABLES_1A};
use crate::testing::{Failing, Store, TestArchive, Untouchable, options, position, vat};

fn save(store: &mut Store, at: u64, source: &mut dyn Read) -> Result<SnapshotSaved, SnapError> {
    store.snapshots().save_snapshot(&vat("v1"), position(at), source)
}

#[test]
fn a_source_that_fails_changes_nothing() {
    for tables in [TABLES, TABLES_1A] {
        let archive = TestArchive::default();
        let mut store = Store::new(tables, SnapOptions { archive: Some(Box::new(archive.clone())), ..options() });
        store.save("v1", 2, b"old");
        store.exports();
        let before = store.rows();
        for at in [0, 1, MEMBER_LEN, 3 * MEMBER_LEN + 1] {
            let error = save(&mut store, 9, &mut Failing(at)).unwrap_err();
            assert!(
                matches!(&error, SnapError::Source { source: CodecError::Source { read, .. }, .. } if *read == at as u64)
            );
            assert_eq!(error.to_string(), "snapshot.v1.9 could not be taken in");
        }
        assert_eq!((store.rows(), store.exports()), (before, vec![]));
        assert_eq!(archive.0.lock().unwrap().given.len(), 1);
        assert_eq!(store.load("v1").unwrap(), b"old");
        save(&mut store, 9, &mut &b"new"[..]).unwrap();
    }
}

#[test]
fn an_archive_that_fails_changes_nothing() {
    let archive = TestArchive::default();
    let mut store = Store::new(TABLES, SnapOptions { archive: Some(Box::new(archive.clone())), ..options() });
    store.save("v1", 2, b"old");
    store.exports();
    let before = store.rows();
    archive.0.lock().unwrap().closed = true;
    let error = save(&mut store, 9, &mut &b"new"[..]).unwrap_err();
    assert_eq!(error.to_string(), "snapshot.v1.9 could not be archived");
    assert_eq!(error.source().unwrap().to_string(), "the shelf is full");
    assert_eq!((store.rows(), store.exports()), (before, vec![]));
    archive.0.lock().unwrap().closed = false;
    save(&mut store, 9, &mut &b"new"[..]).unwrap();
    store.session.commit(&mut [&mut store.state]).unwrap();
}

#[test]
fn a_store_that_cannot_be_written_neither_reads_the_source_nor_archives() {
    let dir = tempfile::tempdir().unwrap();
    let location = Location::File(dir.path().join("s.sqlite"));
    Session::open(location.clone(), &OpenOptions::default(), TABLES).unwrap().close().unwrap();
    let read_only = OpenOptions { read_only: true, ..OpenOptions::default() };
    let mut store = Store::new(TABLES, options());
    store.session = Session::open(location, &read_only, TABLES).unwrap();
    assert!(matches!(save(&mut store, 9, &mut Untouchable), Err(SnapError::Session(SessionError::ReadOnly))));
    assert!(store.snapshots().snapshot_info(&vat("v1")).unwrap().is_none());
}

#[test]
fn a_full_disk_poisons_and_nothing_uncommitted_is_believed() {
    let dir = tempfile::tempdir().unwrap();
    let location = Location::File(dir.path().join("s.sqlite"));
    let open = || Session::open(location.clone(), &OpenOptions::default(), TABLES).unwrap();
    let mut store = Store::new(TABLES, options());
    store.session = open();
    store.save("v1", 2, b"old");
    store.session.commit(&mut [&mut store.state]).unwrap();
    let pages: i64 = store.session.read().one("PRAGMA page_count", [], |row| row.get(0)).unwrap().unwrap();
    store.session.read().one(&format!("PRAGMA max_page_count={}", pages + 2), [], |_| Ok(())).unwrap();

    let noise = crate::testing::noise(100_000);
    let error = save(&mut store, 9, &mut &noise[..]).unwrap_err();
    assert!(matches!(error, SnapError::Session(SessionError::Full { .. })), "{error:?}");
    assert_eq!(store.snapshots().snapshot_info(&vat("v1")).unwrap().unwrap().position, position(2));
    let error = save(&mut store, 9, &mut Untouchable).unwrap_err();
    assert!(matches!(error, SnapError::Session(SessionError::Poisoned { .. })), "{error:?}");
    assert!(store.session.commit(&mut [&mut store.state]).is_err());

    drop(store.session);
    store.session = open();
    store.state = SnapState::new(options());
    assert_eq!(store.load("v1").unwrap(), b"old");
    save(&mut store, 9, &mut &noise[..]).unwrap();
}

#[test]
fn a_damaged_snapshot_is_never_loaded_as_a_good_one() {
    let raw = crate::testing::noise(3000);
    let mut store = Store::keeping(Retention::InUse);
    store.save("v1", 2, &raw);
    let gzip = store.snapshots().dump(crate::Extent::All).unwrap()[&vat("v1")][0].compressed.clone().unwrap();
    let mut put = |bytes: &[u8]| {
        store.session.write().unwrap().run("UPDATE snapshots SET compressedSnapshot = ?1", [bytes]).unwrap();
        store.load("v1")
    };
    for at in (0..gzip.len()).step_by(7) {
        let mut damaged = gzip.clone();
        damaged[at] ^= 0x10;
        // Some bits of a gzip header mean nothing: then the content is as it was.
        assert!(put(&damaged).is_err_and(|error| error.starts_with("snapshot.v1.2")) || at < 20, "{at}");
    }
    for bad in [&gzip[..gzip.len() - 1], &[&gzip[..], b"junk"].concat(), b"", b"not gzip at all"] {
        assert_eq!(put(bad), Err("snapshot.v1.2 is damaged".to_owned()));
    }
    assert_eq!(put(&gzip), Ok(raw));
}

#[test]
fn other_bytes_than_the_saved_ones_are_told_in_the_originals_words() {
    let mut store = Store::keeping(Retention::InUse);
    store.save("v1", 2, b"heap");
    let (actual, expected) = (Digest::of(b"heap"), Digest::of(b"another"));
    store.sql(&format!("UPDATE snapshots SET hash = '{expected}'"));
    store.state = SnapState::new(options());
    let told = format!("snapshot.v1.2: actual hash \"{actual}\" !== expected \"{expected}\"");
    assert_eq!(store.load("v1"), Err(told));
}

fn bomb(len: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let zeros = [0; 1 << 16];
    (0..len / zeros.len()).for_each(|_| encoder.write_all(&zeros).unwrap());
    encoder.finish().unwrap()
}

#[test]
fn a_bomb_stops_at_the_recorded_size() {
    let mut store = Store::keeping(Retention::InUse);
    store.save("v1", 2, b"heap");
    let sql = "UPDATE snapshots SET compressedSnapshot = ?1";
    store.session.write().unwrap().run(sql, [bomb(256 << 20)]).unwrap();
    let mut reader = store.snapshots().load_snapshot(&vat("v1")).unwrap();
    let mut given = Vec::new();
    let error = reader.read_to_end(&mut given).unwrap_err();
    assert!(given.len() <= 4, "{}", given.len());
    let error = error.get_ref().unwrap();
    assert_eq!(error.to_string(), "snapshot.v1.2 is damaged");
    assert_eq!(error.source().unwrap().to_string(), "snapshot is longer than 4 bytes");
}

#[test]
fn a_reader_dropped_early_leaves_a_store_that_works() {
    let raw = crate::testing::noise(2 << 20);
    let mut store = Store::keeping(Retention::InUse);
    store.save("v1", 2, &raw);
    drop(store.snapshots().load_snapshot(&vat("v1")).unwrap());
    let mut reader = store.snapshots().load_snapshot(&vat("v1")).unwrap();
    reader.read_exact(&mut [0; 100]).unwrap();
    drop(reader);
    // A reader owns what it reads: the store may change under it.
    let mut reader = store.snapshots().load_snapshot(&vat("v1")).unwrap();
    reader.read_exact(&mut [0; 1]).unwrap();
    store.save("v1", 9, b"new");
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    assert!(rest == raw[1..]);
    assert_eq!(store.load("v1").unwrap(), b"new");
}

#[test]
fn a_row_of_wrong_types_is_an_error_and_no_panic() {
    for damage in ["hash = 'x'", "snapPos = -1", "uncompressedSize = -5", "uncompressedSize = 'many'", "hash = NULL"] {
        let mut store = Store::keeping(Retention::InUse);
        store.save("v1", 2, b"heap");
        store.sql(&format!("UPDATE snapshots SET {damage}"));
        store.state = SnapState::new(options());
        assert!(matches!(
            store.snapshots().load_snapshot(&vat("v1")).map(drop),
            Err(SnapError::Session(SessionError::Corrupt { .. }))
        ));
        assert!(store.snapshots().snapshot_info(&vat("v1")).is_err());
        assert!(save(&mut store, 9, &mut &b"new"[..]).is_err());
    }
}
