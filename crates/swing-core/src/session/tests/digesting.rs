//! The digests of the rows: kept with every commit, taken up again at the next opening, given up when they are not to be
//! believed.

mod rows;

use super::*;
use crate::row_digest::{Cell, Kept, RowDigest, RowDigestError, RowDigests, Stored, scan, stored};
use crate::session::{CommitError, RowValue, Scope};

const OTHER: Table = Table {
    name: "other",
    columns: &["id", "what"],
    create: "CREATE TABLE IF NOT EXISTS other (id INTEGER PRIMARY KEY, what);",
    digested: Digested::Rows,
};

/// Nothing digests its rows.
const LOOSE: Table = Table {
    name: "loose",
    columns: &["what"],
    create: "CREATE TABLE IF NOT EXISTS loose (what TEXT);",
    digested: Digested::Elsewhere,
};

const TABLES: [Table; 3] = [KV, LOOSE, OTHER];

fn keeping() -> OpenOptions {
    OpenOptions { row_digests: RowDigests::Keep, ..OpenOptions::default() }
}

fn try_open(scratch: &Scratch, options: &OpenOptions) -> Session {
    Session::open(Location::File(scratch.path()), options, &TABLES).unwrap()
}

fn open(scratch: &Scratch) -> Session {
    try_open(scratch, &keeping())
}

fn row<'v>(key: &'v str, value: &'v str) -> [Cell<'v>; 2] {
    [key.into(), value.into()]
}

/// Sets a key, or deletes it, and counts the row out and in.
fn note(session: &mut Session, key: &str, value: Option<&str>) {
    let before = get(session.read(), key);
    let mut writer = session.write().unwrap();
    match value {
        Some(value) => writer.run(SET, [key, value]).unwrap(),
        None => writer.run("DELETE FROM kvStore WHERE key = ?1", [key]).unwrap(),
    };
    let (before, after) = (before.as_deref().map(|value| row(key, value)), value.map(|value| row(key, value)));
    writer.note_row(&KV, before.as_ref().map(|row| &row[..]), after.as_ref().map(|row| &row[..]));
}

fn loaded(session: &Session) -> Stored {
    stored::load(session.read(), &TABLES).unwrap().unwrap()
}

/// What the file says of its rows is what they are.
#[track_caller]
fn assert_true(session: &Session) {
    let stored = loaded(session);
    for table in [KV, OTHER] {
        assert_eq!(stored.of(&table), Some(&scan(session.read(), &table).unwrap()), "{}", table.name);
    }
    assert_eq!(stored.of(&LOOSE), None);
}

/// A store with two rows and the digests of them, closed.
fn digested() -> Scratch {
    let scratch = Scratch::empty();
    let mut session = open(&scratch);
    note(&mut session, "a", Some("1"));
    note(&mut session, "b", Some("2"));
    session.write().unwrap().set_digest_witness("height 1".to_owned());
    session.commit(&mut []).unwrap();
    session.close().unwrap();
    scratch
}

#[test]
fn digests_are_saved_with_the_commit_and_taken_up_at_the_next_opening() {
    let scratch = digested();
    let mut session = open(&scratch);
    assert!(session.keeps_row_digests());
    assert_true(&session);
    let first = loaded(&session);
    assert_eq!((first.kept, first.witness.as_str()), (Kept::UpToDate, "height 1"));
    assert_eq!(first.of(&KV).unwrap().rows(), 2);
    assert_eq!(first.of(&OTHER).unwrap().rows(), 0);

    note(&mut session, "b", None);
    note(&mut session, "a", Some("other"));
    assert_eq!(loaded(&session), first, "not before the commit");
    session.commit(&mut []).unwrap();
    assert_true(&session);
    assert_eq!(loaded(&session).of(&KV).unwrap().rows(), 1);
    assert_eq!(loaded(&session).witness, "height 1", "which nobody has changed");
    session.close().unwrap();
    assert!(open(&scratch).keeps_row_digests());
}

