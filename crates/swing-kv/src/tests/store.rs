//! One behaviour each.

use rusqlite::Connection;
use swing_core::roles::KvStore as _;
use swing_core::session::{Location, OpenOptions, Part as _, SessionError};
use swing_core::{RowDigests, Session};

use crate::error::check_length;
use crate::{Kv, KvError, KvOptions, KvState, TABLES};

/// A store in a file, and another connection to it.
struct Shared {
    session: Session,
    state: KvState,
    other: Connection,
    _dir: tempfile::TempDir,
}

fn shared() -> Shared {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("swingstore.sqlite");
    let session = Session::open(Location::File(file.clone()), &OpenOptions::default(), TABLES).unwrap();
    Shared { session, state: KvState::default(), other: Connection::open(file).unwrap(), _dir: dir }
}

impl Shared {
    fn kv(&mut self) -> Kv<'_> {
        self.state.bind(&mut self.session)
    }

    fn get(&mut self, key: &str) -> Option<String> {
        self.kv().get(key).unwrap().map(|value| value.to_string())
    }
}

#[test]
fn a_fresh_table_is_the_committed_text() {
    let session = Session::in_memory(TABLES).unwrap();
    let sql: Vec<String> = session
        .read()
        .all("SELECT sql FROM sqlite_schema WHERE tbl_name = 'kvStore' AND sql IS NOT NULL", [], |row| row.get(0))
        .unwrap();
    let committed: String =
        TABLES[0].create.lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>().join("\n");
    assert_eq!([committed.replace("IF NOT EXISTS ", "").trim_end_matches(';')], *sql);
}

#[test]
fn a_fresh_table_means_what_the_original_one_means() {
    let shape = |connection: &Connection| {
        let all = |sql: &str| {
            let mut statement = connection.prepare(sql).unwrap();
            let columns = statement.column_count();
            let rows = statement.query_map([], |row| {
                (0..columns).map(|at| row.get::<_, rusqlite::types::Value>(at)).collect::<Result<Vec<_>, _>>()
            });
            rows.unwrap().collect::<Result<Vec<_>, _>>().unwrap()
        };
        [
            all("PRAGMA table_xinfo(kvStore)"),
            all("PRAGMA table_list(kvStore)"),
            all("PRAGMA index_list(kvStore)"),
            all("PRAGMA index_xinfo(sqlite_autoindex_kvStore_1)"),
        ]
    };
    let original = Connection::open_in_memory().unwrap();
    original.execute_batch("CREATE TABLE kvStore (key TEXT, value TEXT, PRIMARY KEY (key))").unwrap();
    assert_eq!(shape(&shared().other), shape(&original));
}

#[test]
fn a_set_is_seen_at_once_and_is_in_the_file_after_the_commit() {
    let mut store = shared();
    let seen_elsewhere = |store: &Shared| -> i64 {
        store.other.query_row("SELECT count(*) FROM kvStore", [], |row| row.get(0)).unwrap()
    };
    store.kv().set("k", "v").unwrap();
    assert_eq!(store.get("k").as_deref(), Some("v"));
    assert_eq!(seen_elsewhere(&store), 0);
    let Shared { session, state, .. } = &mut store;
    session.commit(&mut [state]).unwrap();
    assert_eq!(seen_elsewhere(&store), 1);
}

#[test]
fn a_row_that_was_read_is_read_anew_when_another_connection_has_written() {
    let mut store = shared();
    assert_eq!((store.get("k"), store.kv().get_next_key("").unwrap()), (None, None));
    store.other.execute("INSERT INTO kvStore VALUES ('k', 'theirs')", []).unwrap();
    assert_eq!(store.kv().get_next_key("").unwrap().as_deref(), Some("k"));
    assert_eq!(store.get("k").as_deref(), Some("theirs"));
    // Noticed too when the first thing done is a write.
    store.other.execute("UPDATE kvStore SET value = 'again'", []).unwrap();
    store.other.execute("INSERT INTO kvStore VALUES ('l', '')", []).unwrap();
    store.kv().set("z", "").unwrap();
    assert_eq!(store.get("k").as_deref(), Some("again"));
    assert_eq!(store.kv().get_next_key("k").unwrap().as_deref(), Some("l"));
}

