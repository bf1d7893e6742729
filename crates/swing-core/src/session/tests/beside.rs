//! Several connections at once: one writer of ours, any number of readers, and implementations that know none of it.

use super::*;
use crate::session::open::Beside;
use crate::session::read_only::{FLAGS, Reading, Uris, begin_reading, connect, unreadable};
use crate::session::{LockError, Readers, SoleUse, has_store_header, is_open_elsewhere};

fn commit(session: &mut Session, value: &str) {
    set(session, "a", value).unwrap();
    session.commit(&mut []).unwrap();
}

#[test]
fn a_second_writer_of_this_process_is_refused_at_once_and_told_so() {
    let scratch = Scratch::with_store();
    let first = scratch.open();
    for options in [OpenOptions::default(), creation(Creation::Never), creation(Creation::Fresh)] {
        let refused = scratch.try_open(&options).map(drop);
        assert!(matches!(refused, Err(OpenError::Locked(LockError::HeldHere { .. }))), "{refused:?}");
    }
    assert_eq!(get(first.read(), "a").as_deref(), Some("1"), "not erased under it");
    drop(first);
    drop(scratch.open());
    assert_eq!(names(&scratch), ["swingstore.sqlite"]);
}

#[cfg(unix)]
#[test]
fn a_writer_that_comes_by_another_path_is_a_second_writer_too() {
    let (scratch, elsewhere) = (Scratch::with_store(), Scratch::empty());
    std::os::unix::fs::symlink(scratch.path(), elsewhere.path()).unwrap();
    let first = elsewhere.open();
    assert!(matches!(scratch.try_open(&OpenOptions::default()), Err(OpenError::Locked(_))));
    drop(first);
    assert_eq!(names(&elsewhere), ["swingstore.sqlite"]);
    let first = scratch.open();
    assert!(matches!(elsewhere.try_open(&OpenOptions::default()), Err(OpenError::Locked(_))));
    drop(first);
    // An erased store is erased where it is, and its link still leads to the new one.
    drop(elsewhere.try_open(&creation(Creation::Fresh)).unwrap());
    assert!(fs::symlink_metadata(elsewhere.path()).unwrap().is_symlink());
    assert_eq!(get(scratch.open().read(), "a"), None);
}

#[cfg(unix)]
#[test]
fn nobody_opens_a_file_and_then_its_log_while_it_is_replaced_or_erased() {
    let scratch = Scratch::with_store();
    let dir = fs::File::open(scratch.dir.path()).unwrap().into_file();
    let shared = || dir.try_lock().is_err();
    let uris = Uris::of(&scratch.path());
    let mut reading = None;
    let opened = connect(
        &scratch.path(),
        || {
            reading = Some(shared());
            let mut connection = rusqlite::Connection::open_with_flags(&uris.locked, FLAGS)?;
            begin_reading(&mut connection).map(|()| connection)
        },
        || unreachable!(),
    );
    assert!(opened.is_ok() && reading == Some(true), "whoever replaces the file has to wait");
    assert!(!shared(), "but not for longer");

    // What a reader leaves behind is not for it to remove while the file is replaced.
    drop(opened);
    assert_eq!(names(&scratch), ["swingstore.sqlite", "swingstore.sqlite-shm", "swingstore.sqlite-wal"]);
    dir.unlock().unwrap();
    drop(scratch.open_read_only());
    assert_eq!(names(&scratch), ["swingstore.sqlite"]);

    // Readers come while others open, and whoever erases a store waits for them.
    dir.lock_shared().unwrap();
    drop(scratch.open_read_only());
    let erasing = std::thread::scope(|threads| {
        let eraser = threads.spawn(|| drop(scratch.try_open(&creation(Creation::Fresh)).unwrap()));
        std::thread::sleep(std::time::Duration::from_millis(200));
        let seen = get(scratch.open_read_only().read(), "a");
        dir.unlock().unwrap();
        eraser.join().unwrap();
        seen
    });
    assert_eq!(erasing.as_deref(), Some("1"));
    assert_eq!(get(scratch.open().read(), "a"), None);
}

