//! Opening what is there, creating what is not.

use super::*;
use crate::session::files::real_path;
use crate::session::{check_replaceable, create_dir_durably, has_store_header, remove_store_files};

fn pragma(session: &Session, name: &str) -> rusqlite::types::Value {
    session.connection().query_row(&format!("PRAGMA {name}"), [], |row| row.get(0)).unwrap()
}

#[test]
fn a_new_store_gets_its_directory_and_is_one_file_once_closed() {
    let scratch = Scratch::empty();
    let path = store_file(&scratch.dir.path().join("a/b"));
    let session = Session::open(Location::File(path.clone()), &OpenOptions::default(), &[KV]).unwrap();
    assert_eq!(session.location().path(), Some(&*path));
    session.close().unwrap();
    assert_eq!(listing(path.parent().unwrap()).into_keys().collect::<Vec<_>>(), ["swingstore.sqlite"]);
}

#[test]
fn a_session_knows_where_its_file_is_wherever_the_process_goes() {
    let dir = tempfile::tempdir_in(".").unwrap();
    let relative = store_file(dir.path().file_name().unwrap().as_ref());
    for read_only in [false, true] {
        let options = OpenOptions { read_only, ..OpenOptions::default() };
        let session = Session::open(Location::File(relative.clone()), &options, &[KV]).unwrap();
        assert_eq!(session.location().path(), Some(&*std::path::absolute(&relative).unwrap()));
    }
}

#[test]
fn a_writer_runs_with_a_wal_and_full_flushing() {
    let scratch = Scratch::with_store();
    let session = scratch.open();
    assert_eq!(pragma(&session, "journal_mode"), "wal".to_owned().into());
    assert_eq!(pragma(&session, "synchronous"), 2.into());
}

#[test]
fn a_session_is_set_up_as_its_options_say() {
    let scratch = Scratch::empty();
    let session = scratch.open();
    assert_eq!(pragma(&session, "cache_size"), (-65536).into());
    assert_eq!(pragma(&session, "mmap_size"), (1 << 30).into());
    assert_eq!(pragma(&session, "trusted_schema"), 0.into());
    assert_eq!(pragma(&session, "busy_timeout"), 5000.into());
    assert_eq!(pragma(&session, "journal_size_limit"), (64 << 20).into());
    drop(session);
    let session = scratch.try_open(&OpenOptions { cache_bytes: 3 << 20, map_bytes: 0, ..OpenOptions::default() });
    let session = session.unwrap();
    assert_eq!((pragma(&session, "cache_size"), pragma(&session, "mmap_size")), ((-3072).into(), 0.into()));
    let least = Scratch::empty().try_open(&OpenOptions { cache_bytes: 0, ..OpenOptions::default() }).unwrap();
    assert_eq!(pragma(&least, "cache_size"), (-64).into());
    assert_ne!(pragma(&least, "cache_spill"), 0.into(), "there is a limit");
    let reader = scratch.open_read_only();
    let set =
        ["cache_size", "mmap_size", "trusted_schema", "query_only", "busy_timeout"].map(|name| pragma(&reader, name));
    assert_eq!(set, [-16384, 0, 0, 1, 5000].map(i64::into));
}

#[test]
fn the_cache_is_as_large_as_before_after_a_statement_that_goes_through_many_pages() {
    let scratch = Scratch::empty();
    let mut session = scratch.open();
    session.begin().unwrap();
    let mut writer = session.write().unwrap();
    writer.run("INSERT INTO kvStore (key, value) VALUES ('a', 'b'), ('c', 'd')", []).unwrap();
    let sizes = |writer: &Writer<'_>| -> [Option<i64>; 2] {
        ["PRAGMA cache_size", "PRAGMA cache_spill"]
            .map(|pragma| writer.read().one(pragma, [], |row| row.get(0)).unwrap())
    };
    let [usual, spill] = sizes(&writer);
    assert!(usual == Some(-65536) && spill > Some(10_000), "{usual:?} {spill:?}");
    let deleted =
        writer.in_passing(300, |writer| Ok::<_, SessionError>((sizes(writer), writer.run("DELETE FROM kvStore", [])?)));
    assert_eq!(deleted.unwrap(), ([Some(-300), spill], 2));
    let larger = writer.in_passing(100_000, |writer| Ok::<_, SessionError>(sizes(writer)));
    assert_eq!(larger.unwrap(), [usual, spill]);
    assert_eq!(pragma(&session, "cache_size"), (-65536).into());
    let twice = "INSERT INTO kvStore (key, value) VALUES ('a', 'b'), ('a', 'b')";
    let refused = session.write().unwrap().in_passing(300, |writer| writer.run(twice, []));
    assert!(refused.unwrap_err().is_constraint());
    assert_eq!(pragma(&session, "cache_size"), (-65536).into());
    session.commit(&mut []).unwrap();
}

