//! What the log's file is asked for while a commit runs, seen from beneath.

use std::cell::RefCell;
use std::ffi::{c_int, c_void};
use std::ops::Range;

use rusqlite::ffi;

use super::*;
use crate::session::CommitError;
use crate::session::open_file::log_file;

/// A frame's header, a page, and both.
const HEADER: i64 = 24;
const PAGE: i64 = 4096;
const FRAME: i64 = HEADER + PAGE;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Write { at: i64, length: i64 },
    Sync,
    Close,
}

/// What this test's log was asked for, and which of the calls to come fail.
struct Seen {
    calls: Vec<Call>,
    fail: Range<usize>,
    beneath: *const ffi::sqlite3_io_methods,
}

thread_local! {
    static SEEN: RefCell<Seen> = const { RefCell::new(Seen { calls: Vec::new(), fail: 0..0, beneath: std::ptr::null() }) };
}

/// Looks at the log of a session that has committed nothing yet, from beneath what its first commit puts above.
fn witness(session: &Session) {
    let file = log_file(session.connection()).unwrap();
    // SAFETY: the log is open, and its methods are those of SQLite's own VFS, of the latest version. Ours are never freed.
    unsafe {
        let beneath = (*file).pMethods;
        let methods =
            ffi::sqlite3_io_methods { xWrite: Some(write), xSync: Some(sync), xClose: Some(close), ..*beneath };
        (*file).pMethods = Box::leak(Box::new(methods));
        SEEN.with_borrow_mut(|seen| seen.beneath = beneath);
    }
}

/// Writes the call down, and answers the real methods unless it fails.
fn note(call: Call) -> Option<*const ffi::sqlite3_io_methods> {
    SEEN.with_borrow_mut(|seen| {
        let fails = seen.fail.contains(&seen.calls.len());
        seen.calls.push(call);
        (!fails).then_some(seen.beneath)
    })
}

unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, data: *const c_void, amount: c_int, at: i64) -> c_int {
    let real = note(Call::Write { at, length: amount.into() });
    // SAFETY: SQLite's call, passed on.
    real.map_or(ffi::SQLITE_IOERR_WRITE, |real| unsafe { ((*real).xWrite.unwrap())(file, data, amount, at) })
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: as above.
    note(Call::Sync).map_or(ffi::SQLITE_IOERR_FSYNC, |real| unsafe { ((*real).xSync.unwrap())(file, flags) })
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: as above.
    note(Call::Close).map_or(ffi::SQLITE_IOERR_CLOSE, |real| unsafe { ((*real).xClose.unwrap())(file) })
}

/// What the log was asked for since this was asked last.
fn calls() -> Vec<Call> {
    SEEN.with_borrow_mut(|seen| std::mem::take(&mut seen.calls))
}

/// Of the calls from now on these fail, the first being number 0.
fn fail(calls: Range<usize>) {
    SEEN.with_borrow_mut(|seen| {
        seen.calls.clear();
        seen.fail = calls;
    });
}

/// Sets so many keys to values as long as a page.
fn fill(session: &mut Session, block: usize, keys: usize) {
    for key in 0..keys {
        set(session, &format!("{key:03}"), &value(block)).unwrap();
    }
}

fn value(block: usize) -> String {
    format!("{block} {}", "x".repeat(4000))
}

/// A store with a block of a hundred pages, whose log has begun.
fn begun() -> (Scratch, Session) {
    let scratch = Scratch::with_store();
    let session = begin(&scratch, &OpenOptions::default());
    (scratch, session)
}

fn begin(scratch: &Scratch, options: &OpenOptions) -> Session {
    let mut session = scratch.try_open(options).unwrap();
    witness(&session);
    fill(&mut session, 0, 100);
    session.commit(&mut []).unwrap();
    calls();
    session
}

