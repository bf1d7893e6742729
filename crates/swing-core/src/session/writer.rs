//! The write end of a session: it exists only inside a transaction.

use rusqlite::Params;

use super::error::SessionError;
use super::reader::{Reader, RowValue};
use super::schema::Table;
use super::transaction::Session;
use crate::row_digest::{Cell, RowDigest, sum_of};

/// How many pages SQLite keeps in memory, or how many KiB of them if negative.
const CACHE_SIZE: &str = "PRAGMA cache_size";

/// Writes to the database inside the session's transaction.
pub struct Writer<'s> {
    session: &'s mut Session,
}

crate::opaque!(Writer<'_>);

/// A condition on the rows of a table, with what its parameters are.
#[derive(Debug, Clone, Copy)]
pub struct Scope<P> {
    /// What follows WHERE.
    pub condition: &'static str,
    /// Its parameters.
    pub params: P,
}

/// What came of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ran {
    /// How many rows it changed.
    pub changed: usize,
    /// The id of the row that was inserted last, into whichever table: by it, if it inserted one, else before it.
    pub inserted: i64,
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
        let run = || self.session.connection().statement(sql)?.lend().execute(params);
        match run() {
            Ok(changed) => Ok(changed),
            Err(source) => Err(self.session.failed(SessionError::new(sql, source))),
        }
    }

    /// Does `work`, which goes through pages that nobody wants again. SQLite keeps so many KiB of pages meanwhile, or its usual number
    /// if that is less, those that were wanted last: memory that is used for the first time costs more than all else it does with such a page.
    ///
    /// # Errors
    /// Those of the work; and of SQLite, where it refuses another size, which poisons the session.
    pub fn in_passing<T, E: From<SessionError>>(
        &mut self,
        kibibytes: u32,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.session.check_poison()?;
        let usual = match self.session.usual_cache {
            Some(usual) => usual,
            None => self.session.read().one(CACHE_SIZE, [], |row| row.get(0))?.unwrap_or_default(),
        };
        self.session.usual_cache = Some(usual);
        // Both are KiB, negative; a usual one in pages, which nobody sets, would stay.
        self.resize_cache(usual.max(-i64::from(kibibytes)))?;
        let done = work(self);
        self.resize_cache(usual)?;
        done
    }

    fn resize_cache(&mut self, size: i64) -> Result<(), SessionError> {
        let resized = self.session.connection().execute_batch(&format!("{CACHE_SIZE}={size}"));
        resized.map_err(|source| self.session.failed(SessionError::new(CACHE_SIZE, source)))
    }

    /// Runs `sql` for each of `rows`, prepared once for all of them: finding a statement and putting it back costs a
    /// quarter of what a row does. Ends at the first failure.
    ///
    /// # Errors
    /// As [`Writer::run`]; rows before the one that failed are written.
    pub fn run_all<P: Params>(&mut self, sql: &str, rows: impl IntoIterator<Item = P>) -> Result<(), SessionError> {
        self.run_each(sql, rows.into_iter().map(|row| (row, ())), |(), _| ())
    }

    /// As [`Writer::run_all`], and tells of each row, by what it comes with, what came of it.
    ///
    /// # Errors
    /// As [`Writer::run_all`].
    pub fn run_each<P: Params, T>(
        &mut self,
        sql: &str,
        rows: impl IntoIterator<Item = (P, T)>,
        mut tell: impl FnMut(T, Ran),
    ) -> Result<(), SessionError> {
        self.session.check_poison()?;
        let mut rows = rows.into_iter().peekable();
        if rows.peek().is_none() {
            return Ok(());
        }
        let connection = self.session.connection();
        let mut run = || {
            let found = connection.statement(sql)?;
            let mut statement = found.lend();
            rows.try_for_each(|(row, of)| {
                let changed = statement.execute(row)?;
                tell(of, Ran { changed, inserted: connection.last_insert_rowid() });
                Ok(())
            })
        };
        run().map_err(|source| self.session.failed(SessionError::new(sql, source)))
    }

    /// Runs `sql`, which changes no rows of `table` but such as are in `scope` before or afterwards, and keeps the digest
    /// of the table up to date.
    ///
    /// # Errors
    /// As [`Writer::run`].
    pub fn run_over<P: Params + Copy>(
        &mut self,
        table: &Table,
        scope: Scope<P>,
        sql: &str,
        params: impl Params,
    ) -> Result<usize, SessionError> {
        if !self.keeps_row_digests() {
            return self.run(sql, params);
        }
        self.session.check_poison()?;
        let mut changes = RowDigest::default();
        let mut scratch = Vec::new();
        self.each_row(table, scope, |row| changes.remove(row, &mut scratch))?;
        let changed = self.run(sql, params)?;
        self.each_row(table, scope, |row| changes.add(row, &mut scratch))?;
        self.note_rows(table, &changes);
        Ok(changed)
    }

    /// Takes the rows that `select` answers, with all their columns, off the digest of the table. What they become is for
    /// the caller to [note](Writer::note_row).
    ///
    /// # Errors
    /// [`SessionError`], which poisons the session, when they cannot be read.
    pub fn count_out(&mut self, table: &Table, select: &str, params: impl Params) -> Result<(), SessionError> {
        if self.keeps_row_digests() {
            let rows = sum_of(self.read(), select, params, 0..table.columns.len(), |_| Ok(()));
            let rows = rows.map_err(|error| self.session.failed(error))?;
            self.note_rows(table, &rows.taken_off());
        }
        Ok(())
    }

    /// The same, and shows each of the rows, also when no digests are kept: they need not be read for that by themselves.
    ///
    /// # Errors
    /// [`SessionError`] when they cannot be read, or what `see` says. None is taken off then.
    pub fn count_out_each<E: From<SessionError>>(
        &mut self,
        table: &Table,
        select: &str,
        params: impl Params,
        mut see: impl FnMut(&RowValue<'_, '_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.keeps_row_digests() {
            return self.read().each(select, params, |row| see(row).map(|()| true));
        }
        let rows = sum_of(self.read(), select, params, 0..table.columns.len(), see)?;
        self.note_rows(table, &rows.taken_off());
        Ok(())
    }

    /// Says that what was begun is half done and nobody will end it, whatever `error` is: the session is poisoned.
    pub fn give_up(&mut self, error: SessionError) -> SessionError {
        self.session.poison(&error);
        error
    }

    fn each_row<P: Params>(
        &mut self,
        table: &Table,
        scope: Scope<P>,
        each: impl FnMut(&[Cell<'_>]),
    ) -> Result<(), SessionError> {
        let sql = format!("SELECT {} FROM {} WHERE {}", table.columns.join(", "), table.name, scope.condition);
        self.each_answer(table, &sql, scope.params, each)
    }

    fn each_answer(
        &mut self,
        table: &Table,
        select: &str,
        params: impl Params,
        mut each: impl FnMut(&[Cell<'_>]),
    ) -> Result<(), SessionError> {
        let read = self.read().each(select, params, |row| {
            let cells = (0..table.columns.len()).map(|column| row.value(column).map(Cell::from));
            each(&cells.collect::<Result<Vec<_>, _>>()?);
            Ok::<_, SessionError>(true)
        });
        read.map_err(|error| self.session.failed(error))
    }

    /// Whether the digests of the rows are kept, so that it is worth knowing what a row said before.
    #[must_use]
    pub fn keeps_row_digests(&self) -> bool {
        self.session.keeps_row_digests()
    }

    /// Counts a row of `table` that said `before` and says `after` in its digest; `None` is no row.
    pub fn note_row(&mut self, table: &Table, before: Option<&[Cell<'_>]>, after: Option<&[Cell<'_>]>) {
        if let Some(ledger) = &mut self.session.digesting.ledger {
            ledger.note(table.name, before, after);
        }
    }

    /// As [`Writer::note_row`], of a row that says `after`, in place of one that `select` answers, with all its columns, if there
    /// is one.
    ///
    /// # Errors
    /// As [`Writer::count_out`].
    pub fn note_replacing(
        &mut self,
        table: &Table,
        select: &str,
        params: impl Params,
        after: &[Cell<'_>],
    ) -> Result<(), SessionError> {
        // Beside the session, which is read meanwhile.
        let Some(mut ledger) = self.session.digesting.ledger.take() else { return Ok(()) };
        let noted = self.each_answer(table, select, params, |before| ledger.note(table.name, Some(before), None));
        self.session.digesting.ledger = Some(ledger);
        noted?;
        self.note_row(table, None, Some(after));
        Ok(())
    }

    /// Says that no more rows of `table` are noted for now: they may be added up beside what the caller does next.
    pub fn noted_all(&mut self, table: &Table) {
        if let Some(ledger) = &mut self.session.digesting.ledger {
            ledger.that_is_all(table.name);
        }
    }

    /// Counts changes of many rows that were summed up, some maybe on another thread.
    pub fn note_rows(&mut self, table: &Table, changes: &RowDigest) {
        if let Some(ledger) = &mut self.session.digesting.ledger {
            ledger.merge(table.name, changes);
        }
    }

    /// Says in words which commit the digests will be of.
    pub fn set_digest_witness(&mut self, witness: String) {
        if let Some(ledger) = &mut self.session.digesting.ledger {
            ledger.set_witness(witness);
        }
    }

    /// As [`Session::generation`], inside the transaction.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.session.known_generation()
    }

    /// Reads, the transaction's own writes included.
    #[must_use]
    pub fn read(&self) -> Reader<'_> {
        Reader::new(self.session.connection())
    }

    /// Queues a change of export data: a record's new text, or that it is gone.
    pub fn note_export(&mut self, key: impl Into<std::sync::Arc<str>>, value: Option<std::sync::Arc<str>>) {
        self.session.note_export(key, value);
    }
}
