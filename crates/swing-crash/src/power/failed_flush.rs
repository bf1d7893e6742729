//! A flush of the database that fails, after passes that have copied and left the flush to it.
//!
//! On Linux what a failed flush could not write counts as clean from then on: it is lost, and the next flush succeeds.

use rusqlite::Connection;
use swing_core::session::{Digested, Location, OpenOptions, Session, Table, checkpoint_in_step, store_file};

use super::disk::{Disk, Image, Loss, image_of, lay_out};
use crate::rng::Rng;
use crate::stage::scratch;
use crate::vfs::{Event, Fault, Mark, Tuning, arm, disarm, install, mark, record, stop_recording, tune, tuning_alone};

const TABLE: Table = Table {
    name: "t",
    columns: &["a", "b"],
    create: "CREATE TABLE IF NOT EXISTS t (a INTEGER, b TEXT, PRIMARY KEY (a));",
    digested: Digested::Rows,
};
const FILE: &str = "swingstore.sqlite";

fn block(session: &mut Session, number: i64, bytes: usize) {
    session.write().unwrap().run("INSERT INTO t VALUES (?1, ?2)", (number, "x".repeat(bytes))).unwrap();
    session.commit(&mut []).unwrap();
}

fn rows(connection: &Connection) -> Vec<(i64, i64)> {
    let mut all = connection.prepare("SELECT a, length(b) FROM t NOT INDEXED").unwrap();
    all.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

#[test]
fn no_block_is_lost_when_the_database_cannot_be_flushed_once() {
    let _alone = tuning_alone();
    install();
    checkpoint_in_step(true);
    tune(Tuning { checkpoint_pages: 8, mapped: false, ..Tuning::default() });
    for closed in [true, false] {
        let work = scratch().unwrap();
        let path = store_file(work.path());
        let open = || Session::open(Location::File(path.clone()), &OpenOptions::default(), &[TABLE]).unwrap();
        open().close().unwrap();
        let begin: Image = image_of(work.path()).unwrap();
        let mut session = open();
        record();
        block(&mut session, 1, 20_000);
        // It stands for a commit that overtakes a pass: what it sees is copied, what came later is not, and nothing is flushed.
        let reader = Connection::open(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT * FROM t").unwrap();
        block(&mut session, 2, 20_000);
        reader.execute_batch("ROLLBACK").unwrap();
        drop(reader);
        // The log at the commit, the log again by the thread, the database.
        arm(Fault::Sync, 3, false);
        block(&mut session, 3, 40_000);
        assert_eq!(disarm().times, 1);
        mark(Mark::Begin(3));
        for _ in 0..2 {
            let error = session.begin().unwrap_err().to_string();
            assert!(error.contains("could not be flushed"), "{error}");
        }
        if closed {
            session.close().unwrap()
        } else {
            drop(session)
        }
        let mut disk = Disk::holding(&begin);
        for event in &stop_recording() {
            match event {
                Event::Mark(_) => disk.fail_to_flush(FILE),
                event => disk.apply(event),
            }
        }
        // With and without the removal of a log, if there was one.
        for loss in [Loss::All, Loss::None] {
            let look = scratch().unwrap();
            lay_out(&disk.cut(loss, &mut Rng::new(1)), look.path()).unwrap();
            let found = Connection::open(look.path().join(FILE)).unwrap();
            let check: String = found.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
            let expected = vec![(1, 20_000), (2, 20_000), (3, 40_000)];
            assert_eq!((check.as_str(), rows(&found)), ("ok", expected), "closed: {closed}, {loss:?}");
        }
    }
    tune(Tuning::default());
}
