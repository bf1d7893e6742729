//! The log is copied behind the blocks, and never grows for long. Whatever the thread's timing, only what it has done when it
//! is waited for is looked at.

use super::*;
use crate::session::checkpoints::{Checkpointer, Who};
use crate::session::wal_index::LogSize;

/// Pages of a log that is worth being copied, here.
const PAGES: u32 = 16;

/// How long a log's header is, and a page of it.
const HEADER: u64 = 32;
const FRAME: u64 = 24 + 4096;

/// How long the file of the log is.
fn log_file(scratch: &Scratch) -> u64 {
    scratch.beside("-wal").metadata().unwrap().len()
}

/// A store whose log is copied that early.
fn open(scratch: &Scratch) -> Session {
    let mut session = scratch.open();
    session.checkpointer = Some(Checkpointer::new(PAGES, 4096, &scratch.path()));
    session
}

fn log(session: &Session) -> LogSize {
    LogSize::read(session.connection()).unwrap()
}

/// Commits a block that changes at least `pages` pages, and answers how long the log is then.
fn block(session: &mut Session, number: usize, pages: usize) -> LogSize {
    for page in 0..pages {
        set(session, &format!("{page}"), &format!("{number} {}", "x".repeat(4000))).unwrap();
    }
    session.commit(&mut []).unwrap();
    log(session)
}

fn settle(session: &Session) {
    session.checkpointer.as_ref().unwrap().settle();
}

