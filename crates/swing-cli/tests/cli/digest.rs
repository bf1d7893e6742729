//! `swing-store digest`

use serde_json::json;

use crate::sandbox::{Sandbox, alter};

/// A store of ours, with its digest: one that was imported.
fn imported() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.dataset("archival", "js", "archival", "dataset");
    sandbox.json(&["import", "dataset", "clone", "--artifact-mode", "archival"]);
    sandbox
}

#[test]
fn a_store_of_other_software_gets_a_digest_and_then_a_changed_pair_is_found() {
    let sandbox = Sandbox::with_store("archival");
    let before = sandbox.tree();
    let plan = sandbox.json(&["digest", "rebuild", "store", "--dry-run"]);
    assert_eq!(plan, json!({"found": {"verdict": "absent"}, "needed": true, "rebuilt": false}));
    assert_eq!(sandbox.tree(), before);
    let done = sandbox.run(&["digest", "rebuild", "store"]);
    assert_eq!((done.code, done.stdout.as_str()), (0, "row digest: there is none: made\n"));
    assert_eq!(sandbox.json(&["verify", "store"])["row_digests"]["verdict"], "agrees");
    // Once is enough.
    let again = sandbox.json(&["digest", "rebuild", "store"]);
    assert_eq!((&again["needed"], &again["rebuilt"]), (&json!(false), &json!(false)));

    alter(&sandbox, "store", "UPDATE kvStore SET value = 'forged' WHERE key = 'activityhash'");
    let run = sandbox.run(&["verify", "store", "--json"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert_eq!(run.json()["findings"][0]["what"], "kvStore");
    let before = sandbox.tree();
    sandbox.run(&["digest", "rebuild", "store"]).refused(&["not those that were committed", "--accept-rows"]);
    assert_eq!(sandbox.tree(), before);
    assert_eq!(sandbox.json(&["digest", "rebuild", "store", "--accept-rows"])["rebuilt"], true);
    assert_eq!(sandbox.json(&["verify", "store"])["findings"], json!([]));
}

#[test]
fn what_other_software_wrote_is_no_damage_and_verify_says_since_when_pairs_are_not_checked() {
    let sandbox = imported();
    assert_eq!(sandbox.json(&["verify", "clone"])["row_digests"]["verdict"], "agrees");
    alter(
        &sandbox,
        "clone",
        "UPDATE kvStore SET value = '6' WHERE key = 'host.height'; INSERT INTO kvStore VALUES ('k', '');",
    );
    let found = sandbox.json(&["verify", "clone"]);
    assert_eq!((&found["row_digests"]["verdict"], &found["findings"]), (&json!("out of date"), &json!([])));
    assert!(found["row_digests"]["since"].as_str().unwrap().starts_with("block height 5, "), "{found}");
    let said = sandbox.run(&["verify", "clone"]).stdout;
    assert!(
        said.contains(
            "pairs were not checked: a program that does not keep the digest has written since block height 5"
        ),
        "{said}"
    );
    let done = sandbox.run(&["digest", "rebuild", "clone"]);
    let expected = "row digest: it is out of date: other software has written to the store: made\n";
    assert_eq!((done.code, done.stdout.as_str()), (0, expected));
    assert_eq!(sandbox.json(&["verify", "clone"])["row_digests"]["verdict"], "agrees");
}

#[test]
fn a_migration_leaves_the_digest_as_right_and_as_guarded_as_it_was() {
    let sandbox = Sandbox::with_store("schema-1a");
    sandbox.json(&["digest", "rebuild", "store"]);
    assert_eq!(sandbox.json(&["migrate", "store"])["migrated"], true);
    assert_eq!(sandbox.json(&["verify", "store"])["row_digests"]["verdict"], "agrees");
    assert_eq!(sandbox.json(&["digest", "rebuild", "store", "--dry-run"])["needed"], false);
    alter(&sandbox, "store", "UPDATE snapshots SET inUse = NULL");
    assert_eq!(
        sandbox.json(&["digest", "rebuild", "store", "--dry-run", "--accept-rows"])["found"]["verdict"],
        "contradicts"
    );
}

#[test]
fn a_digest_of_a_later_release_is_not_replaced() {
    let sandbox = imported();
    alter(&sandbox, "clone", "UPDATE rowDigestState SET version = 3");
    let before = sandbox.tree();
    for more in [&[][..], &["--accept-rows"], &["--accept-rows", "--dry-run"]] {
        let arguments = [&["digest", "rebuild", "clone"], more].concat();
        sandbox.run(&arguments).refused(&["have version 3", "use a newer release"]);
    }
    assert_eq!(sandbox.tree(), before);
    assert_eq!(sandbox.run(&["verify", "clone"]).code, 1);
}
