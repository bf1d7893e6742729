//! What is read behind a row that was asked for.

use std::path::{Path, PathBuf};

use swing_core::roles::KvStore as _;
use swing_core::session::{CommitError, Location, OpenOptions, Part as _};
use swing_core::{Session, SessionError};

use crate::view::GET;
use crate::{KvError, KvOptions, KvState, TABLES};

/// A longer value is not read ahead.
const LONGEST: usize = 1024;

/// A block of a store that has these rows, of which nothing is known.
fn begun(rows: &str) -> (Session, KvState) {
    let mut session = Session::in_memory(TABLES).unwrap();
    session.write().unwrap().run(&format!("INSERT INTO kvStore VALUES {rows}"), []).unwrap();
    (session, KvState::default())
}

fn get(session: &mut Session, state: &mut KvState, key: &str) -> Option<String> {
    state.bind(session).get(key).unwrap().map(|value| value.to_string())
}

/// The keys of which it is known what the table has for them.
fn known(state: &KvState) -> Vec<&str> {
    let mut known: Vec<_> = state.pairs.rows().into_iter().map(|(key, _)| key.as_str()).collect();
    known.sort_unstable();
    known
}

#[test]
fn eight_rows_behind_one_that_is_asked_for_are_not_looked_for_again() {
    let rows: Vec<_> = (b'a'..=b'z').map(|key| format!("('{}', 'v')", char::from(key))).collect();
    let (mut session, mut state) = begun(&rows.join(", "));
    assert_eq!(get(&mut session, &mut state, "b").as_deref(), Some("v"));
    assert_eq!(known(&state), ["b", "c", "d", "e", "f", "g", "h", "i", "j"]);
    // Behind the state's back, to see where it looks.
    session.write().unwrap().run("UPDATE kvStore SET value = 'anew'", []).unwrap();
    for _ in 0..2 {
        assert_eq!(get(&mut session, &mut state, "c").as_deref(), Some("v"));
        assert!(state.bind(&mut session).has("j").unwrap());
    }
    assert_eq!(get(&mut session, &mut state, "k").as_deref(), Some("anew"));
    assert_eq!(known(&state)[9..], ["k", "l", "m", "n", "o"], "two of eight were asked for, so it is four now");
}

#[test]
fn a_key_that_is_absent_has_nothing_read_behind_it_but_tells_of_its_neighbours() {
    let (mut session, mut state) = begun("('a', 'v'), ('m', 'v'), ('n', 'v')");
    assert_eq!(get(&mut session, &mut state, "c"), None);
    assert_eq!(known(&state), ["c"]);
    assert!(state.gaps.cover("d") && !state.gaps.cover("m"));
    assert_eq!(get(&mut session, &mut state, "x"), None);
    assert!(state.gaps.cover("y"));
}

#[test]
fn what_cannot_be_kept_is_left_to_who_asks_for_it() {
    let long = format!("'{}'", "x".repeat(LONGEST + 1));
    let (long, fits) = (&long[..], &format!("{}'", &long[..=LONGEST])[..]);
    for (value, reads_on) in
        [("NULL", false), ("x'00'", false), ("CAST(x'ff' AS TEXT)", false), (long, false), (fits, true)]
    {
        let (mut session, mut state) = begun(&format!("('a', 'v'), ('b', {value}), ('c', 'v')"));
        assert_eq!(get(&mut session, &mut state, "a").as_deref(), Some("v"), "{value}");
        assert_eq!(known(&state), if reads_on { ["a", "b", "c"].to_vec() } else { ["a"].to_vec() }, "{value}");
        match state.bind(&mut session).get("b") {
            Ok(read) => assert!(value.ends_with("x'") && read.is_some()),
            Err(error) => assert!(matches!(error, KvError::Value { ref key, .. } if key == "b"), "{error}"),
        }
        assert_eq!(get(&mut session, &mut state, "c").as_deref(), Some("v"));
    }
}

const PAGE: usize = 4096;

