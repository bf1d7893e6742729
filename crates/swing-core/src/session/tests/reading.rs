//! What is read comes as it is or as an error that names the statement; nothing is written by reading.

use super::*;

fn with_rows(sql: &str) -> Session {
    let mut session = Session::in_memory(&[KV]).unwrap();
    session.write().unwrap().run(sql, []).unwrap();
    session
}

#[test]
fn what_is_no_query_is_refused_and_not_run() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    session.begin().unwrap();
    for sql in
        ["COMMIT", "ROLLBACK", "DELETE FROM kvStore", "DELETE FROM kvStore RETURNING key", "SAVEPOINT s", "nonsense"]
    {
        let refused = session.read().one(sql, [], |_| Ok(()));
        assert!(matches!(&refused, Err(SessionError::Sql { statement, .. }) if statement == sql), "{sql}: {refused:?}");
    }
    assert!(!session.connection().is_autocommit());
    assert_eq!(get(session.read(), "a").as_deref(), Some("1"));
}

#[test]
fn rows_are_read_until_the_reader_has_enough() {
    let session = with_rows("INSERT INTO kvStore VALUES ('a', 'x'), ('b', 'y'), ('c', 'z')");
    let mut seen = Vec::new();
    let stop_at = |last: &'static str| {
        move |seen: &mut Vec<String>, key: &str| {
            seen.push(key.to_owned());
            key != last
        }
    };
    let sql = "SELECT key, value FROM kvStore ORDER BY key";
    let more = stop_at("b");
    session.read().each(sql, [], |row| Ok::<_, SessionError>(more(&mut seen, row.text(0)?))).unwrap();
    assert_eq!(seen, ["a", "b"]);
    let failed = session.read().each(sql, [], |_| Err(SessionError::ReadOnly));
    assert!(matches!(failed, Err(SessionError::ReadOnly)));
    let all = session.read().all(sql, [], |row| row.get::<_, String>(1)).unwrap();
    assert_eq!(all, ["x", "y", "z"]);
    assert_eq!(session.read().one("SELECT 1 WHERE 0", [], |_| Ok(())).unwrap(), None);
}

#[test]
fn a_value_of_another_type_is_an_error_that_names_the_statement() {
    let session = with_rows("INSERT INTO kvStore VALUES ('a', x'ff')");
    let sql = "SELECT key, value, 7 FROM kvStore";
    session
        .read()
        .each(sql, [], |row| {
            assert_eq!((row.text(0)?, row.get::<String>(0)?, row.get::<i64>(2)?), ("a", "a".to_owned(), 7));
            assert_eq!(row.value(1)?, rusqlite::types::ValueRef::Blob(&[0xff]));
            for error in [row.text(1).unwrap_err(), row.get::<i64>(0).unwrap_err(), row.get::<i64>(1).unwrap_err()] {
                assert!(matches!(&error, SessionError::Corrupt { .. }), "{error:?}");
                assert!(error.to_string().contains(sql), "{error}");
            }
            Ok::<_, SessionError>(true)
        })
        .unwrap();
}

#[test]
fn a_blob_is_read_whole_and_what_is_none_is_an_error_that_names_it() {
    let bytes: Vec<u8> = (0..20_000u32).flat_map(u32::to_le_bytes).collect();
    let mut session = with_rows("INSERT INTO kvStore (rowid, key) VALUES (2, 'none')");
    session.write().unwrap().run("INSERT INTO kvStore (rowid, value) VALUES (1, ?1), (3, x'')", [&bytes]).unwrap();
    let blob = |rowid| session.read().blob("kvStore", "value", rowid);
    assert_eq!((blob(1).unwrap(), blob(3).unwrap()), (bytes, vec![]));
    for rowid in [2, 4] {
        let error = blob(rowid).unwrap_err();
        assert!(error.to_string().contains("read value of a row of kvStore"), "{rowid}: {error}");
    }
}

#[test]
fn a_sound_file_has_no_damage_and_no_more_is_told_than_is_asked_for() {
    let scratch = Scratch::with_store();
    assert_eq!(scratch.open_read_only().read().integrity_check(10).unwrap(), [""; 0]);
    let raw = scratch.raw();
    raw.execute_batch("CREATE TABLE other (x); CREATE INDEX i ON other (x); INSERT INTO other VALUES (1), (2), (3)")
        .unwrap();
    // An index over rows that are not there.
    raw.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false).unwrap();
    raw.execute_batch(
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'i')
        WHERE name = 'swingNone'; PRAGMA writable_schema = OFF; DROP INDEX i; CREATE INDEX i ON other (x) WHERE x > 1",
    )
    .unwrap();
    raw.execute_batch(
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE INDEX i ON other (x)' WHERE name = 'i'",
    )
    .unwrap();
    drop(raw);
    let session = scratch.open_read_only();
    let found = session.read().integrity_check(10).unwrap();
    assert!(!found.is_empty() && found.iter().all(|text| !text.is_empty() && text != "ok"), "{found:?}");
    assert_eq!(session.read().integrity_check(1).unwrap().len(), 1);
}

