//! The new store in the place of the old: when it is moved there, what must be out of its way, and what is left behind.

use std::path::Path;

use fs_err as fs;
use swing_core::RowDigests;
use swing_core::session::{Location, LockError, OpenError, OpenOptions, Session, SessionError, SoleUse, WriterLock};
use swing_export::{Exporter, ImportError, StagingError};

use crate::common::{
    SUBSTORES, Source, dataset, exported, import_keeping, import_patiently, import_to, killed_store, names, publish,
    store, tables, verified,
};

/// The records of the two fixtures that replace each other here.
fn records(name: &str) -> crate::common::Records {
    Source::of(name, "operational").records
}

fn open(path: &Path) -> Session {
    Session::open(Location::File(path.to_owned()), &OpenOptions::default(), &tables()).unwrap()
}

#[test]
fn the_old_store_is_there_until_the_new_one_is_published() {
    let (dir, path) = store("archival");
    let imported = import_to(&dataset("worked-example", "operational"), &path).unwrap();
    assert_eq!(exported(&path), records("archival"));
    let session = imported.publish(&mut []).unwrap();
    // It holds the lock that the import took, and can write.
    assert!(matches!(WriterLock::acquire(&path), Err(LockError::HeldHere { .. })));
    assert_eq!(session.location().path().unwrap(), fs::canonicalize(&path).unwrap());
    session.close().unwrap();
    assert_eq!(exported(&path), records("worked-example"));
    assert_eq!(names(dir.path()), ["swingstore.sqlite"]);
}

#[test]
fn a_published_store_has_a_log_and_once_closed_is_one_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.sqlite");
    let session = publish("worked-example", &path, RowDigests::Ignore);
    assert_eq!(names(dir.path()), ["s.sqlite", "s.sqlite-lock", "s.sqlite-shm", "s.sqlite-wal"]);
    session.close().unwrap();
    assert_eq!(names(dir.path()), ["s.sqlite"]);
    // Where SQLite says which versions of it can write and read the file: 2 is with a log.
    assert_eq!(fs::read(&path).unwrap()[18..20], [2, 2]);
}

#[test]
fn an_import_that_is_not_published_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/er").join("swingstore.sqlite");
    let imported = import_to(&dataset("worked-example", "operational"), &path).unwrap();
    assert!(names(&dir.path().join("new/er")).contains(&"swingstore.sqlite-import".to_owned()));
    assert!(!path.exists());
    drop(imported);
    assert_eq!(names(dir.path()), [""; 0], "directories that were not there before");

    let path = dir.path().join("new").join("swingstore.sqlite");
    fs::create_dir(dir.path().join("new")).unwrap();
    drop(import_to(&dataset("worked-example", "operational"), &path).unwrap());
    assert_eq!(names(dir.path()), ["new"], "a directory that was");
    assert_eq!(names(&dir.path().join("new")), [""; 0]);
}

#[test]
fn a_directory_that_an_import_created_stays_with_the_store_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/er").join("swingstore.sqlite");
    publish("worked-example", &path, RowDigests::Ignore).close().unwrap();
    assert_eq!(names(&dir.path().join("new/er")), ["swingstore.sqlite"]);
}

#[test]
fn what_a_killed_import_left_behind_is_erased_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("swingstore.sqlite");
    for suffix in ["-import", "-import-wal", "-import-journal"] {
        fs::write(dir.path().join(format!("swingstore.sqlite{suffix}")), "half of something").unwrap();
    }
    publish("worked-example", &path, RowDigests::Ignore).close().unwrap();
    assert_eq!(names(dir.path()), ["swingstore.sqlite"]);
}

#[test]
fn a_store_that_has_a_writer_is_not_replaced() {
    let (_dir, path) = store("archival");
    let writer = open(&path);
    let error = import_to(&dataset("worked-example", "operational"), &path).err().unwrap();
    assert!(matches!(error, ImportError::Staging(StagingError::Open(OpenError::Locked(_)))), "{error:?}");
    writer.close().unwrap();
    assert_eq!(exported(&path), records("archival"));
}

#[test]
fn a_store_that_is_being_read_is_not_replaced() {
    let (dir, path) = store("archival");
    let imported = import_to(&dataset("worked-example", "operational"), &path).unwrap();
    // With something in its log that is not in its file yet, as a kernel leaves it that was killed.
    let other = rusqlite::Connection::open(&path).unwrap();
    other
        .execute_batch("PRAGMA wal_autocheckpoint = 0; UPDATE kvStore SET value = 'x' WHERE key = 'vat.names'")
        .unwrap();
    let reader = Exporter::open(&path, SUBSTORES, swing_core::ArtifactMode::Debug).unwrap();
    other.execute_batch("UPDATE kvStore SET value = 'y' WHERE key = 'vat.names'").unwrap();
    let error = imported.publish(&mut []).err().unwrap().error;
    let StagingError::TargetInUse { path: told } = &error else { panic!("{error}") };
    assert_eq!(*told, fs::canonicalize(&path).unwrap());
    drop((reader, other));
    let left = exported(&path);
    assert_eq!(left.len(), records("archival").len());
    assert!(left.contains(&("kv.vat.names".to_owned(), Some("y".to_owned()))));
    assert!(!names(dir.path()).iter().any(|name| name.contains("-import")));
}

