//! `swing-store migrate`

use serde_json::{Value, json};

use crate::sandbox::{Sandbox, files};

#[test]
fn an_old_store_is_migrated_and_exports_the_same_as_before() {
    let sandbox = Sandbox::with_store("schema-1a");
    sandbox.json(&["export", "store", "before"]);
    let done = sandbox.json(&["migrate", "store"]);
    assert_eq!((&done["found"], &done["current"], &done["migrated"]), (&json!("1A"), &json!("1B"), &json!(true)));
    assert_eq!((&done["steps"][0]["name"], &done["steps"][0]["rows"]), (&json!("001_snapshots_1a_to_1b"), &json!(6)));
    assert_eq!(sandbox.json(&["stat", "store"])["schema"], "1B");
    sandbox.json(&["export", "store", "after"]);
    assert_eq!(files(&sandbox.path("before")), files(&sandbox.path("after")));
    assert_eq!(sandbox.json(&["verify", "store"])["findings"], json!([]));
    // Once is enough.
    let again = sandbox.json(&["migrate", "store"]);
    assert_eq!(again, json!({"found": "1B", "current": "1B", "steps": [], "migrated": false}));
}

#[test]
fn a_dry_run_prints_what_would_run_and_runs_nothing() {
    let sandbox = Sandbox::with_store("schema-1a");
    let before = sandbox.tree();
    let plan = sandbox.json(&["migrate", "store", "--dry-run"]);
    assert_eq!(plan["migrated"], false);
    let statements: Vec<_> = plan["steps"][0]["statements"].as_array().unwrap().iter().map(Value::to_string).collect();
    assert!(statements.iter().any(|sql| sql.contains("RENAME TO")), "{statements:?}");
    let run = sandbox.run(&["migrate", "store", "--dry-run"]);
    assert!(run.stdout.starts_with("schema 1A to 1B: planned, not done\n"), "{run:?}");
    assert!(run.stdout.contains("DROP TABLE"), "{run:?}");
    assert_eq!(sandbox.tree(), before);
}

#[test]
fn a_store_of_today_needs_nothing() {
    let run = Sandbox::with_store("archival").run(&["migrate", "store"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "schema 1B: up to date, nothing to do\n"));
}

#[test]
fn a_table_that_is_none_of_ours_is_left_alone() {
    let sandbox = Sandbox::with_store("schema-1a");
    let database = rusqlite::Connection::open(sandbox.path("store/swingstore.sqlite")).unwrap();
    database.execute_batch("CREATE INDEX mine ON snapshots (hash)").unwrap();
    drop(database);
    let before = sandbox.tree();
    sandbox.run(&["migrate", "store"]).refused(&["index \"mine\"", "nothing was changed"]);
    assert_eq!(sandbox.tree(), before);
}
