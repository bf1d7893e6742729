//! After a write that SQLite could not do, nothing of the block can be committed any more.

use super::*;
use crate::session::CommitError;

const BIG: usize = 4096;

/// A session whose disk is about to be full, in a block that has `a` = `2`.
fn nearly_full(scratch: &Scratch) -> Session {
    let mut session = scratch.open();
    set(&mut session, "a", "2").unwrap();
    session.connection().pragma_update(None, "max_page_count", 12).unwrap();
    session
}

fn fill(session: &mut Session) -> SessionError {
    (0..100).find_map(|at| set(session, &format!("big{at}"), &"x".repeat(BIG)).err()).unwrap()
}

fn assert_poisoned(session: &mut Session, scratch: &Scratch) {
    assert!(matches!(set(session, "tail", "1"), Err(SessionError::Poisoned { .. })));
    assert!(matches!(session.begin(), Err(SessionError::Poisoned { .. })));
    assert!(matches!(session.savepoint("s", &mut []), Err(SessionError::Poisoned { .. })));
    assert!(matches!(session.rollback_to("s", &mut []), Err(SessionError::Poisoned { .. })));
    assert!(matches!(session.release(&mut []), Err(SessionError::Poisoned { .. })));
    for _ in 0..2 {
        let refused = session.commit(&mut []);
        assert!(matches!(refused, Err(CommitError::NotCommitted(SessionError::Poisoned { .. }))), "{refused:?}");
    }
    let found = ["a", "big0", "tail"].map(|key| scratch.committed(key));
    assert_eq!(found, [Some("1".to_owned()), None, None], "the last commit");
}

fn assert_reopens(session: Session, scratch: &Scratch) {
    session.close().unwrap();
    let mut session = scratch.open();
    assert_eq!(get(session.read(), "a").as_deref(), Some("1"));
    set(&mut session, "a", "3").unwrap();
    session.commit(&mut []).unwrap();
    assert_eq!(scratch.committed("a").as_deref(), Some("3"));
}

#[test]
fn a_full_disk_in_the_middle_of_a_block_poisons_it() {
    let scratch = Scratch::with_store();
    let mut session = nearly_full(&scratch);
    assert!(matches!(fill(&mut session), SessionError::Full { .. }));
    assert_poisoned(&mut session, &scratch);
    assert_reopens(session, &scratch);
}

#[test]
fn a_full_disk_inside_a_crank_poisons_the_whole_block() {
    let scratch = Scratch::with_store();
    let mut session = nearly_full(&scratch);
    session.savepoint("crank", &mut []).unwrap();
    fill(&mut session);
    assert!(matches!(session.rollback_to("crank", &mut []), Err(SessionError::Poisoned { .. })));
    assert_poisoned(&mut session, &scratch);
    assert_reopens(session, &scratch);
}

#[test]
fn a_full_disk_while_parts_are_written_poisons_the_commit() {
    let scratch = Scratch::with_store();
    let (mut session, mut memory) = (nearly_full(&scratch), Memory::default());
    (0..100).for_each(|at| memory.put(&format!("big{at:02}"), &"x".repeat(BIG)));
    let refused = session.commit(&mut [&mut memory]);
    assert!(matches!(refused, Err(CommitError::NotCommitted(SessionError::Full { .. }))), "{refused:?}");
    assert_poisoned(&mut session, &scratch);
    assert_reopens(session, &scratch);
}

#[test]
fn a_poisoned_session_says_what_poisoned_it() {
    let scratch = Scratch::with_store();
    let mut session = nearly_full(&scratch);
    fill(&mut session);
    let text = session.begin().unwrap_err().to_string();
    assert!(text.contains("disk is full") && text.contains("reopen"), "{text}");
}

#[test]
fn a_broken_constraint_does_not_poison() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    set(&mut session, "b", "1").unwrap();
    session.savepoint("crank", &mut []).unwrap();
    let error = session.write().unwrap().run("INSERT INTO kvStore (key, value) VALUES ('b', '2')", []).unwrap_err();
    assert!(error.is_constraint());
    set(&mut session, "c", "3").unwrap();
    session.release(&mut []).unwrap();
    session.commit(&mut []).unwrap();
    assert_eq!((scratch.committed("b").as_deref(), scratch.committed("c").as_deref()), (Some("1"), Some("3")));
}

