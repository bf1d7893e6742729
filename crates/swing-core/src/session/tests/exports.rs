//! Changes of export data between the substores, the host and the file.

use super::*;
use crate::session::CommitError;

type Pairs = Vec<(String, Option<String>)>;

fn note(session: &mut Session, key: &str, value: Option<&str>) {
    session.note_export(key, value.map(Into::into));
}

/// What one hand-over gave the host; empty if it was not called.
fn handed_over(session: &mut Session) -> Pairs {
    let mut pairs = Pairs::new();
    session
        .hand_over(|batch| {
            pairs.extend(batch.iter().map(|entry| (entry.key.to_string(), entry.value.as_deref().map(str::to_owned))));
            assert!(!pairs.is_empty(), "never an empty batch");
            Ok::<_, SessionError>(())
        })
        .unwrap();
    pairs
}

fn refuse(session: &mut Session) {
    let refused = session.hand_over(|_| Err(SessionError::ReadOnly));
    assert!(matches!(refused, Err(SessionError::ReadOnly)));
}

fn pairs<const N: usize>(pairs: [(&str, Option<&str>); N]) -> Pairs {
    pairs.map(|(key, value)| (key.to_owned(), value.map(str::to_owned))).into()
}

/// The rows of `pendingExports` in the last commit.
fn left_in_file(scratch: &Scratch) -> Pairs {
    let raw = scratch.raw();
    let mut statement = raw.prepare("SELECT key, value FROM pendingExports ORDER BY key").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// A store that another implementation left with exports that nobody has got.
fn with_left_exports() -> Scratch {
    let scratch = Scratch::with_store();
    scratch.raw().execute_batch("INSERT INTO pendingExports VALUES ('kv.b', 'old'), ('kv.a', NULL)").unwrap();
    scratch
}

#[test]
fn nothing_is_queued_unless_exports_are_recorded() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    note(&mut session, "kv.a", Some("1"));
    assert!(!session.has_exports() && !session.records_exports());
    assert_eq!(handed_over(&mut session), []);
    session.record_exports().unwrap();
    assert!(!session.has_exports() && session.records_exports());
    session.commit(&mut []).unwrap();
    assert!(!session.has_exports());
    note(&mut session, "kv.a", Some("1"));
    assert!(session.has_exports());
}

#[test]
fn changes_can_be_taken_one_by_one_in_the_order_in_which_they_were_made() {
    let scratch = with_left_exports();
    let mut session = scratch.open();
    session.record_exports().unwrap();
    session.savepoint("crank", &mut []).unwrap();
    note(&mut session, "kv.c", Some("1"));
    let refused = session.take_exports_in_order();
    assert!(matches!(refused, Err(SessionError::InCrank { open: 1 })), "{refused:?}");
    session.release(&mut []).unwrap();
    note(&mut session, "kv.b", Some("2"));
    note(&mut session, "kv.c", None);
    let taken = session.take_exports_in_order().unwrap();
    let taken = taken.iter().map(|entry| (&*entry.key, entry.value.as_deref())).collect::<Vec<_>>();
    let left = [("kv.a", None), ("kv.b", Some("old"))];
    assert_eq!(taken, [&left[..], &[("kv.c", Some("1")), ("kv.b", Some("2")), ("kv.c", None)]].concat());
    assert!(!session.has_exports());
    session.commit(&mut []).unwrap();
    assert_eq!(left_in_file(&scratch), []);
}

#[test]
fn a_batch_is_in_key_order_with_the_last_change_of_each_key() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    session.record_exports().unwrap();
    for (key, value) in
        [("kv.é", Some("1")), ("kv.b", Some("2")), ("kv.a", Some("3")), ("kv.b", None), ("kv.z", Some("4"))]
    {
        note(&mut session, key, value);
    }
    let expected = pairs([("kv.a", Some("3")), ("kv.b", None), ("kv.z", Some("4")), ("kv.é", Some("1"))]);
    assert_eq!(handed_over(&mut session), expected);
    assert_eq!(handed_over(&mut session), [], "once");
}

#[test]
fn a_rolled_back_crank_leaves_no_export() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    session.record_exports().unwrap();
    note(&mut session, "kv.a", Some("before"));
    session.savepoint("crank", &mut []).unwrap();
    note(&mut session, "kv.a", Some("inside"));
    note(&mut session, "kv.b", Some("inside"));
    session.rollback_to("crank", &mut []).unwrap();
    assert_eq!(handed_over(&mut session), pairs([("kv.a", Some("before"))]));
}

#[test]
fn exports_are_not_handed_over_while_they_may_be_rolled_back() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    session.record_exports().unwrap();
    session.savepoint("crank", &mut []).unwrap();
    note(&mut session, "kv.a", Some("inside"));
    let refused = session.hand_over(|_| -> Result<(), SessionError> { panic!("too early") });
    assert!(matches!(refused, Err(SessionError::InCrank { open: 1 })), "{refused:?}");
    session.release(&mut []).unwrap();
    assert_eq!(handed_over(&mut session), pairs([("kv.a", Some("inside"))]));
}

#[test]
fn a_failed_callback_loses_nothing() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    session.record_exports().unwrap();
    session.begin().unwrap();
    note(&mut session, "kv.a", Some("1"));
    refuse(&mut session);
    note(&mut session, "kv.b", Some("2"));
    refuse(&mut session);
    assert_eq!(handed_over(&mut session), pairs([("kv.a", Some("1")), ("kv.b", Some("2"))]));
}