/// A store that has these rows, in a file.
fn in_file(rows: &[(&str, usize)]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("swingstore.sqlite");
    let mut session = open(&file);
    for (key, length) in rows {
        session.write().unwrap().run("INSERT INTO kvStore VALUES (?1, ?2)", (key, "x".repeat(*length))).unwrap();
    }
    session.commit(&mut []).unwrap();
    session.close().unwrap();
    (dir, file)
}

fn open(file: &Path) -> Session {
    Session::open(Location::File(file.to_owned()), &OpenOptions::default(), TABLES).unwrap()
}

fn change(file: &Path, change: impl FnOnce(&mut [u8])) {
    let mut bytes = fs_err::read(file).unwrap();
    change(&mut bytes);
    fs_err::write(file, bytes).unwrap();
}

/// All chains of pages lead nowhere.
fn damage_long_values(bytes: &mut [u8]) {
    let chained = bytes.chunks_mut(PAGE).filter(|page| page[4..].iter().all(|&byte| byte == b'x'));
    assert!(chained.map(|page| page[..4].fill(0xff)).count() > 5);
}

#[test]
fn what_is_damaged_behind_a_key_is_told_to_who_asks_for_it() {
    let (_dir, file) = in_file(&[("a", 1), ("c", 10 * PAGE), ("d", 1)]);
    change(&file, damage_long_values);
    for first in ["a", "b"] {
        let (mut session, mut state) = (open(&file), KvState::default());
        session.begin().unwrap();
        assert_eq!(get(&mut session, &mut state, first).is_some(), first == "a");
        for _ in 0..2 {
            let error = state.bind(&mut session).get("c").unwrap_err();
            assert!(matches!(error, KvError::Value { ref key, .. } if key == "c"), "{error:?}");
        }
        assert_eq!(get(&mut session, &mut state, "d").as_deref(), Some("x"));
    }
}

/// A store with twelve keys, of which the page is damaged that has `k07`, and not the index.
fn with_damaged_page() -> (tempfile::TempDir, PathBuf, Vec<String>) {
    let keys: Vec<String> = (0..12).map(|at| format!("k{at:02}")).collect();
    let rows: Vec<_> = keys.iter().map(|key| (&**key, 900)).collect();
    let (dir, file) = in_file(&rows);
    change(&file, |bytes| {
        let leaf = bytes.chunks_mut(PAGE).find(|page| page[0] == 0x0d && page.windows(3).any(|text| text == b"k07"));
        leaf.unwrap()[0] = 0xff;
    });
    (dir, file, keys)
}

/// Each answer is that of a search for its key alone.
#[test]
fn a_damaged_page_of_the_table_is_told_for_the_rows_on_it() {
    let (_dir, file, keys) = with_damaged_page();
    let mut failed = 0;
    for key in keys.iter().flat_map(|key| [key.clone(), format!("{key}x")]) {
        let (mut session, mut state) = (open(&file), KvState::default());
        session.begin().unwrap();
        let alone = session.read().one(GET, [&key], |row| row.get::<_, String>(0));
        match state.bind(&mut session).get(&key) {
            Ok(value) => assert_eq!(value.as_deref(), alone.unwrap().as_deref(), "{key}"),
            Err(error) => {
                failed += 1;
                assert!(alone.is_err(), "{key}: {error}");
            }
        }
    }
    assert!((1..=4).contains(&failed), "{failed}");
}

/// SQLite writes no more in a transaction that came upon damage, also where nobody asked for what is damaged.
#[test]
fn a_block_that_read_on_into_damage_is_not_committed_and_says_why() {
    let (_dir, file, _) = with_damaged_page();
    for (key, is_near) in [("k00", true), ("k11", false)] {
        let (mut session, mut state) = (open(&file), KvState::default());
        session.begin().unwrap();
        assert!(get(&mut session, &mut state, key).is_some());
        state.bind(&mut session).set("z", "new").unwrap();
        let refused = session.commit(&mut [&mut state]);
        let corrupt = matches!(&refused, Err(CommitError::NotCommitted(SessionError::Corrupt { .. })));
        assert_eq!((refused.is_err(), corrupt), (is_near, is_near), "{key}: {refused:?}");
        session.close().unwrap();
        let written = open(&file).read().one(GET, ["z"], |row| row.get::<_, String>(0)).unwrap();
        assert_eq!(written.is_some(), !is_near, "{key}");
    }
}

