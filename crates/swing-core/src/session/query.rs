//! Questions of a tool's own: any query, and answers of any shape.
//!
//! A tool's text is not ours, so it is looked at before SQLite prepares it: a `PRAGMA` may do what it says while it is being
//! prepared. What remains is asked on the session's connection, which a [`Reader`] lends for queries only, and which writes nothing
//! meanwhile: `SELECT` has functions that would.

use std::ffi::{CStr, c_char};
use std::ptr;

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Statement, ffi};

use super::error::SessionError;
use super::reader::Reader;

/// What a query may begin with.
const QUERIES: [&str; 3] = ["SELECT", "WITH", "VALUES"];

/// Pragmas that answer what is set or what is in the file, and do nothing when they are given no argument.
const SETTINGS: [&str; 17] = [
    "application_id",
    "auto_vacuum",
    "cache_size",
    "collation_list",
    "compile_options",
    "data_version",
    "database_list",
    "encoding",
    "freelist_count",
    "function_list",
    "journal_mode",
    "page_count",
    "page_size",
    "schema_version",
    "synchronous",
    "table_list",
    "user_version",
];

/// Pragmas that do nothing but answer, whatever argument they are given.
const ANSWERS: [&str; 10] = [
    "foreign_key_check",
    "foreign_key_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
];

/// So much of an answer is taken, which is all in memory.
const ANSWER_BYTES: usize = 256 << 20;

/// A text that is no question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// It would change something, or does not begin as queries do.
    #[error("only queries are answered (SELECT, WITH, VALUES, and PRAGMA for what can only be read), not {0:?}")]
    NoQuery(String),
    /// There is more after its end.
    #[error("the supplied SQL string contains more than one statement")]
    Several,
}

/// A query, to be asked any number of times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    sql: Box<str>,
    /// SQLite takes some pragmas that only answer for writers, since with an argument they would be.
    pragma: bool,
}

/// What came of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// A value for each column in each of them.
    pub rows: Vec<Vec<Value>>,
}

impl Query {
    /// Takes a text that can only be a query.
    ///
    /// # Errors
    /// [`QueryError`] when it is none.
    pub fn parse(sql: &str) -> Result<Self, QueryError> {
        let first = statement(sql)?;
        let no_query = || QueryError::NoQuery(first.split_whitespace().collect::<Vec<_>>().join(" "));
        let (word, rest) = word(first);
        let pragma = word.eq_ignore_ascii_case("PRAGMA");
        let asks = if pragma {
            pragma_only_answers(rest)
        } else {
            QUERIES.iter().any(|begin| word.eq_ignore_ascii_case(begin))
        };
        if asks { Ok(Self { sql: first.into(), pragma }) } else { Err(no_query()) }
    }
}

/// Whether what stands behind `PRAGMA` can be answered without doing anything.
fn pragma_only_answers(text: &str) -> bool {
    let (name, rest) = word(text);
    let listed = |names: &[&str]| names.iter().any(|known| name.eq_ignore_ascii_case(known));
    listed(&ANSWERS) || (listed(&SETTINGS) && rest.trim().is_empty())
}

/// The word with which `text` begins, and what comes after it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_at(text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len()))
}

/// The one statement that `sql` has, from its first word on.
fn statement(sql: &str) -> Result<&str, QueryError> {
    let begin = skip_blank(sql);
    let end = end_of_statement(&sql[begin..]) + begin;
    let mut rest = &sql[end..];
    while let Some(after) = rest.strip_prefix(';') {
        rest = &after[skip_blank(after)..];
    }
    if rest.is_empty() { Ok(sql[begin..end].trim_end()) } else { Err(QueryError::Several) }
}

/// How much of `text`, from its beginning, is white space and comments.
fn skip_blank(text: &str) -> usize {
    let mut rest = text.trim_start();
    while let Some(comment) = comment(rest) {
        rest = rest[comment..].trim_start();
    }
    text.len() - rest.len()
}

/// How long the comment is with which `text` begins, if it does.
fn comment(text: &str) -> Option<usize> {
    let ended = |end: &str| text.get(2..).and_then(|rest| rest.find(end)).map_or(text.len(), |at| 2 + at + end.len());
    if text.starts_with("--") {
        Some(ended("\n"))
    } else if text.starts_with("/*") {
        Some(ended("*/"))
    } else {
        None
    }
}

/// Where the statement with which `text` begins ends: at a semicolon that stands in no string, name or comment, or with the text.
fn end_of_statement(text: &str) -> usize {
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        let close = match next {
            ';' => return at,
            '\'' | '"' | '`' => Some(next),
            '[' => Some(']'),
            _ => None,
        };
        at += match (close, comment(&text[at..])) {
            // A quote within quotes is doubled: to take it for two strings is as good.
            (Some(close), _) => text[at + 1..].find(close).map_or(text.len() - at, |end| end + 2),
            (None, Some(comment)) => comment,
            (None, None) => next.len_utf8(),
        };
    }
    text.len()
}

