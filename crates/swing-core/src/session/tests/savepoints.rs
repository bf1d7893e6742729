//! Savepoints, which cost SQL only when something inside them writes SQL.

use proptest::prelude::*;

use super::*;

#[test]
fn a_savepoint_that_nobody_writes_in_is_never_opened_in_sql() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    session.savepoint("one", &mut []).unwrap();
    session.savepoint("two", &mut []).unwrap();
    assert_eq!(session.depth(), 2);
    assert!(session.is_open(), "but it is always inside a transaction");
    assert!(session.connection().execute_batch("RELEASE t0").is_err());
    set(&mut session, "a", "2").unwrap();
    session.connection().execute_batch("RELEASE t1; SAVEPOINT t1").unwrap();
    session.release(&mut []).unwrap();
    assert_eq!(session.depth(), 0);
}

#[test]
fn a_rollback_undoes_what_was_written_inside_and_keeps_what_was_before() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    set(&mut session, "before", "1").unwrap();
    session.savepoint("crank", &mut []).unwrap();
    set(&mut session, "before", "2").unwrap();
    set(&mut session, "inside", "3").unwrap();
    session.rollback_to("crank", &mut []).unwrap();
    assert_eq!((get(session.read(), "before").as_deref(), get(session.read(), "inside")), (Some("1"), None));
    assert!(session.connection().execute_batch("RELEASE t0").is_err(), "SQL has forgotten the savepoint too");
    set(&mut session, "after", "4").unwrap();
    session.commit(&mut []).unwrap();
    let found = ["a", "before", "inside", "after"].map(|key| scratch.committed(key));
    assert_eq!(found.each_ref().map(Option::as_deref), [Some("1"), Some("1"), None, Some("4")]);
}

#[test]
fn a_nested_rollback_leaves_the_outer_savepoint_in_place() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    session.savepoint("outer", &mut []).unwrap();
    set(&mut session, "a", "2").unwrap();
    session.savepoint("inner", &mut []).unwrap();
    session.savepoint("innermost", &mut []).unwrap();
    set(&mut session, "a", "3").unwrap();
    session.rollback_to("inner", &mut []).unwrap();
    assert_eq!((get(session.read(), "a").as_deref(), session.depth()), (Some("2"), 1));
    assert!(session.rollback_to("innermost", &mut []).is_err(), "later ones are forgotten");
    set(&mut session, "a", "4").unwrap();
    session.rollback_to("outer", &mut []).unwrap();
    assert_eq!(get(session.read(), "a").as_deref(), Some("1"));
}

#[test]
fn of_two_savepoints_with_one_name_the_first_counts() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    session.savepoint("same", &mut []).unwrap();
    set(&mut session, "a", "2").unwrap();
    session.savepoint("same", &mut []).unwrap();
    set(&mut session, "a", "3").unwrap();
    session.rollback_to("same", &mut []).unwrap();
    assert_eq!((get(session.read(), "a").as_deref(), session.depth()), (Some("1"), 0));
}

#[test]
fn an_unknown_savepoint_is_named_and_changes_nothing() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    session.savepoint("crank", &mut []).unwrap();
    set(&mut session, "a", "2").unwrap();
    let error = session.rollback_to("other", &mut []).unwrap_err();
    assert_eq!(error.to_string(), "no such savepoint as \"other\"");
    assert_eq!((get(session.read(), "a").as_deref(), session.depth()), (Some("2"), 1));
}

#[test]
fn a_release_commits_nothing() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    session.savepoint("crank", &mut []).unwrap();
    set(&mut session, "a", "2").unwrap();
    session.release(&mut []).unwrap();
    assert_eq!(scratch.committed("a").as_deref(), Some("1"));
    assert!(session.is_open());
    session.close().unwrap();
    assert_eq!(scratch.committed("a").as_deref(), Some("1"));
}

#[test]
fn names_of_savepoints_never_reach_sql() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    for name in ["", "t0", "x; COMMIT; --", "\"", "\0"] {
        session.savepoint(name, &mut []).unwrap();
        set(&mut session, "a", "2").unwrap();
        session.rollback_to(name, &mut []).unwrap();
        assert_eq!(get(session.read(), "a").as_deref(), Some("1"), "{name:?}");
    }
}

#[derive(Debug, Clone)]
enum Step {
    Sql(u8, u8),
    Memory(u8, u8),
    Savepoint,
    Rollback(usize),
    Release,
    Flush,
    Commit,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..4u8, any::<u8>()).prop_map(|(key, value)| Step::Sql(key, value)),
        3 => (0..4u8, any::<u8>()).prop_map(|(key, value)| Step::Memory(key, value)),
        3 => Just(Step::Savepoint),
        2 => (0..4usize).prop_map(Step::Rollback),
        1 => Just(Step::Release),
        1 => Just(Step::Flush),
        1 => Just(Step::Commit),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// The model keeps a whole copy of everything per savepoint. Keys of SQL and of memory are apart: a part's key is
    /// written by nobody else.
    #[test]
    fn rows_and_parts_follow_savepoints_like_whole_copies(steps in prop::collection::vec(step(), 1..40)) {
        let (mut session, mut memory) = (Session::in_memory(&[KV]).unwrap(), Memory::default());
        let mut model = BTreeMap::<String, String>::new();
        let mut copies = Vec::new();
        for step in steps {
            match step {
                Step::Sql(key, value) => {
                    let (key, value) = (format!("sql{key}"), value.to_string());
                    set(&mut session, &key, &value).unwrap();
                    model.insert(key, value);
                }
                Step::Memory(key, value) => {
                    let (key, value) = (format!("mem{key}"), value.to_string());
                    session.begin().unwrap();
                    memory.put(&key, &value);
                    model.insert(key, value);
                }
                Step::Savepoint => {
                    session.savepoint(&copies.len().to_string(), &mut [&mut memory]).unwrap();
                    copies.push(model.clone());
                }
                Step::Rollback(depth) => {
                    let known = depth < copies.len();
                    prop_assert_eq!(session.rollback_to(&depth.to_string(), &mut [&mut memory]).is_ok(), known);
                    if known {
                        model = copies[depth].clone();
                        copies.truncate(depth);
                    }
                }
                Step::Release => { session.release(&mut [&mut memory]).unwrap(); copies.clear(); }
                Step::Flush => session.flush(&mut [&mut memory]).unwrap(),
                Step::Commit => prop_assert_eq!(session.commit(&mut [&mut memory]).is_ok(), copies.is_empty()),
            }
            for key in 0..4 {
                for key in [format!("sql{key}"), format!("mem{key}")] {
                    prop_assert_eq!(memory.get(&session, &key), model.get(&key).cloned(), "{}", key);
                }
            }
        }
    }
}

