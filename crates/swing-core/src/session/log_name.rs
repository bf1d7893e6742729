//! The log's name in its directory, which must be durable before the first commit that is in the log.
//!
//! Opening creates the log. As long as nothing has been committed, nobody misses one whose name is lost with the power, and
//! flushing a directory takes as long as all else at open; so that is put off to the first commit, which waits for the disk in any
//! case. SQLite flushes the name too, but goes on when it cannot.

use std::path::Path;

use fs_err::File;

use super::error::SessionError;
use super::transaction::Session;

/// The directory until it is flushed.
#[derive(Default)]
pub(super) struct LogName {
    pub(super) unflushed: Option<File>,
}

impl LogName {
    /// That of a log which may be new in `directory`.
    pub(super) fn in_directory(directory: &Path) -> std::io::Result<Self> {
        Ok(Self { unflushed: Some(File::open(directory)?) })
    }
}

impl Session {
    /// Makes the log's name durable, if it may not be yet. A failure poisons the session: asked again, the disk might say
    /// that all is well.
    pub(super) fn flush_log_name(&mut self) -> Result<(), SessionError> {
        let Some(directory) = self.log_name.unflushed.take() else { return Ok(()) };
        directory.sync_all().map_err(|source| self.failed(SessionError::Directory { source }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{CommitError, Location, OpenOptions, PENDING_EXPORTS};

    fn open(dir: &Path) -> Session {
        Session::open(Location::File(dir.join("db")), &OpenOptions::default(), &[]).unwrap()
    }

    fn queue(session: &mut Session, key: &str) {
        session.write().unwrap().run("INSERT INTO pendingExports (key) VALUES (?1)", [key]).unwrap();
    }

    fn queued(session: &Session) -> Vec<String> {
        let sql = format!("SELECT key FROM {} ORDER BY key", PENDING_EXPORTS.name);
        session.read().all(&sql, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn the_first_commit_flushes_it_and_no_later_one() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = open(dir.path());
        assert!(session.log_name.unflushed.is_some());
        queue(&mut session, "a");
        session.commit(&mut []).unwrap();
        assert!(session.log_name.unflushed.is_none());
        queue(&mut session, "b");
        session.commit(&mut []).unwrap();
        assert_eq!(queued(&session), ["a", "b"]);
    }

    #[test]
    fn where_nothing_is_flushed_it_is_not_either() {
        let dir = tempfile::tempdir().unwrap();
        let options = OpenOptions { unsafe_fast: true, ..OpenOptions::default() };
        let session = Session::open(Location::File(dir.path().join("db")), &options, &[]).unwrap();
        assert!(session.log_name.unflushed.is_none());
    }

    #[cfg(unix)]
    #[test]
    fn a_block_whose_log_may_be_lost_is_not_committed_nor_anything_after_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = open(dir.path());
        // What cannot be flushed.
        session.log_name.unflushed = Some(File::open("/dev/null").unwrap());
        queue(&mut session, "a");
        let failed = session.commit(&mut []).unwrap_err();
        assert!(matches!(failed, CommitError::NotCommitted(SessionError::Directory { .. })), "{failed:?}");
        let failed = session.commit(&mut []).unwrap_err();
        assert!(matches!(failed, CommitError::NotCommitted(SessionError::Poisoned { .. })), "{failed:?}");
        session.close().unwrap();
        assert_eq!(queued(&open(dir.path())), [""; 0]);
    }
}
