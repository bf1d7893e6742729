//! `swing-store export`

use fs_err as fs;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::sandbox::{MODES, Sandbox, datasets, expected, files, fixtures, stores};

#[test]
fn every_committed_dataset_is_written_again_byte_for_byte() {
    let mut compared = 0;
    for name in stores() {
        let sandbox = Sandbox::with_store(&name);
        for (dialect, mode) in datasets(&name) {
            let to = format!("{dialect}-{mode}");
            let args = ["export", "store", &to, "--artifact-mode", &mode, "--dialect", dialect];
            let done = sandbox.json(&args);
            assert_eq!((&done["mode"], &done["dialect"]), (&json!(mode), &json!(dialect)));
            let committed = fixtures().join(&name).join(format!("dataset-{dialect}")).join(&mode);
            assert_eq!(files(&sandbox.path(&to)), files(&committed), "{name} {dialect} {mode}");
            compared += 1;
        }
    }
    assert!(compared >= 25, "{compared}");
}

#[test]
fn every_mode_of_every_fixture_has_the_records_and_artifacts_of_the_reference() {
    for name in stores() {
        let sandbox = Sandbox::with_store(&name);
        let expected = expected(&name);
        for mode in MODES {
            let artifacts = &expected["artifacts"][mode];
            let run = sandbox.run(&["export", "store", mode, "--artifact-mode", mode, "--json"]);
            let Some(artifacts) = artifacts.as_array() else {
                run.refused(&["not complete for", mode, "--artifact-mode debug"]);
                assert!(!sandbox.path(mode).exists(), "{name} {mode}: nothing is written");
                continue;
            };
            assert_eq!(run.code, 0, "{name} {mode}: {run:?}");
            let bytes: u64 = artifacts.iter().map(|artifact| artifact[1].as_u64().unwrap()).sum();
            let mut done = run.json();
            let missing = done.as_object_mut().unwrap().remove("missing");
            assert_eq!(missing.is_some(), mode == "debug");
            assert_eq!(
                done,
                json!({"records": expected["exportData"].as_array().unwrap().len(), "artifacts": artifacts.len(),
                    "bytes": bytes, "block_height": expected["blockHeight"], "mode": mode, "dialect": "js",
                    "row_digests": {"verdict": "absent"}})
            );
            assert_eq!(&listed(&sandbox, mode), artifacts, "{name} {mode}");
            let lines = fs::read_to_string(sandbox.path(mode).join("export-data.jsonl")).unwrap();
            let records: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert_eq!(&records, expected["exportData"].as_array().unwrap(), "{name} {mode}");
        }
    }
}

