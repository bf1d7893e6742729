//! An import that could not be put in place is still there, as long as nothing was replaced.

use std::path::Path;
use std::time::Duration;

use fs_err as fs;
use swing_core::session::{LockError, WriterLock};
use swing_core::{ArtifactMode, RowDigests, Session, error_chain};
use swing_export::{DigestVerdict, Exporter, Imported, PublishError, StagingError};

use crate::common::{
    Records, SUBSTORES, Source, dataset, exported, import_in_memory, import_keeping, import_patiently, import_to,
    killed_store, names, options, store, verified,
};

fn records(name: &str) -> Records {
    Source::of(name, "operational").records
}

/// Somebody who needs the log of the store in the file `path`, in which there is something.
struct Reader {
    _exporter: Exporter,
    _other: rusqlite::Connection,
}

impl Reader {
    fn of(path: &Path) -> Self {
        let other = rusqlite::Connection::open(path).unwrap();
        let write = |value: &str| {
            let sql =
                format!("PRAGMA wal_autocheckpoint = 0; UPDATE kvStore SET value = '{value}' WHERE key = 'vat.names'");
            other.execute_batch(&sql).unwrap();
        };
        write("x");
        let exporter = Exporter::open(path, SUBSTORES, ArtifactMode::Debug).unwrap();
        write("y");
        Self { _exporter: exporter, _other: other }
    }
}

/// The import that a failure gives back, which somebody who reads is to blame for.
fn in_use(published: Result<Session, PublishError<Imported, StagingError>>) -> Imported {
    let PublishError { error, import } = published.err().unwrap();
    assert!(matches!(error, StagingError::TargetInUse { .. }), "{error:?}");
    import.unwrap().into_import()
}

#[test]
fn an_import_is_published_once_its_readers_are_gone() {
    for row_digests in [RowDigests::Keep, RowDigests::Ignore] {
        let (dir, path) = store("archival");
        let imported = import_keeping(&dataset("worked-example", "operational"), &path, row_digests).unwrap();
        let reader = Reader::of(&path);
        let imported = in_use(imported.publish(&mut []));
        let mut imported = in_use(imported.publish(&mut []));
        // Made once, they are kept from then on.
        assert_eq!(imported.session().keeps_row_digests(), row_digests == RowDigests::Keep);
        assert_eq!(exported(&path).len(), records("archival").len());
        // It has kept the lock.
        assert!(matches!(WriterLock::acquire(&path), Err(LockError::HeldHere { .. })));
        drop(reader);
        let session = imported.publish(&mut []).unwrap();
        assert_eq!(session.keeps_row_digests(), row_digests == RowDigests::Keep);
        session.close().unwrap();
        assert_eq!(names(dir.path()), ["swingstore.sqlite"]);
        let report = verified(&path, Some(&records("worked-example")));
        assert_eq!(report.findings, []);
        assert_eq!(report.row_digests == DigestVerdict::Absent, row_digests == RowDigests::Ignore, "{report:?}");
        assert_eq!(fs::read(&path).unwrap()[18..20], [2, 2], "a store with a log");
    }
}

/// As long as that: without patience it would be refused at once, since whoever reads is there until it has waited.
#[test]
fn it_waits_as_long_as_it_is_told_to() {
    let (_dir, path) = store("archival");
    let imported = import_patiently(&dataset("worked-example", "operational"), &path);
    let reader = Reader::of(&path);
    let leaving = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        drop(reader);
    });
    imported.publish(&mut []).unwrap().close().unwrap();
    leaving.join().unwrap();
    assert_eq!(exported(&path), records("worked-example"));
}

#[test]
fn what_is_added_between_two_attempts_is_published_too() {
    let (_dir, path) = store("archival");
    let imported = import_keeping(&dataset("worked-example", "operational"), &path, RowDigests::Ignore).unwrap();
    let reader = Reader::of(&path);
    let mut imported = in_use(imported.publish(&mut []));
    imported.session().begin().unwrap();
    let added = imported.session().write().unwrap().run("INSERT INTO kvStore VALUES ('host.late', '1')", []);
    assert_eq!(added.unwrap(), 1);
    drop(reader);
    let session = imported.publish(&mut []).unwrap();
    let late = session.read().one("SELECT count(*) FROM kvStore WHERE key = 'host.late'", [], |row| row.get(0));
    assert_eq!(late.unwrap(), Some(1));
}

#[test]
fn an_import_that_is_given_up_after_a_failure_leaves_the_old_store_and_nothing_else() {
    let (dir, path) = store("archival");
    let imported = import_to(&dataset("worked-example", "operational"), &path).unwrap();
    let reader = Reader::of(&path);
    let imported = in_use(imported.publish(&mut []));
    assert!(names(dir.path()).contains(&"swingstore.sqlite-import".to_owned()));
    drop(imported);
    drop(reader);
    let left = exported(&path);
    assert_eq!(left.len(), records("archival").len());
    assert!(left.contains(&("kv.vat.names".to_owned(), Some("y".to_owned()))));
    assert_eq!(names(dir.path()), ["swingstore.sqlite"]);
}

#[test]
fn what_stands_in_the_way_can_be_cleared_away() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("swingstore.sqlite");
    let journal = dir.path().join("swingstore.sqlite-journal");
    fs::create_dir(&journal).unwrap();
    let imported = import_to(&dataset("worked-example", "operational"), &path).unwrap();
    let failed = imported.publish(&mut []).err().unwrap();
    assert_eq!(failed.to_string(), "could not remove a side file of the old store");
    assert!(std::error::Error::source(&failed).is_some());
    assert!(!path.exists());
    fs::remove_dir(&journal).unwrap();
    fs::create_dir(&path).unwrap();
    let failed = failed.import.unwrap().into_import().publish(&mut []).err().unwrap();
    assert_eq!(failed.to_string(), "could not move the new store into place");
    fs::remove_dir(&path).unwrap();
    failed.import.unwrap().into_import().publish(&mut []).unwrap().close().unwrap();
    assert_eq!(exported(&path), records("worked-example"));
}

