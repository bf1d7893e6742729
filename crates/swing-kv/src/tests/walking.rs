//! From key to key, with and without changes.

use swing_core::Session;
use swing_core::roles::KvStore as _;

use crate::{KvState, TABLES};

fn store(rows: impl IntoIterator<Item = String>) -> (Session, KvState) {
    let (mut session, mut state) = (Session::in_memory(TABLES).unwrap(), KvState::default());
    for key in rows {
        state.bind(&mut session).set(&key, "v").unwrap();
    }
    session.commit(&mut [&mut state]).unwrap();
    (session, state)
}

fn key(at: usize) -> String {
    format!("v1.vs.vom.{at:06}")
}

fn walk(session: &mut Session, state: &mut KvState, from: &str) -> Vec<String> {
    let (mut keys, mut at) = (Vec::new(), from.to_owned());
    while let Some(next) = state.bind(session).get_next_key(&at).unwrap() {
        assert!(*at < *next, "{next:?} after {at:?}");
        at = next.to_string();
        keys.push(at.clone());
    }
    keys
}

#[test]
fn keys_come_in_the_order_of_their_utf8_bytes() {
    let keys = ["a", "a\0", "a\0b", "a.", "b", "\u{e9}", "\u{ffff}", "\u{10000}"].map(str::to_owned);
    let (mut session, mut state) = store(keys.iter().rev().cloned());
    assert_eq!(walk(&mut session, &mut state, ""), keys);
    assert_eq!(state.bind(&mut session).get_next_key("\u{ffff}").unwrap().as_deref(), Some("\u{10000}"));
    assert_eq!(state.bind(&mut session).get_next_key("\u{10000}").unwrap(), None);
}

#[test]
fn the_empty_key_comes_after_nothing_and_before_everything() {
    let (mut session, mut state) = store([String::new()]);
    let mut kv = state.bind(&mut session);
    assert_eq!(kv.get_next_key("").unwrap(), None);
    assert_eq!(kv.get("").unwrap().as_deref(), Some("v"));
    kv.set("\0", "").unwrap();
    assert_eq!(kv.get_next_key("").unwrap().as_deref(), Some("\0"));
}

#[test]
fn long_keys_that_differ_at_their_end_are_walked() {
    let keys: Vec<String> = (0..300).map(|at| format!("{}{at:03}", "k".repeat(1_000))).collect();
    let (mut session, mut state) = store(keys.clone());
    assert_eq!(walk(&mut session, &mut state, ""), keys);
}

#[test]
fn a_walk_reads_ahead_and_reads_no_row_twice() {
    let (mut session, mut state) = store((0..2_000).map(key));
    let expected: Vec<String> = (0..2_000).map(key).collect();
    assert_eq!(walk(&mut session, &mut state, ""), expected);
    // Behind the state's back: the last page was read before, so it is answered from memory.
    session.write().unwrap().run("DELETE FROM kvStore", []).unwrap();
    assert_eq!(walk(&mut session, &mut state, &key(1_990)), expected[1_991..]);
    // The first one is no longer known.
    assert_eq!(walk(&mut session, &mut state, ""), [""; 0]);
}

#[test]
fn a_walk_sees_what_is_set_and_deleted_ahead_of_it() {
    let (mut session, mut state) = store((0..600).map(|at| key(2 * at)));
    let (mut at, mut seen) = (String::new(), 0);
    while let Some(next) = state.bind(&mut session).get_next_key(&at).unwrap() {
        assert_eq!(*next, *key(if seen % 2 == 0 { 4 * (seen / 2) } else { 4 * (seen / 2) + 1 }));
        if seen % 2 == 0 {
            // The row after it goes, and a new one comes between.
            let mut kv = state.bind(&mut session);
            kv.delete(&key(4 * (seen / 2) + 2)).unwrap();
            kv.set(&key(4 * (seen / 2) + 1), "").unwrap();
        }
        assert!(*at < *next, "{next:?} after {at:?}");
        at = next.to_string();
        seen += 1;
    }
    assert_eq!(seen, 600);
}

