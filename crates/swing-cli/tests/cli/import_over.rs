//! `swing-store import`: over what it does not replace, and what it keeps of what it replaces.

use fs_err as fs;
use serde_json::{Value, json};

use crate::sandbox::{Sandbox, alter};

#[test]
fn a_store_at_a_greater_height_is_replaced_only_on_purpose() {
    let sandbox = Sandbox::with_store("worked-example");
    sandbox.dataset("archival", "js", "archival", "dataset");
    let before = sandbox.tree();
    let words = ["the store in store is at block height 17, the dataset of 5", "nothing was replaced", "--replace"];
    sandbox.run(&["import", "dataset", "store"]).refused(&words);
    assert_eq!(sandbox.tree(), before);
    let done = sandbox.json(&["import", "dataset", "store", "--replace"]);
    assert_eq!((&done["replaced"], &done["block_height"]), (&json!({"block_height": 17}), &json!(5)));
    // Of the same height, of none, or none at all.
    assert_eq!(sandbox.json(&["import", "dataset", "store"])["replaced"], json!({"block_height": 5}));
    alter(&sandbox, "store", "DELETE FROM kvStore WHERE key = 'host.height'");
    assert_eq!(sandbox.json(&["import", "dataset", "store"])["replaced"], json!({"block_height": null}));
    assert_eq!(sandbox.json(&["import", "dataset", "new"])["replaced"], Value::Null);
    let said = sandbox.run(&["import", "dataset", "store"]).stdout;
    assert!(said.contains("local.* keys, and host.* keys but the height"), "{said}");
}

#[test]
fn a_store_whose_height_cannot_be_told_is_replaced_only_on_purpose() {
    let unknown = "the height of the store in store cannot be told: nothing was replaced";
    for (sql, why) in [
        (
            "UPDATE kvStore SET value = '17th' WHERE key = 'host.height'",
            "host.height of the store in store is \"17th\"",
        ),
        ("UPDATE kvStore SET value = x'ff' WHERE key = 'host.height'", "SELECT value FROM kvStore"),
        ("ALTER TABLE kvStore RENAME COLUMN value TO worth", "no such column: value"),
        ("DROP TABLE pendingExports", "no table \"pendingExports\""),
    ] {
        let sandbox = Sandbox::with_store("worked-example");
        sandbox.dataset("archival", "js", "archival", "dataset");
        alter(&sandbox, "store", sql);
        let before = sandbox.tree();
        sandbox.run(&["import", "dataset", "store"]).refused(&[unknown, why, "--replace"]);
        assert_eq!(sandbox.tree(), before, "{sql}");
        let done = sandbox.json(&["import", "dataset", "store", "--replace"]);
        assert_eq!(done["replaced"], json!({"block_height": null}), "{sql}");
    }
}

#[test]
fn a_later_store_that_lacks_tables_is_as_later() {
    let sandbox = Sandbox::with_store("worked-example");
    sandbox.dataset("archival", "js", "archival", "dataset");
    alter(&sandbox, "store", "DROP TABLE bundles; DROP TABLE snapshots");
    sandbox
        .run(&["import", "dataset", "store"])
        .refused(&["the store in store is at block height 17, the dataset of 5"]);
    assert_eq!(sandbox.json(&["import", "dataset", "store", "--replace"])["replaced"], json!({"block_height": 17}));
}

#[test]
fn a_later_store_that_is_locked_is_not_taken_for_a_damaged_one() {
    let sandbox = Sandbox::with_store("worked-example");
    sandbox.dataset("archival", "js", "archival", "dataset");
    let file = sandbox.path("store/swingstore.sqlite");
    let other = rusqlite::Connection::open(file).unwrap();
    other.execute_batch("PRAGMA journal_mode = delete; BEGIN EXCLUSIVE; UPDATE kvStore SET value = value").unwrap();
    let unknown = "the height of the store in store cannot be told: nothing was replaced";
    sandbox.run(&["import", "dataset", "store", "--wait", "0"]).refused(&[unknown, "locked", "--replace"]);
}

#[cfg(unix)]
#[test]
fn the_new_file_has_the_mode_of_the_old_one_and_as_root_its_owner() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let sandbox = Sandbox::with_store("archival");
    sandbox.dataset("worked-example", "js", "operational", "dataset");
    let file = sandbox.path("store/swingstore.sqlite");
    let mut permissions = fs::metadata(&file).unwrap().permissions();
    permissions.set_mode(0o640);
    fs::set_permissions(&file, permissions).unwrap();
    let is_root = fs::metadata(&file).unwrap().uid() == 0;
    if is_root {
        fs_err::os::unix::fs::chown(&file, Some(12_345), Some(12_346)).unwrap();
    }
    let old = fs::metadata(&file).unwrap();
    sandbox.json(&["import", "dataset", "store"]);
    let new = fs::metadata(&file).unwrap();
    assert_ne!(new.ino(), old.ino());
    assert_eq!((new.mode() & 0o7777, new.uid(), new.gid()), (0o640, old.uid(), old.gid()));
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_is_not_replaced() {
    use fs_err::os::unix::fs::symlink;
    let sandbox = Sandbox::new();
    sandbox.dataset("worked-example", "js", "operational", "dataset");
    fs::create_dir(sandbox.path("store")).unwrap();
    symlink("/nowhere/mounted/swingstore.sqlite", sandbox.path("store/swingstore.sqlite")).unwrap();
    symlink("/nowhere/agoric", sandbox.path("link")).unwrap();
    let words = ["store/swingstore.sqlite is a link to /nowhere/mounted/swingstore.sqlite, which is not there"];
    sandbox.run(&["import", "dataset", "store"]).refused(&words);
    sandbox.run(&["import", "dataset", "link"]).refused(&["link is a link to /nowhere/agoric, which is not there"]);
    for link in ["store/swingstore.sqlite", "link"] {
        assert!(fs::symlink_metadata(sandbox.path(link)).unwrap().is_symlink(), "{link}");
    }
    // One that leads somewhere is kept, and what it leads to replaced.
    fs::create_dir(sandbox.path("disk")).unwrap();
    sandbox.store("archival", "disk");
    fs::remove_file(sandbox.path("store/swingstore.sqlite")).unwrap();
    symlink("../disk/swingstore.sqlite", sandbox.path("store/swingstore.sqlite")).unwrap();
    sandbox.json(&["import", "dataset", "store"]);
    assert_eq!(sandbox.json(&["stat", "disk"])["block_height"], 17);
}

#[test]
fn what_to_do_without_artifacts_depends_on_whether_the_dataset_has_some() {
    let sandbox = Sandbox::with_store("worked-example");
    sandbox.json(&["export", "store", "records", "--artifact-mode", "none"]);
    for more in [&[][..], &["--artifact-mode", "operational"]] {
        let run = sandbox.run(&[&["import", "records", "new"], more].concat());
        run.refused(&["no artifacts", "export again, with --artifact-mode operational or more"]);
        assert!(!run.stderr.contains("import with"), "{run:?}");
    }
    sandbox.json(&["export", "store", "whole"]);
    let run = sandbox.run(&["import", "whole", "new", "--artifact-mode", "none"]);
    run.refused(&["no artifacts", "say --artifact-mode operational; none is for repair-metadata"]);
}
