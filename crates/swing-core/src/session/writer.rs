//! The write end of a session: it exists only inside a transaction.

use rusqlite::Params;

use super::error::SessionError;
use super::reader::Reader;
use super::transaction::Session;

/// Writes to the database inside the session's transaction.
pub struct Writer<'s> {
    session: &'s mut Session,
}

impl<'s> Writer<'s> {
    pub(crate) fn new(session: &'s mut Session) -> Self {
        Self { session }
    }

    /// Runs `sql` and answers how many rows it changed.
    ///
    /// # Errors
    /// A broken constraint leaves the transaction as it was; every other failure poisons the session.
    pub fn run(&mut self, sql: &str, params: impl Params) -> Result<usize, SessionError> {
        self.session.check_poison()?;
        let run = || self.session.connection().prepare_cached(sql)?.execute(params);
        match run() {
            Ok(changed) => Ok(changed),
            Err(source) => Err(self.session.failed(SessionError::new(sql, source))),
        }
    }

    /// Runs `sql` for each of `rows`, prepared once for all of them: finding a statement and putting it back costs a
    /// quarter of what a row does. Ends at the first failure.
    ///
    /// # Errors
    /// As [`Writer::run`]; rows before the one that failed are written.
    pub fn run_all<P: Params>(&mut self, sql: &str, rows: impl IntoIterator<Item = P>) -> Result<(), SessionError> {
        self.session.check_poison()?;
        let mut rows = rows.into_iter().peekable();
        if rows.peek().is_none() {
            return Ok(());
        }
        let mut run = || {
            let mut statement = self.session.connection().prepare_cached(sql)?;
            rows.try_for_each(|row| statement.execute(row).map(drop))
        };
        run().map_err(|source| self.session.failed(SessionError::new(sql, source)))
    }

    /// Reads, the transaction's own writes included.
    #[must_use]
    pub fn read(&self) -> Reader<'_> {
        Reader::new(self.session.connection())
    }

    /// Queues a change of export data: a record's new text, or that it is gone.
    pub fn note_export(&mut self, key: impl Into<Box<str>>, value: Option<std::sync::Arc<str>>) {
        self.session.note_export(key, value);
    }
}
