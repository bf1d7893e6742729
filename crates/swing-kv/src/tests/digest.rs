//! The digest of the rows and the witness of its commit, as a flush leaves them.

use std::collections::BTreeMap;
use std::num::NonZeroI64;

use swing_core::roles::KvStore as _;
use swing_core::row_digest::{Kept, Stored, scan, stored};
use swing_core::session::{Location, OpenOptions};
use swing_core::{RowDigest, RowDigests, Session};

use crate::pairs::Row;
use crate::state::UPDATE;
use crate::{KvError, KvOptions, KvState, TABLES, commit_witness};

type Map = BTreeMap<String, String>;

/// The digest of a table with these rows.
pub(super) fn digest_of(rows: &Map) -> RowDigest {
    let (mut digest, mut scratch) = (RowDigest::default(), Vec::new());
    rows.iter().for_each(|(key, value)| digest.add(&[(&**key).into(), (&**value).into()], &mut scratch));
    digest
}

/// Of which commit these rows are.
pub(super) fn witness_of(rows: &Map) -> String {
    match (rows.get("host.height"), rows.get("activityhash")) {
        (None, None) => String::new(),
        (Some(height), None) => format!("block height {height}"),
        (None, Some(hash)) => format!("activityhash {hash}"),
        (Some(height), Some(hash)) => format!("block height {height}, activityhash {hash}"),
    }
}

fn map<'k>(rows: impl IntoIterator<Item = (&'k str, &'k str)>) -> Map {
    rows.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn keeping() -> (Session, KvState) {
    let options = OpenOptions { row_digests: RowDigests::Keep, ..OpenOptions::default() };
    (Session::open(Location::Memory, &options, TABLES).unwrap(), KvState::default())
}

/// Commits a block that makes these changes, and reads what is told of its rows.
fn block<'k>(
    session: &mut Session,
    state: &mut KvState,
    changes: impl IntoIterator<Item = (&'k str, Option<&'k str>)>,
) -> Stored {
    for (key, value) in changes {
        match value {
            Some(value) => state.bind(session).set(key, value).unwrap(),
            None => state.bind(session).delete(key).unwrap(),
        }
    }
    session.commit(&mut [state]).unwrap();
    let stored = stored::load(session.read(), TABLES).unwrap().unwrap();
    assert_eq!(stored.kept, Kept::UpToDate);
    stored
}

/// Rows are changed behind the state's back, to see what it looks at.
#[test]
fn what_is_known_of_a_row_is_not_asked_again_and_what_is_not_known_is() {
    let (mut session, mut state) = keeping();
    block(&mut session, &mut state, [("k1", Some("v")), ("k2", Some("v")), ("k9", Some("v"))]);
    assert_eq!(state.bind(&mut session).get("k3").unwrap(), None, "and so of all keys up to k9");
    session.begin().unwrap();
    let mut writer = session.write().unwrap();
    writer.run("UPDATE kvStore SET value = 'not looked at' WHERE key IN ('k1', 'k2')", []).unwrap();
    writer.run("INSERT INTO kvStore VALUES ('k5', 'not looked at')", []).unwrap();

    let known = block(&mut session, &mut state, [("k1", Some("v")), ("k2", Some("w")), ("k5", Some("new"))]);
    let rows = map([("k1", "v"), ("k2", "w"), ("k5", "new"), ("k9", "v")]);
    assert_eq!(known.of(&TABLES[0]), Some(&digest_of(&rows)));
    let k1 = session.read().one("SELECT value FROM kvStore WHERE key = 'k1'", [], |row| row.get::<_, String>(0));
    assert_eq!(k1.unwrap().as_deref(), Some("not looked at"), "what is there already is not written");

    let mut knows_nothing = KvState::default();
    let asked = block(&mut session, &mut knows_nothing, [("k2", None), ("k3", None), ("k5", Some("newer"))]);
    assert_eq!(asked.of(&TABLES[0]), Some(&digest_of(&map([("k1", "v"), ("k5", "newer"), ("k9", "v")]))));
}

