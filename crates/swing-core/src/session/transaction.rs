//! The session's state: idle, open or poisoned, and its savepoints.

use std::sync::atomic::{AtomicU64, Ordering};

use super::checkpoints::Checkpointer;
use super::controls;
use super::database::Database;
use super::digesting::Digesting;
use super::error::{CommitError, SessionError};
use super::exports::ExportQueue;
use super::log_name::LogName;
use super::log_writes::LogWrites;
use super::open::{Beside, Location};
use super::part::{Holding, Part};
use super::reader::Reader;
use super::wal_index::WalHeader;
use super::writer::Writer;

#[derive(Debug)]
enum State {
    Idle,
    Open,
    Poisoned(String),
}

struct Savepoints {
    names: Vec<String>,
    /// How many of them, from the first, exist in SQLite.
    in_sql: usize,
}

/// A number for each session of the process.
fn next_session() -> u64 {
    static SESSIONS: AtomicU64 = AtomicU64::new(1);
    SESSIONS.fetch_add(1, Ordering::Relaxed)
}

/// Why no block begins after a checkpoint that could not flush.
const UNFLUSHED: &str =
    "the database file could not be flushed, and is whole only together with its log; all that was committed is there";

/// One connection and its one transaction. See the [module](crate::session).
pub struct Session {
    // Dropped before the connection, so that the one that goes last, and clears up, is the connection.
    /// Has the log copied into the file; without one SQLite does that by itself.
    pub(super) checkpointer: Option<Checkpointer>,
    connection: Database,
    location: Location,
    read_only: bool,
    state: State,
    savepoints: Savepoints,
    holding: Holding,
    pub(super) exports: Option<ExportQueue>,
    /// The `pendingExports` table has rows that stand in `exports` too.
    pub(super) export_rows: bool,
    /// The digests of the rows, if they are kept.
    pub(super) digesting: Digesting,
    data_version: i64,
    generation: u64,
    /// Whether the connection writes to a WAL, so that there is a header to look at.
    has_wal: bool,
    /// What it said before SQLite was asked last.
    wal_header: Option<WalHeader>,
    pub(super) log_name: LogName,
    log_writes: LogWrites,
    /// How large SQLite's cache is, in its words, once that was asked.
    pub(super) usual_cache: Option<i64>,
    // Dropped after the connection.
    beside: Beside,
}

crate::opaque!(Session);

impl Session {
    pub(super) fn new(connection: Database, location: Location, read_only: bool, beside: Beside) -> Self {
        Self {
            checkpointer: None,
            connection,
            location,
            read_only,
            state: State::Idle,
            savepoints: Savepoints { names: Vec::new(), in_sql: 0 },
            holding: Holding::default(),
            exports: None,
            export_rows: false,
            digesting: Digesting::default(),
            data_version: 0,
            // What one session has counted is not what another has: a part that was bound to another knows nothing of this one's table.
            generation: next_session() << 32,
            has_wal: false,
            wal_header: None,
            log_name: LogName::default(),
            log_writes: LogWrites::default(),
            usual_cache: None,
            beside,
        }
    }

    /// Says that the connection writes to a WAL.
    pub(super) fn with_wal(self) -> Self {
        Self { has_wal: true, ..self }
    }

    pub(crate) fn connection(&self) -> &Database {
        &self.connection
    }