#[test]
fn a_commit_writes_only_the_digests_that_have_changed() {
    let scratch = digested();
    let mut session = open(&scratch);
    // What should not be written is marked, behind the session's back.
    session.begin().unwrap();
    session.write().unwrap().run("UPDATE rowDigests SET rowCount = 77 WHERE tableName = 'other'", []).unwrap();
    session.write().unwrap().run("UPDATE rowDigestState SET witness = 'mark'", []).unwrap();
    note(&mut session, "a", Some("2"));
    session.write().unwrap().set_digest_witness("height 1".to_owned());
    session.commit(&mut []).unwrap();
    let stored = loaded(&session);
    assert_eq!((stored.of(&OTHER).unwrap().rows(), stored.witness.as_str()), (77, "mark"));
    // The same row again, and the same witness, are no change either.
    session.begin().unwrap();
    session.write().unwrap().run("UPDATE rowDigests SET rowCount = 78", []).unwrap();
    note(&mut session, "a", Some("2"));
    session.commit(&mut []).unwrap();
    assert_eq!(loaded(&session).of(&KV).unwrap().rows(), 78);
    session.write().unwrap().set_digest_witness("height 2".to_owned());
    session.commit(&mut []).unwrap();
    let stored = loaded(&session);
    assert_eq!((stored.of(&KV).unwrap().rows(), stored.witness.as_str()), (78, "height 2"));
}

#[test]
fn where_no_digest_has_changed_nothing_is_begun() {
    let scratch = digested();
    let mut session = open(&scratch);
    session.flush(&mut []).unwrap();
    assert!(!session.is_open());
}

#[test]
fn changes_that_were_summed_elsewhere_count_for_their_table_alone() {
    let scratch = digested();
    let mut session = open(&scratch);
    let mut changes = crate::RowDigest::default();
    let row = [Cell::Integer(5), "five".into()];
    changes.add(&row, &mut Vec::new());
    let mut writer = session.write().unwrap();
    writer.run("INSERT INTO other VALUES (5, 'five')", []).unwrap();
    writer.note_rows(&OTHER, &changes);
    session.commit(&mut []).unwrap();
    assert_true(&session);
}

#[test]
fn what_a_statement_changes_in_its_scope_is_counted() {
    let scratch = digested();
    let mut session = open(&scratch);
    let scope = Scope { condition: "key >= ?1", params: ["b"] };
    let mut writer = session.write().unwrap();
    assert_eq!(writer.run_over(&KV, scope, "UPDATE kvStore SET value = 'x' WHERE key = 'b'", []).unwrap(), 1);
    session.commit(&mut []).unwrap();
    assert_true(&session);
    let mut writer = session.write().unwrap();
    writer.count_out(&KV, "SELECT key, value FROM kvStore WHERE key = ?1", ["a"]).unwrap();
    writer.run("DELETE FROM kvStore WHERE key = 'a'", []).unwrap();
    session.commit(&mut []).unwrap();
    assert_true(&session);
    assert_eq!(loaded(&session).of(&KV).unwrap().rows(), 1);
}

#[test]
fn a_statement_over_a_scope_needs_no_digest() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    let scope = Scope { condition: "key = ?1", params: ["a"] };
    let mut writer = session.write().unwrap();
    assert!(!writer.keeps_row_digests());
    assert_eq!(writer.run_over(&KV, scope, "UPDATE kvStore SET value = 'x'", []).unwrap(), 1);
    writer.count_out(&KV, "SELECT nonsense", []).unwrap();
    session.commit(&mut []).unwrap();
    assert_eq!(scratch.committed("a").as_deref(), Some("x"));
}

#[test]
fn a_rolled_back_crank_leaves_the_digest_as_it_was() {
    let scratch = digested();
    let mut session = open(&scratch);
    note(&mut session, "kept", Some("1"));
    session.savepoint("crank", &mut []).unwrap();
    note(&mut session, "gone", Some("1"));
    session.rollback_to("crank", &mut []).unwrap();
    session.savepoint("crank", &mut []).unwrap();
    note(&mut session, "stays", Some("1"));
    session.release(&mut []).unwrap();
    session.commit(&mut []).unwrap();
    assert_true(&session);
    assert_eq!(loaded(&session).of(&KV).unwrap().rows(), 4);
}

#[test]
fn who_does_not_keep_the_digest_says_so_by_writing() {
    for event in [
        "INSERT INTO kvStore VALUES ('c', '3')",
        "UPDATE kvStore SET value = '3' WHERE key = 'a'",
        "DELETE FROM kvStore WHERE key = 'b'",
        "INSERT INTO other VALUES (1, NULL)",
    ] {
        let scratch = digested();
        scratch.raw().execute_batch("INSERT INTO loose VALUES ('x')").unwrap();
        assert!(open(&scratch).keeps_row_digests(), "rows that nobody digests");
        scratch.raw().execute_batch(event).unwrap();
        let mut session = open(&scratch);
        assert!(!session.keeps_row_digests(), "{event}");
        assert_eq!(loaded(&session).kept, Kept::OutOfDate, "{event}");
        // And so it stays.
        note(&mut session, "d", Some("4"));
        session.commit(&mut []).unwrap();
        assert_eq!(loaded(&session).kept, Kept::OutOfDate, "{event}");
    }
}