#[test]
fn an_absent_key_tells_of_all_up_to_the_next_one_also_when_blocks_add_some_between() {
    let mut store = shared();
    store.other.execute("INSERT INTO kvStore VALUES ('k9', 'v'), ('z', 'v')", []).unwrap();
    store.session.begin().unwrap();
    assert_eq!(store.get("k1"), None);
    // Behind the state's back, to see where it looks.
    store.session.write().unwrap().run("INSERT INTO kvStore VALUES ('k5', 'not looked at')", []).unwrap();
    assert_eq!((store.get("k5"), store.kv().has("k5").unwrap()), (None, false));
    assert_eq!(store.get("k9").as_deref(), Some("v"));

    store.kv().set("k7", "ours").unwrap();
    assert_eq!((store.get("k7").as_deref(), store.get("k6")), (Some("ours"), None));
    let Shared { session, state, .. } = &mut store;
    session.commit(&mut [state]).unwrap();
    assert_eq!((store.get("k7").as_deref(), store.get("k5"), store.get("k8")), (Some("ours"), None, None));
    store.kv().delete("k7").unwrap();
    let Shared { session, state, .. } = &mut store;
    session.commit(&mut [state]).unwrap();
    assert_eq!((store.get("k7"), store.get("k8")), (None, None));

    assert_eq!(store.get("k2"), None);
    store.other.execute("INSERT INTO kvStore VALUES ('k3', 'theirs')", []).unwrap();
    assert_eq!(store.get("k3").as_deref(), Some("theirs"));
}

/// As a damaged b-tree would, this one answers keys in another order.
fn out_of_order() -> Shared {
    let store = shared();
    let odd = "DROP TABLE kvStore; CREATE TABLE kvStore (key TEXT COLLATE NOCASE, value TEXT, PRIMARY KEY (key));
               INSERT INTO kvStore VALUES ('a', ''), ('B', ''), ('c', '');";
    store.other.execute_batch(odd).unwrap();
    store
}

#[test]
fn a_dump_of_keys_that_are_out_of_order_ends_with_an_error() {
    let mut store = out_of_order();
    let mut found = store.kv().entries();
    assert_eq!(&*found.next().unwrap().unwrap().0, "a");
    let error = found.next().unwrap().unwrap_err();
    assert!(matches!(error, KvError::Session(SessionError::OutOfOrder { table: "kvStore" })), "{error}");
    assert!(found.next().is_none());
}

#[test]
fn a_walk_over_keys_that_are_out_of_order_ends_with_an_error() {
    let mut store = out_of_order();
    assert_eq!(store.kv().get_next_key("").unwrap().as_deref(), Some("a"));
    let error = store.kv().get_next_key("a").unwrap_err();
    assert!(matches!(error, KvError::Session(SessionError::OutOfOrder { table: "kvStore" })), "{error}");
}

#[test]
fn before_a_key_that_is_no_text_nothing_is_concluded() {
    let mut store = shared();
    store.other.execute("INSERT INTO kvStore VALUES (CAST(x'6bff' AS TEXT), 'v'), ('l', 'v')", []).unwrap();
    store.session.begin().unwrap();
    assert_eq!((store.get("k"), store.get("l").as_deref()), (None, Some("v")));
}

#[test]
fn inside_a_block_a_row_is_read_from_the_file_once() {
    let mut store = shared();
    store.other.execute("INSERT INTO kvStore VALUES ('k', 'v')", []).unwrap();
    store.session.begin().unwrap();
    assert_eq!((store.get("k").as_deref(), store.get("absent")), (Some("v"), None));
    // Behind the state's back, to see where it looks.
    let mut writer = store.session.write().unwrap();
    writer.run("UPDATE kvStore SET value = 'not looked at'", []).unwrap();
    writer.run("INSERT INTO kvStore VALUES ('absent', 'not looked at')", []).unwrap();
    assert_eq!((store.get("k").as_deref(), store.get("absent")), (Some("v"), None));
    store.session.write().unwrap().run("DELETE FROM kvStore WHERE key = 'k'", []).unwrap();
    assert!(store.kv().has("k").unwrap() && !store.kv().has("absent").unwrap());
    store.session.write().unwrap().run("INSERT INTO kvStore VALUES ('k', 'not looked at')", []).unwrap();

    store.state = KvState::new(KvOptions { cache_bytes: 0 });
    assert_eq!((store.get("k").as_deref(), store.get("absent2")), (Some("not looked at"), None));
    store.session.write().unwrap().run("INSERT INTO kvStore VALUES ('absent2', 'looked at')", []).unwrap();
    assert_eq!(store.get("absent2").as_deref(), Some("looked at"));
}

#[test]
fn what_a_block_wrote_is_remembered_after_its_commit() {
    let mut store = shared();
    store.kv().set("k", "v").unwrap();
    store.kv().delete("gone").unwrap();
    let Shared { session, state, .. } = &mut store;
    session.flush(&mut [state]).unwrap();
    session.write().unwrap().run("UPDATE kvStore SET value = 'not looked at'", []).unwrap();
    session.write().unwrap().run("INSERT INTO kvStore VALUES ('gone', 'not looked at')", []).unwrap();
    assert_eq!((store.get("k").as_deref(), store.get("gone")), (Some("v"), None));
}