/// Keys of one length, so that the b-tree stays one but for their order.
#[test]
fn what_is_out_of_order_behind_a_key_is_not_believed() {
    let (_dir, file) = in_file(&["kb1", "kb2", "kb3", "kb4", "kb5"].map(|key| (key, 1)));
    change(&file, |bytes| {
        let places: Vec<_> = (0..bytes.len() - 3).filter(|&at| bytes[at..].starts_with(b"kb4")).collect();
        assert_eq!(places.len(), 2, "in the table and in the index");
        places.iter().for_each(|at| bytes[at + 1] = b'a');
    });
    let (mut session, mut state) = (open(&file), KvState::default());
    session.begin().unwrap();
    assert_eq!(get(&mut session, &mut state, "kb3").as_deref(), Some("x"));
    assert_eq!(known(&state), ["kb3"]);
    assert_eq!(get(&mut session, &mut state, "ka4"), None, "as it is found by itself");
}

#[test]
fn a_row_that_is_too_large_to_be_kept_is_not_kept_ahead() {
    let long = "b".repeat(LONGEST);
    let (mut session, _) = begun(&format!("('a', 'v'), ('{long}', 'v')"));
    let mut state = KvState::new(KvOptions { cache_bytes: 8_000 });
    assert_eq!(get(&mut session, &mut state, "a").as_deref(), Some("v"));
    assert_eq!(known(&state), ["a"]);
    assert_eq!(get(&mut session, &mut state, &long).as_deref(), Some("v"));
    assert_eq!(known(&state), ["a"]);
}

#[test]
fn what_a_block_has_changed_is_not_read_over() {
    let (mut session, mut state) = begun("('a', 'v'), ('b', 'v'), ('c', 'v')");
    session.savepoint("s", &mut [&mut state]).unwrap();
    state.bind(&mut session).delete("b").unwrap();
    assert_eq!(get(&mut session, &mut state, "a").as_deref(), Some("v"));
    assert_eq!(known(&state), ["a"]);
    assert_eq!(get(&mut session, &mut state, "b"), None);
    session.rollback_to("s", &mut [&mut state]).unwrap();
    for key in ["a", "b", "c"] {
        assert_eq!(get(&mut session, &mut state, key).as_deref(), Some("v"), "{key}");
    }
}

#[test]
fn a_row_that_was_read_ahead_is_changed_like_any_other() {
    let (mut session, mut state) = begun("('a', '1'), ('b', '1'), ('c', '1'), ('d', '1')");
    assert_eq!(get(&mut session, &mut state, "a").as_deref(), Some("1"));
    state.bind(&mut session).set("b", "2").unwrap();
    state.bind(&mut session).delete("c").unwrap();
    session.commit(&mut [&mut state]).unwrap();
    let rows = session.read().all("SELECT key || value FROM kvStore ORDER BY key", [], |row| row.get::<_, String>(0));
    assert_eq!(rows.unwrap(), ["a1", "b2", "d1"]);
    assert_eq!((get(&mut session, &mut state, "b").as_deref(), get(&mut session, &mut state, "c")), (Some("2"), None));
    assert_eq!(state.bytes(), 0);
}

#[test]
fn where_nothing_is_remembered_nothing_is_read_ahead() {
    let (mut session, _) = begun("('a', '1'), ('b', '1')");
    let mut state = KvState::new(KvOptions { cache_bytes: 0 });
    assert_eq!(get(&mut session, &mut state, "a").as_deref(), Some("1"));
    session.write().unwrap().run("UPDATE kvStore SET value = '2'", []).unwrap();
    assert_eq!(get(&mut session, &mut state, "b").as_deref(), Some("2"));
}