#[test]
fn readers_are_welcome_beside_a_writer_and_see_the_last_commit() {
    let scratch = Scratch::with_store();
    let mut writer = scratch.open();
    set(&mut writer, "a", "2").unwrap();
    let readers = [scratch.open_read_only(), scratch.open_read_only()];
    let seen = || readers.each_ref().map(|reader| get(reader.read(), "a").unwrap());
    assert_eq!(seen(), ["1", "1"]);
    writer.commit(&mut []).unwrap();
    assert_eq!(seen(), ["2", "2"]);
}

#[test]
fn a_pinned_reader_goes_on_seeing_its_commit() {
    let scratch = Scratch::with_store();
    let mut writer = scratch.open();
    let readers = Readers::open(&scratch.path(), &[KV], 2).unwrap();
    let pinned = readers.pin().unwrap();
    for value in ["2", "3"] {
        commit(&mut writer, value);
        assert_eq!(get(pinned.read(), "a").as_deref(), Some("1"));
        let later = readers.pin().unwrap();
        assert_eq!(get(later.read(), "a").as_deref(), Some(value));
    }
    pinned.close().unwrap();
    assert_eq!(get(readers.pin().unwrap().read(), "a").as_deref(), Some("3"), "a used connection pins anew");
}

#[test]
fn a_pinned_reader_survives_a_checkpoint_of_everything_after_it() {
    let scratch = Scratch::with_store();
    let mut writer = scratch.open();
    let readers = Readers::open(&scratch.path(), &[KV], 1).unwrap();
    let pinned = readers.pin().unwrap();
    for round in 0..200 {
        set(&mut writer, &format!("k{round}"), &"x".repeat(50_000)).unwrap();
        commit(&mut writer, &round.to_string());
    }
    assert_eq!(get(pinned.read(), "a").as_deref(), Some("1"));
    assert_eq!(get(pinned.read(), "k0"), None);
}

#[cfg(target_os = "linux")]
#[test]
fn readers_that_are_gone_leave_no_threads_behind() {
    let scratch = Scratch::with_store();
    let threads = || fs::read_dir("/proc/self/task").unwrap().count();
    let before = threads();
    for _ in 0..20 {
        drop(Readers::open(&scratch.path(), &[KV], 2).unwrap().pin().unwrap());
    }
    assert!(soon(|| threads() < before + 20), "{} threads, {before} before", threads());
}

#[test]
fn nobody_can_write_through_a_reader() {
    let scratch = Scratch::with_store();
    let readers = Readers::open(&scratch.path(), &[KV], 1).unwrap();
    let pinned = readers.pin().unwrap();
    let write = pinned.read().one("UPDATE kvStore SET value = '2' RETURNING 1", [], |_| Ok(()));
    assert!(write.is_err());
    assert_eq!(scratch.committed("a").as_deref(), Some("1"));
}

#[test]
fn readers_of_what_is_no_store_are_told_so_at_once() {
    let scratch = Scratch::empty();
    assert!(matches!(Readers::open(&scratch.path(), &[KV], 1), Err(OpenError::Missing { .. })));
    assert_eq!(names(&scratch), [""; 0]);
}

#[test]
fn a_reader_leaves_nothing_beside_a_store_that_nobody_has_open() {
    let scratch = Scratch::with_store();
    let before = scratch.listing();
    let reader = scratch.open_read_only();
    assert_eq!(get(reader.read(), "a").as_deref(), Some("1"));
    reader.close().unwrap();
    assert_eq!(scratch.listing(), before);
    drop(scratch.open_read_only());
    assert_eq!(scratch.listing(), before);
    let readers = Readers::open(&scratch.path(), &[KV], 3).unwrap();
    let pins = [readers.pin().unwrap(), readers.pin().unwrap()];
    drop(pins);
    drop(readers);
    assert!(soon(|| scratch.listing() == before), "{:?}", names(&scratch));
}

#[test]
fn a_reader_that_goes_takes_nothing_away_from_those_who_stay() {
    let scratch = Scratch::with_store();
    let reader = scratch.open_read_only();
    let staying = scratch.open_read_only();
    let mut writer = scratch.open();
    commit(&mut writer, "2");
    drop(reader);
    commit(&mut writer, "3");
    assert_eq!(get(staying.read(), "a").as_deref(), Some("3"));
    assert!(fs::metadata(scratch.beside("-wal")).unwrap().len() > 0);
}

