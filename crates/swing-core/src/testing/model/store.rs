//! The model itself: its state now, at the last commit and at each savepoint, and the host's end.

use std::error::Error;

use super::cranks::Kernel;
use super::kv::HostKv;
use super::state::State;
use crate::roles::HostStorage;
use crate::session::ExportEntry;
use crate::testing::{Batch, Exports, Record, RecordingHost, Retention, StoreUnderTest, TestOptions};

/// What the model would not do.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A rule is against it.
    #[error("{0}")]
    Refused(String),
    /// The host's callback failed.
    #[error("the export callback failed")]
    Callback(#[source] Box<dyn Error + Send + Sync>),
    /// The stream of a snapshot failed.
    #[error("the snapshot could not be read")]
    Stream(#[source] std::io::Error),
}

pub(super) fn refuse<T>(why: impl Into<String>) -> Result<T, ModelError> {
    Err(ModelError::Refused(why.into()))
}

/// Takes changes of export data.
pub type ExportCallback = Box<dyn FnMut(&[ExportEntry]) -> Result<(), Box<dyn Error + Send + Sync>> + Send>;

/// How a model is made.
pub struct ModelOptions {
    /// Takes changes of export data. Without one, none are queued.
    pub export_callback: Option<ExportCallback>,
    /// Whether the bytes of snapshots that are not in use any more are kept.
    pub keep_snapshots: Retention,
    /// Whether the items of closed spans are kept.
    pub keep_transcripts: Retention,
}

crate::opaque!(ModelOptions);

impl Default for ModelOptions {
    fn default() -> Self {
        Self { export_callback: None, keep_snapshots: Retention::Drop, keep_transcripts: Retention::Keep }
    }
}

/// A store in memory.
pub struct Model {
    pub(super) committed: State,
    pub(super) now: State,
    /// In the order in which they were established, with the state as it was then.
    pub(super) savepoints: Vec<(String, State)>,
    pub(super) in_crank: bool,
    /// What the crankhash will be the digest of. Not part of the state: a rollback does not rewind it.
    pub(super) hashed: String,
    pub(super) options: ModelOptions,
}

crate::opaque!(Model);

impl Model {
    /// An empty store.
    #[must_use]
    pub fn new(options: ModelOptions) -> Self {
        Self {
            committed: State::default(),
            now: State::default(),
            savepoints: Vec::new(),
            in_crank: false,
            hashed: String::new(),
            options,
        }
    }

    /// The kernel's end.
    pub fn kernel(&mut self) -> Kernel<'_> {
        Kernel { model: self }
    }

    /// The host's end.
    pub fn host(&mut self) -> Host<'_> {
        Host { model: self }
    }

    /// Abandons everything since the last commit, as closing and opening a store does.
    pub fn reopen(&mut self) {
        self.now = self.committed.clone();
        self.savepoints.clear();
        self.in_crank = false;
        self.hashed.clear();
    }

    /// All export records of the last commit, in their canonical order.
    #[must_use]
    pub fn full_export(&self) -> Vec<Record> {
        self.committed.full_export()
    }

    /// Every row of the last commit: its table and its columns, in key order, as `xtask/node` reads them from a file.
    #[must_use]
    pub fn rows(&self) -> Vec<serde_json::Value> {
        self.committed.rows()
    }

    /// Queues a change of export data. Without a callback nothing is queued.
    pub(super) fn note(&mut self, key: impl ToString, value: Option<String>) {
        if self.options.export_callback.is_some() {
            self.now.pending.insert(key.to_string(), value);
        }
    }

    /// Hands over what is queued, by key bytes. If the callback fails the queue stays whole.
    pub(super) fn flush(&mut self) -> Result<(), ModelError> {
        let Some(callback) = &mut self.options.export_callback else { return Ok(()) };
        if self.now.pending.is_empty() {
            return Ok(());
        }
        let entry = |(key, value): (&String, &Option<String>)| ExportEntry {
            key: key.as_str().into(),
            value: value.as_deref().map(Into::into),
        };
        let batch: Vec<_> = self.now.pending.iter().map(entry).collect();
        callback(&batch).map_err(ModelError::Callback)?;
        self.now.pending.clear();
        Ok(())
    }
}

/// The host's end of a [`Model`].
pub struct Host<'m> {
    model: &'m mut Model,
}

crate::opaque!(Host<'_>);

impl HostStorage for Host<'_> {
    type Error = ModelError;
    type Kv<'a>
        = HostKv<'a>
    where
        Self: 'a;

    fn kv(&mut self) -> HostKv<'_> {
        HostKv { model: self.model }
    }

    fn commit(&mut self) -> Result<(), ModelError> {
        if self.model.in_crank {
            return refuse("commit inside a crank");
        }
        self.model.flush()?;
        self.model.committed = self.model.now.clone();
        Ok(())
    }
}

/// The model as the suite uses it, with a host that records.
pub struct ModelUnderTest {
    model: Model,
    host: RecordingHost,
}

crate::opaque!(ModelUnderTest);

impl ModelUnderTest {
    /// The model, to look at.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }
}

impl StoreUnderTest for ModelUnderTest {
    type Kernel<'a> = Kernel<'a>;
    type Host<'a> = Host<'a>;

    fn fresh(options: TestOptions) -> Self {
        let host = RecordingHost::default();
        let receiver = host.clone();
        let callback: ExportCallback = Box::new(move |batch| Ok(receiver.receive(batch)?));
        let model = Model::new(ModelOptions {
            export_callback: (options.exports == Exports::Recorded).then_some(callback),
            keep_snapshots: options.keep_snapshots,
            keep_transcripts: options.keep_transcripts,
        });
        Self { model, host }
    }

    fn kernel(&mut self) -> Kernel<'_> {
        self.model.kernel()
    }

    fn host(&mut self) -> Host<'_> {
        self.model.host()
    }

    fn reopen(mut self) -> Self {
        self.model.reopen();
        self
    }

    fn exports(&mut self) -> Vec<Batch> {
        self.host.batches()
    }

    fn fail_next_callback(&mut self) {
        self.host.fail_next();
    }

    fn full_export(&mut self) -> Vec<Record> {
        self.model.full_export()
    }
}
