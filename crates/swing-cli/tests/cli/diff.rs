//! `swing-store diff`

use fs_err as fs;
use serde_json::{Value, json};
use swing_store::prelude::*;

use crate::sandbox::{Sandbox, alter, datasets, expected, stores};

#[test]
fn every_fixture_is_the_same_as_its_exports() {
    for name in stores() {
        let sandbox = Sandbox::with_store(&name);
        let records = expected(&name)["exportData"].as_array().unwrap().len();
        sandbox.store(&name, "copy");
        let found = sandbox.json(&["diff", "store", "copy"]);
        let sides = |of: &str| (found[of]["kind"].clone(), found[of]["records"].clone());
        assert_eq!(
            (sides("here"), sides("there")),
            ((json!("store"), json!(records)), (json!("store"), json!(records)))
        );
        assert_eq!(
            (&found["found"], &found["records"], &found["items"]),
            (&json!(0), &json!([]), &json!([])),
            "{name}"
        );
        for (dialect, mode) in datasets(&name) {
            sandbox.dataset(&name, dialect, &mode, "dataset");
            for other in ["dataset", "dataset/export-data.jsonl"] {
                let found = sandbox.json(&["diff", "store", other]);
                let kind = if other == "dataset" { "dataset" } else { "export-data" };
                assert_eq!((&found["found"], &found["there"]["kind"]), (&json!(0), &json!(kind)), "{name} {dialect}");
                assert_eq!(sandbox.json(&["diff", other, "store"])["found"], 0, "{name} {dialect}");
            }
            fs::remove_dir_all(sandbox.path("dataset")).unwrap();
        }
    }
}

/// Two nodes that went different ways in their second item of v1.
fn parted() -> Sandbox {
    let sandbox = Sandbox::with_store("archival");
    sandbox.store("archival", "other");
    for (name, item) in [("store", "mine"), ("other", "other")] {
        let mut store = Store::open(sandbox.path(name), Options::default()).unwrap();
        let vat = VatId::parse("v1").unwrap();
        let mut kernel = store.kernel();
        for item in ["same", item] {
            kernel.transcripts().add_item(&vat, &format!("{{\"d\":[\"{item}\"],\"sc\":[]}}")).unwrap();
        }
        kernel.kv().set("vat.names", &format!("[\"{item}\"]")).unwrap();
        kernel.kv().set("local.mine", item).unwrap();
        store.host().commit().unwrap();
        store.close().unwrap();
    }
    sandbox
}