    /// Where the database is.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Reads; inside a transaction its own writes included, but not what parts still hold in memory.
    #[must_use]
    pub fn read(&self) -> Reader<'_> {
        Reader::new(&self.connection)
    }

    /// Counts up whenever another connection has committed, so that what was read before may no longer be so.
    ///
    /// # Errors
    /// [`SessionError`] when SQLite cannot tell.
    pub fn generation(&mut self) -> Result<u64, SessionError> {
        if matches!(self.state, State::Idle) && !self.is_pinned() {
            self.look_for_other_writers()?;
        }
        Ok(self.generation)
    }

    /// The same without asking, while a block is open, when nobody else commits; or after it has failed, when the session is of no more use.
    #[inline]
    #[must_use]
    pub fn generation_of_block(&self) -> Option<u64> {
        (!matches!(self.state, State::Idle)).then_some(self.generation)
    }

    pub(super) fn known_generation(&self) -> u64 {
        self.generation
    }

    /// Says that rows were changed behind the back of the parts: what they read before may no longer be so.
    pub fn invalidate(&mut self) {
        self.generation += 1;
    }

    #[inline(never)]
    pub(super) fn look_for_other_writers(&mut self) -> Result<(), SessionError> {
        const SQL: &str = "PRAGMA data_version";
        let header = if self.has_wal { WalHeader::read(&self.connection) } else { None };
        if header.is_some() && header == self.wal_header {
            return Ok(());
        }
        let found = self.read().one(SQL, [], |row| row.get(0))?.unwrap_or_default();
        if found != self.data_version {
            self.data_version = found;
            self.generation += 1;
            self.digesting.in_doubt = true;
        }
        // As it was before the question: who commits between the two is asked about again.
        self.wal_header = header;
        Ok(())
    }

    /// Begins the transaction unless one is open.
    ///
    /// # Errors
    /// [`SessionError::Busy`] when another process is writing, [`SessionError::Poisoned`] after an earlier failure.
    #[inline]
    pub fn begin(&mut self) -> Result<(), SessionError> {
        if self.is_sound() { Ok(()) } else { self.begin_anew() }
    }

    /// The same for a part that is about to change something. From now on until it is flushed, savepoints, rollbacks and commits that it is
    /// left out of are refused: its changes would be lost, or outlive a rollback. Those that it was left out of while it held nothing it is
    /// told of now.
    ///
    /// # Errors
    /// As [`Session::begin`].
    #[inline]
    pub fn begin_for<P: Part>(&mut self, part: &mut P) -> Result<(), SessionError> {
        self.begin()?;
        self.holding.note(part, self.savepoints.names.len());
        Ok(())
    }

    /// A transaction is open, to SQLite as well.
    fn is_sound(&self) -> bool {
        matches!(self.state, State::Open) && !self.connection.is_autocommit()
    }

    fn begin_anew(&mut self) -> Result<(), SessionError> {
        self.check_poison()?;
        match self.state {
            State::Idle if self.read_only => Err(SessionError::ReadOnly),
            State::Idle if self.connection.leaves_log().load(Ordering::SeqCst) => {
                self.state = State::Poisoned(UNFLUSHED.to_owned());
                self.check_poison()
            }
            State::Idle => {
                // IMMEDIATE: a second writer is found out now and not in the middle of the block.
                self.control("BEGIN IMMEDIATE")?;
                self.state = State::Open;
                self.look_for_other_writers().and_then(|()| self.settle_doubt()).map_err(|error| self.failed(error))
            }
            State::Open | State::Poisoned(_) => Ok(()),
        }
    }

    /// Refuses to go on after a failure, also one that no write of ours has seen: when a *read* runs out of disk or
    /// memory SQLite may roll the transaction back by itself, and the next write would commit itself at once.
    pub(super) fn check_poison(&mut self) -> Result<(), SessionError> {
        if matches!(self.state, State::Open) && self.connection.is_autocommit() {
            if controls::poison_is_ignored() {
                self.state = State::Idle;
                return Ok(());
            }
            self.state = State::Poisoned("SQLite has ended the transaction by itself".to_owned());
        }
        match &self.state {
            State::Poisoned(reason) => Err(SessionError::Poisoned { reason: reason.clone() }),
            State::Idle | State::Open => Ok(()),
        }
    }

    /// Has a read-only session see one commit, the last one, until [`Session::commit`].
    fn pin(&mut self) -> Result<(), SessionError> {
        if self.connection.is_autocommit() {
            self.control("BEGIN")?;
            // Forgotten, so that the question is put in any case: SQLite begins to read only then.
            self.wal_header = None;
            self.look_for_other_writers()?;
        }
        Ok(())
    }

    fn is_pinned(&self) -> bool {
        self.read_only && !self.connection.is_autocommit()
    }

    /// Whether it was opened for reading only.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// After a read that has failed: finds out whether SQLite has ended the transaction with it, which poisons the session, so that nobody goes
    /// on reading what is gone.
    pub fn look_after_failure(&mut self) {
        if matches!(self.state, State::Open) && self.check_poison().is_err() {
            self.generation += 1;
        }
    }

    /// Whether a transaction is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    /// Lends a writer, having begun the transaction and opened in SQL the savepoints it would roll back to.
    ///
    /// # Errors
    /// As [`Session::begin`].
    pub fn write(&mut self) -> Result<Writer<'_>, SessionError> {
        self.begin()?;
        while self.savepoints.in_sql < self.savepoints.names.len() {
            let sql = format!("SAVEPOINT t{}", self.savepoints.in_sql);
            self.control(&sql).map_err(|error| self.failed(error))?;
            self.savepoints.in_sql += 1;
        }
        Ok(Writer::new(self))
    }

    fn control(&self, sql: &str) -> Result<(), SessionError> {
        let run = || self.connection.statement(sql)?.lend().execute([]);
        run().map(drop).map_err(|source| SessionError::new(sql, source))
    }

    /// Decides what a failed write means for the transaction, and passes the error on.
    pub(crate) fn failed(&mut self, error: SessionError) -> SessionError {
        let gone = self.connection.is_autocommit();
        if matches!(self.state, State::Open) && (gone || !error.is_constraint()) {
            self.poison(&error);
        }
        error
    }

    pub(super) fn poison(&mut self, error: &dyn std::error::Error) {
        if controls::poison_is_ignored() {
            self.state = if self.connection.is_autocommit() { State::Idle } else { State::Open };
            return;
        }
        let mut reason = error.to_string();
        if let Some(source) = error.source() {
            reason = format!("{reason}: {source}");
        }
        self.state = State::Poisoned(reason);
        // What was flushed and read back is gone with the transaction.
        self.generation += 1;
    }

    /// Establishes a savepoint, always inside a transaction. One of a read-only session is of its parts alone, which it rolls back; until
    /// the next commit it sees what is committed now.
    ///
    /// # Errors
    /// As [`Session::begin`], and [`SessionError::PartMissing`].
    pub fn savepoint(&mut self, name: &str, parts: &mut [&mut dyn Part]) -> Result<(), SessionError> {
        match self.read_only {
            true => self.pin()?,
            false => self.begin()?,
        }
        self.holding.check(parts)?;
        self.savepoints.names.push(name.to_owned());
        if let Some(exports) = &mut self.exports {
            exports.mark();
        }
        if let Some(ledger) = &mut self.digesting.ledger {
            ledger.mark();
        }
        parts.iter_mut().for_each(|part| part.mark());
        Ok(())
    }

    /// Rolls everything back to the first savepoint called `name` and forgets it and all later ones.
    ///
    /// # Errors
    /// [`SessionError::NoSuchSavepoint`], [`SessionError::PartMissing`], or a failure of SQLite, which poisons the session.
    pub fn rollback_to(&mut self, name: &str, parts: &mut [&mut dyn Part]) -> Result<(), SessionError> {
        self.check_poison()?;
        let Some(depth) = self.savepoints.names.iter().position(|known| known == name) else {
            return Err(SessionError::NoSuchSavepoint { name: name.to_owned() });
        };
        self.holding.check(parts)?;
        if depth < self.savepoints.in_sql {
            self.control(&format!("ROLLBACK TO t{depth}"))
                .and_then(|()| self.control(&format!("RELEASE t{depth}")))
                .map_err(|error| self.failed(error))?;
            self.savepoints.in_sql = depth;
        }
        self.savepoints.names.truncate(depth);
        if let Some(exports) = &mut self.exports {
            exports.rollback_to(depth);
        }
        if let Some(ledger) = &mut self.digesting.ledger {
            ledger.rollback_to(depth);
        }
        self.holding.rollback_to(depth);
        parts.iter_mut().for_each(|part| part.rollback_to(depth));
        Ok(())
    }

    /// Keeps what was done since the first savepoint and forgets them all. Commits nothing.
    ///
    /// # Errors
    /// [`SessionError::PartMissing`], or a failure of SQLite, which poisons the session.
    pub fn release(&mut self, parts: &mut [&mut dyn Part]) -> Result<(), SessionError> {
        self.check_poison()?;
        self.holding.check(parts)?;
        if self.savepoints.in_sql > 0 {
            self.control("RELEASE t0").map_err(|error| self.failed(error))?;
            self.savepoints.in_sql = 0;
        }
        self.savepoints.names.clear();
        if let Some(exports) = &mut self.exports {
            exports.release();
        }
        if let Some(ledger) = &mut self.digesting.ledger {
            ledger.release();
        }
        self.holding.release();
        parts.iter_mut().for_each(|part| part.release());
        Ok(())
    }

    /// How many savepoints are open.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.savepoints.names.len()
    }

    /// Writes what the parts hold in memory, and the digests of the rows, into the open transaction, without committing it.
    /// Does nothing while savepoints are open: what is below them and above could not be told apart.
    ///
    /// # Errors
    /// [`SessionError::PartMissing`], after which nothing has happened; else [`SessionError`], and the session is poisoned, since a part may be
    /// half written.
    pub fn flush(&mut self, parts: &mut [&mut dyn Part]) -> Result<(), SessionError> {
        if self.depth() > 0 {
            return Ok(());
        }
        self.holding.check(parts)?;
        for part in parts {
            let mut writer = self.write()?;
            if let Err(error) = part.flush(&mut writer) {
                self.poison(&error);
                return Err(error);
            }
        }
        self.holding.clear();
        // After the parts, whose rows they are of.
        self.save_digests()
    }

    /// Commits the block: writes what the parts hold, then makes all of it durable. Without a transaction, nothing in the
    /// parts and no new change of export data, it does nothing.
    ///
    /// # Errors
    /// [`CommitError`] says whether the block is known not to be committed or may be either.
    pub fn commit(&mut self, parts: &mut [&mut dyn Part]) -> Result<(), CommitError> {
        self.check_poison()?;
        let has_exports = self.exports.as_ref().is_some_and(ExportQueue::is_unkept);
        if matches!(self.state, State::Idle) && !has_exports && parts.iter().all(|part| part.bytes() == 0) {
            return if self.is_pinned() { Ok(self.control("COMMIT")?) } else { Ok(()) };
        }
        if self.depth() > 0 {
            return Err(CommitError::InCrank { open: self.depth() });
        }
        self.flush(parts)?;
        self.keep_unclaimed_exports()?;
        self.check_poison()?;
        self.flush_log_name()?;
        let commit = || self.connection.statement("COMMIT")?.lend().execute([]);
        match if self.has_wal { self.log_writes.gather(&self.connection, commit) } else { commit() } {
            Ok(_) => {
                self.state = State::Idle;
                if let Some(checkpointer) = &mut self.checkpointer {
                    checkpointer.committed(&self.connection);
                }
                Ok(())
            }
            Err(source) => {
                self.poison(&source);
                Err(CommitError::Unknown { source })
            }
        }
    }

    /// Abandons what is not committed and closes the connection.
    ///
    /// # Errors
    /// [`SessionError::WrittenMeanwhile`] for a read-only session that was overtaken, else an error when SQLite cannot
    /// close the file.
    pub fn close(self) -> Result<(), SessionError> {
        if let Beside::Footing(footing) = &self.beside {
            footing.check()?;
        }
        if !self.connection.is_autocommit() {
            self.control("ROLLBACK")?;
        }
        drop(self.checkpointer);
        self.connection.close().map_err(|source| SessionError::new("close", source))
    }
}
