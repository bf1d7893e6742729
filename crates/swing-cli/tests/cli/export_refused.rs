//! `swing-store export`: what it does not export, and where it does not write.

use fs_err as fs;
use serde_json::{Value, json};

use crate::sandbox::{Sandbox, alter};

/// A store of ours, with its digest: one that was imported.
fn imported() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.dataset("archival", "js", "archival", "dataset");
    sandbox.json(&["import", "dataset", "store", "--artifact-mode", "archival"]);
    sandbox
}

/// Changes one character of a value in the file.
fn damage(sandbox: &Sandbox) {
    let file = sandbox.path("store/swingstore.sqlite");
    let mut bytes = fs::read(&file).unwrap();
    let activityhash: String = rusqlite::Connection::open(&file)
        .unwrap()
        .query_row("SELECT value FROM kvStore WHERE key = 'activityhash'", [], |row| row.get(0))
        .unwrap();
    // A row has the key before the value.
    let row = format!("activityhash{activityhash}");
    let found: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(row.as_bytes())).collect();
    let [at] = found[..] else { panic!("{found:?}") };
    let last = &mut bytes[at + row.len() - 1];
    *last = if *last == b'0' { b'1' } else { b'0' };
    fs::write(file, bytes).unwrap();
}

#[test]
fn rows_that_their_digest_calls_damaged_do_not_leave_the_store() {
    let sandbox = imported();
    let done = sandbox.json(&["export", "store", "sound"]);
    assert_eq!(done["row_digests"], sandbox.json(&["verify", "store"])["row_digests"]);
    assert_eq!((&done["row_digests"]["verdict"], &done["findings"]), (&json!("agrees"), &Value::Null));
    damage(&sandbox);
    let verified = sandbox.run(&["verify", "store", "--json"]).json();
    let finding = &verified["findings"][0];
    let (what, problem) = (finding["what"].as_str().unwrap(), finding["problem"].as_str().unwrap());
    for mode in ["none", "operational", "archival"] {
        let run = sandbox.run(&["export", "store", "out", "--artifact-mode", mode]);
        run.refused(&[&format!("{what}: {problem}"), "nothing was written", "swing-store verify"]);
        assert!(!sandbox.path("out").exists());
    }

    let run = sandbox.run(&["export", "store", "out", "--artifact-mode", "debug", "--json"]);
    assert_eq!((run.code, &run.json()["findings"]), (1, &json!([finding])), "{run:?}");
    assert_eq!(run.json()["row_digests"]["verdict"], "contradicts");
    let run = sandbox.run(&["export", "store", "people", "--artifact-mode", "debug"]);
    assert!(run.code == 1 && run.stdout.contains(&format!("  damaged       {what}: {problem}\n")), "{run:?}");
}

#[test]
fn a_digest_that_is_absent_or_out_of_date_is_told_and_no_reason_not_to_export() {
    let sandbox = imported();
    sandbox.store("archival", "old");
    assert_eq!(sandbox.json(&["export", "old", "a"])["row_digests"]["verdict"], "absent");
    let said = sandbox.run(&["export", "old", "b"]).stdout;
    assert!(said.contains("key-value pairs were not checked: the store has no digest"), "{said}");
    // As other software does.
    alter(&sandbox, "store", "UPDATE kvStore SET value = '6' WHERE key = 'host.height'");
    assert_eq!(sandbox.json(&["export", "store", "c"])["row_digests"]["verdict"], "out of date");
}

/// Maintenance by the original, say, or a later release's digest.
#[test]
fn what_another_program_has_written_is_no_damage() {
    for change in [
        "INSERT INTO kvStore VALUES ('host.x', 'y')",
        "UPDATE kvStore SET value = 'z' WHERE key = 'vat.names'",
        "UPDATE rowDigestState SET version = 3",
    ] {
        let sandbox = imported();
        alter(&sandbox, "store", change);
        let done = sandbox.json(&["export", "store", "a"]);
        assert_eq!(
            (&done["row_digests"]["verdict"], &done["findings"]),
            (&json!("contradicts"), &Value::Null),
            "{change}"
        );
        let said = sandbox.run(&["export", "store", "b"]).stdout;
        assert!(said.contains("their digest is not kept up to date"), "{said}");
        assert_eq!(sandbox.run(&["export", "store", "c", "--artifact-mode", "debug"]).code, 0, "{change}");
    }
}

#[test]
fn the_stores_own_directory_is_no_place_for_a_dataset() {
    let sandbox = Sandbox::with_store("worked-example");
    fs::create_dir(sandbox.path("store/empty")).unwrap();
    fs::create_dir(sandbox.path("elsewhere")).unwrap();
    let mut places = vec!["store", "store/", "./store/empty", "store/new/deep", "elsewhere/../store"];
    if cfg!(unix) {
        #[cfg(unix)]
        fs_err::os::unix::fs::symlink("store", sandbox.path("link")).unwrap();
        places.extend(["link", "link/new"]);
    }
    let before = sandbox.tree();
    for place in places {
        let run = sandbox.run(&["export", "store", place]);
        run.refused(&["the directory of the store in store", "nothing was written"]);
        assert!(!run.stderr.contains("delete"), "{run:?}");
        assert_eq!(sandbox.tree(), before, "{place}");
    }
}

