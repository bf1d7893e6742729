//! A session's queue of changed export data: recorded on the way, handed to the host, kept by a commit that nobody asked
//! for it before.

use std::sync::Arc;

use super::error::SessionError;
use super::exports::{ExportEntry, ExportQueue};
use super::transaction::Session;

impl Session {
    /// From now on queues changes of export data, after those that an earlier writer left in the file. Asking again
    /// changes nothing.
    ///
    /// # Errors
    /// [`SessionError`] when they cannot be read.
    pub fn record_exports(&mut self) -> Result<(), SessionError> {
        const SQL: &str = "SELECT key, value FROM pendingExports ORDER BY key";
        if self.exports.is_some() {
            return Ok(());
        }
        let left = if self.is_read_only() {
            // Who cannot take them out of the file cannot hand them over.
            Vec::new()
        } else {
            self.read().all(SQL, [], |row| {
                let (key, value): (String, Option<String>) = (row.get(0)?, row.get(1)?);
                Ok(ExportEntry { key: key.into(), value: value.map(Into::into) })
            })?
        };
        self.export_rows = !left.is_empty();
        let mut queue = ExportQueue::default();
        left.into_iter().for_each(|entry| queue.push(entry));
        queue.kept();
        (0..self.depth()).for_each(|_| queue.mark());
        self.exports = Some(queue);
        Ok(())
    }

    /// Queues a change of export data, if they are recorded at all.
    #[inline]
    pub fn note_export(&mut self, key: impl Into<Arc<str>>, value: Option<Arc<str>>) {
        if let Some(exports) = &mut self.exports {
            exports.push(ExportEntry { key: key.into(), value });
        }
    }

    /// Whether changes of export data are being recorded.
    #[must_use]
    pub fn records_exports(&self) -> bool {
        self.exports.is_some()
    }

    /// Whether changes of export data are waiting.
    #[must_use]
    pub fn has_exports(&self) -> bool {
        self.exports.as_ref().is_some_and(|exports| !exports.is_empty())
    }

    /// Hands the queued changes over: by key bytes, the last one of each, never an empty batch. If `host` fails the
    /// queue stays whole.
    ///
    /// # Errors
    /// The error of `host`, or one of the session, in which case `host` was not called but for a failure of SQLite.
    pub fn hand_over<E: From<SessionError>>(
        &mut self,
        host: impl FnOnce(&[ExportEntry]) -> Result<(), E>,
    ) -> Result<(), E> {
        let batch = self.pending_exports()?;
        if !batch.is_empty() {
            host(batch)?;
            self.exports_taken()?;
        }
        Ok(())
    }

    /// What [`Session::hand_over`] would hand over now, for a host that cannot be called from here. The queue stays whole until
    /// [`Session::exports_taken`].
    ///
    /// # Errors
    /// [`SessionError`] when the host must not have it: it can never be committed, or may yet be rolled back.
    pub fn pending_exports(&mut self) -> Result<&[ExportEntry], SessionError> {
        self.check_poison()?;
        if self.depth() > 0 {
            return Err(SessionError::InCrank { open: self.depth() });
        }
        if self.export_rows {
            self.begin()?;
        }
        Ok(self.exports.as_mut().map(ExportQueue::batch).unwrap_or_default())
    }

    /// Takes the queued changes in the order in which they were made, for a caller that wants each as it happens, and so asks
    /// after each call. Of a key that has changed several times since, only the last change may be left, in the place of the first.
    ///
    /// # Errors
    /// As [`Session::pending_exports`] and [`Session::exports_taken`].
    pub fn take_exports_in_order(&mut self) -> Result<Vec<ExportEntry>, SessionError> {
        self.check_poison()?;
        if self.depth() > 0 {
            return Err(SessionError::InCrank { open: self.depth() });
        }
        let changes = self.exports.as_mut().map(ExportQueue::take).unwrap_or_default();
        self.exports_taken()?;
        Ok(changes)
    }

    /// The host has all that was pending.
    ///
    /// # Errors
    /// [`SessionError`] when rows that an earlier writer left cannot be deleted, which poisons the session.
    pub fn exports_taken(&mut self) -> Result<(), SessionError> {
        if let Some(exports) = &mut self.exports {
            exports.clear();
        }
        if self.export_rows {
            // Failing, it poisons, and then the queue is gone for good reason: its rows are read again at the next open.
            self.write()?.run("DELETE FROM pendingExports", [])?;
            self.export_rows = false;
        }
        Ok(())
    }

    /// Changes that nobody asked for go into the file, so that a commit loses none.
    pub(super) fn keep_unclaimed_exports(&mut self) -> Result<(), SessionError> {
        const SQL: &str = "INSERT INTO pendingExports (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        let Some(mut exports) = self.exports.take() else { return Ok(()) };
        let kept = exports.batch().iter().try_for_each(|ExportEntry { key, value }| {
            self.write()?.run(SQL, (key.as_ref(), value.as_deref())).map(drop)
        });
        self.export_rows |= !exports.is_empty();
        if kept.is_ok() {
            exports.kept();
        }
        self.exports = Some(exports);
        kept
    }
}
