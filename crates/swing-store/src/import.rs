//! Importing a store, and what the host may do between that and its commit.

use std::path::{Path, PathBuf};

use swing_core::Session;
use swing_core::session::store_file;
use swing_export::{
    ExportSource, Held, ImportOptions, ImportReport, Imported, May, Progress, PublishError, StagingError, Target,
};
use swing_kv::KvState;

use crate::error::StoreError;
use crate::host::HostKv;
use crate::options::Options;
use crate::store::Store;
use crate::substores::SUBSTORES;
use crate::trace::Trace;

/// A store that was imported and is complete, but not in its place yet.
///
/// The host adds its own keys (its height, above all) and [commits](ImportedStore::commit). Dropped without, it leaves
/// nothing behind, and what was at the target is still there.
#[must_use = "an import that is not committed is lost"]
pub struct ImportedStore {
    imported: Imported,
    kv: KvState,
    trace: Option<Trace>,
    options: Options,
}

swing_core::opaque!(ImportedStore);

/// Imports everything that `source` has, to become the store in directory `dir`, in place of the one that is there, also a damaged one.
///
/// # Errors
/// [`StoreError::Import`]; what is in `dir` is then as it was.
pub fn import(
    source: &dyn ExportSource,
    dir: &Path,
    import: ImportOptions,
    options: Options,
    progress: Progress<'_>,
) -> Result<ImportedStore, StoreError> {
    import_file(source, store_file(dir), import, options, progress)
}

/// As [`import`], with the path of the database file itself.
///
/// # Errors
/// As [`import`].
pub fn import_file(
    source: &dyn ExportSource,
    path: impl Into<PathBuf>,
    import: ImportOptions,
    options: Options,
    progress: Progress<'_>,
) -> Result<ImportedStore, StoreError> {
    ImportedStore::new(source, Target::File(path.into()), import, options, progress)
}

/// Imports everything that `source` has into a store in memory.
///
/// # Errors
/// [`StoreError::Import`].
pub fn import_in_memory(
    source: &dyn ExportSource,
    import: ImportOptions,
    options: Options,
    progress: Progress<'_>,
) -> Result<ImportedStore, StoreError> {
    ImportedStore::new(source, Target::Memory, import, options, progress)
}

impl ImportedStore {
    fn new(
        source: &dyn ExportSource,
        target: Target,
        import: ImportOptions,
        options: Options,
        progress: Progress<'_>,
    ) -> Result<Self, StoreError> {
        if options.read_only {
            return Err(StoreError::NewReadOnly);
        }
        // What cannot be had is told now: later the new store may be in its place already.
        let trace = Trace::of(&options)?;
        let import = ImportOptions { row_digests: options.row_digests, ..import };
        let imported = swing_export::import(source, target, SUBSTORES, import, progress)?;
        Ok(Self { imported, kv: KvState::default(), trace, options })
    }

    /// What was taken in.
    #[must_use]
    pub fn report(&self) -> ImportReport {
        self.imported.report()
    }

    /// The host's key-value store, for the keys that export data does not carry.
    pub fn host_kv(&mut self) -> HostKv<'_> {
        HostKv { session: self.imported.session(), kv: &mut self.kv, trace: self.trace.as_mut() }
    }

    pub(crate) fn parts(&mut self) -> (&mut Session, &mut KvState) {
        (self.imported.session(), &mut self.kv)
    }

    /// Makes the store durable, puts it in its place and opens it there.
    ///
    /// ```no_run
    /// # use swing_export::{PublishError, StagingError};
    /// # use swing_store::{ImportedStore, Store, StoreError};
    /// /// Commits as soon as nobody reads the old store any more.
    /// fn commit_patiently(mut imported: ImportedStore) -> Result<Store, StoreError> {
    ///     loop {
    ///         match imported.commit() {
    ///             Err(PublishError {
    ///                 error: StoreError::Publish(StagingError::TargetInUse { .. }),
    ///                 import: Some(again),
    ///             }) => imported = again.into_import(),
    ///             done => return Ok(done?),
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// [`StoreError::Publish`], with the import as long as nothing was replaced and it is whole: after
    /// [`TargetInUse`](StagingError::TargetInUse) above all. It can be committed again, also with more of
    /// the host's keys. Without it the import is lost; in the store's place is then what was there before or,
    /// after [`Unknown`](StagingError::Unknown) only, maybe the complete new store.
    pub fn commit(self) -> Result<Store, PublishError<Self, StoreError>> {
        self.commit_if(&mut || Ok(()))
    }

    /// As [`ImportedStore::commit`], if `may` has nothing against it: it is asked at the end of each attempt, when nobody else has the old
    /// store open, and may open that to see whether it has gone on meanwhile (with [`host_height`](crate::host_height), say).
    ///
    /// # Errors
    /// As [`ImportedStore::commit`]; [`StagingError::Objected`], with the import, when `may` fails.
    pub fn commit_if(mut self, may: &mut May<'_>) -> Result<Store, PublishError<Self, StoreError>> {
        match self.imported.publish_if(&mut [&mut self.kv], may) {
            Ok(session) => Store::over(session, self.options, self.trace)
                .map_err(|error| StoreError::Publish(StagingError::Unknown { source: error.into() }).into()),
            Err(PublishError { error, import }) => {
                // What was remembered is of a session that is closed.
                let again = |imported: Held<Imported>| {
                    Held::new(Self { imported: imported.into_import(), kv: KvState::default(), ..self })
                };
                Err(PublishError { error: error.into(), import: import.map(again) })
            }
        }
    }
}