/// Reads as where nothing can be created: SQLite fails with this code, and what `connect` makes of it is the point.
fn read_where_nothing_can_be_created(scratch: &Scratch, code: i32) -> rusqlite::Result<Reading> {
    let refuse = || Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None));
    connect(&scratch.path(), refuse, || {
        let mut connection = Connection::open_with_flags(Uris::of(&scratch.path()).unlocked, FLAGS)?;
        begin_reading(&mut connection)?;
        Ok(connection)
    })
}

#[test]
fn a_closed_store_is_read_without_locks_where_there_can_be_none() {
    let scratch = Scratch::with_store();
    let before = scratch.listing();
    for code in [rusqlite::ffi::SQLITE_CANTOPEN, rusqlite::ffi::SQLITE_READONLY_DIRECTORY] {
        let reading = read_where_nothing_can_be_created(&scratch, code).unwrap();
        assert_eq!(get(Reader::new(&reading.connection), "a").as_deref(), Some("1"));
        assert!(reading.footing.is_unlocked());
        reading.footing.check().unwrap();
        drop(reading);
        assert_eq!(scratch.listing(), before);
    }
    let failed = read_where_nothing_can_be_created(&scratch, rusqlite::ffi::SQLITE_IOERR);
    assert!(failed.is_err(), "other failures are failures");
}

#[test]
fn an_open_store_is_not_read_without_locks() {
    let scratch = Scratch::with_store();
    let mut writer = scratch.open();
    assert!(read_where_nothing_can_be_created(&scratch, rusqlite::ffi::SQLITE_CANTOPEN).is_err());
    commit(&mut writer, "2");
    assert!(read_where_nothing_can_be_created(&scratch, rusqlite::ffi::SQLITE_CANTOPEN).is_err());
}

#[test]
fn a_log_that_nobody_has_recovered_is_told_where_its_index_cannot_be_made() {
    let scratch = Scratch::empty();
    let tell = |code| {
        let source = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        match unreadable("told".into(), &scratch.path(), source) {
            OpenError::Unrecovered { path } => (path, true),
            OpenError::Sqlite { path, .. } => (path, false),
            other => panic!("{other:?}"),
        }
    };
    let codes = [rusqlite::ffi::SQLITE_CANTOPEN, rusqlite::ffi::SQLITE_READONLY, rusqlite::ffi::SQLITE_IOERR];
    let told = |unrecovered: [bool; 3]| unrecovered.map(|unrecovered| (PathBuf::from("told"), unrecovered));
    assert_eq!(codes.map(tell), told([false; 3]), "no log");
    fs::write(scratch.beside("-wal"), "").unwrap();
    assert_eq!(codes.map(tell), told([false; 3]), "an empty one");
    fs::write(scratch.beside("-wal"), "log").unwrap();
    assert_eq!(codes.map(tell), told([true, true, false]));
    fs::write(scratch.beside("-shm"), "").unwrap();
    assert_eq!(codes.map(tell), told([false; 3]), "with an index");
}

#[test]
fn a_writer_that_comes_while_a_store_is_read_without_locks_is_noticed() {
    let scratch = Scratch::with_store();
    let overtaken = |reading: &Reading| matches!(reading.footing.check(), Err(SessionError::WrittenMeanwhile { .. }));
    let reading = read_where_nothing_can_be_created(&scratch, rusqlite::ffi::SQLITE_CANTOPEN).unwrap();
    let mut writer = scratch.open();
    assert!(overtaken(&reading), "it has the store open");
    commit(&mut writer, "2");
    writer.close().unwrap();
    assert!(overtaken(&reading), "it was there");
}

#[test]
fn a_session_without_locks_that_was_overtaken_says_so_when_it_is_closed() {
    let scratch = Scratch::with_store();
    let open = || {
        let reading = read_where_nothing_can_be_created(&scratch, rusqlite::ffi::SQLITE_CANTOPEN).unwrap();
        let location = Location::File(scratch.path());
        Session::new(reading.connection, location, true, Beside::Footing(reading.footing))
    };
    open().close().unwrap();
    let session = open();
    scratch.raw().execute_batch("UPDATE kvStore SET value = '2'; CREATE TABLE more (a)").unwrap();
    assert!(matches!(session.close(), Err(SessionError::WrittenMeanwhile { .. })));
}