#[test]
fn a_writer_takes_the_checkpoints_off_sqlites_hands_at_as_many_pages() {
    let scratch = Scratch::with_store();
    let session = scratch.open();
    let pragma = |sql| session.read().one(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(pragma("PRAGMA wal_autocheckpoint"), Some(0));
    assert_eq!(session.checkpointer.as_ref().unwrap().pages(), 1000);
    session.close().unwrap();
    assert!(scratch.open_read_only().checkpointer.is_none());
    let fast = OpenOptions { unsafe_fast: true, ..OpenOptions::default() };
    assert!(scratch.try_open(&fast).unwrap().checkpointer.is_none());
}

#[test]
fn a_log_that_is_long_enough_is_copied_and_begins_anew_in_the_next_block() {
    let scratch = Scratch::with_store();
    let mut session = open(&scratch);
    // Not long enough yet.
    let short = block(&mut session, 0, 3);
    assert!(short.frames < PAGES, "{short:?}");
    settle(&session);
    assert_eq!(log(&session), short);
    let long = block(&mut session, 1, PAGES as usize);
    assert!(long.frames >= PAGES, "{long:?}");
    settle(&session);
    assert_eq!(log(&session), LogSize { copied: long.frames, ..long });
    assert!(session.checkpointer.as_ref().unwrap().is_running());
    let next = block(&mut session, 2, 1);
    assert!(next.frames < short.frames + 3 && next.copied == 0, "{next:?}");
    assert_eq!(scratch.committed("0").unwrap()[..2], *"2 ");
}

#[test]
fn a_session_that_writes_little_or_once_has_no_thread() {
    let scratch = Scratch::with_store();
    for pages in [3, 300] {
        let mut session = scratch.open();
        let length = block(&mut session, 0, pages).frames;
        assert!(!session.checkpointer.as_ref().unwrap().is_running());
        assert_eq!(log_file(&scratch), HEADER + u64::from(length) * FRAME);
        block(&mut session, 1, 1);
        assert_eq!(session.checkpointer.as_ref().unwrap().is_running(), pages == 300 && cfg!(target_os = "linux"));
        session.close().unwrap();
    }
}

#[test]
fn few_pages_are_left_until_they_are_many_or_the_log_is_very_long() {
    let scratch = Scratch::with_store();
    let mut session = open(&scratch);
    // What a reader sees may be copied and nothing after it, and the log does not begin anew.
    let reader = scratch.raw();
    let look = "BEGIN; SELECT * FROM kvStore";
    let grow = |session: &mut Session, beyond: u32| {
        (0..100).map(|number| block(session, number, 1)).find(|seen| seen.frames >= beyond).unwrap()
    };
    let seen = grow(&mut session, 3).frames;
    reader.execute_batch(look).unwrap();
    grow(&mut session, PAGES / 2);
    settle(&session);
    assert_eq!(log(&session).copied, 0, "few are left");
    let many = grow(&mut session, 2 * PAGES + 4).frames;
    settle(&session);
    assert_eq!(log(&session).copied, seen, "many are, and these are what the reader sees");
    reader.execute_batch(&format!("ROLLBACK; {look}")).unwrap();
    grow(&mut session, 0);
    settle(&session);
    assert_eq!(log(&session).copied, many);
    let longer = grow(&mut session, 3 * PAGES - 4).frames;
    settle(&session);
    assert!(longer < 3 * PAGES, "{longer}");
    assert_eq!(log(&session).copied, many, "few again");
    reader.execute_batch(&format!("ROLLBACK; {look}")).unwrap();
    grow(&mut session, 3 * PAGES);
    settle(&session);
    assert_eq!(log(&session).copied, longer, "few, of a very long log");
}

#[test]
fn a_commit_copies_a_very_long_log_and_beside_a_reader_waits_for_as_many_pages_again() {
    let mut checkpointer = Checkpointer::new(10, 4096, &PathBuf::new());
    let log = |frames, copied| LogSize { salts: [0; 2], frames, copied };
    let mut who = |frames, copied| checkpointer.who(log(frames, copied));
    assert_eq!([who(9, 0), who(10, 0), who(10, 1), who(10, 10)], [Who::Nobody, Who::Thread, Who::Nobody, Who::Nobody]);
    assert_eq!([who(29, 27), who(30, 28), who(39, 37)], [Who::Nobody, Who::Thread, Who::Thread]);
    assert_eq!([who(40, 39), who(40, 40), who(45, 10)], [Who::Commit, Who::Nobody, Who::Commit]);
    let mut usual = Checkpointer::new(1000, 4096, &PathBuf::new());
    let mut left_at = |frames, left| usual.who(log(frames, frames - left));
    assert_eq!([left_at(999, 1), left_at(1000, 1), left_at(1000, 125)], [Who::Nobody, Who::Rest, Who::Rest]);
    assert_eq!([left_at(1000, 126), left_at(2999, 999), left_at(2999, 1000)], [Who::Nobody, Who::Nobody, Who::Thread]);
    assert_eq!([left_at(3000, 125), left_at(3000, 126)], [Who::Rest, Who::Thread]);
    // What was read of the log while its header changed may be anything.
    assert_eq!([who(5, 9), who(u32::MAX, 0)], [Who::Nobody, Who::Commit]);

    let scratch = Scratch::with_store();
    let mut session = open(&scratch);
    let reader = scratch.raw();
    block(&mut session, 0, 1);
    reader.execute_batch("BEGIN; SELECT * FROM kvStore").unwrap();
    let mut by = Vec::new();
    for number in 1..=100 {
        block(&mut session, number, 1);
        let hindered = session.checkpointer.as_ref().unwrap().hindered_at();
        if by.last() != Some(&hindered) {
            by.push(hindered);
        }
    }
    assert!(by.len() >= 4 && by[0] == 0, "not before four times the pages, and then once for each: {by:?}");
    assert!(by[1] >= 4 * PAGES && by.windows(2).skip(1).all(|two| two[1] - two[0] >= PAGES), "{by:?}");
    reader.execute_batch("ROLLBACK").unwrap();
    assert!((101..=120).any(|number| block(&mut session, number, 1).frames < PAGES), "the log begins anew");
    assert_eq!(session.checkpointer.as_ref().unwrap().hindered_at(), 0);
}

#[test]
fn a_commit_copies_what_little_the_thread_has_left_and_the_log_begins_anew() {
    const PAGES: u32 = 64;
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    session.checkpointer = Some(Checkpointer::new(PAGES, 4096, &scratch.path()));
    let fill = |session: &mut Session| {
        (0..100).map(|number| block(session, number, 1)).find(|seen| seen.frames >= PAGES - 2).unwrap()
    };
    let reader = scratch.raw();
    let look = || reader.execute_batch("BEGIN; SELECT * FROM kvStore").unwrap();
    let leave = || reader.execute_batch("ROLLBACK").unwrap();
    let pass = || scratch.raw().query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).unwrap();

    // In the thread's place, and overtaken by a block, which the reader stands for.
    let seen = fill(&mut session);
    look();
    block(&mut session, 200, 1);
    pass();
    assert_eq!(log(&session).copied, seen.frames);
    // It reads on, so that the rest cannot be copied.
    let tried = block(&mut session, 201, 1);
    assert!(tried.frames >= PAGES && tried.copied == seen.frames, "{tried:?}");
    leave();
    assert_eq!(block(&mut session, 202, 1).copied, seen.frames, "nor is it tried in each block");
    pass();

    let again = fill(&mut session);
    assert!(again.salts != seen.salts);
    look();
    block(&mut session, 203, 1);
    pass();
    leave();
    let all = block(&mut session, 204, 1);
    assert!(all.copied == all.frames && all.frames > again.frames, "{all:?}");
    let next = block(&mut session, 205, 1);
    assert!(next.salts != all.salts && next.copied == 0, "{next:?}");
    settle(&session);
    session.close().unwrap();
    assert!(scratch.committed("0").unwrap().starts_with("205 "));
}