/// Name, size and digest of each artifact of a dataset, in the manifest's order.
fn listed(sandbox: &Sandbox, dataset: &str) -> Vec<Value> {
    let manifest = fs::read(sandbox.path(dataset).join("export-manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let artifacts = manifest["artifacts"].as_array().unwrap().iter();
    let listed = artifacts.map(|artifact| {
        let content = fs::read(sandbox.path(dataset).join(artifact[1].as_str().unwrap())).unwrap();
        json!([artifact[0], content.len(), format!("{:x}", Sha256::digest(&content))])
    });
    listed.collect()
}

#[test]
fn the_go_dialect_tells_the_genesis_hash() {
    for name in stores() {
        let done = Sandbox::with_store(&name).json(&["export", "store", "dataset", "--dialect", "go"]);
        assert_eq!(done["genesis_hash"], expected(&name)["exportDataHash"], "{name}");
    }
}

#[test]
fn export_data_and_artifacts_can_be_left_out() {
    let sandbox = Sandbox::with_store("worked-example");
    let done = sandbox.json(&["export", "store", "artifacts", "--export-data-mode", "skip"]);
    assert_eq!((&done["records"], &done["artifacts"]), (&json!(0), &json!(3)));
    let manifest = fs::read_to_string(sandbox.path("artifacts/export-manifest.json")).unwrap();
    assert!(!manifest.contains("data") && !sandbox.path("artifacts/export-data.jsonl").exists(), "{manifest}");

    let done = sandbox.json(&["export", "store", "records", "--artifact-mode", "none"]);
    assert_eq!((&done["records"], &done["artifacts"], &done["mode"]), (&json!(7), &json!(0), &json!("none")));
    let manifest = fs::read_to_string(sandbox.path("records/export-manifest.json")).unwrap();
    let none = "{\n  \"blockHeight\": 17,\n  \"artifactMode\": \"none\",\n  \"artifacts\": [],\n  \"data\": \"export-data.jsonl\"\n}";
    assert_eq!(manifest, none);
}

#[test]
fn a_store_at_another_height_is_not_exported() {
    let sandbox = Sandbox::with_store("worked-example");
    sandbox.json(&["export", "store", "right", "--check-block-height", "17"]);
    for wrong in ["0", "16", "18"] {
        let run = sandbox.run(&["export", "store", "wrong", "--check-block-height", wrong]);
        run.refused(&["store", "at block height 17", &format!("not {wrong}")]);
    }
    assert!(!sandbox.path("wrong").exists());
}

#[test]
fn nothing_is_overwritten() {
    let sandbox = Sandbox::with_store("worked-example");
    sandbox.json(&["export", "store", "dataset"]);
    let before = sandbox.tree();
    sandbox.run(&["export", "store", "dataset"]).refused(&["dataset/export-manifest.json", "already holds an export"]);
    assert_eq!(sandbox.tree(), before);

    fs::create_dir(sandbox.path("aborted")).unwrap();
    fs::write(sandbox.path("aborted/export-manifest.json"), "").unwrap();
    sandbox.run(&["export", "store", "aborted"]).refused(&["aborted", "export again"]);

    fs::write(sandbox.path("file"), "mine").unwrap();
    sandbox.run(&["export", "store", "file"]).refused(&["file"]);
    assert_eq!(fs::read(sandbox.path("file")).unwrap(), b"mine");
}

#[test]
fn a_tampered_artifact_does_not_leave_the_store() {
    let sandbox = Sandbox::with_store("worked-example");
    let database = rusqlite::Connection::open(sandbox.path("store/swingstore.sqlite")).unwrap();
    database.execute_batch("UPDATE transcriptItems SET item = 'forged' WHERE position = 3").unwrap();
    drop(database);
    let run = sandbox.run(&["export", "store", "dataset"]);
    run.refused(&["transcript.v1.3.4", "swing-store verify"]);
    assert_eq!(fs::read(sandbox.path("dataset/export-manifest.json")).unwrap(), b"");
}

#[test]
fn a_height_that_is_no_number_is_told() {
    let sandbox = Sandbox::with_store("worked-example");
    let database = rusqlite::Connection::open(sandbox.path("store/swingstore.sqlite")).unwrap();
    database.execute_batch("UPDATE kvStore SET value = 'tall' WHERE key = 'host.height'").unwrap();
    drop(database);
    sandbox.run(&["export", "store", "dataset"]).refused(&["host.height", "\"tall\""]);
    assert_eq!(sandbox.json(&["stat", "store"])["block_height"], Value::Null);
    assert!(sandbox.run(&["stat", "store"]).stdout.contains("block height  \"tall\", which is none\n"));
    assert!(!sandbox.path("dataset").exists());
}

#[test]
fn a_debug_export_leaves_out_what_is_damaged_and_says_so() {
    let sandbox = Sandbox::with_store("archival");
    let damage = "UPDATE snapshots SET compressedSnapshot = x'1f8b' WHERE rowid =
        (SELECT min(rowid) FROM snapshots WHERE compressedSnapshot IS NOT NULL AND inUse IS NULL)";
    let database = sandbox.path("store").join("swingstore.sqlite");
    rusqlite::Connection::open(database).unwrap().execute(damage, []).unwrap();
    let whole = expected("archival")["artifacts"]["debug"].as_array().unwrap().len();
    let run = sandbox.run(&["export", "store", "dataset", "--artifact-mode", "debug", "--json"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert_eq!(run.json()["artifacts"], whole - 1);
    assert!(run.json()["left_out"][0]["name"].as_str().unwrap().starts_with("snapshot."));
    assert_eq!(listed(&sandbox, "dataset").len(), whole - 1);
}