#[test]
fn the_memory_of_a_block_grows_with_what_is_changed_and_goes_with_the_flush() {
    let mut store = shared();
    assert_eq!(store.state.bytes(), 0);
    store.kv().set("k", &"x".repeat(1_000)).unwrap();
    let one = store.state.bytes();
    assert!((1_001..1_100).contains(&one), "{one}");
    store.kv().delete(&"l".repeat(500)).unwrap();
    assert!((one + 500..one + 600).contains(&store.state.bytes()), "{}", store.state.bytes());
    let Shared { session, state, .. } = &mut store;
    session.flush(&mut [state]).unwrap();
    assert_eq!(store.state.bytes(), 0);
}

#[test]
fn a_value_that_is_no_text_is_an_error_that_names_its_key() {
    let mut store = shared();
    store
        .other
        .execute_batch("INSERT INTO kvStore VALUES ('null', NULL), ('blob', x'00'), ('bad', CAST(x'ff' AS TEXT))")
        .unwrap();
    for key in ["null", "blob", "bad"] {
        for _ in 0..2 {
            match store.kv().get(key) {
                Err(KvError::Value { key: named, .. }) => assert_eq!(named, key),
                other => panic!("{key}: {other:?}"),
            }
        }
    }
    let entries: Vec<_> = store.kv().entries().collect();
    assert!(matches!(&entries[..], [Err(KvError::Value { key, .. })] if key == "bad"), "{entries:?}");
}

#[test]
fn entries_before_a_bad_row_come_before_its_error() {
    let mut store = shared();
    store.other.execute_batch("INSERT INTO kvStore VALUES ('a', '1'), ('b', '2'), ('c', NULL), ('d', '4')").unwrap();
    store.kv().set("a2", "new").unwrap();
    let mut entries = store.state.bind(&mut store.session).entries();
    let mut next =
        || entries.next().map(|entry| entry.map(|(key, _)| key.to_string()).map_err(|error| error.to_string()));
    assert_eq!(next(), Some(Ok("a".to_owned())));
    assert_eq!(next(), Some(Ok("a2".to_owned())));
    assert_eq!(next(), Some(Ok("b".to_owned())));
    assert_eq!(next(), Some(Err("the value of key \"c\" cannot be read".to_owned())));
    assert_eq!(next(), None);
}

#[test]
fn entries_of_many_pages_are_all_there_and_in_order() {
    let mut store = shared();
    let big = "x".repeat(300_000);
    let rows: Vec<String> = (0..1_700).map(|at| format!("k{at:05}")).collect();
    for (at, key) in rows.iter().enumerate().filter(|(at, _)| at % 3 > 0) {
        store.kv().set(key, if at % 100 == 1 { &big } else { "v" }).unwrap();
    }
    let Shared { session, state, .. } = &mut store;
    session.commit(&mut [state]).unwrap();
    for key in rows.iter().step_by(3) {
        store.kv().set(key, "v").unwrap();
    }
    store.kv().delete(&rows[1]).unwrap();
    store.kv().set("", "").unwrap();
    let keys: Vec<String> = store.kv().entries().map(|entry| entry.unwrap().0.to_string()).collect();
    let expected = [String::new(), rows[0].clone()].into_iter().chain(rows[2..].iter().cloned());
    assert!(keys.into_iter().eq(expected));
}

#[test]
fn a_row_that_the_commit_could_not_write_is_refused_when_it_is_set() {
    let mut store = shared();
    let huge = String::from_utf8(vec![0; 1_000_000_000]).unwrap();
    let refused = store.kv().set("key", &huge);
    assert!(matches!(refused, Err(KvError::TooLong { bytes: 1_000_000_003, .. })), "{refused:?}");
    let of = |bytes: usize| check_length("key", &huge[3..bytes]);
    assert!(of(999_999_936).is_ok());
    assert!(matches!(of(999_999_937), Err(KvError::TooLong { bytes: 999_999_937, most: 999_999_936, .. })));
    assert!(!store.session.is_open());
    assert_eq!(store.get("key"), None);
}

#[test]
fn a_read_only_store_refuses_to_be_written_and_is_read() {
    let mut store = shared();
    store.kv().set("k", "v").unwrap();
    let Shared { session, state, .. } = &mut store;
    session.commit(&mut [state]).unwrap();
    let options = OpenOptions { read_only: true, ..OpenOptions::default() };
    let mut reader = Session::open(session.location().clone(), &options, TABLES).unwrap();
    let mut state = KvState::default();
    let mut kv = state.bind(&mut reader);
    assert!(matches!(kv.set("k", "w"), Err(KvError::Session(SessionError::ReadOnly))));
    assert!(matches!(kv.delete("k"), Err(KvError::Session(SessionError::ReadOnly))));
    assert_eq!(kv.get("k").unwrap().as_deref(), Some("v"));
    // The writer goes on, and the reader notices.
    store.kv().set("k", "w").unwrap();
    let Shared { session, state: writer, .. } = &mut store;
    session.commit(&mut [writer]).unwrap();
    assert_eq!(state.bind(&mut reader).get("k").unwrap().as_deref(), Some("w"));
}