#[cfg(unix)]
#[test]
fn a_store_is_replaced_when_nobody_is_just_opening_it() {
    let (dir, path) = store("archival");
    let imported = import_patiently(&dataset("worked-example", "operational"), &path);
    // Somebody has opened the old file and not looked for its log yet.
    let opening = fs::File::open(dir.path()).unwrap().into_file();
    opening.lock_shared().unwrap();
    std::thread::scope(|threads| {
        let publisher = threads.spawn(|| imported.publish(&mut []).unwrap().close().unwrap());
        std::thread::sleep(std::time::Duration::from_millis(200));
        let meanwhile = exported(&path);
        // First of all, since the publisher waits for it.
        opening.unlock().unwrap();
        publisher.join().unwrap();
        assert_eq!(meanwhile, records("archival"));
    });
    assert_eq!(exported(&path), records("worked-example"));
    opening.try_lock().unwrap();
}

/// As the original has it open, between two blocks.
#[test]
fn a_store_that_somebody_has_open_is_not_replaced_also_while_he_does_nothing() {
    let (dir, path) = store("archival");
    let imported = import_to(&dataset("worked-example", "operational"), &path).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    let block = |value: &str| format!("UPDATE kvStore SET value = '{value}' WHERE key = 'vat.names'");
    other.execute_batch(&format!("{}; PRAGMA wal_checkpoint(TRUNCATE)", block("x"))).unwrap();
    let refused = imported.publish(&mut []).err().unwrap();
    assert!(matches!(refused.error, StagingError::TargetInUse { .. }), "{}", refused.error);
    other.execute_batch(&block("y")).unwrap();
    drop(other);
    assert!(exported(&path).contains(&("kv.vat.names".to_owned(), Some("y".to_owned()))));
    refused.import.unwrap().into_import().publish(&mut []).unwrap().close().unwrap();
    assert_eq!(exported(&path), records("worked-example"));
    assert_eq!(names(dir.path()), ["swingstore.sqlite"]);
}

/// He comes when the old store has been closed up, and nothing but the move is left.
#[cfg(target_os = "linux")]
#[test]
fn a_store_that_somebody_opens_at_the_last_moment_is_not_replaced() {
    let (dir, path) = store("archival");
    let sole_use = SoleUse::take(&path, std::time::Duration::ZERO).unwrap().unwrap();
    if !sole_use.keeps_others_out() {
        // This system grants no leases.
        return;
    }
    drop(sole_use);
    let imported = import_to(&dataset("worked-example", "operational"), &path).unwrap();
    // The move waits for this.
    let opening = fs::File::open(dir.path()).unwrap().into_file();
    opening.lock_shared().unwrap();
    let refused = std::thread::scope(|threads| {
        let publisher = threads.spawn(|| imported.publish(&mut []).err().unwrap());
        std::thread::sleep(std::time::Duration::from_millis(300));
        let other = rusqlite::Connection::open(&path).unwrap();
        opening.unlock().unwrap();
        let refused = publisher.join().unwrap();
        drop(other);
        refused
    });
    assert!(matches!(refused.error, StagingError::TargetInUse { .. }), "{}", refused.error);
    assert_eq!(exported(&path), records("archival"));
    refused.import.unwrap().into_import().publish(&mut []).unwrap().close().unwrap();
    assert_eq!(exported(&path), records("worked-example"));
}

