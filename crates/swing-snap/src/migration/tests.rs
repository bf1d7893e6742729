//! From 1A to 1B and no further.

use swing_core::Session;

use super::*;
use crate::SnapOptions;
use crate::schema::{TABLES, TABLES_1A};
use crate::testing::{Store, options};
use crate::{Retention, SnapSubstore};

/// Rows that came and went: rowids with holes, bytes kept and dropped, sizes absent.
fn older() -> Store {
    let mut store = Store::new(TABLES_1A, SnapOptions { keep: Retention::All, ..options() });
    for at in 1..20 {
        store.save(["v1", "v2"][at % 2], at as u64, format!("heap at {at}").as_bytes());
    }
    store.sql("DELETE FROM snapshots WHERE snapPos % 5 = 0");
    store.sql("UPDATE snapshots SET compressedSnapshot = NULL WHERE inUse IS NULL AND snapPos % 3 = 0");
    store.sql("UPDATE snapshots SET uncompressedSize = NULL, compressedSize = NULL WHERE snapPos = 3");
    store.sql("UPDATE snapshots SET rowid = 1000 WHERE snapPos = 19");
    commit(&mut store);
    store
}

fn commit(store: &mut Store) {
    let Store { session, state } = store;
    session.commit(&mut [state]).unwrap();
}

fn schema(session: &Session) -> Vec<String> {
    const SQL: &str = "SELECT concat_ws(' ', type, name, tbl_name, sql) FROM sqlite_schema ORDER BY name";
    session.read().all(SQL, [], |row| row.get(0)).unwrap()
}

fn migrate(store: &mut Store) -> Result<(), MigrationError> {
    let plan = plan(store.session.read())?;
    execute(&mut store.session.write().unwrap(), &plan)
}

#[test]
fn a_migrated_table_is_like_a_fresh_one_with_every_byte_in_its_row() {
    let mut store = older();
    let (rows, records) = (store.rows(), store.records());
    migrate(&mut store).unwrap();
    commit(&mut store);
    assert_eq!((store.rows(), store.records()), (rows, records));
    assert_eq!(schema(&store.session), schema(&Session::in_memory(TABLES).unwrap()));
    assert_eq!(store.session.read().integrity_check(10).unwrap(), [""; 0]);
    // The constraint that had to go is gone, the others are there.
    store.sql("UPDATE snapshots SET compressedSnapshot = NULL");
    for broken in [
        "UPDATE snapshots SET inUse = 0",
        "UPDATE snapshots SET inUse = 1",
        "INSERT INTO snapshots (vatID, snapPos) VALUES ('v1', 2)",
    ] {
        assert!(store.session.write().unwrap().run(broken, []).unwrap_err().is_constraint(), "{broken}");
    }
}

#[test]
fn a_plan_tells_what_will_happen_and_changes_nothing() {
    let store = older();
    let before = (schema(&store.session), store.rows());
    let plan = plan(store.session.read()).unwrap();
    assert_eq!((schema(&store.session), store.rows()), before);
    let bytes: i64 = {
        let sql = "SELECT sum(length(compressedSnapshot)) FROM snapshots";
        store.session.read().one(sql, [], |row| row.get(0)).unwrap().unwrap()
    };
    assert_eq!(
        plan.to_string(),
        format!(
            "snapshots: schema 1A\n  001_snapshots_1a_to_1b: rebuild the table of 16 rows ({bytes} bytes of snapshots)"
        )
    );
    let verbs: Vec<_> = plan.steps[0]
        .statements()
        .map(|sql| sql.lines().find(|line| !line.starts_with("--") && !line.is_empty()).unwrap())
        .collect();
    assert_eq!(verbs.len(), 4);
    assert!(verbs[0].starts_with("ALTER") && verbs[3].starts_with("DROP"), "{verbs:?}");
}

#[test]
fn migrating_again_does_nothing() {
    let mut store = older();
    let old_plan = plan(store.session.read()).unwrap();
    migrate(&mut store).unwrap();
    let now = plan(store.session.read()).unwrap();
    assert_eq!((now.to_string().as_str(), now.steps.len()), ("snapshots: schema 1B, up to date", 0));
    let before = (schema(&store.session), store.rows());
    execute(&mut store.session.write().unwrap(), &now).unwrap();
    execute(&mut store.session.write().unwrap(), &old_plan).unwrap();
    assert_eq!((schema(&store.session), store.rows()), before);
}