/// What it holds would be lost, or stay when it should be taken back.
#[test]
fn a_part_that_holds_changes_cannot_be_left_out() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    let (mut held, mut other) = (Memory::default(), Memory::default());
    session.savepoint("outer", &mut []).unwrap();
    session.begin_for(&mut held).unwrap();
    session.begin_for(&mut held).unwrap();
    held.put("k", "1");
    let left_out = |result: Result<(), SessionError>| assert!(matches!(result, Err(SessionError::PartMissing)));
    left_out(session.savepoint("inner", &mut []));
    left_out(session.savepoint("inner", &mut [&mut other]));
    assert_eq!(session.depth(), 1);
    left_out(session.rollback_to("outer", &mut []));
    left_out(session.release(&mut []));
    assert_eq!(session.depth(), 1, "nothing has happened");
    session.release(&mut [&mut held]).unwrap();
    left_out(session.flush(&mut [&mut other]));
    let refused = session.commit(&mut []);
    assert!(
        matches!(refused, Err(crate::session::CommitError::NotCommitted(SessionError::PartMissing))),
        "{refused:?}"
    );
    session.commit(&mut [&mut other, &mut held]).unwrap();
    assert_eq!(scratch.committed("k").as_deref(), Some("1"));
    // It holds nothing any more.
    set(&mut session, "l", "2").unwrap();
    session.commit(&mut []).unwrap();
    assert_eq!(scratch.committed("l").as_deref(), Some("2"));
}

#[test]
fn a_part_whose_changes_were_all_taken_back_may_go() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    let (mut gone, mut held) = (Memory::default(), Memory::default());
    session.savepoint("outer", &mut []).unwrap();
    session.begin_for(&mut held).unwrap();
    held.put("k", "1");
    session.savepoint("inner", &mut [&mut held]).unwrap();
    session.begin_for(&mut gone).unwrap();
    gone.put("l", "1");
    session.rollback_to("inner", &mut [&mut held, &mut gone]).unwrap();
    drop(gone);
    assert!(session.release(&mut []).is_err(), "the other one holds its own");
    session.release(&mut [&mut held]).unwrap();
    session.savepoint("again", &mut [&mut held]).unwrap();
    session.rollback_to("again", &mut [&mut held]).unwrap();
    assert!(session.commit(&mut []).is_err(), "what is released is not taken back by a later savepoint");
    session.commit(&mut [&mut held]).unwrap();
    assert_eq!(scratch.committed("k").as_deref(), Some("1"));
}

/// What it was not told of savepoints while it held nothing, it is told when it begins to.
#[test]
fn a_part_that_was_left_out_of_savepoints_is_rolled_back_like_the_others() {
    let (mut session, mut late) = (Session::in_memory(&[KV]).unwrap(), Memory::default());
    let put = |session: &mut Session, part: &mut Memory, value: &str| {
        session.begin_for(part).unwrap();
        part.put("k", value);
    };
    session.savepoint("outer", &mut []).unwrap();
    session.savepoint("middle", &mut []).unwrap();
    put(&mut session, &mut late, "1");
    session.savepoint("inner", &mut [&mut late]).unwrap();
    put(&mut session, &mut late, "2");
    session.rollback_to("inner", &mut [&mut late]).unwrap();
    assert_eq!(late.get(&session, "k").as_deref(), Some("1"));
    session.rollback_to("middle", &mut [&mut late]).unwrap();
    assert_eq!((late.get(&session, "k"), session.depth()), (None, 1));
}

#[test]
fn a_part_that_was_left_out_of_a_rollback_loses_nothing_that_came_after_it() {
    let (mut session, mut part) = (Session::in_memory(&[KV]).unwrap(), Memory::default());
    for rolled_back in [true, false] {
        session.savepoint("first", &mut [&mut part]).unwrap();
        match rolled_back {
            true => session.rollback_to("first", &mut []).unwrap(),
            false => session.release(&mut []).unwrap(),
        }
        session.begin_for(&mut part).unwrap();
        part.put("k", "before");
        session.savepoint("second", &mut [&mut part]).unwrap();
        part.put("k", "after");
        session.rollback_to("second", &mut [&mut part]).unwrap();
        assert_eq!(part.get(&session, "k").as_deref(), Some("before"));
        session.commit(&mut [&mut part]).unwrap();
        assert_eq!(get(session.read(), "k").as_deref(), Some("before"));
        set(&mut session, "k", "").unwrap();
        session.commit(&mut [&mut part]).unwrap();
    }
}
