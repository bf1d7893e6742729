//! A connection and the statements that were prepared on it, each once.
//!
//! A point read costs SQLite less than rusqlite's own cache of statements costs to find, take out and put back what it is
//! read with: that one hashes the text with a keyed hash, keeps its entries in order of use, and allocates the text anew
//! each time. Here a statement stays in its place and is lent from there. It is found by where its text stands, since the
//! texts of nearly all are constants, and failing that by the text.

use std::cell::{RefCell, RefMut};
use std::collections::HashMap;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Statement};

/// More than all substores together have, so that each is prepared once. Further ones are prepared for each use.
const MOST: usize = 256;
/// How many of them are also found by where their texts stand; a power of two.
const PLACES: usize = 128;

/// A connection, and what it is asked again and again.
pub(crate) struct Database {
    // Dropped before the connection, which cannot be closed with statements left on it.
    statements: RefCell<Statements>,
    // Dropped before the connection, which it has a last word for.
    parting: Parting,
    // Shared with the statements, which is nobody's business but this module's.
    connection: Rc<Connection>,
}

/// How the connection is closed.
struct Parting {
    connection: Rc<Connection>,
    /// Whether the log stays, for somebody to recover.
    leaves_log: Arc<AtomicBool>,
}

impl Drop for Parting {
    fn drop(&mut self) {
        if self.leaves_log.load(Ordering::SeqCst) {
            let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        }
    }
}

struct Statements {
    by_text: HashMap<Box<str>, Rc<Slot>, foldhash::fast::RandomState>,
    /// What was found for the last text that stood there, which another may have taken the place of since.
    by_place: [Option<Rc<Slot>>; PLACES],
}

/// A statement in its place.
struct Slot {
    text: Box<str>,
    /// Borrowed while it is lent.
    statement: RefCell<Statement<'static>>,
    selects: bool,
}

// SAFETY: what is not `Send` here are the counts of the connection and of the slots, and the statements' references to the
// connection. All of them are within this value and move with it: a `Found`, which has a slot, borrows the `Database`, which
// cannot be moved meanwhile. A connection itself may be used by any thread, one at a time.
unsafe impl Send for Database {}

impl Statements {
    fn find(&mut self, sql: &str) -> Option<Rc<Slot>> {
        let at = sql.as_ptr().addr();
        let place = &mut self.by_place[(at ^ (at / PLACES)) % PLACES];
        match place {
            Some(slot) if *slot.text == *sql => {}
            _ => *place = Some(Rc::clone(self.by_text.get(sql)?)),
        }
        place.clone()
    }
}

impl Database {
    pub(super) fn new(connection: Connection) -> Self {
        // Else SQLite plans a statement anew whenever another value is bound to its LIMIT. It is refused to nobody.
        let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true);
        let statements = Statements { by_text: HashMap::default(), by_place: [const { None }; PLACES] };
        let connection = Rc::new(connection);
        let parting = Parting { connection: Rc::clone(&connection), leaves_log: Arc::default() };
        Self { statements: RefCell::new(statements), parting, connection }
    }

    /// The statement whose text is `sql`, which nobody is using.
    pub(super) fn statement(&self, sql: &str) -> rusqlite::Result<Found<'_>> {
        let mut statements = self.statements.borrow_mut();
        let known = statements.find(sql);
        let is_known = known.is_some();
        let slot = match known {
            Some(slot) if slot.statement.try_borrow_mut().is_ok() => slot,
            _ => Rc::new(self.prepare(sql)?),
        };
        if !is_known && statements.by_text.len() < MOST {
            statements.by_text.insert(sql.into(), Rc::clone(&slot));
        }
        Ok(Found { slot, of: PhantomData })
    }

    fn prepare(&self, sql: &str) -> rusqlite::Result<Slot> {
        // SAFETY: the connection lives behind a count that this value holds, so it stays where it is as long as this value
        // lives; and no statement outlives it: those that are kept are dropped before the connection, and any other is in
        // a `Found`, which borrows this value.
        let connection: &'static Connection = unsafe { &*Rc::as_ptr(&self.connection) };
        let statement = connection.prepare_with_flags(sql, rusqlite::PrepFlags::SQLITE_PREPARE_PERSISTENT)?;
        // SQLite calls COMMIT and ROLLBACK read-only too, but they have no columns.
        let selects = statement.readonly() && statement.column_count() > 0;
        Ok(Slot { text: sql.into(), statement: RefCell::new(statement), selects })
    }

    /// Whether the log is left as it is when the connection is closed; others may say so, too.
    pub(super) fn leaves_log(&self) -> &Arc<AtomicBool> {
        &self.parting.leaves_log
    }

    /// Closes the connection.
    pub(super) fn close(self) -> rusqlite::Result<()> {
        let Self { statements, parting, connection } = self;
        drop((statements, parting));
        // Nobody else holds it.
        Rc::into_inner(connection).map_or(Ok(()), |connection| connection.close().map_err(|(_, error)| error))
    }
}

impl Deref for Database {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

/// A statement of a database.
pub(super) struct Found<'d> {
    slot: Rc<Slot>,
    of: PhantomData<&'d Database>,
}