impl<'c> Reader<'c> {
    /// Prepares a query. Not among the statements that stay prepared: those are the store's own.
    fn prepare(&self, query: &Query) -> rusqlite::Result<Statement<'c>> {
        let statement = self.connection().prepare(&query.sql)?;
        if query.pragma || statement.readonly() { Ok(statement) } else { Err(rusqlite::Error::InvalidQuery) }
    }

    /// The names of a query's parameters, `None` for one that has none.
    ///
    /// # Errors
    /// [`SessionError::Sql`] when SQLite does not understand the query, or would write.
    pub fn parameters(&self, query: &Query) -> Result<Vec<Option<String>>, SessionError> {
        let prepare = || {
            let statement = self.prepare(query)?;
            Ok((1..=statement.parameter_count()).map(|at| statement.parameter_name(at).map(str::to_owned)).collect())
        };
        prepare().map_err(|source| SessionError::new(&query.sql, source))
    }

    /// Asks `query`, and takes in at most so many rows, of 256 MiB together.
    ///
    /// # Errors
    /// [`SessionError`] when SQLite cannot run it, or would write, and when more would have to be taken in.
    pub fn ask(&self, query: &Query, parameters: &[Value], most: usize) -> Result<Rows, SessionError> {
        let run = || {
            let _writes_nothing = QueryOnly::set(self.connection())?;
            let mut statement = self.prepare(query)?;
            let columns = column_names(self.connection(), query)?;
            let width = columns.len();
            let mut found = statement.query(rusqlite::params_from_iter(parameters))?;
            let (mut rows, mut bytes) = (Vec::new(), 0);
            while rows.len() < most {
                let Some(row) = found.next()? else { break };
                let mut values = Vec::with_capacity(width);
                for column in 0..width {
                    let value = row.get_ref(column)?;
                    bytes += size_of::<Value>() + value.as_bytes().map_or(0, <[u8]>::len);
                    if bytes > ANSWER_BYTES {
                        return Err(too_much());
                    }
                    values.push(owned(value));
                }
                rows.push(values);
            }
            Ok(Rows { columns, rows })
        };
        run().map_err(|source| SessionError::new(&query.sql, source))
    }
}

/// The names of the columns of a query that is prepared. One that is no UTF-8 is told with U+FFFD in it, where rusqlite would panic.
fn column_names(connection: &Connection, query: &Query) -> rusqlite::Result<Vec<String>> {
    // SQLite reads no further.
    let sql = query.sql.split('\0').next().unwrap_or_default();
    // SAFETY: the connection is open, and nobody else uses it meanwhile. Each statement is asked while it is prepared, and what it answers
    // is copied before anything else is asked.
    unsafe {
        let text = |text: *const c_char| if text.is_null() { c"" } else { CStr::from_ptr(text) };
        let mut statement = ffi::sqlite3_next_stmt(connection.handle(), ptr::null_mut());
        while !statement.is_null() {
            // Of the same text, it has the same columns.
            if text(ffi::sqlite3_sql(statement)).to_bytes() == sql.as_bytes() {
                let names = (0..ffi::sqlite3_column_count(statement)).map(|at| ffi::sqlite3_column_name(statement, at));
                return Ok(names.map(|name| text(name).to_string_lossy().into_owned()).collect());
            }
            statement = ffi::sqlite3_next_stmt(connection.handle(), statement);
        }
    }
    Err(rusqlite::Error::InvalidQuery)
}

fn too_much() -> rusqlite::Error {
    let words = "the answer has more than 256 MiB: ask for less of it at a time";
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_TOOBIG), Some(words.to_owned()))
}

/// A connection on which nothing is written until this is dropped.
struct QueryOnly<'c> {
    connection: &'c Connection,
    /// It is so anyway.
    always: bool,
}

impl<'c> QueryOnly<'c> {
    const NAME: &'static str = "query_only";

    fn set(connection: &'c Connection) -> rusqlite::Result<Self> {
        let always = connection.pragma_query_value(None, Self::NAME, |row| row.get(0))?;
        connection.pragma_update(None, Self::NAME, true)?;
        Ok(Self { connection, always })
    }
}

impl Drop for QueryOnly<'_> {
    fn drop(&mut self) {
        if !self.always {
            // It takes no more than a flag; should it fail all the same, the next write does, and says why.
            let _ = self.connection.pragma_update(None, Self::NAME, false);
        }
    }
}

/// A value of its own. Text that is no UTF-8 is told with U+FFFD in it.
fn owned(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Text(bytes) => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_owned()),
    }
}