#[test]
fn a_session_that_ignores_the_digest_is_such_a_writer() {
    let scratch = digested();
    let mut session = try_open(&scratch, &OpenOptions::default());
    assert!(!session.keeps_row_digests());
    note(&mut session, "a", Some("3"));
    session.commit(&mut []).unwrap();
    assert_eq!(loaded(&session).kept, Kept::OutOfDate);
}

#[test]
fn another_writer_beside_an_open_session_is_noticed_when_it_writes_again() {
    let scratch = digested();
    let mut session = open(&scratch);
    scratch.raw().execute_batch("UPDATE kvStore SET value = 'theirs' WHERE key = 'a'").unwrap();
    assert!(session.keeps_row_digests(), "nobody has looked");
    session.begin().unwrap();
    assert!(!session.keeps_row_digests());
    note(&mut session, "b", Some("ours"));
    session.commit(&mut []).unwrap();
    assert_eq!(loaded(&session).kept, Kept::OutOfDate);
}

#[test]
fn another_writer_that_keeps_the_digest_is_followed() {
    let scratch = digested();
    let mut session = open(&scratch);
    let beside = Scratch::empty();
    // A copy of the store goes on, and its file's content comes back: as if somebody with the same digests had written.
    session.begin().unwrap();
    session.commit(&mut []).unwrap();
    fs::copy(scratch.path(), beside.path()).unwrap();
    let mut other = open(&beside);
    note(&mut other, "a", Some("theirs"));
    other.commit(&mut []).unwrap();
    other.close().unwrap();
    let raw = scratch.raw();
    raw.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false).unwrap();
    raw.execute_batch(&format!(
        "ATTACH '{}' AS o; UPDATE kvStore SET value = 'theirs' WHERE key = 'a'; DELETE FROM rowDigests;
        INSERT INTO rowDigests SELECT * FROM o.rowDigests;",
        beside.path().display()
    ))
    .unwrap();
    drop(raw);
    note(&mut session, "b", Some("ours"));
    assert!(session.keeps_row_digests());
    session.commit(&mut []).unwrap();
    assert_true(&session);
    assert_eq!(loaded(&session).kept, Kept::UpToDate);
}

#[test]
fn digests_are_built_anew_from_all_rows_and_kept_from_then_on() {
    let scratch = digested();
    scratch.raw().execute_batch("INSERT INTO kvStore VALUES ('c', '3'); INSERT INTO other VALUES (7, 1.5)").unwrap();
    let mut session = open(&scratch);
    assert!(!session.keeps_row_digests());
    session.savepoint("crank", &mut []).unwrap();
    let refused = session.build_row_digests(&TABLES, String::new());
    assert!(matches!(refused, Err(SessionError::InCrank { open: 1 })), "{refused:?}");
    session.release(&mut []).unwrap();
    session.build_row_digests(&TABLES, "built".to_owned()).unwrap();
    assert!(session.keeps_row_digests());
    session.commit(&mut []).unwrap();
    assert_true(&session);
    assert_eq!((loaded(&session).kept, loaded(&session).witness), (Kept::UpToDate, "built".to_owned()));
    note(&mut session, "a", Some("4"));
    session.commit(&mut []).unwrap();
    session.close().unwrap();
    let session = open(&scratch);
    assert!(session.keeps_row_digests());
    assert_true(&session);
}

#[test]
fn digests_are_built_where_there_are_none_or_tables_of_another_form() {
    for sql in ["", "CREATE TABLE rowDigests (x); CREATE TABLE rowDigestState (y)"] {
        let scratch = Scratch::with_store();
        scratch.raw().execute_batch(sql).unwrap();
        let mut session = open(&scratch);
        session.build_row_digests(&TABLES, "built".to_owned()).unwrap();
        session.commit(&mut []).unwrap();
        session.close().unwrap();
        let session = open(&scratch);
        assert!(session.keeps_row_digests(), "{sql}");
        assert_true(&session);
    }
}

#[test]
fn a_store_without_digests_gets_none_by_itself() {
    let scratch = Scratch::with_store();
    // It lacks two tables, but has rows in a third.
    let session = open(&scratch);
    assert!(!session.keeps_row_digests());
    assert_eq!(stored::load(session.read(), &TABLES).unwrap(), None);
    drop(session);
    let scratch = Scratch::empty();
    drop(try_open(&scratch, &OpenOptions::default()));
    let session = open(&scratch);
    assert_eq!(stored::load(session.read(), &TABLES).unwrap(), None, "made by one who ignores them");
    let memory = Session::open(Location::Memory, &keeping(), &TABLES).unwrap();
    assert!(memory.keeps_row_digests());
}

