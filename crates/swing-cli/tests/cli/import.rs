//! `swing-store import`

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use fs_err as fs;
use serde_json::{Value, json};

use crate::sandbox::{Sandbox, datasets, expected, files, stores};

#[test]
fn what_is_imported_is_exported_the_same() {
    let mut compared = 0;
    for name in stores() {
        for (dialect, mode) in datasets(&name) {
            // Nothing to import: see below.
            if name == "empty" {
                continue;
            }
            let sandbox = Sandbox::new();
            sandbox.dataset(&name, dialect, &mode, "dataset");
            let done = sandbox.json(&["import", "dataset", "clone", "--artifact-mode", &mode]);
            let expected = expected(&name);
            assert_eq!(done["records"], expected["exportData"].as_array().unwrap().len(), "{name} {dialect} {mode}");
            assert_eq!(
                done["taken"],
                expected["artifacts"][&mode].as_array().unwrap().len(),
                "{name} {dialect} {mode}"
            );
            assert_eq!((&done["skipped"], &done["mode"]), (&json!(0), &json!(mode)));
            assert_eq!(done["block_height"], expected["blockHeight"]);
            assert!(done.get("added").is_none(), "{done}");
            sandbox.json(&["export", "clone", "again", "--artifact-mode", &mode, "--dialect", dialect]);
            assert_eq!(files(&sandbox.path("again")), files(&sandbox.path("dataset")), "{name} {dialect} {mode}");
            let verified = sandbox.json(&["verify", "clone", "--trusted", "dataset"]);
            assert_eq!(verified["findings"], json!([]), "{name} {dialect} {mode}");
            assert_eq!(files(&sandbox.path("clone")).keys().collect::<Vec<_>>(), ["swingstore.sqlite"]);
            compared += 1;
        }
    }
    assert!(compared >= 23, "{compared}");
}

#[test]
fn a_smaller_mode_takes_less_and_a_greater_one_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.dataset("archival", "js", "replay", "dataset");
    let done = sandbox.json(&["import", "dataset", "clone", "--artifact-mode", "operational"]);
    assert_eq!((&done["taken"], &done["skipped"]), (&json!(6), &json!(5)));
    // Unless told otherwise, what the manifest says.
    assert_eq!(sandbox.json(&["import", "dataset", "other"])["mode"], "replay");
    let run = sandbox.run(&["import", "dataset", "more", "--artifact-mode", "archival"]);
    run.refused(&["asked for archival, it has replay", "--artifact-mode replay"]);
    sandbox.run(&["import", "dataset", "none", "--artifact-mode", "none"]).refused(&["no artifacts"]);
    assert!(!sandbox.path("more").exists() && !sandbox.path("none").exists());
}

#[test]
fn the_height_is_the_manifests_and_can_be_checked() {
    let sandbox = Sandbox::new();
    sandbox.dataset("worked-example", "js", "operational", "dataset");
    let run = sandbox.run(&["import", "dataset", "clone", "--check-block-height", "18"]);
    run.refused(&["dataset/export-manifest.json", "block height 17, not 18"]);
    assert!(!sandbox.path("clone").exists());
    sandbox.json(&["import", "dataset", "clone", "--check-block-height", "17"]);
    assert_eq!(sandbox.json(&["stat", "clone"])["block_height"], 17);
}