/// SQLite's own check looks into an index only for rows of its table.
#[test]
fn a_page_of_the_wrong_kind_is_found_even_where_there_are_no_rows() {
    const PAGE: usize = 4096;
    for (of, kind) in [("index", 0x0d), ("table", 0x0a)] {
        let scratch = Scratch::with_store();
        scratch.raw().execute_batch("CREATE TABLE other (x UNIQUE); PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        let root: usize = scratch
            .raw()
            .query_row("SELECT rootpage FROM sqlite_schema WHERE tbl_name = 'other' AND type = ?1", [of], |row| {
                row.get(0)
            })
            .unwrap();
        let mut bytes = fs_err::read(scratch.path()).unwrap();
        bytes[(root - 1) * PAGE] = kind;
        fs_err::write(scratch.path(), bytes).unwrap();
        let found = scratch.open_read_only().read().integrity_check(10);
        assert!(found.as_ref().map_or(true, |found| !found.is_empty()), "{of}: {found:?}");
        assert_eq!(found.is_ok(), of == "index");
    }
}

#[test]
fn an_index_of_a_part_of_the_rows_is_no_damage() {
    let scratch = Scratch::with_store();
    scratch.raw().execute_batch("CREATE TABLE other (x); CREATE INDEX i ON other (x) WHERE x > 1").unwrap();
    assert_eq!(scratch.open_read_only().read().integrity_check(10).unwrap(), [""; 0]);
}

#[test]
fn a_store_in_memory_can_be_taken_as_an_image_and_begun_from_one() {
    let mut session = with_rows("INSERT INTO kvStore VALUES ('a', 'x')");
    session.commit(&mut []).unwrap();
    let image = session.serialize().unwrap();
    assert!(image.starts_with(b"SQLite format 3\0"));
    let options = OpenOptions { image: Some(image), ..OpenOptions::default() };
    let again = Session::open(Location::Memory, &options, &[KV]).unwrap();
    assert_eq!(get(again.read(), "a").as_deref(), Some("x"));
    assert_eq!((again.location(), again.location().path()), (&Location::Memory, None));
}

#[test]
fn the_generation_counts_other_writers_and_what_is_said_to_have_changed() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    let first = session.generation().unwrap();
    assert_eq!(session.generation().unwrap(), first);
    scratch.raw().execute_batch("UPDATE kvStore SET value = '2'").unwrap();
    let second = session.generation().unwrap();
    assert!(second > first);
    session.invalidate();
    let third = session.generation().unwrap();
    assert!(third > second);
    set(&mut session, "a", "3").unwrap();
    assert_eq!(session.write().unwrap().generation(), third);
    session.commit(&mut []).unwrap();
    assert_eq!(session.generation().unwrap(), third, "what we write ourselves does not count");
    session.invalidate();
    assert_eq!(session.write().unwrap().generation(), third + 1);
}

#[test]
fn sqlite_is_asked_for_other_writers_only_after_a_commit() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    let asked = |session: &mut Session| {
        session.generation().unwrap();
        let question = session.connection().statement("PRAGMA data_version").unwrap();
        question.lend().get_status(rusqlite::StatementStatus::Run)
    };
    let at_first = asked(&mut session);
    assert_eq!([asked(&mut session), asked(&mut session)], [at_first; 2]);
    let raw = scratch.raw();
    assert_eq!(asked(&mut session), at_first, "an opened connection is no commit");
    raw.execute_batch("UPDATE kvStore SET value = '2'").unwrap();
    assert_eq!([asked(&mut session), asked(&mut session)], [at_first + 1; 2]);
}

#[test]
fn after_a_failure_what_was_read_may_no_longer_be_so() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    session.invalidate();
    let before = session.write().unwrap().generation();
    assert!(before > 0);
    session.write().unwrap().run("nonsense", []).unwrap_err();
    assert_eq!(session.generation().unwrap(), before + 1);
}

#[test]
fn a_writer_counts_rows_reads_its_own_and_queues_exports() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    session.record_exports().unwrap();
    let mut writer = session.write().unwrap();
    assert_eq!(writer.run("UPDATE kvStore SET value = 'x' WHERE key = 'nothing'", []).unwrap(), 0);
    writer.run_all(SET, [["b", "2"], ["c", "3"]]).unwrap();
    writer.run_all("nonsense", std::iter::empty::<[&str; 2]>()).unwrap();
    assert_eq!(writer.run("UPDATE kvStore SET value = 'x'", []).unwrap(), 3);
    let mut told = Vec::new();
    let rows = [(["a", "3"], "a"), (["d", "4"], "d")];
    writer.run_each("INSERT OR IGNORE INTO kvStore VALUES (?1, ?2)", rows, |of, ran| told.push((of, ran))).unwrap();
    // The one before was `c`.
    assert_eq!(told, [("a", Ran { changed: 0, inserted: 3 }), ("d", Ran { changed: 1, inserted: 4 })]);
    assert_eq!(get(writer.read(), "c").as_deref(), Some("x"));
    writer.note_export("kv.c", Some("x".into()));
    assert!(session.has_exports());
    assert!(!session.keeps_row_digests());
}