#[test]
fn a_missing_trigger_is_noticed_and_can_be_made_again() {
    for missing in ["kvStore_insert", "kvStore_update", "other_delete"] {
        let scratch = digested();
        scratch.raw().execute_batch(&format!("DROP TRIGGER rowDigest_{missing}")).unwrap();
        let mut session = open(&scratch);
        assert!(!session.keeps_row_digests(), "{missing}");
        assert_eq!(loaded(&session).kept, Kept::Unguarded);
        assert!(!stored::is_guarded(session.read(), &TABLES).unwrap());
        stored::guard(&mut session.write().unwrap(), &TABLES).unwrap();
        assert!(stored::is_guarded(session.read(), &TABLES).unwrap());
        session.commit(&mut []).unwrap();
        session.close().unwrap();
        assert!(open(&scratch).keeps_row_digests());
    }
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    stored::guard(&mut session.write().unwrap(), &TABLES).unwrap();
    assert!(!stored::is_guarded(session.read(), &TABLES).unwrap(), "there is nothing to guard");
}

#[test]
fn only_our_own_triggers_are_guards() {
    let scratch = digested();
    let sql = "SELECT sql FROM sqlite_schema WHERE type = 'trigger'";
    let guards: Vec<String> = open(&scratch).read().all(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(guards.len(), 6);
    assert!(guards.iter().all(|sql| stored::is_guard(&TABLES, sql)));
    assert!(!stored::is_guard(&TABLES, &guards[0].replace("SET kept = 0", "SET kept = 1")));
    assert!(!guards.iter().any(|sql| stored::is_guard(&[LOOSE], sql)));
}

#[test]
fn digests_that_cannot_be_used_are_told_by_what_is_wrong_with_them() {
    for (sql, said) in [
        ("UPDATE rowDigestState SET version = 3", "the row digests have version 3"),
        ("DELETE FROM rowDigestState", "they have not one state"),
        ("INSERT INTO rowDigestState SELECT * FROM rowDigestState", "they have not one state"),
        ("UPDATE rowDigests SET lanes = zeroblob(2047)", "that of \"kvStore\" is none"),
        ("UPDATE rowDigests SET lanes = zeroblob(2050)", "that of \"kvStore\" is none"),
        ("UPDATE rowDigests SET lanes = zeroblob(2049)", "that of \"kvStore\" is none"),
        ("UPDATE rowDigests SET rowCount = -1 WHERE id = 2", "that of \"other\" is none"),
        ("UPDATE rowDigests SET lanes = 'text'", "rowDigests: "),
        ("DELETE FROM rowDigests WHERE id = 2", "they are of other tables"),
        ("UPDATE rowDigests SET id = 3 WHERE id = 1", "they are of other tables"),
        ("DROP TABLE rowDigests", "rowDigests has other columns"),
    ] {
        let scratch = digested();
        scratch.raw().execute_batch(sql).unwrap();
        let session = open(&scratch);
        assert!(!session.keeps_row_digests(), "{sql}");
        let error = stored::load(session.read(), &TABLES).unwrap_err();
        assert!(!matches!(error, RowDigestError::Session(_)) && error.to_string().contains(said), "{sql}: {error}");
    }
}

/// As an earlier release left it: not believed, not kept up, and made anew when somebody asks for it.
#[test]
fn a_digest_of_an_earlier_form_counts_as_none() {
    let scratch = digested();
    scratch.raw().execute_batch("UPDATE rowDigestState SET version = 1").unwrap();
    let mut session = open(&scratch);
    assert!(!session.keeps_row_digests());
    assert_eq!(stored::load(session.read(), &TABLES).unwrap(), None);
    session.build_row_digests(&TABLES, String::new()).unwrap();
    session.commit(&mut []).unwrap();
    assert_eq!(loaded(&session).kept, Kept::UpToDate);
}

#[test]
fn digests_of_a_later_version_are_not_replaced() {
    let scratch = digested();
    scratch.raw().execute_batch("UPDATE rowDigestState SET version = 3").unwrap();
    let mut session = open(&scratch);
    let refused = session.build_row_digests(&TABLES, String::new());
    assert!(matches!(refused, Err(SessionError::NewerRowDigests { found: 3 })), "{refused:?}");
    assert!(!session.is_open());
    let version = session.read().one("SELECT version FROM rowDigestState", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(version, Some(3));
}
