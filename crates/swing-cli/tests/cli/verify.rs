//! `swing-store verify`

use fs_err as fs;
use serde_json::{Value, json};

use crate::sandbox::{Sandbox, alter, datasets, expected, stores};

#[test]
fn every_fixture_is_sound_and_agrees_with_its_own_export() {
    for name in stores() {
        let sandbox = Sandbox::with_store(&name);
        let records = expected(&name)["exportData"].as_array().unwrap().len();
        let found = sandbox.json(&["verify", "store"]);
        let none = json!({"verdict": "absent"});
        assert_eq!(found["records"], records, "{name}");
        assert_eq!(
            (&found["row_digests"], &found["compared"], &found["differing"]),
            (&none, &Value::Null, &Value::Null)
        );
        assert_eq!((&found["found"], &found["findings"], &found["warnings"]), (&json!(0), &json!([]), &json!([])));
        for (dialect, mode) in datasets(&name) {
            sandbox.dataset(&name, dialect, &mode, "dataset");
            for trusted in ["dataset", "dataset/export-data.jsonl"] {
                let args = ["verify", "store", "--trusted", trusted];
                if records == 0 {
                    sandbox.run(&args).refused(&["the trusted export data is empty"]);
                    continue;
                }
                let found = sandbox.json(&args);
                assert_eq!((&found["compared"], &found["findings"]), (&json!(records), &json!([])), "{name} {dialect}");
                let none = json!({"kv": 0, "snapshot": 0, "transcript": 0, "bundle": 0});
                assert_eq!((&found["differing"], &found["warnings"]), (&none, &json!([])), "{name} {dialect}");
            }
            fs::remove_dir_all(sandbox.path("dataset")).unwrap();
        }
    }
}

fn findings(sandbox: &Sandbox, args: &[&str]) -> Vec<(String, String)> {
    let run = sandbox.run(&[&["verify", "store", "--json"], args].concat());
    assert_eq!((run.code, run.stderr.as_str()), (1, ""), "{run:?}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let json = run.json();
    json["findings"].as_array().unwrap().iter().map(|found| (text(&found["what"]), text(&found["problem"]))).collect()
}

#[test]
fn tampered_content_is_found_under_its_name() {
    for (sql, what) in [
        ("UPDATE transcriptItems SET item = 'forged' WHERE vatID = 'v1' AND position = 0", "transcript.v1.0.7"),
        ("UPDATE snapshots SET compressedSnapshot = x'00' WHERE vatID = 'v1' AND inUse = 1", "snapshot.v1.20"),
        ("UPDATE snapshots SET compressedSnapshot = NULL WHERE vatID = 'v2' AND inUse = 1", "snapshot.v2.103"),
        (
            "UPDATE bundles SET bundle = 'x'",
            "bundle.b0-41bf37cd3f5b9f26b077366851ecc07fbd0a0784f49e332abc3fc9e9130e5864",
        ),
        ("DELETE FROM transcriptItems WHERE vatID = 'v10' AND position = 6", "transcript.v10.5.8"),
    ] {
        let sandbox = Sandbox::with_store("archival");
        alter(&sandbox, "store", sql);
        let found = findings(&sandbox, &[]);
        assert!(found.iter().any(|(named, _)| named == what), "{sql}: {found:?}");
        let run = sandbox.run(&["verify", "store"]);
        assert_eq!(run.code, 1);
        assert!(run.stdout.contains(&format!("{what}: ")) && run.stdout.contains(" in 26 export records"), "{run:?}");
    }
}

#[test]
fn trusted_export_data_finds_what_no_hash_covers() {
    let sandbox = Sandbox::with_store("archival");
    sandbox.dataset("archival", "js", "operational", "dataset");
    alter(&sandbox, "store", "UPDATE kvStore SET value = 'forged' WHERE key = 'activityhash'");
    assert_eq!(sandbox.json(&["verify", "store"])["findings"], json!([]));
    let hash = &expected("archival")["activityhash"];
    let problem = format!("differs from the trusted export data: \"forged\" here, {hash} there");
    assert_eq!(findings(&sandbox, &["--trusted", "dataset"]), [("kv.activityhash".into(), problem)]);
}

#[test]
fn a_store_that_lost_blocks_is_found_out_by_whoever_knows_the_height() {
    let sandbox = Sandbox::with_store("archival");
    sandbox.json(&["verify", "store", "--height", "5"]);
    let found = findings(&sandbox, &["--height", "6"]);
    assert_eq!(found, [("host.height".into(), "is 5, not 6: later blocks are lost".into())]);
    let found = findings(&sandbox, &["--height", "0"]);
    assert_eq!(found, [("host.height".into(), "is 5, not 0".into())]);
}

#[test]
fn damaged_pages_are_findings_and_what_can_be_read_is_still_checked() {
    let sandbox = Sandbox::with_store("archival");
    let file = sandbox.path("store/swingstore.sqlite");
    let mut bytes = fs::read(&file).unwrap();
    let root: usize = rusqlite::Connection::open(&file)
        .unwrap()
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'transcriptItems'", [], |row| row.get(0))
        .unwrap();
    let page = (root - 1) * 4096..root * 4096;
    bytes[page].fill(0xa5);
    fs::write(&file, &bytes).unwrap();
    alter(&sandbox, "store", "UPDATE bundles SET bundle = 'x'");
    let found = findings(&sandbox, &[]);
    for what in ["database file", "transcript", "bundle.b0-41bf"] {
        assert!(found.iter().any(|(named, _)| named.starts_with(what)), "no {what}: {found:?}");
    }
}

#[test]
fn trusted_data_that_cannot_be_read_is_no_finding() {
    let sandbox = Sandbox::with_store("archival");
    fs::write(sandbox.path("bad.jsonl"), "[\"kv.a\",\"1\"]\n[\n").unwrap();
    sandbox.run(&["verify", "store", "--trusted", "absent.jsonl"]).refused(&["absent.jsonl", "trusted"]);
    sandbox.run(&["verify", "store", "--trusted", "bad.jsonl"]).refused(&["`bad.jsonl` line 2", "trusted"]);
    fs::create_dir(sandbox.path("folder")).unwrap();
    sandbox.run(&["verify", "store", "--trusted", "folder"]).refused(&["folder/export-manifest.json", "missing"]);
}

#[test]
fn a_trigger_is_no_part_of_a_store() {
    let sandbox = Sandbox::with_store("worked-example");
    let sql = "CREATE TRIGGER t AFTER INSERT ON kvStore BEGIN DELETE FROM kvStore; END";
    let database = sandbox.path("store").join("swingstore.sqlite");
    rusqlite::Connection::open(database).unwrap().execute_batch(sql).unwrap();
    let run = sandbox.run(&["verify", "store", "--json"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert_eq!(run.json()["findings"][0]["what"], "trigger \"t\"");
}

/// One of the fixtures with bytes changed at random: a page of snapshots has its rowids out of order, and a walk that
/// asked for "the rows after the last one" would get the same ones for ever.
#[test]
fn a_tree_whose_rows_are_out_of_order_is_walked_to_an_end() {
    let sandbox = Sandbox::with_store("worked-example");
    let damaged = include_bytes!("../data/rows-out-of-order.sqlite");
    fs::write(sandbox.path("store").join("swingstore.sqlite"), damaged).unwrap();
    let run = sandbox.run(&["verify", "store", "--json"]);
    assert_eq!(run.code, 1, "{run:?}");
    let findings = run.json()["findings"].to_string();
    assert!(findings.contains("out of order"), "{findings}");
}