#[test]
fn a_flush_and_a_rollback_are_seen_in_the_middle_of_a_walk() {
    let (mut session, mut state) = store((0..100).map(key));
    assert_eq!(state.bind(&mut session).get_next_key(&key(40)).unwrap().as_deref(), Some(&*key(41)));
    assert_eq!(state.bind(&mut session).get_next_key(&key(41)).unwrap().as_deref(), Some(&*key(42)));
    session.savepoint("t0", &mut [&mut state]).unwrap();
    (42..60).for_each(|at| state.bind(&mut session).delete(&key(at)).unwrap());
    assert_eq!(state.bind(&mut session).get_next_key(&key(41)).unwrap().as_deref(), Some(&*key(60)));
    session.rollback_to("t0", &mut [&mut state]).unwrap();
    assert_eq!(state.bind(&mut session).get_next_key(&key(41)).unwrap().as_deref(), Some(&*key(42)));

    (42..60).for_each(|at| state.bind(&mut session).delete(&key(at)).unwrap());
    assert_eq!(state.bind(&mut session).get_next_key(&key(41)).unwrap().as_deref(), Some(&*key(60)));
    state.bind(&mut session).delete(&key(60)).unwrap();
    session.flush(&mut [&mut state]).unwrap();
    assert_eq!(state.bind(&mut session).get_next_key(&key(41)).unwrap().as_deref(), Some(&*key(61)));
}

#[test]
fn a_gap_of_deleted_keys_closes_when_one_comes_back() {
    let (mut session, mut state) = store((0..100).map(key));
    (10..50).for_each(|at| state.bind(&mut session).delete(&key(at)).unwrap());
    let next = |session: &mut Session, state: &mut KvState, at| {
        state.bind(session).get_next_key(&key(at)).unwrap().map(|key| key.to_string())
    };
    assert_eq!(next(&mut session, &mut state, 9), Some(key(50)));
    assert_eq!(next(&mut session, &mut state, 30), Some(key(50)));
    state.bind(&mut session).set(&key(20), "").unwrap();
    assert_eq!(next(&mut session, &mut state, 9), Some(key(20)));
    assert_eq!(next(&mut session, &mut state, 20), Some(key(50)));
    (50..100).for_each(|at| state.bind(&mut session).delete(&key(at)).unwrap());
    assert_eq!(next(&mut session, &mut state, 20), None);
    assert_eq!(next(&mut session, &mut state, 30), None);
    assert_eq!(next(&mut session, &mut state, 19), Some(key(20)));
    state.bind(&mut session).set(&key(99), "").unwrap();
    assert_eq!(next(&mut session, &mut state, 20), Some(key(99)));
}

#[test]
fn deleting_the_first_key_again_and_again_deletes_them_all() {
    const MANY: usize = 20_000;
    let (mut session, mut state) = store((0..MANY).map(key));
    let mut deleted = 0;
    while let Some(first) = state.bind(&mut session).get_next_key("v1.vs.").unwrap() {
        assert_eq!(*first, *key(deleted));
        state.bind(&mut session).delete(&first).unwrap();
        deleted += 1;
    }
    assert_eq!(deleted, MANY);
}

#[test]
fn a_key_that_is_no_text_is_an_error_when_it_is_reached() {
    let (mut session, mut state) = store((0..10).map(key));
    session.write().unwrap().run("INSERT INTO kvStore VALUES (x'00', '')", []).unwrap();
    let mut kv = state.bind(&mut session);
    let mut at = String::new();
    for expected in 0..10 {
        at = kv.get_next_key(&at).unwrap().unwrap().to_string();
        assert_eq!(at, key(expected));
    }
    for _ in 0..2 {
        assert!(kv.get_next_key(&at).is_err());
    }
    assert_eq!(kv.get_next_key(&key(3)).unwrap().as_deref(), Some(&*key(4)));
}