#[test]
fn an_empty_file_is_filled_as_if_it_were_absent() {
    let scratch = Scratch::empty();
    fs::write(scratch.path(), "").unwrap();
    let mut session = scratch.open();
    set(&mut session, "a", "1").unwrap();
    session.commit(&mut []).unwrap();
    assert_eq!(scratch.committed("a").as_deref(), Some("1"));
}

#[test]
fn missing_tables_are_created_and_the_others_left_alone() {
    let scratch = Scratch::with_store();
    scratch.raw().execute_batch("DROP TABLE pendingExports; CREATE TABLE swingExtra (x)").unwrap();
    drop(scratch.open());
    let raw = scratch.raw();
    raw.query_row("SELECT count(*) FROM pendingExports, swingExtra", [], |_| Ok(())).unwrap();
    assert_eq!(scratch.committed("a").as_deref(), Some("1"));
}

/// As the original creates it, character for character where SQLite keeps them.
const REFERENCE: &str = "
    PRAGMA journal_mode=wal;
    CREATE TABLE pendingExports (
      key TEXT,
      value TEXT,
      PRIMARY KEY (key)
    );
    CREATE TABLE kvStore (
      key TEXT,
      value TEXT,
      PRIMARY KEY (key)
    );
    INSERT INTO kvStore VALUES ('a', 'reference'), ('ü', 'x');
    INSERT INTO pendingExports VALUES ('kv.a', 'reference');
";

#[test]
fn a_store_made_by_the_original_opens_and_goes_back_to_it() {
    let scratch = Scratch::empty();
    scratch.raw().execute_batch(REFERENCE).unwrap();
    let schema = |scratch: &Scratch| {
        let sql = "SELECT group_concat(sql, ';') FROM sqlite_schema ORDER BY name";
        scratch.raw().query_row(sql, [], |row| row.get::<_, String>(0)).unwrap()
    };
    let before = schema(&scratch);
    let mut session = scratch.open();
    assert_eq!(get(session.read(), "a").as_deref(), Some("reference"));
    set(&mut session, "a", "ours").unwrap();
    session.commit(&mut []).unwrap();
    session.close().unwrap();
    assert_eq!(schema(&scratch), before);
    assert_eq!(scratch.committed("a").as_deref(), Some("ours"));
    assert_eq!(get(scratch.open_read_only().read(), "ü").as_deref(), Some("x"));
}

#[test]
fn a_store_without_a_wal_gets_one() {
    let scratch = Scratch::with_store();
    scratch.raw().execute_batch("PRAGMA journal_mode=delete").unwrap();
    assert_eq!(get(scratch.open_read_only().read(), "a").as_deref(), Some("1"));
    drop(scratch.open());
    let mode: String = scratch.raw().query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}

#[test]
fn a_fast_store_has_no_journal_and_becomes_a_safe_one_when_reopened() {
    let scratch = Scratch::empty();
    let mut session = scratch.try_open(&OpenOptions { unsafe_fast: true, ..creation(Creation::Fresh) }).unwrap();
    set(&mut session, "a", "1").unwrap();
    session.commit(&mut []).unwrap();
    assert_eq!(names(&scratch), ["swingstore.sqlite", "swingstore.sqlite-lock"]);
    session.close().unwrap();
    let session = scratch.open();
    assert_eq!(get(session.read(), "a").as_deref(), Some("1"));
    assert_eq!(pragma(&session, "synchronous"), 2.into());
}

