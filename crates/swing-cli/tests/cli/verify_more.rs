//! `swing-store verify`: how much it looked at, and what it tells of a store that is not like another.

use std::fmt::Write as _;

use fs_err as fs;
use serde_json::{Value, json};

use crate::sandbox::{Sandbox, alter};

#[test]
fn what_was_checked_and_what_has_no_content_here_is_counted() {
    let found = Sandbox::with_store("archival").json(&["verify", "store"]);
    let none = json!({"spans": 0, "snapshots": 0, "bundles": 0});
    assert_eq!(found["without_content"], none);
    let whole = &found["checked"];
    let sandbox = Sandbox::with_store("pruned");
    let found = sandbox.json(&["verify", "store"]);
    assert_eq!(found["checked"], json!({"spans": 8, "snapshots": 4, "bundles": 0}));
    assert_eq!(found["without_content"], json!({"spans": 8, "snapshots": 5, "bundles": 0}));
    assert_eq!(whole, &json!({"spans": 13, "snapshots": 7, "bundles": 1}));
    let said = sandbox.run(&["verify", "store"]).stdout;
    let counts = "8 spans and 4 snapshots agree with the hashes in their records; 8 spans and 5 snapshots have no content here\n";
    assert!(said.contains(counts), "{said}");
    alter(&sandbox, "store", "UPDATE transcriptItems SET item = 'x' WHERE vatID = 'v1'");
    let said = sandbox.run(&["verify", "store"]).stdout;
    assert!(said.contains("4 snapshots were compared with the hashes in their records; 8 spans"), "{said}");
}

#[test]
fn a_store_can_be_asked_for_all_that_a_mode_needs() {
    let sandbox = Sandbox::with_store("pruned");
    sandbox.json(&["verify", "store", "--artifact-mode", "operational"]);
    for mode in ["replay", "archival"] {
        let run = sandbox.run(&["verify", "store", "--artifact-mode", mode, "--json"]);
        assert_eq!(run.code, 1, "{run:?}");
        let found = run.json();
        let lacks = found["findings"].as_array().unwrap();
        assert!(!lacks.is_empty() && found["found"] == lacks.len(), "{run:?}");
        assert!(lacks.iter().all(|lack| lack["what"].as_str().unwrap().starts_with("transcript.")), "{run:?}");
    }
    Sandbox::with_store("archival").json(&["verify", "store", "--artifact-mode", "archival"]);
    assert_eq!(sandbox.run(&["verify", "store", "--artifact-mode", "debug"]).code, 2);
}

#[test]
fn what_is_missing_is_told_once() {
    let sandbox = Sandbox::with_store("archival");
    alter(&sandbox, "store", "DELETE FROM transcriptItems WHERE vatID = 'v1' AND position >= 21");
    for mode in ["operational", "archival"] {
        let run = sandbox.run(&["verify", "store", "--artifact-mode", mode]);
        assert_eq!(run.stdout.matches("transcript.v1.21.23: ").count(), 1, "{run:?}");
        assert!(run.stdout.contains("\n1 finding in "), "{run:?}");
    }
}