#[test]
fn a_key_that_is_asked_for_in_vain_tells_of_its_neighbours() {
    let passing = ["k1", "k2", "k3", "m", "z"].map(|key| (key, None));
    for (state, remembered) in [(KvState::default(), true), (KvState::new(KvOptions { cache_bytes: 0 }), false)] {
        let ((mut session, _), mut state) = (keeping(), state);
        block(&mut session, &mut state, [("k0", Some("v")), ("k8", Some("v"))]);
        let told = block(&mut session, &mut state, passing.into_iter().chain([("k4", Some("v"))]));
        assert_eq!(told.of(&TABLES[0]), Some(&digest_of(&map([("k0", "v"), ("k4", "v"), ("k8", "v")]))));
        for key in ["k1", "k39", "k41", "k7", "k81", "m", "zz"] {
            assert_eq!(state.gaps.cover(key), remembered, "{key}");
        }
        for key in ["k0", "k01", "k4", "k8"] {
            assert!(!state.gaps.cover(key), "{key}");
        }
    }
}

/// SQLite has blobs behind all texts.
#[test]
fn a_row_whose_key_is_no_text_keeps_no_block_from_being_written() {
    let (mut session, mut state) = keeping();
    block(&mut session, &mut state, [("a", Some("v"))]);
    for damage in ["x'00'", "CAST(x'62ff' AS TEXT)"] {
        session.write().unwrap().run(&format!("INSERT INTO kvStore VALUES ({damage}, 'v')"), []).unwrap();
    }
    let mut state = KvState::default();
    let told = block(&mut session, &mut state, [("b", Some("v")), ("b0", None), ("c", Some("v"))]);
    assert_eq!(told.of(&TABLES[0]), Some(&digest_of(&map([("a", "v"), ("b", "v"), ("c", "v")]))));
    assert!(!state.gaps.cover("b0") && !state.gaps.cover("d"), "what is beyond them is not known");
}

/// The ids by which rows are known.
fn ids(state: &KvState) -> BTreeMap<&str, i64> {
    let rows = state.pairs.rows().into_iter();
    rows.filter_map(|(key, row)| Some((key.as_str(), row?.id?.get()))).collect()
}

#[test]
fn rows_are_known_by_their_ids_once_they_were_read_or_made_or_changed() {
    let (mut session, mut state) = keeping();
    block(&mut session, &mut state, [("a", Some("1")), ("b", Some("1")), ("c", Some("1"))]);
    let all = BTreeMap::from([("a", 1), ("b", 2), ("c", 3)]);
    assert_eq!(ids(&state), all, "made");
    let mut state = KvState::default();
    state.bind(&mut session).get("a").unwrap();
    assert_eq!(ids(&state), all, "read, and read behind it");
    let mut state = KvState::default();
    block(&mut session, &mut state, [("a", Some("2")), ("b", Some("2")), ("c", Some("1"))]);
    assert_eq!(ids(&state), all, "changed, looked up for a change, and found to be unchanged");
    block(&mut session, &mut state, [("b", None), ("c", Some("2")), ("d", Some("1"))]);
    assert_eq!(ids(&state), BTreeMap::from([("a", 1), ("c", 3), ("d", 4)]), "deleted");
    block(&mut session, &mut state, [("b", Some("3"))]);
    assert_eq!(ids(&state), BTreeMap::from([("a", 1), ("b", 5), ("c", 3), ("d", 4)]), "made again");
}

#[test]
fn a_row_is_found_by_its_id_alone() {
    let raw = rusqlite::Connection::open_in_memory().unwrap();
    raw.execute_batch(TABLES[0].create).unwrap();
    let mut plan = raw.prepare(&format!("EXPLAIN QUERY PLAN {UPDATE}")).unwrap();
    let plan: Vec<_> = plan.query_map([None::<i64>; 3], |row| row.get::<_, String>(3)).unwrap().flatten().collect();
    assert_eq!(plan, ["SEARCH kvStore USING INTEGER PRIMARY KEY (rowid=?)"]);
}

#[test]
fn an_id_that_is_of_another_key_or_of_none_changes_no_other_row() {
    let (mut session, mut state) = keeping();
    block(&mut session, &mut state, [("a", Some("1")), ("b", Some("1")), ("c", Some("1"))]);
    for (key, id) in [("a", 2), ("b", 4)] {
        let row = Row { value: "1".into(), id: NonZeroI64::new(id) };
        state.pairs.keep(state.keys.make(key), Some(row));
    }
    let told = block(&mut session, &mut state, [("a", Some("2")), ("b", Some("3")), ("c", Some("4"))]);
    let rows = map([("a", "2"), ("b", "3"), ("c", "4")]);
    let found = session.read().all("SELECT key, value FROM kvStore", [], |row| Ok((row.get(0)?, row.get(1)?)));
    assert_eq!(Map::from_iter(found.unwrap()), rows);
    assert_eq!(told.of(&TABLES[0]), Some(&digest_of(&rows)));
    assert_eq!(ids(&state), BTreeMap::from([("c", 3)]), "the others are not known any more");
}