#[test]
fn a_constraint_broken_by_a_part_poisons_since_the_part_is_half_written() {
    struct Broken;
    impl Part for Broken {
        fn id(&self) -> PartId {
            PartId::default()
        }
        fn mark(&mut self) {}
        fn rollback_to(&mut self, _depth: usize) {}
        fn release(&mut self) {}
        fn flush(&mut self, writer: &mut Writer<'_>) -> Result<(), SessionError> {
            writer.run("INSERT INTO kvStore (key, value) VALUES ('half', '1')", [])?;
            writer.run("INSERT INTO kvStore (key, value) VALUES ('half', '2')", []).map(drop)
        }
        fn bytes(&self) -> usize {
            1
        }
    }
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    set(&mut session, "a", "2").unwrap();
    assert!(matches!(session.commit(&mut [&mut Broken]), Err(CommitError::NotCommitted(_))));
    assert_poisoned(&mut session, &scratch);
    assert_reopens(session, &scratch);
}

#[test]
fn whoever_gives_up_poisons_whatever_the_error() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    set(&mut session, "a", "2").unwrap();
    let mut writer = session.write().unwrap();
    let error = writer.run("INSERT INTO kvStore (key, value) VALUES ('a', '3')", []).unwrap_err();
    let error = writer.give_up(error);
    assert!(error.is_constraint());
    assert_poisoned(&mut session, &scratch);
    assert_reopens(session, &scratch);
}

#[test]
fn a_statement_that_cannot_run_poisons() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    set(&mut session, "a", "2").unwrap();
    assert!(session.write().unwrap().run("INSERT INTO nowhere VALUES (1)", []).is_err());
    assert_poisoned(&mut session, &scratch);
    assert_reopens(session, &scratch);
}

/// SQLite rolls back by itself also when a *read* runs out of disk, memory or luck; no write has failed then.
#[test]
fn a_block_that_sqlite_rolled_back_by_itself_is_not_continued() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    set(&mut session, "a", "2").unwrap();
    session.connection().execute_batch("ROLLBACK").unwrap();
    assert_poisoned(&mut session, &scratch);
    assert_reopens(session, &scratch);
}

/// A savepoint that is still due would begin a transaction of its own, whose release commits what is written in it.
#[test]
fn a_crank_whose_block_sqlite_rolled_back_by_itself_is_not_continued() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    set(&mut session, "a", "2").unwrap();
    session.savepoint("crank", &mut []).unwrap();
    session.connection().execute_batch("ROLLBACK").unwrap();
    assert!(matches!(set(&mut session, "tail", "1"), Err(SessionError::Poisoned { .. })));
    assert_poisoned(&mut session, &scratch);
    assert_reopens(session, &scratch);
}

#[test]
fn a_writer_in_hand_does_not_outlive_its_transaction_either() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    let mut writer = session.write().unwrap();
    writer.run(SET, ["a", "2"]).unwrap();
    let error = writer.run("INSERT OR ROLLBACK INTO kvStore (key, value) VALUES ('a', '3')", []).unwrap_err();
    assert!(error.is_constraint());
    assert!(matches!(writer.run(SET, ["tail", "1"]), Err(SessionError::Poisoned { .. })));
    assert_poisoned(&mut session, &scratch);
    assert_reopens(session, &scratch);
}

#[test]
fn a_reader_cannot_end_a_block_or_change_it() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    set(&mut session, "a", "2").unwrap();
    for sql in
        ["COMMIT", "ROLLBACK", "SAVEPOINT t9", "DELETE FROM kvStore", "UPDATE kvStore SET value = '9' RETURNING 1"]
    {
        assert!(session.read().one(sql, [], |_| Ok(())).is_err(), "{sql}");
        assert!(session.read().each(sql, [], |_| Ok::<_, SessionError>(true)).is_err(), "{sql}");
    }
    assert_eq!(scratch.committed("a").as_deref(), Some("1"));
    session.commit(&mut []).unwrap();
    assert_eq!(scratch.committed("a").as_deref(), Some("2"));
}

#[test]
fn a_poisoned_block_hands_nothing_over() {
    let scratch = Scratch::with_store();
    let mut session = nearly_full(&scratch);
    session.record_exports().unwrap();
    session.note_export("kv.a", Some("2".into()));
    fill(&mut session);
    let mut batches = 0;
    let handed = session.hand_over(|_| {
        batches += 1;
        Ok::<_, SessionError>(())
    });
    assert!(matches!(handed, Err(SessionError::Poisoned { .. })));
    assert_eq!(batches, 0, "the host must not store what will never be committed");
    assert!(session.has_exports());
}

#[test]
fn a_busy_store_does_not_poison() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    session.connection().busy_timeout(std::time::Duration::ZERO).unwrap();
    let other = scratch.raw();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(set(&mut session, "a", "2"), Err(SessionError::Busy { .. })));
    assert!(!session.is_open());
    other.execute_batch("ROLLBACK").unwrap();
    set(&mut session, "a", "2").unwrap();
    session.commit(&mut []).unwrap();
    assert_eq!(scratch.committed("a").as_deref(), Some("2"));
}