#[test]
fn a_fresh_store_erases_the_old_one_and_no_stranger_beside_it() {
    let scratch = Scratch::with_store();
    for name in ["notes.txt", "swingstore.sqlite.bak", "swingstore.sqlite-wal.bak"] {
        fs::write(scratch.dir.path().join(name), name).unwrap();
    }
    fs::write(scratch.beside("-journal"), "stale").unwrap();
    let session = scratch.try_open(&creation(Creation::Fresh)).unwrap();
    assert_eq!(get(session.read(), "a"), None);
    session.close().unwrap();
    let expected = ["notes.txt", "swingstore.sqlite", "swingstore.sqlite-wal.bak", "swingstore.sqlite.bak"];
    assert_eq!(names(&scratch), expected);
}

#[test]
fn a_fresh_store_replaces_one_too_damaged_to_be_opened() {
    let scratch = Scratch::with_store();
    let mut bytes = fs::read(scratch.path()).unwrap();
    bytes[100..8192].fill(0xff);
    fs::write(scratch.path(), bytes).unwrap();
    assert!(matches!(scratch.try_open(&OpenOptions::default()), Err(OpenError::Sqlite { .. })));
    let session = scratch.try_open(&creation(Creation::Fresh)).unwrap();
    assert_eq!(get(session.read(), "a"), None);
}

#[test]
fn removing_a_store_removes_its_files_and_no_others() {
    let scratch = Scratch::with_store();
    for suffix in ["-wal", "-shm", "-journal", "-wal2", ".bak", "-lock"] {
        fs::write(scratch.beside(suffix), "").unwrap();
    }
    remove_store_files(&scratch.path()).unwrap();
    assert_eq!(names(&scratch), ["swingstore.sqlite-lock", "swingstore.sqlite-wal2", "swingstore.sqlite.bak"]);
    remove_store_files(&scratch.path()).unwrap();
}

#[test]
fn a_wal_whose_database_is_gone_is_not_applied_to_a_new_one() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    set(&mut session, "a", "2").unwrap();
    session.commit(&mut []).unwrap();
    let wal = fs::read(scratch.beside("-wal")).unwrap();
    drop(session);
    fs::remove_file(scratch.path()).unwrap();
    fs::write(scratch.beside("-wal"), wal).unwrap();
    assert_eq!(get(scratch.open().read(), "a"), None);
}

#[test]
fn a_header_is_told_from_other_bytes() {
    let scratch = Scratch::with_store();
    let at = |name: &str, bytes: &[u8]| {
        let path = scratch.dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        has_store_header(&path).unwrap()
    };
    assert!(has_store_header(&scratch.path()).unwrap());
    assert!(!at("empty", b""));
    assert!(!at("short", b"SQLite"));
    assert!(!at("text", b"some data\n"));
    assert!(!at("zeros", &[0; 8192]));
    assert!(!has_store_header(scratch.dir.path()).unwrap());
    assert!(!has_store_header(&scratch.dir.path().join("absent")).unwrap());
    assert!(!has_store_header(&scratch.path().join("below-a-file")).unwrap());
    let expected = ["empty", "short", "swingstore.sqlite", "text", "zeros"];
    assert_eq!(names(&scratch), expected, "looking leaves nothing behind");
}

#[test]
fn paths_may_hold_what_means_something_in_a_uri() {
    let scratch = Scratch::empty();
    let odd = [
        "a b",
        "a?mode=memory",
        "a#b",
        "a%41",
        "%",
        "100%25",
        "ä\u{1F600}",
        "file:x",
        ":memory:",
        "a&b=c",
        "'\"",
        "nl\n",
    ];
    for name in odd {
        let dir = scratch.dir.path().join(name);
        // Also the file's own name, and not only that of a directory above it.
        let path = dir.join(name);
        let mut session = Session::open(Location::File(path.clone()), &OpenOptions::default(), &[KV]).unwrap();
        set(&mut session, "name", name).unwrap();
        session.commit(&mut []).unwrap();
        session.close().unwrap();
        let reader = Session::open(Location::File(path.clone()), &read_only(), &[KV]).unwrap();
        assert_eq!(get(reader.read(), "name").as_deref(), Some(name));
        let pool = crate::session::Readers::open(&path, &[KV], 1).unwrap();
        assert_eq!(get(pool.pin().unwrap().read(), "name").as_deref(), Some(name));
        drop((reader, pool));
        assert!(soon(|| listing(&dir).into_keys().eq([name])), "{:?}", listing(&dir));
    }
    assert_eq!(listing(scratch.dir.path()).len(), odd.len());
}

