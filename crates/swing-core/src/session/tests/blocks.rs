//! A block: begun by the first write, durable after its commit, gone without one.

use proptest::prelude::*;

use super::*;
use crate::session::CommitError;

#[test]
fn what_is_written_is_durable_after_the_commit_and_not_before() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    assert!(!session.is_open());
    set(&mut session, "a", "2").unwrap();
    assert!(session.is_open());
    assert_eq!(get(session.read(), "a").as_deref(), Some("2"), "a block sees its own writes");
    assert_eq!(scratch.committed("a").as_deref(), Some("1"));
    session.commit(&mut []).unwrap();
    assert!(!session.is_open());
    assert_eq!(scratch.committed("a").as_deref(), Some("2"));
}

#[test]
fn closing_and_dropping_abandon_what_is_not_committed() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    set(&mut session, "a", "2").unwrap();
    session.close().unwrap();
    assert_eq!(scratch.committed("a").as_deref(), Some("1"));
    let mut session = scratch.open();
    set(&mut session, "a", "3").unwrap();
    drop(session);
    assert_eq!(scratch.committed("a").as_deref(), Some("1"));
}

#[test]
fn a_commit_without_a_block_does_nothing() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    session.commit(&mut []).unwrap();
    session.begin().unwrap();
    session.begin().unwrap();
    session.commit(&mut []).unwrap();
    session.commit(&mut []).unwrap();
}

#[test]
fn a_commit_writes_what_the_parts_hold_in_memory() {
    let scratch = Scratch::with_store();
    let (mut session, mut memory) = (scratch.open(), Memory::default());
    session.begin().unwrap();
    memory.put("b", "2");
    memory.overlay.delete("a".into());
    session.commit(&mut [&mut memory]).unwrap();
    assert_eq!((scratch.committed("a"), scratch.committed("b").as_deref()), (None, Some("2")));
    assert_eq!(memory.bytes(), 0);
}

#[test]
fn a_commit_finds_changes_of_a_part_that_forgot_to_begin() {
    let scratch = Scratch::with_store();
    let (mut session, mut memory) = (scratch.open(), Memory::default());
    memory.put("b", "2");
    session.commit(&mut [&mut memory]).unwrap();
    assert_eq!(scratch.committed("b").as_deref(), Some("2"));
}

#[test]
fn a_commit_inside_a_crank_is_refused_and_spoils_nothing() {
    let scratch = Scratch::with_store();
    let (mut session, mut memory) = (scratch.open(), Memory::default());
    set(&mut session, "a", "2").unwrap();
    session.savepoint("crank", &mut [&mut memory]).unwrap();
    memory.put("b", "3");
    match session.commit(&mut [&mut memory]) {
        Err(CommitError::InCrank { open: 1 }) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(scratch.committed("a").as_deref(), Some("1"));
    session.rollback_to("crank", &mut [&mut memory]).unwrap();
    session.commit(&mut [&mut memory]).unwrap();
    assert_eq!((scratch.committed("a").as_deref(), scratch.committed("b")), (Some("2"), None));
}

#[test]
fn a_flush_inside_a_crank_waits() {
    let scratch = Scratch::with_store();
    let (mut session, mut memory) = (scratch.open(), Memory::default());
    session.savepoint("crank", &mut [&mut memory]).unwrap();
    memory.put("b", "2");
    session.flush(&mut [&mut memory]).unwrap();
    assert!(memory.bytes() > 0);
    session.rollback_to("crank", &mut [&mut memory]).unwrap();
    assert_eq!(memory.get(&session, "b"), None);
}

#[test]
fn a_flushed_part_is_in_the_block_and_not_committed() {
    let scratch = Scratch::with_store();
    let (mut session, mut memory) = (scratch.open(), Memory::default());
    memory.put("b", "2");
    session.flush(&mut [&mut memory]).unwrap();
    assert_eq!(get(session.read(), "b").as_deref(), Some("2"));
    assert_eq!(scratch.committed("b"), None);
    session.savepoint("crank", &mut [&mut memory]).unwrap();
    memory.put("b", "3");
    session.rollback_to("crank", &mut [&mut memory]).unwrap();
    session.commit(&mut [&mut memory]).unwrap();
    assert_eq!(scratch.committed("b").as_deref(), Some("2"));
}

#[test]
fn the_first_block_is_no_news_of_others_unless_one_has_committed_since_opening() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    let opened = session.known_generation();
    session.begin().unwrap();
    assert_eq!(session.known_generation(), opened);
    drop(session);
    let mut session = scratch.open();
    let opened = session.known_generation();
    scratch.raw().execute_batch("UPDATE kvStore SET value = '3'").unwrap();
    session.begin().unwrap();
    assert_ne!(session.known_generation(), opened);
}

#[test]
fn a_generation_ends_when_another_connection_commits() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    let before = session.generation().unwrap();
    set(&mut session, "a", "2").unwrap();
    session.commit(&mut []).unwrap();
    assert_eq!(session.generation().unwrap(), before, "its own commits are no news");

    let other = scratch.raw();
    other.execute_batch("BEGIN IMMEDIATE; UPDATE kvStore SET value = '3';").unwrap();
    assert_eq!(session.generation().unwrap(), before, "not committed yet");
    other.execute_batch("COMMIT").unwrap();
    let after = session.generation().unwrap();
    assert_ne!(after, before);
    assert_eq!(session.generation().unwrap(), after);

    other.execute_batch("UPDATE kvStore SET value = '4'").unwrap();
    session.begin().unwrap();
    assert_ne!(session.generation().unwrap(), after, "a block that begins on another's commit knows it");
}

