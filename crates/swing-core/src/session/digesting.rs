//! The digests of a session's rows: taken up at open if the file's are up to date, saved with every commit, given up
//! when somebody else has written who does not keep them.

use rusqlite::config::DbConfig;

use super::error::SessionError;
use super::schema::Table;
use super::transaction::Session;
use crate::row_digest::{Kept, Ledger, RowDigest, RowDigestError, RowDigests, Stored, scan, stored};

/// What a session knows of the digests.
#[derive(Default)]
pub(super) struct Digesting {
    /// `None`: nobody keeps them here, and the file's triggers say so when rows change.
    pub(super) ledger: Option<Ledger>,
    /// Another connection has committed since they were read.
    pub(super) in_doubt: bool,
    tables: Vec<Table>,
}

impl Session {
    /// Takes the digests up if they are to be kept and can be.
    pub(super) fn digesting(mut self, digests: RowDigests, tables: &[Table]) -> Result<Self, SessionError> {
        if digests == RowDigests::Keep {
            self.digesting.tables = tables.to_vec();
            self.take_up()?;
        }
        Ok(self)
    }

    /// What is damaged, or not to be believed, is not kept up: a verification tells of it, and a rebuilding replaces it. A
    /// failure to read is no reason to give a digest up for good.
    fn take_up(&mut self) -> Result<(), SessionError> {
        let found = match stored::load(self.read(), &self.digesting.tables) {
            Ok(found) => found,
            Err(RowDigestError::Session(error)) => return Err(error),
            Err(RowDigestError::NewerVersion { .. } | RowDigestError::Malformed { .. }) => None,
        };
        let ledger = found.filter(|found| found.kept == Kept::UpToDate).map(|Stored { tables, witness, .. }| {
            let mut ledger = Ledger::new(tables, witness);
            ledger.saved();
            ledger
        });
        self.keep(ledger)
    }

    /// Who keeps the digests runs no triggers, which would call them out of date.
    fn keep(&mut self, ledger: Option<Ledger>) -> Result<(), SessionError> {
        let run_triggers = ledger.is_none();
        self.connection()
            .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, run_triggers)
            .map_err(|source| SessionError::new("ENABLE_TRIGGER", source))?;
        self.digesting.ledger = ledger;
        self.digesting.in_doubt = false;
        Ok(())
    }

    /// At the beginning of a transaction: reads again what another connection may have changed.
    pub(super) fn settle_doubt(&mut self) -> Result<(), SessionError> {
        if self.digesting.in_doubt && self.digesting.ledger.is_some() {
            self.take_up()?;
        }
        Ok(())
    }

    /// Writes the digests that have changed.
    pub(super) fn save_digests(&mut self) -> Result<(), SessionError> {
        let Some(mut ledger) = self.digesting.ledger.take_if(|ledger| ledger.has_changed()) else { return Ok(()) };
        let saved = self.write().and_then(|mut writer| stored::save(&mut writer, &mut ledger));
        if saved.is_ok() {
            ledger.saved();
        }
        self.digesting.ledger = Some(ledger);
        saved
    }

    /// Whether the digests of the rows are being kept.
    #[must_use]
    pub fn keeps_row_digests(&self) -> bool {
        self.digesting.ledger.is_some()
    }

    /// Makes the digests anew from all rows of `tables`, in the transaction that the caller commits, and keeps them from
    /// now on. `witness` says in words of which commit they are.
    ///
    /// # Errors
    /// [`SessionError`] when the rows cannot be read or the digests written, inside a crank, and where there are digests of a
    /// version that is not known yet.
    pub fn build_row_digests(&mut self, tables: &[Table], witness: String) -> Result<(), SessionError> {
        if self.depth() > 0 {
            return Err(SessionError::InCrank { open: self.depth() });
        }
        if let Err(RowDigestError::NewerVersion { found }) = stored::load(self.read(), tables) {
            return Err(SessionError::NewerRowDigests { found });
        }
        self.begin()?;
        let mut accounts = Vec::<(String, RowDigest)>::new();
        for table in stored::digested(tables) {
            accounts.push((table.name.to_owned(), scan(self.read(), table)?));
        }
        stored::prepare(&mut self.write()?, tables)?;
        self.digesting.tables = tables.to_vec();
        self.keep(Some(Ledger::new(accounts, witness)))?;
        self.save_digests()
    }
}