impl Found<'_> {
    /// Whether it is a query.
    pub(super) fn selects(&self) -> bool {
        self.slot.selects
    }

    /// Takes it into use, once at a time.
    pub(super) fn lend(&self) -> Lent<'_> {
        Lent(self.slot.statement.borrow_mut())
    }
}

/// A statement in use. When it goes back nothing is bound to it.
pub(super) struct Lent<'f>(RefMut<'f, Statement<'static>>);

impl Deref for Lent<'_> {
    type Target = Statement<'static>;

    fn deref(&self) -> &Statement<'static> {
        &self.0
    }
}

impl DerefMut for Lent<'_> {
    fn deref_mut(&mut self) -> &mut Statement<'static> {
        &mut self.0
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        // A long text or blob need not stay in memory until the next use.
        self.0.clear_bindings();
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    fn database() -> Database {
        Database::new(Connection::open_in_memory().unwrap())
    }

    fn number(database: &Database, sql: &str) -> i64 {
        database.statement(sql).unwrap().lend().query_row([], |row| row.get(0)).unwrap()
    }

    /// How many are kept, and how many of them nobody is using.
    fn kept(database: &Database) -> (usize, usize) {
        let statements = database.statements.borrow();
        let free = statements.by_text.values().filter(|slot| slot.statement.try_borrow_mut().is_ok());
        (statements.by_text.len(), free.count())
    }

    #[test]
    fn a_text_is_prepared_once_and_its_statement_goes_back_to_its_place() {
        let database = database();
        for _ in 0..3 {
            assert_eq!((number(&database, "SELECT 1"), number(&database, "SELECT 2")), (1, 2));
        }
        assert_eq!(kept(&database), (2, 2));
        let found = database.statement("SELECT 1").unwrap();
        let lent = found.lend();
        assert_eq!(kept(&database), (2, 1));
        drop(lent);
        assert_eq!(kept(&database), (2, 2));
    }

    #[test]
    fn one_that_is_in_use_may_be_asked_for_again() {
        let database = database();
        let found = database.statement("VALUES (1), (2)").unwrap();
        let mut outer = found.lend();
        let mut rows = outer.query([]).unwrap();
        assert_eq!(rows.next().unwrap().unwrap().get::<_, i64>(0).unwrap(), 1);
        assert_eq!(number(&database, "VALUES (1), (2)"), 1);
        assert_eq!(rows.next().unwrap().unwrap().get::<_, i64>(0).unwrap(), 2, "it went on where it was");
        drop(rows);
        drop(outer);
        assert_eq!(kept(&database), (1, 1));
    }

    #[test]
    fn a_text_that_stands_where_another_stood_is_another() {
        let database = database();
        let mut text = String::with_capacity(64);
        for round in 0..3 {
            for at in 0..10 {
                text.clear();
                text.push_str(&format!("SELECT {at}"));
                assert_eq!(number(&database, &text), at, "round {round}");
            }
        }
        assert_eq!(kept(&database), (10, 10));
    }

    #[test]
    fn nothing_stays_bound() {
        let database = database();
        let found = database.statement("SELECT ?1").unwrap();
        assert_eq!(found.lend().query_row(["text"], |row| row.get::<_, String>(0)).unwrap(), "text");
        assert_eq!(database.statement("SELECT ?1").unwrap().lend().expanded_sql().unwrap(), "SELECT NULL");
    }

    #[test]
    fn what_is_bound_does_not_have_it_prepared_anew() {
        let database = database();
        database.execute_batch("CREATE TABLE t (a PRIMARY KEY); INSERT INTO t VALUES (1), (2), (3)").unwrap();
        for most in 1..4 {
            let found = database.statement("SELECT count(*) FROM (SELECT a FROM t ORDER BY a LIMIT ?1)").unwrap();
            assert_eq!(found.lend().query_row([most], |row| row.get(0)), Ok(most));
            assert_eq!(found.lend().get_status(StatementStatus::RePrepare), 0, "{most}");
        }
    }

    #[test]
    fn there_may_be_more_texts_than_are_kept() {
        let database = database();
        for _ in 0..2 {
            for at in 0..MOST as i64 + 20 {
                assert_eq!(number(&database, &format!("SELECT {at}")), at);
            }
        }
        assert_eq!(kept(&database), (MOST, MOST));
    }

    #[test]
    fn what_answers_no_rows_or_changes_some_is_no_query() {
        let database = database();
        database.execute_batch("CREATE TABLE t (a)").unwrap();
        let is_query = |sql| database.statement(sql).unwrap().selects();
        // Both times: when it is prepared, and when it is there.
        for _ in 0..2 {
            assert!(is_query("SELECT a FROM t") && is_query("PRAGMA user_version"));
            assert!(!is_query("COMMIT") && !is_query("DELETE FROM t") && !is_query("DELETE FROM t RETURNING a"));
        }
        assert!(database.statement("SELECT b FROM t").is_err());
    }

    #[test]
    fn it_goes_to_another_thread_with_its_statements_and_is_closed_there() {
        let database = database();
        assert_eq!(number(&database, "SELECT 1"), 1);
        std::thread::spawn(move || {
            assert_eq!((number(&database, "SELECT 1"), kept(&database)), (1, (1, 1)));
            database.close().unwrap();
        })
        .join()
        .unwrap();
    }
}