#[test]
fn blocks_without_a_pause_keep_the_log_short_whatever_the_thread_does() {
    let scratch = Scratch::with_store();
    let mut session = open(&scratch);
    let mut longest = 0;
    for number in 0..300 {
        let seen = block(&mut session, number, 5);
        longest = longest.max(seen.frames);
        if seen.frames >= 4 * PAGES {
            assert_eq!(seen.copied, seen.frames, "the commit itself has copied the rest");
        }
    }
    // The block that finds it so long, and at most one that went before the log began anew.
    assert!(longest < 4 * PAGES + 20, "{longest}");
    session.close().unwrap();
    assert_eq!(scratch.committed("0").unwrap()[..4], *"299 ");
}

/// So many pages fit into a log's file without making it longer.
fn room(scratch: &Scratch) -> u64 {
    (log_file(scratch) - HEADER) / FRAME
}

#[cfg(target_os = "linux")]
#[test]
fn there_is_room_in_the_log_for_what_comes_next_and_it_is_as_good_as_none() {
    let scratch = Scratch::with_store();
    let mut session = open(&scratch);
    block(&mut session, 0, 1);
    let first = block(&mut session, 0, 1).frames;
    settle(&session);
    let begun_with = room(&scratch);
    assert!(first < PAGES && begun_with >= u64::from(PAGES + PAGES / 4), "{first} {begun_with}");
    let ahead = fs::read(scratch.beside("-wal")).unwrap();
    assert!(ahead[usize::try_from(HEADER + u64::from(first) * FRAME).unwrap()..].iter().all(|&byte| byte == 0));
    for number in 1..60 {
        let seen = block(&mut session, number, 1);
        settle(&session);
        assert!(room(&scratch) >= u64::from(seen.frames + PAGES / 4), "{seen:?}");
        // To whoever comes by, and to whoever finds it after a crash.
        let begins = format!("{number} ");
        assert!(scratch.committed("0").unwrap().starts_with(&begins));
        let crashed = Scratch::empty();
        for suffix in ["", "-wal"] {
            fs::copy(scratch.beside(suffix), crashed.beside(suffix)).unwrap();
        }
        let mut crashed = crashed.open();
        assert!(get(crashed.read(), "0").unwrap().starts_with(&begins));
        assert_eq!(log(&crashed).frames, seen.frames, "zeros are no pages");
        block(&mut crashed, 100, 1);
        assert!(get(crashed.read(), "0").unwrap().starts_with("100 "));
    }
    assert_eq!(room(&scratch), begun_with, "blocks with pauses need no more");
    let is_busy: bool = scratch.raw().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
    assert!(!is_busy && log_file(&scratch) == 0);
    block(&mut session, 0, 1);
    settle(&session);
    block(&mut session, 0, 1);
    settle(&session);
    assert!(room(&scratch) >= u64::from(PAGES + PAGES / 4), "who cuts it off takes the room for no longer than that");
    session.close().unwrap();
    assert_eq!(names(&scratch), ["swingstore.sqlite"]);
}

#[test]
fn where_somebody_always_reads_a_log_has_no_room_ahead_once_it_is_very_long() {
    let scratch = Scratch::with_store();
    let mut session = open(&scratch);
    // By turns, so that what can be copied follows, but never all of it.
    let readers = [scratch.raw(), scratch.raw()];
    readers.iter().for_each(|reader| reader.execute_batch("BEGIN; SELECT * FROM kvStore").unwrap());
    let mut grow = |blocks: usize| {
        let grown = (0..blocks).map(|number| {
            let seen = block(&mut session, number, 1);
            readers[number % 2].execute_batch("ROLLBACK; BEGIN; SELECT * FROM kvStore").unwrap();
            seen.frames
        });
        grown.last().unwrap()
    };
    grow(5 * PAGES as usize);
    let zeros = room(&scratch);
    let frames = grow(16 * PAGES as usize);
    assert!(u64::from(frames) > zeros, "{frames} {zeros}");
    settle(&session);
    assert_eq!(room(&scratch), u64::from(frames));
}