#[test]
fn a_path_that_leads_back_out_of_what_is_not_there_is_refused() {
    let sandbox = Sandbox::with_store("worked-example");
    fs::create_dir(sandbox.path("other")).unwrap();
    fs::write(sandbox.path("other/mine"), "mine").unwrap();
    let before = sandbox.tree();
    for place in ["new/../store/z", "new/../store", "new/../other", "store/swingstore.sqlite/../z", "a/b/../../other"] {
        let run = sandbox.run(&["export", "store", place]);
        run.refused(&[place, "which is no directory, and back with ..", "without .."]);
        assert!(!run.stderr.contains("delete"), "{run:?}");
        assert_eq!(sandbox.tree(), before, "{place}");
    }
    sandbox.json(&["export", "store", "other/../fine"]);
}

#[test]
fn a_directory_with_something_in_it_is_no_place_for_a_dataset() {
    let sandbox = Sandbox::with_store("worked-example");
    sandbox.store("archival", "parent/other");
    fs::create_dir(sandbox.path("mixed")).unwrap();
    fs::write(sandbox.path("mixed/snapshot.v1.2"), "mine").unwrap();
    (0..9).for_each(|at| fs::write(sandbox.path(&format!("mixed/z{at}")), "").unwrap());
    fs::write(sandbox.path("file"), "mine").unwrap();
    let before = sandbox.tree();
    for (place, holds) in [
        ("mixed", "mixed is not an empty directory: it has snapshot.v1.2, z0, z1, z2, z3 and 5 more"),
        ("parent", "parent is not an empty directory: it has other\n"),
        ("parent/other", "parent/other is not an empty directory: it has swingstore.sqlite\n"),
        ("file", "file is not an empty directory\n"),
    ] {
        let run = sandbox.run(&["export", "store", place]);
        run.refused(&[holds, "nothing was erased"]);
        assert!(!run.stderr.contains("delete"), "{run:?}");
        assert_eq!(sandbox.tree(), before, "{place}");
    }
}

#[test]
fn only_a_directory_that_the_export_made_is_to_be_deleted() {
    let sandbox = Sandbox::with_store("worked-example");
    alter(&sandbox, "store", "UPDATE transcriptItems SET item = 'forged' WHERE position = 3");
    fs::create_dir(sandbox.path("empty")).unwrap();
    let run = sandbox.run(&["export", "store", "empty"]);
    run.refused(&["the export into empty was not finished", "empty manifest", "was there before"]);
    assert!(!run.stderr.contains("delete empty"), "{run:?}");
    sandbox.run(&["export", "store", "new"]).refused(&["the export into new was not finished", "delete new before"]);
    // Of one that was begun earlier nobody knows who made the directory.
    let run = sandbox.run(&["export", "store", "new"]);
    run.refused(&["new/export-manifest.json", "only if nothing but that export is in it"]);
}

#[test]
fn a_store_without_a_height_is_at_none_that_is_asked_for() {
    let sandbox = Sandbox::with_store("archival");
    sandbox.dataset("archival", "js", "operational", "dataset");
    alter(&sandbox, "store", "DELETE FROM kvStore WHERE key = 'host.height'");
    for height in ["0", "5"] {
        let words = ["the store in store has no block height", &format!("not {height}")];
        sandbox.run(&["export", "store", "out", "--check-block-height", height]).refused(&words);
        let run = sandbox.run(&["verify", "store", "--height", height, "--json"]);
        let problem = format!("there is none, not {height}");
        assert_eq!(run.code, 1);
        assert_eq!(run.json()["findings"], json!([{"what": "host.height", "problem": problem}]));
    }
    assert_eq!(sandbox.json(&["export", "store", "out"])["block_height"], 0);
    let repair = ["import", "out", "store", "--export-data-mode", "repair-metadata", "--check-block-height", "0"];
    sandbox.run(&repair).refused(&["has no block height"]);
}

#[test]
fn a_debug_export_counts_what_a_node_would_need_and_is_not_there() {
    let sandbox = Sandbox::with_store("archival");
    let none = json!({"spans": 0, "snapshots": 0, "bundles": 0});
    assert_eq!(sandbox.json(&["export", "store", "whole", "--artifact-mode", "debug"])["missing"], none);
    assert_eq!(sandbox.json(&["export", "store", "less"])["missing"], Value::Null);
    alter(
        &sandbox,
        "store",
        "DELETE FROM transcriptItems WHERE vatID = 'v1' AND position >= 21; UPDATE bundles SET bundle = NULL;
        UPDATE snapshots SET compressedSnapshot = NULL, compressedSize = NULL, uncompressedSize = NULL WHERE inUse = 1",
    );
    let done = sandbox.json(&["export", "store", "part", "--artifact-mode", "debug"]);
    assert_eq!(done["missing"], json!({"spans": 1, "snapshots": 2, "bundles": 1}));
    let said = sandbox.run(&["export", "store", "people", "--artifact-mode", "debug"]).stdout;
    let words = "  not there     1 span, 2 snapshots and 1 bundle, which a node needs\n";
    assert!(said.contains(words), "{said}");
}