#[derive(Debug, Clone)]
enum Step {
    OursCommits,
    TheirsCommits,
    TheirsRollsBack,
    Checkpoint(&'static str),
    TheirsLeaves,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::OursCommits),
        3 => Just(Step::TheirsCommits),
        1 => Just(Step::TheirsRollsBack),
        2 => prop::sample::select(vec!["PASSIVE", "RESTART", "TRUNCATE"]).prop_map(Step::Checkpoint),
        1 => Just(Step::TheirsLeaves),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever becomes of the log in between. After a checkpoint that emptied it, SQLite takes a new log for news.
    #[test]
    fn no_commit_of_another_connection_goes_unnoticed(steps in prop::collection::vec((step(), any::<bool>()), 1..40)) {
        let scratch = Scratch::with_store();
        let (mut session, mut other) = (scratch.open(), None);
        let (mut known, mut unnoticed) = (session.generation().unwrap(), false);
        for (at, (step, asks)) in steps.into_iter().enumerate() {
            let theirs = other.get_or_insert_with(|| scratch.raw());
            match step {
                Step::OursCommits => {
                    set(&mut session, "a", &at.to_string()).unwrap();
                    let begun = session.generation().unwrap();
                    prop_assert!(begun != known || !unnoticed, "a block begins with what is committed");
                    (known, unnoticed) = (begun, false);
                    session.commit(&mut []).unwrap();
                }
                Step::TheirsCommits => {
                    theirs.execute("UPDATE kvStore SET value = ?1", [format!("theirs {at}")]).unwrap();
                    unnoticed = true;
                }
                Step::TheirsRollsBack => theirs.execute_batch("BEGIN; UPDATE kvStore SET value = ''; ROLLBACK").unwrap(),
                Step::Checkpoint(kind) => {
                    theirs.query_row(&format!("PRAGMA wal_checkpoint({kind})"), [], |_| Ok(())).unwrap();
                }
                Step::TheirsLeaves => other = None,
            }
            if asks {
                let now = session.generation().unwrap();
                prop_assert!(now != known || !unnoticed);
                (known, unnoticed) = (now, false);
            }
        }
    }
}

#[test]
fn a_read_only_session_reads_and_refuses_to_write() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open_read_only();
    assert_eq!(get(session.read(), "a").as_deref(), Some("1"));
    assert!(matches!(set(&mut session, "a", "2"), Err(SessionError::ReadOnly)));
    assert!(matches!(session.begin(), Err(SessionError::ReadOnly)));
    session.commit(&mut []).unwrap();
    session.close().unwrap();
    assert_eq!(scratch.committed("a").as_deref(), Some("1"));
}

#[test]
fn savepoints_of_a_read_only_session_are_of_its_parts_alone() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open_read_only();
    session.savepoint("s", &mut []).unwrap();
    session.savepoint("t", &mut []).unwrap();
    assert!(!session.is_open() && matches!(set(&mut session, "a", "2"), Err(SessionError::ReadOnly)));
    session.rollback_to("t", &mut []).unwrap();
    assert!(matches!(session.rollback_to("t", &mut []), Err(SessionError::NoSuchSavepoint { .. })));
    assert_eq!(session.depth(), 1);
    session.release(&mut []).unwrap();
    session.commit(&mut []).unwrap();
    assert_eq!(session.depth(), 0);
}

#[test]
fn a_read_only_session_sees_one_commit_from_its_first_savepoint_to_its_commit() {
    let scratch = Scratch::with_store();
    let (mut writer, mut session) = (scratch.open(), scratch.open_read_only());
    let mut commit = |value| {
        set(&mut writer, "a", value).unwrap();
        writer.commit(&mut []).unwrap();
    };
    let seen = |session: &mut Session| (session.generation().unwrap(), get(session.read(), "a").unwrap());
    let (before, _) = seen(&mut session);
    commit("2");
    session.savepoint("s", &mut []).unwrap();
    commit("3");
    let (pinned, value) = seen(&mut session);
    assert!(pinned > before && value == "2", "{value}");
    session.release(&mut []).unwrap();
    session.savepoint("t", &mut []).unwrap();
    session.release(&mut []).unwrap();
    assert_eq!(seen(&mut session), (pinned, "2".to_owned()));
    session.commit(&mut []).unwrap();
    let (after, value) = seen(&mut session);
    assert!(after > pinned && value == "3", "{value}");
    session.savepoint("u", &mut []).unwrap();
    session.close().unwrap();
}

#[test]
fn a_session_in_memory_keeps_blocks_apart_too() {
    let mut session = Session::in_memory(&[KV]).unwrap();
    set(&mut session, "a", "1").unwrap();
    session.commit(&mut []).unwrap();
    let image = session.serialize().unwrap();
    session.savepoint("crank", &mut []).unwrap();
    set(&mut session, "a", "2").unwrap();
    session.rollback_to("crank", &mut []).unwrap();
    assert_eq!(get(session.read(), "a").as_deref(), Some("1"));

    let options = OpenOptions { image: Some(image.clone()), ..OpenOptions::default() };
    let mut copy = Session::open(Location::Memory, &options, &[KV]).unwrap();
    assert_eq!(get(copy.read(), "a").as_deref(), Some("1"));
    set(&mut copy, "a", "3").unwrap();
    copy.commit(&mut []).unwrap();
    assert_eq!(get(copy.read(), "a").as_deref(), Some("3"));

    let options = OpenOptions { image: Some(image), ..read_only() };
    let mut copy = Session::open(Location::Memory, &options, &[KV]).unwrap();
    assert!(matches!(set(&mut copy, "a", "4"), Err(SessionError::ReadOnly)));
}