#[test]
fn a_store_that_is_being_written_is_not_replaced() {
    let (_dir, path) = store("archival");
    let imported = import_to(&dataset("worked-example", "operational"), &path).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE; UPDATE kvStore SET value = 'x'").unwrap();
    let error = imported.publish(&mut []).err().unwrap().error;
    assert!(matches!(error, StagingError::TargetInUse { .. }), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(exported(&path), records("archival"));
}

#[test]
fn a_store_that_is_being_written_without_a_log_is_not_replaced() {
    let (_dir, path) = store("archival");
    let imported = import_to(&dataset("worked-example", "operational"), &path).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("PRAGMA journal_mode = delete; BEGIN EXCLUSIVE; UPDATE kvStore SET value = 'x'").unwrap();
    let error = imported.publish(&mut []).err().unwrap().error;
    assert!(matches!(error, StagingError::TargetInUse { .. }), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(exported(&path), records("archival"));
}

#[test]
fn a_log_that_nobody_has_recovered_goes_with_its_store() {
    let (killed, path) = killed_store("archival", "UPDATE kvStore SET value = 'old'");
    publish("worked-example", &path, RowDigests::Ignore).close().unwrap();
    assert_eq!(exported(&path), records("worked-example"));
    assert_eq!(names(killed.path()), ["swingstore.sqlite"]);
}

#[test]
fn a_log_without_its_store_is_gone_before_the_new_store_comes() {
    for old in [None, Some("not a database at all, though long enough to be looked at as if it were one")] {
        let (dir, path) = store("archival");
        // A valid log of the old store, which SQLite would apply to the new one.
        let other = rusqlite::Connection::open(&path).unwrap();
        other.execute_batch("PRAGMA wal_autocheckpoint = 0; UPDATE kvStore SET value = 'old'").unwrap();
        let alone = tempfile::tempdir().unwrap();
        let path = alone.path().join("swingstore.sqlite");
        let log = alone.path().join("swingstore.sqlite-wal");
        fs::copy(dir.path().join("swingstore.sqlite-wal"), &log).unwrap();
        if let Some(old) = old {
            fs::write(&path, old).unwrap();
        }
        match import_to(&dataset("worked-example", "operational"), &path) {
            Ok(imported) => imported.publish(&mut []).unwrap().close().unwrap(),
            Err(error) => panic!("{old:?}: {error}"),
        }
        assert_eq!(exported(&path), records("worked-example"));
        assert_eq!(names(alone.path()), ["swingstore.sqlite"]);
    }
}

#[test]
fn a_side_file_that_cannot_be_removed_keeps_the_new_store_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("swingstore.sqlite");
    fs::create_dir(dir.path().join("swingstore.sqlite-journal")).unwrap();
    let imported = import_to(&dataset("worked-example", "operational"), &path).unwrap();
    let error = imported.publish(&mut []).err().unwrap().error;
    let StagingError::Io { what, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*what, "remove a side file of the old store");
    assert_eq!(names(dir.path()), ["swingstore.sqlite-journal"]);
}

#[cfg(unix)]
#[test]
fn a_store_behind_a_link_is_replaced_where_it_is() {
    let (dir, path) = store("archival");
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("link.sqlite");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    publish("worked-example", &link, RowDigests::Ignore).close().unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(exported(&path), records("worked-example"));
    assert_eq!(
        (names(dir.path()), names(elsewhere.path())),
        (vec!["swingstore.sqlite".into()], vec!["link.sqlite".into()])
    );
}

#[test]
fn a_strangers_database_is_not_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("swingstore.sqlite");
    crate::common::alter(&path, "CREATE TABLE recipes (title TEXT)");
    let before = fs::read(&path).unwrap();
    let error = import_to(&dataset("worked-example", "operational"), &path).err().unwrap();
    assert!(matches!(error, ImportError::Staging(StagingError::Open(OpenError::Foreign { .. }))), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(names(dir.path()), ["swingstore.sqlite"]);
}

#[test]
fn a_new_store_keeps_a_digest_of_its_rows_if_it_is_to() {
    for (row_digests, kept) in [(RowDigests::Keep, true), (RowDigests::Ignore, false)] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("swingstore.sqlite");
        let source = dataset("worked-example", "operational");
        let session = import_keeping(&source, &path, row_digests).unwrap().publish(&mut []).unwrap();
        assert_eq!(session.keeps_row_digests(), kept);
        session.close().unwrap();
        let report = verified(&path, None);
        assert_eq!(report.findings, []);
        assert_eq!(report.row_digests != swing_export::DigestVerdict::Absent, kept, "{report:?}");
    }
}

#[test]
fn a_full_disk_is_told_from_other_failures() {
    let sqlite = |code| rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
    let of_files = |code, kind: std::io::ErrorKind| {
        let write = StagingError::Write { source: sqlite(code) };
        let old = StagingError::OldStore { path: "swingstore.sqlite".into(), source: sqlite(code) };
        [write, old, StagingError::Io { what: "move the new store into place", source: kind.into() }]
    };
    let full = of_files(rusqlite::ffi::SQLITE_FULL, std::io::ErrorKind::StorageFull);
    let other = of_files(rusqlite::ffi::SQLITE_IOERR, std::io::ErrorKind::PermissionDenied);
    assert_eq!(full.map(|error| error.is_full()), [true; 3]);
    assert_eq!(other.map(|error| error.is_full()), [false; 3]);
    let row = SessionError::Full { statement: "INSERT".to_owned(), source: sqlite(rusqlite::ffi::SQLITE_FULL) };
    assert!(StagingError::Session(row).is_full() && !StagingError::Session(SessionError::ReadOnly).is_full());
}