#[test]
fn the_digest_of_a_block_so_large_that_another_thread_sums_it_is_that_of_the_rows() {
    let (mut session, mut state) = keeping();
    let keys: Vec<String> = (0..3_000).map(|at| format!("k{at:04}")).collect();
    block(&mut session, &mut state, keys[..2_000].iter().map(|key| (&**key, Some("before"))));
    let deleted = keys[..500].iter().map(|key| (&**key, None));
    let set = keys[1_000..].iter().map(|key| (&**key, Some("after")));
    let told = block(&mut session, &mut state, deleted.chain(set));
    let rows = keys[500..1_000].iter().map(|key| (&**key, "before"));
    let rows = map(rows.chain(keys[1_000..].iter().map(|key| (&**key, "after"))));
    assert_eq!(told.of(&TABLES[0]), Some(&digest_of(&rows)));
}

#[test]
fn the_witness_tells_block_height_and_activityhash_whichever_a_block_changes() {
    let (mut session, mut state) = keeping();
    let mut witness = |changes: &[(&'static str, Option<&'static str>)]| {
        block(&mut session, &mut state, changes.iter().copied()).witness
    };
    assert_eq!(witness(&[("k", Some("v"))]), "");
    assert_eq!(witness(&[("host.height", Some("17"))]), "block height 17");
    assert_eq!(witness(&[("activityhash", Some("ab"))]), "block height 17, activityhash ab");
    let both = [("host.height", Some("18")), ("activityhash", Some("cd"))];
    assert_eq!(witness(&both), "block height 18, activityhash cd");
    assert_eq!(witness(&[("k", Some("w"))]), "block height 18, activityhash cd");
    assert_eq!(witness(&[("host.height", None)]), "activityhash cd");
}

#[test]
fn a_witness_is_read_whatever_a_damaged_file_has_in_its_place() {
    let (mut session, _) = keeping();
    let damage = "INSERT INTO kvStore VALUES ('host.height', NULL), ('activityhash', CAST(x'61ff' AS TEXT))";
    session.write().unwrap().run(damage, []).unwrap();
    assert_eq!(commit_witness(session.read()).unwrap(), "block height Null, activityhash a\u{fffd}");
}

/// The original stores half a surrogate pair as text that is no UTF-8; NULL and bytes stand for damage.
#[test]
fn a_value_that_cannot_be_read_can_be_written_over_and_deleted_and_the_digest_stays_right() {
    let (mut session, mut state) = keeping();
    for odd in ["CAST(x'EDA080' AS TEXT)", "NULL", "x'00'"] {
        let kept = block(&mut session, &mut state, [("k", None), ("l", None), ("m", None), ("host.height", Some("1"))]);
        assert_eq!(kept.of(&TABLES[0]), Some(&digest_of(&map([("host.height", "1")]))));
        session.begin().unwrap();
        let insert = format!("INSERT INTO kvStore VALUES ('k', {odd}), ('l', {odd}), ('m', {odd})");
        session.write().unwrap().run(&insert, []).unwrap();
        session.commit(&mut []).unwrap();
        session.build_row_digests(TABLES, String::new()).unwrap();
        state = KvState::default();
        assert!(matches!(state.bind(&mut session).get("k"), Err(KvError::Value { .. })), "{odd}");
        let stored = block(&mut session, &mut state, [("k", Some("v")), ("l", None)]);
        assert_eq!(stored.of(&TABLES[0]), Some(&scan(session.read(), &TABLES[0]).unwrap()), "{odd}");
        assert_eq!(stored.of(&TABLES[0]).map(RowDigest::rows), Some(3), "{odd}");
        assert_eq!(state.bind(&mut session).get("k").unwrap().as_deref(), Some("v"));
        assert_eq!(state.bind(&mut session).get("l").unwrap(), None);
    }
}
