//! What is no store, or not for us to touch: a clear error that names it, nothing changed, nothing created.

use std::process::Stdio;
use std::time::Duration;

use fs_err as fs;
use swing_store::{Options, Store};

use crate::sandbox::Sandbox;

/// Everything that reads a store called `store`.
const READERS: [&[&str]; 6] = [
    &["stat", "store"],
    &["verify", "store", "--json"],
    &["export", "store", "out"],
    &["migrate", "store"],
    &["migrate", "store", "--dry-run"],
    &["import", "dataset", "store", "--export-data-mode", "repair-metadata"],
];

/// Runs everything that reads a store, and maybe the import that would replace it, on what `make` puts there.
fn refused_by_all(make: impl Fn(&Sandbox), words: &[&str], replaceable: bool) {
    let sandbox = Sandbox::new();
    sandbox.dataset("worked-example", "js", "operational", "dataset");
    make(&sandbox);
    // Beside a file in which it finds damage SQLite leaves an index and an empty log.
    let tree = || {
        let mut tree = sandbox.tree();
        let is_empty_log = |name: &str, content: &Option<Vec<u8>>| {
            name.ends_with(".sqlite-wal") && content.as_ref().is_some_and(Vec::is_empty)
        };
        tree.retain(|path, content| {
            let name = path.to_string_lossy();
            !name.ends_with(".sqlite-shm") && !is_empty_log(&name, content)
        });
        tree
    };
    let before = tree();
    let import: &[&str] = &["import", "dataset", "store"];
    for args in READERS.into_iter().chain((!replaceable).then_some(import)) {
        sandbox.run(args).refused(words);
        assert_eq!(tree(), before, "{args:?}");
    }
}

#[test]
fn an_absent_directory() {
    refused_by_all(|_| {}, &["no swing-store at store/swingstore.sqlite", "name the directory"], true);
}

#[test]
fn an_empty_directory() {
    let make = |sandbox: &Sandbox| fs::create_dir(sandbox.path("store")).unwrap();
    refused_by_all(make, &["no swing-store at store/swingstore.sqlite"], true);
}

#[test]
fn an_empty_file() {
    let make = |sandbox: &Sandbox| {
        fs::create_dir(sandbox.path("store")).unwrap();
        fs::write(sandbox.path("store/swingstore.sqlite"), "").unwrap();
    };
    refused_by_all(make, &["no swing-store at store/swingstore.sqlite"], true);
}

#[test]
fn a_file_in_place_of_the_directory() {
    let make = |sandbox: &Sandbox| fs::write(sandbox.path("store"), "mine").unwrap();
    refused_by_all(make, &["store"], false);
}

#[test]
fn a_file_that_is_no_database() {
    let make = |sandbox: &Sandbox| {
        fs::create_dir(sandbox.path("store")).unwrap();
        fs::write(sandbox.path("store/swingstore.sqlite"), "my notes, which nobody else has a copy of").unwrap();
    };
    refused_by_all(make, &["store/swingstore.sqlite is not a SQLite database", "left alone"], false);
}