#[cfg(unix)]
#[test]
fn paths_need_not_be_text() {
    use std::os::unix::ffi::OsStrExt as _;
    let scratch = Scratch::empty();
    let path = scratch.dir.path().join(std::ffi::OsStr::from_bytes(b"\xff\xfe.sqlite"));
    let mut session = Session::open(Location::File(path.clone()), &OpenOptions::default(), &[KV]).unwrap();
    set(&mut session, "a", "1").unwrap();
    session.commit(&mut []).unwrap();
    session.close().unwrap();
    assert!(has_store_header(&path).unwrap());
    let reader = Session::open(Location::File(path), &read_only(), &[KV]).unwrap();
    assert_eq!(get(reader.read(), "a").as_deref(), Some("1"));
}

#[test]
fn a_store_that_was_cut_short_is_still_a_store() {
    let scratch = Scratch::with_store();
    let bytes = fs::read(scratch.path()).unwrap();
    fs::write(scratch.path(), &bytes[..bytes.len() - 4096]).unwrap();
    assert!(has_store_header(&scratch.path()).unwrap());
    check_replaceable(&scratch.path()).unwrap();
}

#[test]
fn what_cannot_be_looked_at_is_an_error_and_neither_a_store_nor_none() {
    let scratch = Scratch::empty();
    // Longer than SQLite takes.
    let deep = (0..4).fold(scratch.dir.path().to_owned(), |dir, _| dir.join("d".repeat(200)));
    fs::create_dir_all(&deep).unwrap();
    let path = store_file(&deep);
    fs::write(&path, "something").unwrap();
    let error = has_store_header(&path).unwrap_err();
    assert!(error.to_string().starts_with(&format!("failed to read {}: ", path.display())), "{error}");
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_to_itself_is_an_error_and_not_an_absent_store() {
    let scratch = Scratch::empty();
    std::os::unix::fs::symlink(scratch.path(), scratch.path()).unwrap();
    has_store_header(&scratch.path()).unwrap_err();
    assert!(real_path(&scratch.path()).is_err());
    let error = scratch.try_open(&OpenOptions::default()).map(drop).unwrap_err();
    assert!(matches!(error, OpenError::Io { what: "read the store", .. }), "{error:?}");
}

#[test]
fn what_cannot_be_removed_or_created_is_an_error() {
    let scratch = Scratch::empty();
    fs::create_dir(scratch.beside("-journal")).unwrap();
    remove_store_files(&scratch.path()).unwrap_err();
    fs::write(scratch.path(), "a file").unwrap();
    create_dir_durably(&scratch.path()).unwrap_err();
    create_dir_durably(&scratch.path().join("below")).unwrap_err();
    create_dir_durably(&scratch.beside("-journal")).unwrap();
    // Where we are is there.
    create_dir_durably(Path::new("")).unwrap();
}

/// As power that failed during a checkpoint leaves a store: the log whole, of the first page some sectors.
fn with_torn_header() -> Scratch {
    let (scratch, torn) = (Scratch::empty(), Scratch::empty());
    let mut session = scratch.open();
    set(&mut session, "a", "1").unwrap();
    session.commit(&mut []).unwrap();
    let mut file = fs::read(scratch.path()).unwrap();
    file[..512].fill(0x5a);
    fs::write(torn.path(), file).unwrap();
    fs::copy(scratch.beside("-wal"), torn.beside("-wal")).unwrap();
    torn
}

#[test]
fn a_header_torn_by_a_checkpoint_is_mended_from_the_wal() {
    let torn = with_torn_header();
    assert!(has_store_header(&torn.path()).unwrap(), "an import must not take its log away");
    check_replaceable(&torn.path()).unwrap();
    assert_eq!(get(torn.open_read_only().read(), "a").as_deref(), Some("1"));
    assert_eq!(get(torn.open().read(), "a").as_deref(), Some("1"));
}

#[test]
fn a_torn_header_without_its_log_is_no_store() {
    for log in [&b""[..], b"some other file"] {
        let torn = with_torn_header();
        fs::write(torn.beside("-wal"), log).unwrap();
        assert!(!has_store_header(&torn.path()).unwrap());
        assert!(matches!(torn.try_open(&OpenOptions::default()), Err(OpenError::NotADatabase { .. })));
    }
}
