//! The host that tests stand for: it writes down what its export callback is given, and fails when told to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::session::ExportEntry;

/// What one call of the export callback was given: keys with their new texts, or `None` for a record that is gone.
pub type Batch = Vec<(String, Option<String>)>;

/// An export record: its key and text.
pub type Record = (String, String);

/// The failure that a test asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the export callback failed on purpose")]
pub struct CallbackFailed;

#[derive(Debug, Default)]
struct Written {
    batches: Vec<Batch>,
    fail_next: bool,
}

/// A host to give to a store under test. Clones are the same host, so that one can be kept and another given away.
#[derive(Debug, Clone, Default)]
pub struct RecordingHost {
    written: Arc<Mutex<Written>>,
}

impl RecordingHost {
    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The export callback.
    ///
    /// # Errors
    /// [`CallbackFailed`] when a failure is due; the batch is then not written down.
    pub fn receive(&self, batch: &[ExportEntry]) -> Result<(), CallbackFailed> {
        let mut written = self.written();
        if std::mem::take(&mut written.fail_next) {
            return Err(CallbackFailed);
        }
        let pair = |entry: &ExportEntry| (entry.key.to_string(), entry.value.as_deref().map(str::to_owned));
        written.batches.push(batch.iter().map(pair).collect());
        Ok(())
    }

    /// All batches so far.
    #[must_use]
    pub fn batches(&self) -> Vec<Batch> {
        self.written().batches.clone()
    }

    /// Makes the next call of [`RecordingHost::receive`] fail.
    pub fn fail_next(&self) {
        self.written().fail_next = true;
    }
}
