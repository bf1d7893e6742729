//! `swing-store stat`

use serde_json::json;

use crate::sandbox::{Sandbox, expected, stores};

#[test]
fn every_fixture_is_at_its_height_and_activityhash() {
    for name in stores() {
        let found = Sandbox::with_store(&name).json(&["stat", "store"]);
        let expected = expected(&name);
        assert_eq!(found["block_height"].as_u64().unwrap_or(0), expected["blockHeight"].as_u64().unwrap(), "{name}");
        assert_eq!(found["activityhash"], expected["activityhash"], "{name}");
        assert_eq!(found["schema"], if name == "schema-1a" { "1A" } else { "1B" }, "{name}");
        let pending = expected["pendingExports"].as_array().map_or(0, Vec::len);
        assert_eq!(found["pending_exports"], pending, "{name}");
        let kv = expected["exportData"].as_array().unwrap().iter();
        let kv = kv.filter(|record| record[0].as_str().unwrap().starts_with("kv.")).count();
        assert_eq!(found["kv"]["consensus"]["rows"], kv, "{name}");
    }
}

#[test]
fn rows_and_bytes_of_each_part_are_told() {
    let found = Sandbox::with_store("archival").json(&["stat", "store"]);
    assert_eq!(found["store"], "store");
    assert_eq!(found["kv"]["host"], json!({"rows": 1, "bytes": "host.height5".len()}));
    let transcripts = &found["transcripts"];
    assert_eq!((&transcripts["vats"], &transcripts["current"]), (&json!(3), &json!(3)));
    assert_eq!(transcripts["items"], transcripts["positions"], "nothing was dropped");
    assert_eq!(found["snapshots"]["records"], found["snapshots"]["populated"]);
    assert_eq!(found["snapshots"]["in_use"], 2);
    assert_eq!((&found["bundles"]["records"], &found["bundles"]["populated"]), (&json!(1), &json!(1)));
    assert!(found["files"]["database"].as_u64().unwrap() > 0);
}

#[test]
fn what_a_validator_has_dropped_is_seen_from_the_counts() {
    let found = Sandbox::with_store("pruned").json(&["stat", "store", "--full"]);
    let count = |part: &str, field: &str| found[part][field].as_u64().unwrap();
    assert!(count("transcripts", "items") < count("transcripts", "positions"));
    assert!(count("snapshots", "populated") < count("snapshots", "records"));
    assert!(count("transcripts", "bytes") > 0);
}

#[test]
fn people_get_a_table() {
    let run = Sandbox::with_store("worked-example").run(&["stat", "store"]);
    assert_eq!(run.code, 0, "{run:?}");
    for line in [
        "store\n",
        "  block height  17\n",
        "  activityhash  794b989a714f87c3386b259979e4c92193dc209736985a3f7ac58f5a9d0c8d51\n",
        "  schema        1B\n",
        "  kv, host          1  13 bytes\n",
        "  transcript spans  2            of 1 vat, 1 current\n",
        "  transcript items  4  94 bytes  all there ever were\n",
        "  snapshots         1  34 bytes  1 with content (14 bytes uncompressed), 1 in use\n",
    ] {
        assert!(run.stdout.contains(line), "no {line:?} in\n{}", run.stdout);
    }
}

#[test]
fn an_empty_store_has_nothing_in_it() {
    let run = Sandbox::with_store("empty").run(&["stat", "store"]);
    assert!(run.stdout.contains("  block height  none\n  activityhash  none\n"), "{run:?}");
}

#[test]
fn a_look_leaves_nothing_beside_the_store() {
    for command in [&["stat", "store"][..], &["migrate", "store", "--dry-run"]] {
        // A thread that let go of the file later than the program would not do so each time.
        for _ in 0..20 {
            let sandbox = Sandbox::with_store("archival");
            let before = sandbox.tree();
            sandbox.json(command);
            assert!(sandbox.tree() == before, "{command:?}: {:?}", sandbox.tree().into_keys());
        }
    }
}

#[cfg(unix)]
#[test]
fn the_log_of_a_store_behind_a_link_counts_where_it_is() {
    let sandbox = Sandbox::with_store("worked-example");
    let file = sandbox.path("store").join("swingstore.sqlite");
    let other = rusqlite::Connection::open(&file).unwrap();
    other.execute_batch("PRAGMA journal_mode = wal; INSERT INTO kvStore VALUES ('k', 'v')").unwrap();
    let log = fs_err::metadata(sandbox.path("store").join("swingstore.sqlite-wal")).unwrap().len();
    assert!(log > 0);
    fs_err::create_dir(sandbox.path("linked")).unwrap();
    fs_err::os::unix::fs::symlink(&file, sandbox.path("linked").join("swingstore.sqlite")).unwrap();
    let files = sandbox.json(&["stat", "linked"])["files"].clone();
    assert_eq!(files, json!({"database": fs_err::metadata(&file).unwrap().len(), "wal": log}));
}

#[test]
fn what_an_import_left_is_told() {
    let sandbox = Sandbox::with_store("archival");
    assert_eq!(sandbox.json(&["stat", "store"])["import_files"], json!([]));
    for name in ["swingstore.sqlite-import", "swingstore.sqlite-import-wal"] {
        fs_err::write(sandbox.path("store").join(name), "half").unwrap();
    }
    let left = json!(["swingstore.sqlite-import", "swingstore.sqlite-import-wal"]);
    assert_eq!(sandbox.json(&["stat", "store"])["import_files"], left);
    let said = sandbox.run(&["stat", "store"]).stdout;
    assert!(said.contains("  left there    swingstore.sqlite-import: of an import"), "{said}");
}
