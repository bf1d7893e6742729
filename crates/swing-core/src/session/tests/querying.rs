//! A tool's own queries are answered, and nothing but queries.

use rusqlite::types::Value;

use super::*;
use crate::session::{Query, QueryError};

fn answer(session: &Session, sql: &str, parameters: &[Value]) -> Vec<Vec<Value>> {
    session.read().ask(&Query::parse(sql).unwrap(), parameters, usize::MAX).unwrap().rows
}

#[test]
fn any_query_is_answered_with_the_names_of_its_columns_and_values_of_every_type() {
    let session = Session::in_memory(&[KV]).unwrap();
    let query =
        Query::parse(" -- all\n /* of */ SELECT 1 AS a, 0.5 b, 'ü', x'00ff', NULL, CAST(x'61ff' AS TEXT) ; ").unwrap();
    let rows = session.read().ask(&query, &[], usize::MAX).unwrap();
    assert_eq!(rows.columns[..2], ["a", "b"]);
    let text = |text: &str| Value::Text(text.into());
    let blob = Value::Blob(vec![0, 0xff]);
    assert_eq!(rows.rows, [[Value::Integer(1), Value::Real(0.5), text("ü"), blob, Value::Null, text("a\u{fffd}")]]);
}

#[test]
fn parameters_are_bound_and_no_more_rows_taken_in_than_wanted() {
    let session = Session::in_memory(&[KV]).unwrap();
    let query = Query::parse("SELECT * FROM (VALUES (1), (2), (3)) WHERE column1 >= :from AND column1 < ?").unwrap();
    assert_eq!(session.read().parameters(&query).unwrap(), [Some(":from".to_owned()), None]);
    let ask = |most| session.read().ask(&query, &[Value::Real(2.0), Value::Integer(9)], most).unwrap().rows;
    assert_eq!(ask(1), [[Value::Integer(2)]]);
    assert_eq!(ask(usize::MAX).len(), 2);
}

#[test]
fn what_may_do_something_is_refused_before_sqlite_sees_it() {
    let scratch = Scratch::with_store();
    let session = scratch.open();
    let refused = [
        "",
        "DELETE FROM kvStore",
        "COMMIT",
        "ATTACH 'x' AS y",
        "EXPLAIN PRAGMA synchronous=off",
        "PRAGMA",
        "PRAGMA synchronous=off",
        "PRAGMA synchronous(0)",
        "/* SELECT */ pragma journal_mode = delete",
        "PRAGMA wal_checkpoint",
        "PRAGMA optimize",
        "PRAGMA main.journal_mode",
        "SELECTION",
    ];
    for sql in refused {
        assert!(matches!(Query::parse(sql), Err(QueryError::NoQuery(_))), "{sql}");
    }
    for sql in ["SELECT 1; PRAGMA synchronous=off", "SELECT ';' ; ; x", "SELECT [a;b] -- ;\n, \"c;\"; SELECT 2"] {
        assert_eq!(Query::parse(sql), Err(QueryError::Several), "{sql}");
    }
    assert_eq!(answer(&session, "PRAGMA synchronous", &[]), [[Value::Integer(2)]]);
    let writes = Query::parse("WITH x AS (SELECT 1) DELETE FROM kvStore RETURNING key").unwrap();
    assert!(matches!(session.read().parameters(&writes), Err(SessionError::Sql { .. })));
    assert!(matches!(session.read().ask(&writes, &[], 1), Err(SessionError::Sql { .. })));
    assert_eq!(get(session.read(), "a").as_deref(), Some("1"));
}

#[test]
fn a_semicolon_in_a_string_a_name_or_a_comment_ends_no_query() {
    let session = Session::in_memory(&[KV]).unwrap();
    for sql in [
        "SELECT 'it''s;'",
        "SELECT 1 AS [a;b]",
        "SELECT 1 AS `a;`",
        "SELECT 1 -- ;",
        "SELECT 1 /* ;",
        "VALUES ('ü;');;--",
    ] {
        assert_eq!(answer(&session, sql, &[]).len(), 1, "{sql}");
    }
}

#[test]
fn pragmas_that_only_answer_are_answered() {
    let session = Scratch::with_store().open();
    assert_eq!(answer(&session, "pragma table_info(kvStore)", &[]).len(), 2);
    assert_eq!(answer(&session, "PRAGMA journal_mode;", &[]), [[Value::Text("wal".into())]]);
}

/// SQLite calls it read-only, and it analyses all tables.
#[test]
fn a_function_that_writes_does_not() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    for at in 0..500 {
        set(&mut session, &format!("k{at}"), "v").unwrap();
    }
    session.commit(&mut []).unwrap();
    let analyse = Query::parse("SELECT * FROM pragma_optimize(0x10002)").unwrap();
    for begun in [false, true] {
        if begun {
            session.begin().unwrap();
        }
        let refused = session.read().ask(&analyse, &[], usize::MAX);
        assert!(matches!(refused, Err(SessionError::ReadOnly)), "{refused:?}");
        assert_eq!(
            answer(&session, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'sqlite_stat%'", &[]),
            [[Value::Integer(0)]]
        );
    }
    // And what writes otherwise still does.
    set(&mut session, "k", "w").unwrap();
    session.commit(&mut []).unwrap();
    assert_eq!(scratch.committed("k").as_deref(), Some("w"));
}

#[test]
fn an_answer_that_memory_should_not_hold_is_an_error_of_the_query() {
    let session = Session::in_memory(&[KV]).unwrap();
    let endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x, zeroblob(1000000) FROM c";
    let query = Query::parse(endless).unwrap();
    let refused = session.read().ask(&query, &[], usize::MAX).unwrap_err();
    assert!(refused.is_of_the_statement() && crate::error_chain(&refused).contains("256 MiB"), "{refused:?}");
    assert_eq!(session.read().ask(&query, &[], 3).unwrap().rows.len(), 3);
}

/// Another program may have named it.
#[test]
fn a_column_whose_name_is_no_text_is_told_as_well_as_can_be() {
    let scratch = Scratch::with_store();
    let raw = scratch.raw();
    raw.execute_batch(
        "CREATE TABLE odd (abc); PRAGMA writable_schema = on;
         UPDATE sqlite_schema SET sql = CAST(x'435245415445205441424c45206f64642028ff626329' AS TEXT) WHERE name = 'odd'",
    )
    .unwrap();
    drop(raw);
    let session = scratch.open();
    for sql in ["SELECT * FROM odd", "SELECT * FROM odd -- \0 cut off"] {
        let rows = session.read().ask(&Query::parse(sql).unwrap(), &[], usize::MAX).unwrap();
        assert_eq!(rows.columns, ["\u{fffd}bc"], "{sql}");
    }
}