#[test]
fn without_a_thread_the_commit_does_it_as_sqlite_would() {
    let scratch = Scratch::with_store();
    let mut session = scratch.open();
    // A thread that finds no store ends, and may have taken the first errand with it.
    session.checkpointer = Some(Checkpointer::new(PAGES, 4096, &scratch.dir.path().join("nothing")));
    block(&mut session, 0, PAGES as usize);
    settle(&session);
    let second = block(&mut session, 1, PAGES as usize);
    assert_eq!(second.copied, second.frames);
    assert!(!scratch.dir.path().join("nothing").exists());
    session.close().unwrap();
    assert_eq!(scratch.committed("0").unwrap()[..2], *"1 ");
}

#[test]
fn closing_and_dropping_wait_for_the_thread_and_leave_no_log() {
    for closed in [true, false] {
        let scratch = Scratch::with_store();
        let mut session = open(&scratch);
        for number in 0..5 {
            block(&mut session, number, PAGES as usize);
        }
        // One that is not committed.
        set(&mut session, "0", "lost").unwrap();
        if closed {
            session.close().unwrap();
        } else {
            drop(session);
        }
        assert_eq!(names(&scratch), ["swingstore.sqlite"]);
        assert_eq!(scratch.committed("0").unwrap()[..2], *"4 ");
    }
}

#[test]
fn the_threads_work_is_nobodys_commit() {
    let scratch = Scratch::with_store();
    let mut session = open(&scratch);
    let before = session.generation().unwrap();
    for number in 0..20 {
        block(&mut session, number, PAGES as usize);
        settle(&session);
        assert_eq!(session.generation().unwrap(), before);
    }
}

/// While the thread copies pages the log does not begin anew: only the next block could do that.
#[test]
fn files_that_are_copied_between_two_blocks_are_that_commit_whatever_the_thread_does() {
    let scratch = Scratch::with_store();
    let mut session = open(&scratch);
    for number in 0..40 {
        block(&mut session, number, PAGES as usize);
        let copy = Scratch::empty();
        for suffix in ["", "-wal"] {
            fs::copy(scratch.beside(suffix), copy.beside(suffix)).unwrap();
        }
        let copied = copy.open();
        let begins = format!("{number} ");
        assert!(get(copied.read(), "0").unwrap().starts_with(&begins), "{number}");
        assert!(get(copied.read(), &(PAGES - 1).to_string()).unwrap().starts_with(&begins), "{number}");
        assert_eq!(copied.read().integrity_check(5).unwrap(), [""; 0]);
    }
}

#[test]
fn blocks_that_wait_for_nobody_are_never_refused_beside_the_thread_and_readers() {
    let scratch = Scratch::with_store();
    let mut session = open(&scratch);
    session.connection().busy_timeout(std::time::Duration::ZERO).unwrap();
    let reader = scratch.raw();
    for number in 0..60 {
        if number % 6 == 0 {
            // It sees less than there is to copy for the next blocks: whoever copies must not wait until it is gone.
            let _ = reader.execute_batch("ROLLBACK");
            reader.execute_batch("BEGIN; SELECT * FROM kvStore").unwrap();
        }
        block(&mut session, number, PAGES as usize / 2);
        // The thread's turn.
        std::thread::sleep(std::time::Duration::from_millis(3));
    }
    assert!(session.checkpointer.as_ref().unwrap().is_running());
    drop(reader);
    session.close().unwrap();
    assert_eq!(names(&scratch), ["swingstore.sqlite"]);
    assert_eq!(scratch.committed("0").unwrap()[..3], *"59 ");
}

/// The place of a store that was moved while it was open may be another one's when the thread looks there.
#[cfg(unix)]
#[test]
fn a_store_that_took_the_place_of_an_open_one_keeps_its_log() {
    let scratch = Scratch::with_store();
    let mut session = open(&scratch);
    let moved = Scratch::empty();
    for name in names(&scratch) {
        fs::rename(scratch.dir.path().join(&name), moved.dir.path().join(&name)).unwrap();
    }
    // A killed writer's.
    let killed = Scratch::with_store();
    let writer = killed.raw();
    writer.execute_batch("INSERT INTO kvStore VALUES ('b', 'logged')").unwrap();
    for suffix in ["", "-wal"] {
        fs::copy(killed.beside(suffix), scratch.beside(suffix)).unwrap();
    }
    for number in 0..10 {
        block(&mut session, number, PAGES as usize);
        settle(&session);
    }
    assert!(log(&session).frames < 8 * PAGES, "its own log is copied by its commits");
    session.close().unwrap();
    assert!(scratch.beside("-wal").metadata().unwrap().len() > 0, "not the thread's to remove");
    assert_eq!(scratch.committed("b").as_deref(), Some("logged"));
    assert_eq!(moved.committed("0").unwrap()[..2], *"9 ");
}