#[test]
fn differences_are_counted_by_kind_and_none_hides_another() {
    let sandbox = Sandbox::with_store("archival");
    sandbox.dataset("archival", "js", "operational", "dataset");
    let data = sandbox.path("dataset/export-data.jsonl");
    let mut text = fs::read_to_string(&data).unwrap();
    text = text.replacen("\\\"endPos\\\":23", "\\\"endPos\\\":24", 1);
    (0..300).for_each(|at| writeln!(text, "[\"kv.x{at:03}\",\"{at}\"]").unwrap());
    fs::write(&data, text).unwrap();
    alter(
        &sandbox,
        "store",
        "UPDATE snapshots SET hash = replace(hash, substr(hash, 1, 4), '0000') WHERE vatID = 'v2'",
    );
    let run = sandbox.run(&["verify", "store", "--trusted", "dataset", "--json"]);
    assert_eq!(run.code, 1, "{run:?}");
    let found = run.json();
    let snapshots = found["differing"]["snapshot"].as_u64().unwrap();
    assert!(snapshots > 0);
    assert_eq!(found["differing"], json!({"kv": 300, "snapshot": snapshots, "transcript": 1, "bundle": 0}));
    let findings = found["findings"].as_array().unwrap();
    assert_eq!(found["found"], findings.len() + 200);
    let of = |key: &str| {
        let found = findings.iter().filter(|found| found["what"] == key);
        let found: Vec<_> = found.map(|found| found["problem"].as_str().unwrap()).collect();
        found
            .into_iter()
            .find(|problem| problem.contains("trusted"))
            .unwrap_or_else(|| panic!("no {key}: {findings:?}"))
    };
    let span = of("transcript.v1.current");
    assert_eq!(span, "differs from the trusted export data: endPos is 23 here, 24 there");
    assert!(of("snapshot.v2.103").contains("hash is \"0000"), "{}", of("snapshot.v2.103"));
    assert_eq!(of("kv.x007"), "is in the trusted export data and not in the store: \"7\" there");
    let said = sandbox.run(&["verify", "store", "--trusted", "dataset"]).stdout;
    let counts = format!("records that differ: 300 of kv, {snapshots} of snapshot, 1 of transcript\n");
    assert!(said.contains(&counts), "{said}");
    let counted = format!("\n{} findings (200 of them not shown) in 26 export records", found["found"]);
    assert!(said.contains(&counted), "{said}");
}

#[test]
fn another_height_is_said_first_since_it_explains_the_rest() {
    let sandbox = Sandbox::with_store("archival");
    sandbox.dataset("archival", "js", "operational", "dataset");
    alter(&sandbox, "store", "UPDATE kvStore SET value = '6' WHERE key = 'host.height'");
    let run = sandbox.run(&["verify", "store", "--trusted", "dataset"]);
    let warning = "the store is at height 6, the trusted data is of 5: differences are to be expected";
    assert!(run.code == 0 && run.stdout.starts_with(&format!("warning: {warning}\n")), "{run:?}");
    assert_eq!(sandbox.json(&["verify", "store", "--trusted", "dataset"])["warnings"], json!([warning]));
    // Of a file nobody knows.
    let found = sandbox.json(&["verify", "store", "--trusted", "dataset/export-data.jsonl"]);
    assert_eq!(found["warnings"], json!([]));
}

#[test]
fn trusted_data_that_is_empty_or_not_all_of_it_is_told() {
    let sandbox = Sandbox::with_store("archival");
    fs::write(sandbox.path("empty.jsonl"), "").unwrap();
    sandbox.run(&["verify", "store", "--trusted", "empty.jsonl"]).refused(&["the trusted export data is empty"]);
    fs::write(sandbox.path("some.jsonl"), "[\"kv.a\",\"1\"]\n").unwrap();
    let run = sandbox.run(&["verify", "store", "--trusted", "some.jsonl"]);
    assert!(run.code == 1 && run.stdout.starts_with("warning: the trusted data has no activityhash: "), "{run:?}");
}

#[test]
fn a_store_in_place_of_trusted_data_is_told_with_what_to_do() {
    let sandbox = Sandbox::with_store("archival");
    sandbox.store("archival", "other");
    for other in ["other", "other/swingstore.sqlite"] {
        let run = sandbox.run(&["verify", "store", "--trusted", other]);
        run.refused(&[&format!("{other} is a store"), "`swing-store export other NEW --artifact-mode none`"]);
    }
    // Also beside its dataset.
    sandbox.dataset("archival", "js", "operational", "other");
    assert_eq!(sandbox.json(&["verify", "store", "--trusted", "other"])["found"], 0);
}

#[cfg(target_os = "linux")]
#[test]
fn trusted_data_may_come_from_a_pipe() {
    let sandbox = Sandbox::with_store("archival");
    sandbox.dataset("archival", "js", "operational", "dataset");
    alter(&sandbox, "store", "UPDATE kvStore SET value = 'forged' WHERE key = 'activityhash'");
    let mut command = sandbox.command(&["verify", "store", "--json", "--trusted", "/dev/stdin"]);
    let mut child = command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let data = fs::read(sandbox.path("dataset/export-data.jsonl")).unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), &data).unwrap();
    let output = child.wait_with_output().unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &found["found"]), (Some(1), &json!(1)), "{found}");
    let problem = "differs from the trusted export data: \"forged\" here";
    assert_eq!(found["findings"], json!([{"what": "kv.activityhash", "problem": problem}]));
}