#[test]
fn exports_left_by_another_implementation_come_first_and_survive_a_failed_callback() {
    let scratch = with_left_exports();
    let mut session = scratch.open();
    session.record_exports().unwrap();
    assert!(session.has_exports());
    refuse(&mut session);
    assert_eq!(left_in_file(&scratch).len(), 2);
    session.begin().unwrap();
    note(&mut session, "kv.b", Some("new"));
    note(&mut session, "kv.c", Some("new"));
    refuse(&mut session);
    let expected = pairs([("kv.a", None), ("kv.b", Some("new")), ("kv.c", Some("new"))]);
    assert_eq!(handed_over(&mut session), expected);
    assert_eq!(left_in_file(&scratch).len(), 2, "until the commit");
    session.commit(&mut []).unwrap();
    assert_eq!(left_in_file(&scratch), []);
}

#[test]
fn left_exports_that_were_handed_over_but_not_committed_are_left_again() {
    let scratch = with_left_exports();
    let mut session = scratch.open();
    session.record_exports().unwrap();
    assert_eq!(handed_over(&mut session).len(), 2);
    session.close().unwrap();
    let mut session = scratch.open();
    session.record_exports().unwrap();
    assert_eq!(handed_over(&mut session), pairs([("kv.a", None), ("kv.b", Some("old"))]));
}

#[test]
fn left_exports_stay_where_nobody_records_exports() {
    let scratch = with_left_exports();
    let mut session = scratch.open();
    set(&mut session, "a", "2").unwrap();
    session.commit(&mut []).unwrap();
    session.close().unwrap();
    assert_eq!(left_in_file(&scratch).len(), 2);
}

#[test]
fn a_host_is_not_called_when_the_left_rows_cannot_be_removed() {
    let scratch = with_left_exports();
    let mut session = scratch.open();
    session.record_exports().unwrap();
    session.connection().busy_timeout(std::time::Duration::ZERO).unwrap();
    let other = scratch.raw();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = session.hand_over(|_| -> Result<(), SessionError> { panic!("called") });
    assert!(matches!(refused, Err(SessionError::Busy { .. })));
    assert!(session.has_exports());
}

#[test]
fn unclaimed_exports_are_kept_in_the_file_by_a_commit() {
    let scratch = with_left_exports();
    let mut session = scratch.open();
    session.record_exports().unwrap();
    session.begin().unwrap();
    note(&mut session, "kv.b", None);
    note(&mut session, "kv.c", Some("3"));
    session.commit(&mut []).unwrap();
    let expected = pairs([("kv.a", None), ("kv.b", None), ("kv.c", Some("3"))]);
    assert_eq!(left_in_file(&scratch), expected);
    drop(session);

    let mut session = scratch.open();
    session.record_exports().unwrap();
    assert_eq!(handed_over(&mut session), expected);
    session.commit(&mut []).unwrap();
    assert_eq!(left_in_file(&scratch), []);
}

#[test]
fn exports_noted_between_blocks_are_kept_by_a_commit_that_has_nothing_else() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    session.connection().busy_timeout(std::time::Duration::ZERO).unwrap();
    session.record_exports().unwrap();
    note(&mut session, "kv.a", Some("1"));
    // One that is not done is still to be done.
    let other = scratch.raw();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = session.commit(&mut []);
    assert!(matches!(refused, Err(CommitError::NotCommitted(SessionError::Busy { .. }))), "{refused:?}");
    other.execute_batch("ROLLBACK").unwrap();
    session.commit(&mut []).unwrap();
    assert_eq!(left_in_file(&scratch), pairs([("kv.a", Some("1"))]));
    assert!(session.has_exports() && !session.is_open());

    // They are there, so nothing is left to be done.
    other.execute_batch("DELETE FROM pendingExports").unwrap();
    session.commit(&mut []).unwrap();
    assert_eq!(left_in_file(&scratch), []);
    note(&mut session, "kv.b", None);
    session.commit(&mut []).unwrap();
    assert_eq!(left_in_file(&scratch), pairs([("kv.a", Some("1")), ("kv.b", None)]));
}

#[test]
fn unclaimed_exports_that_a_later_block_hands_over_leave_the_file_with_it() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    session.record_exports().unwrap();
    session.begin().unwrap();
    note(&mut session, "kv.a", Some("1"));
    session.commit(&mut []).unwrap();
    assert_eq!(left_in_file(&scratch).len(), 1);
    assert_eq!(handed_over(&mut session), pairs([("kv.a", Some("1"))]));
    assert_eq!(handed_over(&mut session), []);
    session.commit(&mut []).unwrap();
    assert_eq!(left_in_file(&scratch), []);
}

#[test]
fn asking_twice_for_exports_to_be_recorded_loses_none() {
    let scratch = with_left_exports();
    let mut session = scratch.open();
    session.record_exports().unwrap();
    session.begin().unwrap();
    note(&mut session, "kv.c", Some("3"));
    session.record_exports().unwrap();
    assert_eq!(handed_over(&mut session).len(), 3);
}

#[test]
fn exports_recorded_from_within_a_crank_follow_its_savepoints() {
    let scratch = with_left_exports();
    let mut session = scratch.open();
    session.savepoint("crank", &mut []).unwrap();
    session.record_exports().unwrap();
    note(&mut session, "kv.c", Some("inside"));
    session.rollback_to("crank", &mut []).unwrap();
    assert_eq!(handed_over(&mut session), pairs([("kv.a", None), ("kv.b", Some("old"))]));
}

/// It could never hand them over, since they cannot leave the file.
#[test]
fn a_read_only_session_does_not_take_up_what_was_left() {
    let scratch = with_left_exports();
    let mut session = scratch.open_read_only();
    session.record_exports().unwrap();
    assert!(!session.has_exports());
    assert_eq!(handed_over(&mut session), pairs([]));
}