#[test]
fn a_plan_without_steps_never_migrates() {
    let mut store = older();
    let before = schema(&store.session);
    let empty = Plan { found: Schema::V1A, steps: Vec::new() };
    execute(&mut store.session.write().unwrap(), &empty).unwrap();
    assert_eq!(schema(&store.session), before);
}

#[test]
fn a_migration_is_part_of_the_transaction_and_of_its_savepoints() {
    let mut store = older();
    let before = (schema(&store.session), store.rows());
    let Store { session, state } = &mut store;
    session.savepoint("start", &mut [state]).unwrap();
    migrate(&mut store).unwrap();
    store.save("v9", 1, b"on the new table");
    let Store { session, state } = &mut store;
    session.rollback_to("start", &mut [state]).unwrap();
    assert_eq!((schema(&store.session), store.rows()), before);
    migrate(&mut store).unwrap();
    store.save("v9", 1, b"on the new table");
    commit(&mut store);
    assert_eq!(store.load("v9").unwrap(), b"on the new table");
}

#[test]
fn an_empty_table_migrates_too() {
    let mut store = Store::new(TABLES_1A, options());
    migrate(&mut store).unwrap();
    assert_eq!(schema(&store.session), schema(&Session::in_memory(TABLES).unwrap()));
}

#[test]
fn what_is_not_ours_is_refused_before_anything_changes() {
    for (made, told) in [
        ("CREATE INDEX mine ON snapshots (hash)", "the index \"mine\""),
        ("CREATE TRIGGER mine AFTER DELETE ON snapshots BEGIN SELECT 1; END", "the trigger \"mine\""),
        ("CREATE VIEW mine AS SELECT hash FROM Snapshots", "the view \"mine\""),
        ("CREATE TABLE mine (vat REFERENCES snapshots (vatID))", "the table \"mine\""),
        ("ALTER TABLE snapshots ADD COLUMN mine TEXT", "has a schema that no release"),
    ] {
        let mut store = older();
        store.sql(made);
        let before = (schema(&store.session), store.rows());
        let error = migrate(&mut store).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
        assert_eq!((schema(&store.session), store.rows()), before);
    }
    let mut store = older();
    store.sql("CREATE TABLE notes (snapshots TEXT)");
    migrate(&mut store).unwrap();
    store.sql("DROP TABLE snapshots");
    assert!(matches!(plan(store.session.read()), Err(MigrationError::NoTable)));
}

#[test]
fn a_migration_that_fails_half_way_is_undone() {
    let mut store = older();
    // Damage that the old table holds and the new one cannot: it breaks a constraint that both have.
    store.sql("PRAGMA ignore_check_constraints = ON");
    store.sql("UPDATE snapshots SET inUse = 0 WHERE snapPos = 3");
    store.sql("PRAGMA ignore_check_constraints = OFF");
    commit(&mut store);
    let before = (schema(&store.session), store.rows());
    assert!(matches!(migrate(&mut store), Err(MigrationError::Session(error)) if error.is_constraint()));
    assert_eq!((schema(&store.session), store.rows()), before);
    let mut findings = Vec::new();
    let found = &mut |finding: swing_core::substore::Finding| findings.push(finding.problem);
    swing_core::substore::Substore::verify(&SnapSubstore::default(), store.session.read(), found).unwrap();
    assert_eq!(findings, ["inUse is 0 (unused is NULL)"]);
}

#[test]
fn a_migration_that_would_lose_something_is_undone() {
    for (column, rows) in [("snapPos + 1", "true"), ("NULL", "true"), ("snapPos", "snapPos <> 8")] {
        let sql = format!(
            "ALTER TABLE snapshots RENAME TO snapshots_1a;
CREATE TABLE snapshots AS SELECT * FROM snapshots_1a WHERE false;
INSERT INTO snapshots (rowid, vatID, inUse, hash, uncompressedSize, compressedSize, compressedSnapshot, snapPos)
SELECT rowid, vatID, inUse, hash, uncompressedSize, compressedSize, compressedSnapshot, {column}
FROM snapshots_1a WHERE {rows};
DROP TABLE snapshots_1a;
"
        );
        let lossy =
            Migration { name: "000_lossy", sql: Box::leak(sql.into_boxed_str()), compare: FROM_1A_TO_1B.compare };
        let mut store = older();
        let before = (schema(&store.session), store.rows());
        let error = run_or_undo(&mut store.session.write().unwrap(), &lossy).unwrap_err().to_string();
        assert!(error.starts_with("migration 000_lossy lost ") && error.ends_with(" rows and was undone"), "{error}");
        assert_eq!((schema(&store.session), store.rows()), before);
        commit(&mut store);
    }
}
