//! A connection and the statements that were prepared on it, each once.
//!
//! A point read costs SQLite less than rusqlite's own cache of statements costs to find, take out and put back what it is
//! read with: that one hashes the text with a keyed hash, keeps its entries in order of use, and allocates the text anew
//! each time. Here a statement stays in its place and is lent from there.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use rusqlite::{Connection, Statement};

/// More than all substores together have, so that each is prepared once. Further ones are prepared for each use.
const MOST: usize = 256;

/// A connection, and what it is asked again and again.
pub(crate) struct Database {
    // Dropped before the connection, which cannot be closed with statements left on it.
    statements: RefCell<Statements>,
    // Shared with the statements, which is nobody's business but this module's.
    connection: Rc<Connection>,
}

#[derive(Default)]
struct Statements {
    by_text: HashMap<Box<str>, usize, foldhash::fast::RandomState>,
    slots: Vec<Slot>,
}

#[derive(Default)]
struct Slot {
    /// `None` while it is lent.
    statement: Option<Statement<'static>>,
    selects: bool,
}

// SAFETY: what is not `Send` here is the shared count of the connection and the statements' references to it. All of them are
// within this value and move with it: a `Lent` that took one out borrows the `Database`, which cannot be moved meanwhile. A
// connection itself may be used by any thread, one at a time.
unsafe impl Send for Database {}

impl Database {
    pub(super) fn new(connection: Connection) -> Self {
        Self { statements: RefCell::default(), connection: Rc::new(connection) }
    }

    /// Lends the statement whose text is `sql`.
    pub(super) fn statement(&self, sql: &str) -> rusqlite::Result<Lent<'_>> {
        let mut statements = self.statements.borrow_mut();
        let known = statements.by_text.get(sql).copied();
        if let Some(at) = known
            && let Slot { statement: taken @ Some(_), selects } = &mut statements.slots[at]
        {
            let (statement, selects) = (taken.take(), *selects);
            return Ok(Lent { database: self, home: Some(at), statement, selects });
        }
        let statement = self.prepare(sql)?;
        // SQLite calls COMMIT and ROLLBACK read-only too, but they have no columns.
        let selects = statement.readonly() && statement.column_count() > 0;
        let home = match known {
            None if statements.slots.len() < MOST => {
                let at = statements.slots.len();
                statements.slots.push(Slot { statement: None, selects });
                statements.by_text.insert(sql.into(), at);
                Some(at)
            }
            // Somebody is using the one that is kept.
            _ => None,
        };
        Ok(Lent { database: self, home, statement: Some(statement), selects })
    }

    fn prepare(&self, sql: &str) -> rusqlite::Result<Statement<'static>> {
        // SAFETY: the connection lives behind a count that this value holds, so it stays where it is as long as this value
        // lives; and no statement outlives it: those in slots are dropped before the connection, and one that is lent is
        // in a `Lent`, which borrows this value.
        let connection: &'static Connection = unsafe { &*Rc::as_ptr(&self.connection) };
        connection.prepare_with_flags(sql, rusqlite::PrepFlags::SQLITE_PREPARE_PERSISTENT)
    }

    /// Closes the connection.
    pub(super) fn close(self) -> rusqlite::Result<()> {
        let Self { statements, connection } = self;
        drop(statements);
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

/// A statement on loan. It goes back where it was, with nothing bound to it.
pub(super) struct Lent<'d> {
    database: &'d Database,
    home: Option<usize>,
    statement: Option<Statement<'static>>,
    selects: bool,
}

impl Lent<'_> {
    /// Whether it is a query.
    pub(super) fn selects(&self) -> bool {
        self.selects
    }
}

impl Deref for Lent<'_> {
    type Target = Statement<'static>;

    fn deref(&self) -> &Statement<'static> {
        self.statement.as_ref().expect("a statement is lent until it goes back")
    }
}

impl DerefMut for Lent<'_> {
    fn deref_mut(&mut self) -> &mut Statement<'static> {
        self.statement.as_mut().expect("a statement is lent until it goes back")
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let (Some(at), Some(mut statement)) = (self.home, self.statement.take()) {
            // A long text or blob need not stay in memory until the next use.
            statement.clear_bindings();
            self.database.statements.borrow_mut().slots[at].statement = Some(statement);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> Database {
        Database::new(Connection::open_in_memory().unwrap())
    }

    fn number(database: &Database, sql: &str) -> i64 {
        database.statement(sql).unwrap().query_row([], |row| row.get(0)).unwrap()
    }

    fn kept(database: &Database) -> usize {
        database.statements.borrow().slots.iter().filter(|slot| slot.statement.is_some()).count()
    }

    #[test]
    fn a_text_is_prepared_once_and_its_statement_goes_back_to_its_place() {
        let database = database();
        for _ in 0..3 {
            assert_eq!((number(&database, "SELECT 1"), number(&database, "SELECT 2")), (1, 2));
        }
        assert_eq!((database.statements.borrow().slots.len(), kept(&database)), (2, 2));
        let lent = database.statement("SELECT 1").unwrap();
        assert_eq!(kept(&database), 1);
        drop(lent);
        assert_eq!(kept(&database), 2);
    }

    #[test]
    fn one_that_is_in_use_may_be_asked_for_again() {
        let database = database();
        let mut outer = database.statement("VALUES (1), (2)").unwrap();
        let mut rows = outer.query([]).unwrap();
        assert_eq!(rows.next().unwrap().unwrap().get::<_, i64>(0).unwrap(), 1);
        assert_eq!(number(&database, "VALUES (1), (2)"), 1);
        assert_eq!(rows.next().unwrap().unwrap().get::<_, i64>(0).unwrap(), 2, "it went on where it was");
        drop(rows);
        drop(outer);
        assert_eq!((database.statements.borrow().slots.len(), kept(&database)), (1, 1));
    }

    #[test]
    fn nothing_stays_bound() {
        let database = database();
        let mut lent = database.statement("SELECT ?1").unwrap();
        assert_eq!(lent.query_row(["text"], |row| row.get::<_, String>(0)).unwrap(), "text");
        drop(lent);
        assert_eq!(database.statement("SELECT ?1").unwrap().expanded_sql().unwrap(), "SELECT NULL");
    }

    #[test]
    fn there_may_be_more_texts_than_are_kept() {
        let database = database();
        for _ in 0..2 {
            for at in 0..MOST as i64 + 20 {
                assert_eq!(number(&database, &format!("SELECT {at}")), at);
            }
        }
        assert_eq!((database.statements.borrow().slots.len(), kept(&database)), (MOST, MOST));
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
            assert_eq!((number(&database, "SELECT 1"), kept(&database)), (1, 1));
            database.close().unwrap();
        })
        .join()
        .unwrap();
    }
}