#[test]
fn a_flush_that_fails_loses_nothing_of_what_was_asked_for() {
    let mut store = shared();
    store.kv().set("k", "v").unwrap();
    let Shared { session, state, .. } = &mut store;
    session.commit(&mut [state]).unwrap();
    let pages: i64 = store.other.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    let limit = format!("PRAGMA max_page_count = {}", pages + 4);
    let Shared { session, state, .. } = &mut store;
    session.read().one(&limit, [], |_| Ok(())).unwrap();
    for at in 0..100 {
        state.bind(session).set(&format!("k{at:03}"), &"x".repeat(1_000)).unwrap();
    }
    assert!(matches!(session.flush(&mut [state]), Err(SessionError::Full { .. })));
    assert!(session.commit(&mut [state]).is_err());
    assert!(matches!(state.bind(session).set("k", "w"), Err(KvError::Session(SessionError::Poisoned { .. }))));
    for at in 0..100 {
        assert!(state.bind(session).has(&format!("k{at:03}")).unwrap());
    }
    let rows: i64 = store.other.query_row("SELECT count(*) FROM kvStore", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 1, "nothing of the block is in the file");
}

/// What is there already is not written again where the digest is kept. What is there must then be known for certain.
#[test]
fn a_row_that_was_changed_behind_the_cache_is_written_although_the_cache_has_its_new_value() {
    let open = OpenOptions { row_digests: RowDigests::Keep, ..OpenOptions::default() };
    let mut session = Session::open(Location::Memory, &open, TABLES).unwrap();
    let mut state = KvState::default();
    state.bind(&mut session).set("k", "ours").unwrap();
    session.commit(&mut [&mut state]).unwrap();
    state.bind(&mut session).set("k", "ours").unwrap();
    session.write().unwrap().run("UPDATE kvStore SET value = 'other'", []).unwrap();
    session.invalidate();
    session.commit(&mut [&mut state]).unwrap();
    let row = session.read().one("SELECT value FROM kvStore", [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(row.as_deref(), Some("ours"));
}

#[test]
fn what_is_known_of_the_old_generation_is_forgotten_too() {
    let mut store = shared();
    store.state = KvState::new(KvOptions { cache_bytes: 4_000 });
    for at in 0..40 {
        store.other.execute("INSERT INTO kvStore VALUES (?1, 'v')", [format!("k{at}")]).unwrap();
    }
    for at in 0..40 {
        if store.state.pairs.old.find_kept("k0").is_none() {
            store.get(&format!("k{at}"));
        }
    }
    assert!(store.state.pairs.old.find_kept("k0").is_some());
    store.other.execute("UPDATE kvStore SET value = 'theirs'", []).unwrap();
    assert_eq!(store.get("k0").as_deref(), Some("theirs"));
}

#[test]
fn who_asks_only_whether_a_key_is_there_learns_of_other_writers_too() {
    let mut store = shared();
    assert!(!store.kv().has("k").unwrap());
    store.other.execute("INSERT INTO kvStore VALUES ('k', 'v')", []).unwrap();
    assert!(store.kv().has("k").unwrap());
}

/// Whoever leaves the state out of a commit is told, and loses nothing.
#[test]
fn a_commit_without_the_state_is_refused_and_can_be_made_again() {
    let (mut session, mut state) = (Session::in_memory(TABLES).unwrap(), KvState::default());
    state.bind(&mut session).set("k", "v").unwrap();
    assert!(session.commit(&mut []).is_err());
    session.commit(&mut [&mut state]).unwrap();
    assert_eq!(KvState::default().bind(&mut session).get("k").unwrap().as_deref(), Some("v"));
    state.bind(&mut session).delete("k").unwrap();
    assert!(session.savepoint("s", &mut []).is_err());
}

#[test]
fn what_is_known_of_one_sessions_table_is_not_believed_of_anothers() {
    let (mut one, mut other) = (Session::in_memory(TABLES).unwrap(), Session::in_memory(TABLES).unwrap());
    let mut state = KvState::default();
    state.bind(&mut one).set("k", "v").unwrap();
    one.commit(&mut [&mut state]).unwrap();
    assert_eq!(state.bind(&mut other).get("k").unwrap(), None);
    assert_eq!(state.bind(&mut one).get("k").unwrap().as_deref(), Some("v"));
}