#[test]
fn what_differs_is_told_to_the_item() {
    let sandbox = parted();
    let run = sandbox.run(&["diff", "store", "other"]);
    assert_eq!((run.code, run.stderr.as_str()), (1, ""), "{run:?}");
    let expected = expected("archival");
    let hash = expected["activityhash"].as_str().unwrap();
    let lines: Vec<_> = run.stdout.lines().collect();
    assert_eq!(lines[0], format!("here:  store, block height 5, activityhash {hash}, 26 export records"));
    assert_eq!(lines[1], format!("there: other, block height 5, activityhash {hash}, 26 export records"));
    assert_eq!(lines[2], r#"kv.vat.names: "[\"mine\"]" here, "[\"other\"]" there"#);
    assert!(lines[3].starts_with("transcript.v1.current: hash is \""), "{}", lines[3]);
    assert_eq!(
        lines[4],
        r#"transcript of v1: 3 items from 21 on are the same; item 24: d is ["mine"] here, ["other"] there"#
    );
    assert_eq!(lines[5..], ["records that differ: 1 of kv, 1 of transcript"]);

    let run = sandbox.run(&["diff", "store", "other", "--json"]);
    assert_eq!(run.code, 1);
    let found = run.json();
    assert_eq!(found["differing"], json!({"kv": 1, "snapshot": 0, "transcript": 1, "bundle": 0}));
    assert_eq!((&found["found"], found["records"].as_array().unwrap().len()), (&json!(2), 2));
    assert_eq!(found["here"]["activityhash"], hash);
    let items = &found["items"][0];
    assert_eq!(
        (&items["vat"], &items["from"], &items["alike"], &items["position"]),
        (&json!("v1"), &json!(21), &json!(3), &json!(24))
    );
}

#[test]
fn an_export_of_the_other_node_is_compared_as_far_as_it_goes() {
    let sandbox = parted();
    sandbox.json(&["export", "other", "none", "--artifact-mode", "none"]);
    let found = |args: &[&str]| {
        let run = sandbox.run(&[&["diff", "--json"], args].concat());
        assert_eq!(run.code, 1, "{run:?}");
        run.json()
    };
    for there in ["none", "none/export-data.jsonl"] {
        let found = found(&["store", there]);
        assert_eq!((&found["found"], &found["items"][0]["position"]), (&json!(2), &Value::Null));
        let problem = found["items"][0]["problem"].as_str().unwrap();
        assert_eq!(problem, "no more are on both sides: here they end at 25, there none");
    }
    let run = sandbox.run(&["diff", "none", "store"]);
    assert!(
        run.stdout.contains("\ntranscript of v1: no more are on both sides: here none, there they end at 25\n"),
        "{run:?}"
    );
}

#[test]
fn items_that_a_pruned_side_does_not_have_are_not_called_the_same() {
    let sandbox = Sandbox::with_store("archival");
    sandbox.json(&["export", "store", "pruned"]);
    let (path, other) = (sandbox.path("pruned/export-data.jsonl"), swing_core::Digest::of(b"other"));
    let records = fs::read_to_string(&path).unwrap();
    let records = records.lines().map(|line| match line.contains("transcript.v1.0\"") {
        true => {
            let (start, end) = line.split_once("hash\\\":\\\"").unwrap();
            format!("{start}hash\\\":\\\"{other}{}\n", &end[64..])
        }
        false => format!("{line}\n"),
    });
    fs::write(&path, records.collect::<String>()).unwrap();
    let run = sandbox.run(&["diff", "store", "pruned"]);
    let line = "transcript of v1: of 23 items from 0 on 21 are not on both sides, and the other 2 are the same; \
                no more are on both sides: here they end at 23, there they end at 23";
    assert!(run.stdout.lines().any(|told| told == line), "{run:?}");
    assert_eq!(sandbox.run(&["diff", "store", "pruned", "--json"]).json()["items"][0]["lacking"], 21);
}

#[test]
fn nothing_that_a_terminal_acts_on_is_printed() {
    let sandbox = Sandbox::with_store("archival");
    let evil = "\u{1b}[2J\nthe same: \u{202e}\u{9b}31m\u{7f}é";
    let object = json!({evil: 1, "text": evil}).to_string();
    let records = [("kv.activityhash", evil), (&format!("kv.{evil}"), evil), ("kv.object", &object)];
    let records = records.map(|(key, value)| format!("{}\n", json!([key, value])));
    fs::write(sandbox.path("evil.jsonl"), records.concat()).unwrap();
    let other = json!(["kv.object", "{}"]).to_string() + "\n";
    fs::write(sandbox.path("other.jsonl"), other).unwrap();
    for args in [
        ["diff", "evil.jsonl", "other.jsonl"],
        ["diff", "other.jsonl", "evil.jsonl"],
        ["verify", "store", "--trusted=evil.jsonl"],
    ] {
        let run = sandbox.run(&args);
        let acting = |char: char| (char.is_control() && char != '\n') || char == '\u{202e}';
        assert!(run.code == 1 && !run.stdout.contains(acting), "{run:?}");
        assert!(!run.stdout.contains("\nthe same: ") && run.stdout.contains("31m\\u{7f}é"), "{run:?}");
    }
    let run = sandbox.run(&["diff", "evil.jsonl", "other.jsonl", "--json"]);
    assert_eq!(run.json()["here"]["activityhash"], evil);
}

#[test]
fn another_height_explains_differences() {
    let sandbox = parted();
    alter(&sandbox, "other", "UPDATE kvStore SET value = '6' WHERE key = 'host.height'");
    let run = sandbox.run(&["diff", "store", "other"]);
    assert!(run.stdout.starts_with("warning: here is height 5, there 6: differences are to be expected\n"), "{run:?}");
    // Neither the height nor the node's own keys are compared.
    alter(&sandbox, "store", "UPDATE kvStore SET value = '7' WHERE key = 'host.height'");
    assert_eq!(sandbox.run(&["diff", "store", "other", "--json"]).json()["found"], 2);
}

#[test]
fn what_cannot_be_read_is_named_and_left_alone() {
    let sandbox = parted();
    sandbox.run(&["diff", "store", "absent"]).refused(&["absent"]);
    sandbox.run(&["diff", "absent", "store"]).refused(&["absent"]);
    sandbox
        .run(&["diff", "store/swingstore.sqlite", "other"])
        .refused(&["is a store's database", "name the directory"]);
    fs::write(sandbox.path("bad.jsonl"), "[\"kv.a\",\"1\"]\n[\n").unwrap();
    sandbox.run(&["diff", "store", "bad.jsonl"]).refused(&["the second of the two", "`bad.jsonl` line 2"]);
    sandbox.run(&["diff", "bad.jsonl", "store"]).refused(&["the first of the two", "`bad.jsonl` line 2"]);
    fs::write(sandbox.path("back.jsonl"), "[\"kv.a\",\"1\"]\n[\"kv.a\"]\n").unwrap();
    sandbox
        .run(&["diff", "back.jsonl", "store"])
        .refused(&["the first of the two takes \"kv.a\" back", "as the second"]);
    alter(&sandbox, "other", "INSERT INTO kvStore VALUES ('a', CAST(x'eda080' AS TEXT))");
    let before = sandbox.tree();
    sandbox.run(&["diff", "store", "other"]).refused(&["the second of the two", "kv.a", "verify"]);
    assert_eq!(sandbox.tree(), before);
}