#[test]
fn what_a_killed_writer_committed_is_seen_by_readers_and_by_the_next_writer() {
    let (live, scratch) = (Scratch::with_store(), Scratch::empty());
    let mut writer = live.open();
    commit(&mut writer, "2");
    set(&mut writer, "a", "3").unwrap();
    for suffix in ["", "-wal"] {
        fs::copy(live.beside(suffix), scratch.beside(suffix)).unwrap();
    }
    assert_eq!(get(scratch.open_read_only().read(), "a").as_deref(), Some("2"));
    assert_eq!(get(scratch.open().read(), "a").as_deref(), Some("2"));
}

/// Closing any file descriptor of a file gives up all POSIX locks that the process has on it, SQLite's too. Another
/// process with SQLite 3.46, as the original has it, then takes itself for the last one and removes the WAL under our
/// writer, whose commits go on succeeding and are lost when it is killed.
#[cfg(target_os = "linux")]
#[test]
fn looking_at_a_store_does_not_give_up_the_locks_of_the_writer_in_the_same_process() {
    use std::os::unix::fs::MetadataExt as _;
    let scratch = Scratch::with_store();
    let mut writer = scratch.open();
    commit(&mut writer, "2");
    has_store_header(&scratch.path()).unwrap();
    drop(scratch.open_read_only());
    drop(Readers::open(&scratch.path(), &[KV], 1).unwrap().pin().unwrap());
    assert!(scratch.try_open(&OpenOptions::default()).is_err());

    let inode = fs::metadata(scratch.path()).unwrap().ino();
    let locks = fs::read_to_string("/proc/locks").unwrap();
    // A lock of the description where there is such a thing, else of the process.
    let is_record_lock = |line: &str| line.contains("OFDLCK") || line.contains("POSIX");
    let held = locks.lines().any(|line| is_record_lock(line) && line.contains(&format!(":{inode} ")));
    assert!(held, "{locks}");

    commit(&mut writer, "3");
    assert_eq!(scratch.committed("a").as_deref(), Some("3"));
    drop(writer);
    assert_eq!(scratch.committed("a").as_deref(), Some("3"));
}

#[test]
fn whoever_has_a_store_open_is_seen_also_while_he_does_nothing() {
    let scratch = Scratch::with_store();
    let path = scratch.path();
    let is_open = || is_open_elsewhere(&path, std::time::Duration::ZERO);
    assert!(!is_open().unwrap());
    let by_lease = SoleUse::take(&path, std::time::Duration::ZERO).unwrap().unwrap().keeps_others_out();
    let idle = rusqlite::Connection::open(&path).unwrap();
    if by_lease {
        assert!(is_open().unwrap(), "also if he has not looked at it yet");
    }
    idle.execute_batch("SELECT count(*) FROM sqlite_schema").unwrap();
    assert!(is_open().unwrap());
    drop(idle);
    assert!(!is_open().unwrap());
    let writer = scratch.open();
    assert!(is_open().unwrap(), "this process counts, too");
    drop(writer);
    fs::remove_file(&path).unwrap();
    assert!(is_open().is_err());
}

#[test]
fn a_look_at_who_has_a_store_open_leaves_a_log_as_it_is() {
    let scratch = Scratch::with_store();
    let path = scratch.path();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("PRAGMA journal_mode = wal; CREATE TABLE more (a)").unwrap();
    // As a process leaves it that was killed.
    let killed = tempfile::tempdir().unwrap();
    for name in ["swingstore.sqlite", "swingstore.sqlite-wal"] {
        fs::copy(scratch.dir.path().join(name), killed.path().join(name)).unwrap();
    }
    let files = || {
        let names = ["swingstore.sqlite", "swingstore.sqlite-wal"].map(|name| killed.path().join(name));
        names.map(|name| fs::read(name).unwrap())
    };
    let before = files();
    assert!(!before[1].is_empty());
    assert!(!is_open_elsewhere(&killed.path().join("swingstore.sqlite"), std::time::Duration::ZERO).unwrap());
    assert!(files() == before);
}
