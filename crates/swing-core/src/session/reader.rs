//! The read end of a session: it can select and nothing else.

use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension as _, Params, Row};

use super::database::{Database, Found};
use super::error::SessionError;
use super::transaction::Session;

/// Reads a database. Copies are the same reader.
#[derive(Clone, Copy)]
pub struct Reader<'c> {
    database: &'c Database,
}

crate::opaque!(Reader<'_>);

impl<'c> Reader<'c> {
    pub(crate) fn new(database: &'c Database) -> Self {
        Self { database }
    }

    /// The connection itself, for queries that are looked at beforehand.
    pub(super) fn connection(&self) -> &'c rusqlite::Connection {
        self.database
    }

    /// The statement `sql`, if it is a query.
    fn select(&self, sql: &str) -> rusqlite::Result<Found<'c>> {
        let statement = self.database.statement(sql)?;
        if statement.selects() { Ok(statement) } else { Err(rusqlite::Error::InvalidQuery) }
    }

    /// Runs `sql`, which should answer one row or none.
    ///
    /// # Errors
    /// [`SessionError`] when SQLite cannot run it or `map` cannot read the row.
    pub fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, SessionError> {
        let run = || self.select(sql)?.lend().query_row(params, map).optional();
        run().map_err(|source| SessionError::new(sql, source))
    }

    /// Runs `sql` and reads rows until `more` says enough.
    ///
    /// # Errors
    /// [`SessionError`] when SQLite cannot run it, or the error of `more`.
    pub fn each<E: From<SessionError>>(
        &self,
        sql: &str,
        params: impl Params,
        mut more: impl FnMut(&RowValue<'_, '_>) -> Result<bool, E>,
    ) -> Result<(), E> {
        let fail = |source| E::from(SessionError::new(sql, source));
        let found = self.select(sql).map_err(fail)?;
        let mut statement = found.lend();
        let mut rows = statement.query(params).map_err(fail)?;
        while let Some(row) = rows.next().map_err(fail)? {
            if !more(&RowValue { row, sql })? {
                break;
            }
        }
        Ok(())
    }

    /// Runs `sql` and collects what `map` makes of each row.
    ///
    /// # Errors
    /// [`SessionError`] when SQLite cannot run it or `map` cannot read a row.
    pub fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        mut map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, SessionError> {
        let mut found = Vec::new();
        self.each(sql, params, |row| {
            found.push(map(row.row).map_err(|source| SessionError::new(sql, source))?);
            Ok::<_, SessionError>(true)
        })?;
        Ok(found)
    }

    /// The blob in a row of `table`. A query would copy it twice: SQLite makes it whole before it hands it over.
    ///
    /// # Errors
    /// [`SessionError`] when there is no such row, or no blob in it.
    pub fn blob(&self, table: &str, column: &str, rowid: i64) -> Result<Vec<u8>, SessionError> {
        let read = || {
            let blob = self.database.blob_open(rusqlite::MAIN_DB, table, column, rowid, true)?;
            let mut bytes = vec![0; blob.len()];
            blob.read_at_exact(&mut bytes, 0)?;
            Ok(bytes)
        };
        read().map_err(|source| SessionError::new(&format!("read {column} of a row of {table}"), source))
    }

    /// SQLite's own check of the file (`PRAGMA integrity_check`), and a look into each index: what is wrong with it, at most `most`
    /// findings.
    ///
    /// # Errors
    /// [`SessionError`] when the file is too damaged to be checked.
    pub fn integrity_check(&self, most: u32) -> Result<Vec<String>, SessionError> {
        let mut found = self.all(&format!("PRAGMA integrity_check({most})"), [], |row| row.get::<_, String>(0))?;
        found.retain(|text| text != "ok");
        if found.is_empty() {
            found = self.unreadable_indexes()?;
            found.truncate(most as usize);
        }
        Ok(found)
    }

    /// SQLite's check does not open an index that should be empty, whatever its page is; the first row to be inserted would.
    fn unreadable_indexes(&self) -> Result<Vec<String>, SessionError> {
        const INDEXES: &str = "SELECT name, tbl_name FROM sqlite_schema WHERE type = 'index'";
        let name = |text: String| format!("\"{}\"", text.replace('"', "\"\""));
        let mut found = Vec::new();
        for (index, table) in self.all(INDEXES, [], |row| Ok((name(row.get(0)?), name(row.get(1)?))))? {
            match self.one(&format!("SELECT 1 FROM {table} INDEXED BY {index} LIMIT 1"), [], |_| Ok(())) {
                Err(SessionError::Corrupt { source, .. }) => {
                    found.push(format!("index {index} cannot be read: {source}"))
                }
                // An index of a part of the rows, which no store has, cannot be asked so.
                Err(error) if !error.is_of_the_statement() => return Err(error),
                _ => {}
            }
        }
        Ok(found)
    }
}

impl Session {
    /// The database as a byte image, for small stores in memory.
    ///
    /// # Errors
    /// [`SessionError`] when SQLite cannot make one.
    pub fn serialize(&self) -> Result<Vec<u8>, SessionError> {
        let image = self.connection().serialize("main").map_err(|source| SessionError::new("serialize", source))?;
        Ok(image.to_vec())
    }
}

/// A row that knows which statement it came from, so that a value of the wrong type is an error that says so.
pub struct RowValue<'r, 's> {
    row: &'r Row<'s>,
    sql: &'r str,
}

crate::opaque!(RowValue<'_, '_>);

impl RowValue<'_, '_> {
    /// Column number `column`.
    ///
    /// # Errors
    /// [`SessionError::Corrupt`] when it holds something else.
    pub fn get<T: rusqlite::types::FromSql>(&self, column: usize) -> Result<T, SessionError> {
        self.row.get(column).map_err(|source| SessionError::new(self.sql, source))
    }

    /// Column number `column`, whatever it holds.
    pub(crate) fn value(&self, column: usize) -> Result<ValueRef<'_>, SessionError> {
        self.row.get_ref(column).map_err(|source| SessionError::new(self.sql, source))
    }

    /// Column number `column` as text that lives as long as the row.
    ///
    /// # Errors
    /// [`SessionError::Corrupt`] when it is no text.
    pub fn text(&self, column: usize) -> Result<&str, SessionError> {
        let value = self.value(column)?;
        if let ValueRef::Text(bytes) = value
            && let Ok(text) = simdutf8::basic::from_utf8(bytes)
        {
            return Ok(text);
        }
        value.as_str().map_err(|error| {
            let source = rusqlite::Error::FromSqlConversionFailure(column, value.data_type(), Box::new(error));
            SessionError::new(self.sql, source)
        })
    }
}