#[test]
fn a_store_that_is_there_is_replaced_by_the_whole_of_the_new_one() {
    let sandbox = Sandbox::with_store("archival");
    fs::write(sandbox.path("store/notes.txt"), "mine").unwrap();
    sandbox.dataset("worked-example", "js", "operational", "dataset");
    let run = sandbox.run(&["import", "dataset", "store"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.starts_with("store (replaced a store at height 5)\n"), "{run:?}");
    assert_eq!(sandbox.json(&["verify", "store", "--trusted", "dataset", "--height", "17"])["findings"], json!([]));
    assert_eq!(fs::read(sandbox.path("store/notes.txt")).unwrap(), b"mine");
}

#[test]
fn a_damaged_store_can_be_replaced() {
    let sandbox = Sandbox::with_store("archival");
    let file = sandbox.path("store/swingstore.sqlite");
    let half = fs::read(&file).unwrap();
    fs::write(&file, &half[..half.len() / 2]).unwrap();
    sandbox.dataset("archival", "js", "archival", "dataset");
    sandbox.json(&["import", "dataset", "store"]);
    assert_eq!(sandbox.json(&["verify", "store", "--trusted", "dataset"])["findings"], json!([]));
}

#[test]
fn an_empty_store_has_nothing_to_import() {
    let sandbox = Sandbox::new();
    sandbox.dataset("empty", "js", "operational", "dataset");
    sandbox.run(&["import", "dataset", "clone"]).refused(&["no artifacts"]);
    assert!(!sandbox.path("clone").exists());
}

/// A store that lost the records of its unused snapshots and of its old spans, as early importers lost them.
fn forgetful(sandbox: &Sandbox) {
    sandbox.store("archival", "store");
    sandbox.dataset("archival", "js", "operational", "dataset");
    let database = rusqlite::Connection::open(sandbox.path("store/swingstore.sqlite")).unwrap();
    database
        .execute_batch("DELETE FROM snapshots WHERE inUse IS NULL; DELETE FROM transcriptSpans WHERE isCurrent IS NULL")
        .unwrap();
}

#[test]
fn lost_records_are_repaired_from_a_dataset_of_the_same_block() {
    let sandbox = Sandbox::new();
    forgetful(&sandbox);
    assert_eq!(sandbox.run(&["verify", "store", "--trusted", "dataset"]).code, 1);
    let args = ["import", "dataset", "store", "--export-data-mode", "repair-metadata", "--check-block-height", "5"];
    let done = sandbox.json(&args);
    assert!(done["added"].as_u64().unwrap() > 0 && done["agreed"].as_u64().unwrap() > 0, "{done}");
    assert_eq!((&done["taken"], &done["bytes"], &done["mode"]), (&json!(0), &json!(0), &json!("none")));
    assert_eq!(done["block_height"], 5);
    assert_eq!(sandbox.json(&["verify", "store", "--trusted", "dataset"])["findings"], json!([]));
    // A second time there is nothing to add.
    let again = sandbox.json(&args);
    assert_eq!((&again["added"], &again["agreed"]), (&json!(0), &done["records"]));
}

#[test]
fn a_store_is_not_repaired_from_something_else() {
    let sandbox = Sandbox::new();
    forgetful(&sandbox);
    let before = sandbox.tree();
    let repair = ["--export-data-mode", "repair-metadata"];
    let run = |args: &[&str]| sandbox.run(&[args, &repair].concat());

    sandbox.dataset("worked-example", "js", "operational", "other");
    run(&["import", "other", "store"]).refused(&["store", "at block height 5", "the dataset is of 17"]);
    let wrong = ["import", "dataset", "store", "--check-block-height", "6"];
    run(&wrong).refused(&["block height 5, not 6"]);
    run(&["import", "dataset", "absent"]).refused(&["no swing-store at absent"]);
    assert!(!sandbox.path("absent").exists());
    fs::remove_dir_all(sandbox.path("other")).unwrap();

    // A record that contradicts the store: nothing of the rest is added either.
    let data = sandbox.path("dataset/export-data.jsonl");
    let text = fs::read_to_string(&data).unwrap();
    fs::write(&data, text.replacen("\\\"endPos\\\":23", "\\\"endPos\\\":24", 1)).unwrap();
    run(&["import", "dataset", "store"]).refused(&["transcript.v1.current", "nothing was changed"]);
    fs::write(&data, text).unwrap();
    assert_eq!(sandbox.tree(), before);
}

#[test]
fn an_import_that_fails_leaves_no_directory_that_was_not_there() {
    let sandbox = Sandbox::with_store("worked-example");
    sandbox.json(&["export", "store", "dataset"]);
    let artifact = sandbox.path("dataset").join("transcript.v1.3.4");
    let longer = [fs_err::read(&artifact).unwrap(), b"x\n".to_vec()].concat();
    fs_err::write(&artifact, longer).unwrap();
    let run = sandbox.run(&["import", "dataset", "new"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(!sandbox.path("new").exists());
}

/// Somebody who reads what is in a store's log and not in its file yet.
fn reader(sandbox: &Sandbox) -> rusqlite::Connection {
    let database = rusqlite::Connection::open(sandbox.path("store/swingstore.sqlite")).unwrap();
    let log = "PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 0; UPDATE kvStore SET value = 'x' WHERE key = 'vat.names'";
    database.execute_batch(log).unwrap();
    database.execute_batch("BEGIN; SELECT * FROM kvStore").unwrap();
    database
}

#[test]
fn an_import_says_that_the_store_is_being_read_and_waits() {
    let sandbox = Sandbox::with_store("archival");
    sandbox.dataset("worked-example", "js", "operational", "dataset");
    let reader = reader(&sandbox);
    let mut command = sandbox.command(&["import", "dataset", "store", "--json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    stderr.read_line(&mut said).unwrap();
    assert!(said.starts_with("the store at ") && said.contains("the new store is made meanwhile"), "at once: {said}");
    stderr.read_line(&mut said).unwrap();
    let (_, waiting) = said.split_once('\n').unwrap();
    assert!(waiting.starts_with("waiting: the store at ") && waiting.contains("is in use"), "{said}");
    if cfg!(target_os = "linux") {
        assert_eq!(said.matches(&format!("by process {}", std::process::id())).count(), 2, "{said}");
    }
    drop(reader);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "each is said once");
    assert_eq!(sandbox.json(&["verify", "store", "--trusted", "dataset", "--height", "17"])["findings"], json!([]));
    assert_eq!(files(&sandbox.path("store")).keys().collect::<Vec<_>>(), ["swingstore.sqlite"]);
}

/// The original takes no lock of ours.
#[test]
fn a_store_that_goes_past_the_dataset_while_an_import_waits_for_it_is_not_replaced() {
    for (height, replace) in [(18, false), (17, false), (18, true)] {
        let sandbox = Sandbox::with_store("archival");
        sandbox.dataset("worked-example", "js", "operational", "dataset");
        let other = reader(&sandbox);
        let mut command = sandbox.command(&["import", "dataset", "store", "--json"]);
        if replace {
            command.arg("--replace");
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        stderr.read_line(&mut said).unwrap();
        stderr.read_line(&mut said).unwrap();
        assert!(said.contains("\nwaiting: "), "{said}");
        let sql = format!("ROLLBACK; UPDATE kvStore SET value = '{height}' WHERE key = 'host.height'");
        other.execute_batch(&sql).unwrap();
        drop(other);
        let output = child.wait_with_output().unwrap();
        let mut rest = String::new();
        stderr.read_to_string(&mut rest).unwrap();
        let is_kept = height > 17 && !replace;
        assert_eq!(output.status.code(), Some(if is_kept { 3 } else { 0 }), "{height} {replace}: {rest}");
        let now = sandbox.json(&["stat", "store"])["block_height"].clone();
        if is_kept {
            let later = "the store in store is at block height 18, the dataset of 17";
            assert!(rest.starts_with("error: ") && rest.contains(later), "{rest}");
            assert!(rest.contains("\nhint: the blocks after 17 would be lost"), "{rest}");
            assert_eq!(now, 18);
        } else {
            let replaced = serde_json::from_slice::<Value>(&output.stdout).unwrap()["replaced"].clone();
            assert_eq!((replaced, rest.as_str(), now), (json!({"block_height": height}), "", json!(17)));
        }
        assert_eq!(files(&sandbox.path("store")).keys().collect::<Vec<_>>(), ["swingstore.sqlite"]);
    }
}

#[test]
fn an_import_that_is_not_to_wait_leaves_the_store_that_is_being_read() {
    let sandbox = Sandbox::with_store("archival");
    sandbox.dataset("worked-example", "js", "operational", "dataset");
    let reader = reader(&sandbox);
    let run = sandbox.run(&["import", "dataset", "store", "--wait", "0"]);
    run.refused(&["is in use", "nothing was replaced", "without --wait"]);
    if cfg!(target_os = "linux") {
        run.refused(&[&format!("by process {}", std::process::id())]);
    }
    // Before anything is built: of a dataset that cannot be imported nothing is said yet.
    fs::write(sandbox.path("dataset/transcript.v1.3.4"), "forged\n").unwrap();
    sandbox.run(&["import", "dataset", "store", "--wait", "0"]).refused(&["is in use"]);
    drop(reader);
    assert_eq!(sandbox.json(&["stat", "store"])["block_height"], 5);
    assert_eq!(files(&sandbox.path("store")).keys().collect::<Vec<_>>(), ["swingstore.sqlite"]);
}