fn assert_all_are_of(scratch: &Scratch, block: usize, keys: usize) {
    let raw = scratch.raw();
    let same = "SELECT count(*) FROM kvStore WHERE key < 'a' AND value = ?1";
    assert_eq!(raw.query_row(same, [value(block)], |row| row.get::<_, usize>(0)).unwrap(), keys);
    let check = raw.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(check, "ok");
}

#[test]
fn the_pages_of_a_block_are_written_in_large_pieces_one_after_the_other_before_the_flush() {
    let (scratch, mut session) = begun();
    fill(&mut session, 1, 100);
    assert_eq!(calls(), [], "nothing before the commit");
    session.commit(&mut []).unwrap();
    let calls = calls();
    let (sync, writes) = calls.split_last().unwrap();
    assert_eq!(*sync, Call::Sync);
    let mut ends = None;
    for call in writes {
        let Call::Write { at, length } = *call else { panic!("{calls:?}") };
        assert_eq!(ends.unwrap_or(at), at, "{calls:?}");
        assert!(length <= 64 << 10, "{calls:?}");
        ends = Some(at + length);
    }
    let Call::Write { at: begins, .. } = writes[0] else { panic!("{calls:?}") };
    let length = ends.unwrap() - begins;
    assert!(length % FRAME == 0 && length >= 100 * FRAME, "{calls:?}");
    assert!(writes.len() as i64 <= length / (64 << 10) + 2, "{calls:?}");
    assert!(
        matches!(writes.last(), Some(Call::Write { length: PAGE, .. })),
        "the last page waits for nobody: {calls:?}"
    );
    assert_all_are_of(&scratch, 1, 100);
}

#[test]
fn a_block_of_one_page_and_a_log_that_begins_anew() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    // A log is opened with the first look at the file.
    witness(&session);
    set(&mut session, "a", "2").unwrap();
    session.commit(&mut []).unwrap();
    let header = Call::Write { at: 0, length: 32 };
    let frame = [Call::Write { at: 32, length: HEADER }, Call::Write { at: 32 + HEADER, length: PAGE }];
    assert_eq!(calls(), [&[header, Call::Sync][..], &frame[..], &[Call::Sync]].concat());
    assert_eq!(scratch.committed("a").as_deref(), Some("2"));
    set(&mut session, "a", "3").unwrap();
    session.commit(&mut []).unwrap();
    let next = frame.map(|call| match call {
        Call::Write { at, length } => Call::Write { at: at + FRAME, length },
        call => call,
    });
    assert_eq!(calls(), [&next[..], &[Call::Sync]].concat());
    assert_eq!(scratch.committed("a").as_deref(), Some("3"));
}

/// Of the calls of a commit, one after the other, the first that `failing` names fails. Answers how many there were.
fn fail_each(failing: impl Fn(usize) -> Range<usize>, synchronous: &str) -> usize {
    let mut done = 0;
    loop {
        let (scratch, mut session) = begun();
        session.connection().pragma_update(None, "synchronous", synchronous).unwrap();
        fill(&mut session, 1, 100);
        fail(failing(done));
        let committed = session.commit(&mut []);
        fail(0..0);
        if committed.is_ok() {
            assert_all_are_of(&scratch, 1, 100);
            return done;
        }
        assert!(matches!(committed, Err(CommitError::Unknown { .. })), "{committed:?}");
        let again = session.commit(&mut []);
        assert!(matches!(again, Err(CommitError::NotCommitted(SessionError::Poisoned { .. }))), "{again:?}");
        assert_all_are_of(&scratch, 0, 100);
        session.close().unwrap();
        let calls = calls();
        assert!(!calls.iter().any(|call| matches!(call, Call::Write { .. })), "nothing is written after it: {calls:?}");
        // Whatever reached the file is no part of what is written next.
        let mut session = scratch.open();
        fill(&mut session, 2, 100);
        session.commit(&mut []).unwrap();
        assert_all_are_of(&scratch, 2, 100);
        done += 1;
    }
}