fn database(sandbox: &Sandbox, sql: &str) {
    fs::create_dir_all(sandbox.path("store")).unwrap();
    rusqlite::Connection::open(sandbox.path("store/swingstore.sqlite")).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn somebody_elses_database() {
    let make =
        |sandbox: &Sandbox| database(sandbox, "CREATE TABLE recipes (name TEXT); INSERT INTO recipes VALUES ('pie')");
    refused_by_all(make, &["store/swingstore.sqlite", "not a swing-store", "\"recipes\""], false);
}

#[test]
fn a_database_that_was_cut_short() {
    let make = |sandbox: &Sandbox| {
        sandbox.store("archival", "store");
        let file = sandbox.path("store/swingstore.sqlite");
        let bytes = fs::read(&file).unwrap();
        fs::write(file, &bytes[..20_000]).unwrap();
    };
    refused_by_all(make, &["store/swingstore.sqlite", "malformed", "restore the store"], true);
}

#[test]
fn a_later_format() {
    let make = |sandbox: &Sandbox| {
        sandbox.store("worked-example", "store");
        database(sandbox, "PRAGMA user_version = 7");
    };
    refused_by_all(make, &["format version 7", "newer release"], false);
}

#[test]
fn a_table_with_other_columns() {
    let make = |sandbox: &Sandbox| {
        sandbox.store("worked-example", "store");
        database(sandbox, "ALTER TABLE bundles RENAME COLUMN bundle TO parcel");
    };
    refused_by_all(make, &["table \"bundles\"", "store/swingstore.sqlite"], true);
}

#[test]
fn a_second_writer_is_told_of_the_first_and_readers_are_welcome() {
    let sandbox = Sandbox::with_store("schema-1a");
    sandbox.dataset("schema-1a", "js", "operational", "dataset");
    let first = Store::open(sandbox.path("store"), Options::default()).unwrap();
    let pid = format!("process {}", std::process::id());
    for args in [
        &["import", "dataset", "store"][..],
        &["import", "dataset", "store", "--export-data-mode", "repair-metadata"],
        &["migrate", "store"],
    ] {
        sandbox.run(args).refused(&["in use by another writer", &pid, "stop that process"]);
    }
    for args in
        [&["stat", "store"][..], &["verify", "store"], &["export", "store", "out"], &["migrate", "store", "--dry-run"]]
    {
        assert_eq!(sandbox.run(args).code, 0, "{args:?}");
    }
    first.close().unwrap();
    assert_eq!(sandbox.run(&["migrate", "store"]).code, 0);
}

#[test]
fn an_import_killed_at_any_moment_leaves_the_old_store_or_the_whole_new_one() {
    for milliseconds in [0, 1, 2, 3, 5, 8, 13, 21, 34, 55] {
        let sandbox = Sandbox::with_store("archival");
        sandbox.dataset("worked-example", "js", "operational", "dataset");
        let old = fs::read(sandbox.path("store/swingstore.sqlite")).unwrap();
        let mut child = sandbox.command(&["import", "dataset", "store"]).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
        let is_old = fs::read(sandbox.path("store/swingstore.sqlite")).unwrap() == old;
        if !is_old {
            sandbox.json(&["verify", "store", "--trusted", "dataset", "--height", "17"]);
        }
        // What it leaves behind hinders nobody.
        sandbox.json(&["import", "dataset", "store"]);
        sandbox.json(&["verify", "store", "--trusted", "dataset"]);
        assert!(!sandbox.path("store/swingstore.sqlite-import").exists());
    }
}

/// A node with the original store has it open, and nothing else tells of it.
#[test]
fn a_store_that_somebody_has_open_is_not_changed() {
    let sandbox = Sandbox::new();
    sandbox.dataset("archival", "js", "archival", "dataset");
    let repair: &[&str] = &["import", "dataset", "store", "--export-data-mode", "repair-metadata"];
    for (store, args) in
        [("archival", repair), ("schema-1a", &["migrate", "store"]), ("archival", &["digest", "rebuild", "store"])]
    {
        let _ = fs::remove_dir_all(sandbox.path("store"));
        sandbox.store(store, "store");
        // Before it is locked: this process would lose its locks when it closes the file.
        let before = sandbox.tree();
        let idle = rusqlite::Connection::open(sandbox.path("store/swingstore.sqlite")).unwrap();
        idle.execute_batch("SELECT count(*) FROM kvStore").unwrap();
        let words = ["the store in store is in use by", &std::process::id().to_string(), "stop the node"];
        let words = if cfg!(target_os = "linux") { &words[..] } else { &words[..1] };
        sandbox.run(args).refused(words);
        drop(idle);
        assert!(sandbox.tree() == before, "{args:?}");
        sandbox.json(args);
    }
}

#[cfg(unix)]
#[test]
fn no_room_for_the_logs_index_is_not_called_damage() {
    let sandbox = Sandbox::with_store("archival");
    for command in ["stat", "verify"] {
        let run = sandbox.run_with_small_files(8, &[command, "store"]);
        run.refused(&["no room for store/swingstore.sqlite-shm: make room on that disk"]);
        assert!(!run.stderr.contains("damaged"), "{run:?}");
    }
}

/// As root everything may be read: then somebody else is made to run the program.
#[cfg(unix)]
#[test]
fn a_log_that_may_not_be_read_is_named() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::os::unix::process::CommandExt as _;
    let sandbox = Sandbox::with_store("archival");
    let chmod = |name: &str, mode: u32| {
        let mut permissions = fs::metadata(sandbox.path(name)).unwrap().permissions();
        permissions.set_mode(mode);
        fs::set_permissions(sandbox.path(name), permissions).unwrap();
    };
    fs::copy(env!("CARGO_BIN_EXE_swing-store"), sandbox.path("program")).unwrap();
    fs::write(sandbox.path("store/swingstore.sqlite-wal"), "not empty").unwrap();
    chmod("", 0o755);
    chmod("store", 0o755);
    chmod("program", 0o755);
    chmod("store/swingstore.sqlite-wal", 0);
    let mut command = std::process::Command::new(sandbox.path("program"));
    command.args(["stat", "store"]).current_dir(sandbox.path("")).stdin(Stdio::null());
    if fs::metadata(sandbox.path("store")).unwrap().uid() == 0 {
        command.uid(65_534).gid(65_534);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("hint: store/swingstore.sqlite-wal may not be read: run it as the user who owns"), "{said}");
}