/// What cannot be opened for the moment is not damaged: its log has commits that are nowhere else.
#[test]
fn an_old_store_that_cannot_be_opened_keeps_its_log() {
    let (killed, path) = killed_store("archival", "UPDATE kvStore SET value = 'late' WHERE key = 'vat.names'");
    let in_the_way = killed.path().join("swingstore.sqlite-journal");
    fs::create_dir(&in_the_way).unwrap();
    let imported = import_to(&dataset("worked-example", "operational"), &path).unwrap();
    let PublishError { error, import } = imported.publish(&mut []).err().unwrap();
    assert!(matches!(error, StagingError::OldStore { .. }), "{error:?}");
    fs::remove_dir(&in_the_way).unwrap();
    assert!(exported(&path).contains(&("kv.vat.names".to_owned(), Some("late".to_owned()))));
    import.unwrap().into_import().publish(&mut []).unwrap().close().unwrap();
    assert_eq!(exported(&path), records("worked-example"));
}

#[test]
fn a_new_store_that_is_not_whole_without_its_log_stays_out() {
    let (dir, path) = store("archival");
    let imported = import_to(&dataset("worked-example", "operational"), &path).unwrap();
    let reader = Reader::of(&path);
    let mut imported = in_use(imported.publish(&mut []));
    // Somebody is curious, and what is added now cannot leave the log.
    let curious = rusqlite::Connection::open(dir.path().join("swingstore.sqlite-import")).unwrap();
    curious.execute_batch("BEGIN; SELECT * FROM kvStore").unwrap();
    imported.session().begin().unwrap();
    imported.session().write().unwrap().run("INSERT INTO kvStore VALUES ('host.late', '1')", []).unwrap();
    drop(reader);
    let PublishError { error, import } = imported.publish(&mut []).err().unwrap();
    assert_eq!(error.to_string(), "could not complete the new store");
    assert!(import.is_none());
    drop(curious);
    assert_eq!(exported(&path).len(), records("archival").len());
    assert_eq!(names(dir.path()), ["swingstore.sqlite"]);
}

#[test]
fn what_cannot_be_cleared_away_costs_the_old_store_nothing() {
    let (dir, path) = store("archival");
    // A store without a log, beside which there is what SQLite does not look at.
    rusqlite::Connection::open(&path).unwrap().execute_batch("PRAGMA journal_mode = delete").unwrap();
    let imported = import_to(&dataset("worked-example", "operational"), &path).unwrap();
    let in_the_way = dir.path().join("swingstore.sqlite-shm");
    fs::create_dir(&in_the_way).unwrap();
    let PublishError { error, import } = imported.publish(&mut []).err().unwrap();
    assert_eq!(error.to_string(), "could not remove a side file of the old store");
    fs::remove_dir(&in_the_way).unwrap();
    assert_eq!(exported(&path), records("archival"));
    import.unwrap().into_import().publish(&mut []).unwrap().close().unwrap();
    assert_eq!(exported(&path), records("worked-example"));
}

#[test]
fn who_publishes_may_object_at_the_end_and_try_again() {
    let (_dir, path) = store("worked-example");
    let before = exported(&path);
    let imported = import_to(&dataset("archival", "operational"), &path).unwrap();
    let mut asked = 0;
    let refused = imported.publish_if(&mut [], &mut || {
        asked += 1;
        // It is the old store that is there, and nobody holds it.
        assert_eq!(exported(&path), before);
        Err("later blocks".into())
    });
    let PublishError { error, import } = refused.err().unwrap();
    assert!(matches!(error, StagingError::Objected { .. }), "{error:?}");
    assert_eq!((error_chain(&error), asked), ("nothing was replaced: later blocks".to_owned(), 1));
    assert_eq!(exported(&path), before);
    let imported = import.unwrap().into_import();
    imported.publish_if(&mut [], &mut || Ok(())).unwrap().close().unwrap();
    assert_eq!(exported(&path).len(), 26);
}

/// The original takes no lock of ours, and may be gone again when the store is replaced.
#[test]
fn a_store_that_goes_on_after_the_question_is_asked_about_again() {
    const HEIGHT: &str = "SELECT value FROM kvStore WHERE key = 'host.height'";
    let (_dir, path) = store("worked-example");
    let imported = import_patiently(&dataset("archival", "operational"), &path);
    let mut heights = Vec::new();
    let mut may = || {
        let other = rusqlite::Connection::open(&path)?;
        heights.push(other.query_row(HEIGHT, [], |row| row.get::<_, String>(0))?);
        if heights.len() == 1 {
            other.execute_batch("UPDATE kvStore SET value = '18' WHERE key = 'host.height'")?;
        }
        Ok(())
    };
    imported.publish_if(&mut [], &mut may).unwrap().close().unwrap();
    assert_eq!(heights, ["17", "18"]);
    assert_eq!(exported(&path).len(), 26);
}

#[test]
fn nobody_is_asked_of_a_store_in_memory() {
    let imported = import_in_memory(&dataset("archival", "operational"), options(ArtifactMode::Operational)).unwrap();
    imported.publish_if(&mut [], &mut || panic!("nothing is replaced")).unwrap().close().unwrap();
}