#[test]
fn wherever_a_write_fails_the_commit_fails_and_the_block_before_it_stays() {
    let for_good = fail_each(|call| call..usize::MAX, "FULL");
    assert!(for_good > 5, "{for_good}");
    assert_eq!(fail_each(|call| call..call + 1, "FULL"), for_good);
    // Without the flush at its end.
    assert_eq!(fail_each(|call| call..call + 1, "NORMAL"), for_good - 1);
}

#[test]
fn wherever_the_first_write_of_a_log_fails_the_commit_fails() {
    // The log's header, its flush, a frame's header, the page, the flush.
    for call in 0..5 {
        let scratch = Scratch::with_store();
        let mut session = scratch.open();
        witness(&session);
        set(&mut session, "a", "2").unwrap();
        fail(call..call + 1);
        assert!(matches!(session.commit(&mut []), Err(CommitError::Unknown { .. })), "{call}");
        session.close().unwrap();
        assert_eq!(scratch.committed("a").as_deref(), Some("1"), "{call}");
    }
}

#[test]
fn pages_that_memory_has_no_room_for_are_written_at_once() {
    let scratch = Scratch::with_store();
    let small = OpenOptions { cache_bytes: 64 << 10, ..OpenOptions::default() };
    let mut session = begin(&scratch, &small);
    let spills = |session: &mut Session, block| {
        calls();
        fill(session, block, 100);
        let pages = calls().into_iter().filter(|call| matches!(call, Call::Write { length: PAGE, .. })).count();
        assert!(pages > 50, "{pages}");
    };
    spills(&mut session, 1);
    session.commit(&mut []).unwrap();
    assert_all_are_of(&scratch, 1, 100);
    // A commit of nothing gathers nothing either.
    session.begin().unwrap();
    session.commit(&mut []).unwrap();
    spills(&mut session, 2);
    // Given up, and another one writes where those were written.
    session.close().unwrap();
    let raw = scratch.raw();
    raw.execute("UPDATE kvStore SET value = ?1 WHERE key < 'a'", [value(3)]).unwrap();
    assert_all_are_of(&scratch, 3, 100);
}

#[test]
fn pages_that_were_written_twice_in_a_block_are_what_they_were_last() {
    let scratch = Scratch::with_store();
    let mut session = begin(&scratch, &OpenOptions { cache_bytes: 64 << 10, ..OpenOptions::default() });
    fill(&mut session, 1, 100);
    session.savepoint("s", &mut []).unwrap();
    fill(&mut session, 2, 100);
    session.rollback_to("s", &mut []).unwrap();
    // The log's sums are reckoned anew, with reads, and writes of headers alone.
    fill(&mut session, 3, 100);
    session.commit(&mut []).unwrap();
    assert_all_are_of(&scratch, 3, 100);
    session.close().unwrap();
    assert_all_are_of(&scratch, 3, 100);
}

#[test]
fn a_log_that_was_closed_and_opened_again_is_another() {
    let (scratch, mut session) = begun();
    fill(&mut session, 1, 100);
    session.commit(&mut []).unwrap();
    let set_mode = |session: &Session, mode: &str| {
        let sql = format!("PRAGMA journal_mode={mode}");
        let found: String = session.connection().query_row(&sql, [], |row| row.get(0)).unwrap();
        assert_eq!(found, mode);
    };
    // The thread has the file open, too.
    session.checkpointer = None;
    set_mode(&session, "delete");
    assert_eq!(calls().last(), Some(&Call::Close));
    // No log, which is not what it is for; but there is a journal, which the commit itself closes.
    fill(&mut session, 2, 100);
    session.commit(&mut []).unwrap();
    assert_all_are_of(&scratch, 2, 100);
    set_mode(&session, "wal");
    for block in 3..5 {
        fill(&mut session, block, 100);
        session.commit(&mut []).unwrap();
        assert_all_are_of(&scratch, block, 100);
    }
    session.close().unwrap();
    assert_all_are_of(&scratch, 4, 100);
}
