//! The importer: a whole store from trusted records and untrusted artifacts.
//!
//! First all records, then the artifacts on offer, each verified against its record, then the completeness check. The
//! store is built beside the target and takes its place when the caller [publishes](Imported::publish) it.

use std::path::PathBuf;
use std::time::Duration;

use swing_core::names::tag;
use swing_core::session::{CommitError, OpenError, Part, Table};
use swing_core::substore::{Gap, Import, Limits, Offered, SubstoreError};
use swing_core::{ArtifactMode, RowDigests, Session, SessionError};

use crate::exporter::{Substores, gaps};
use crate::progress::{Counted, Progress, RECORDS_PER_STEP, Step};
use crate::publish_error::{Held, PublishError};
use crate::source::{ExportSource, SourceError};
use crate::staging::{May, Staging, StagingError, Unmoved};
use crate::verify::witness;

/// Where the imported store is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// In memory.
    Memory,
    /// In this database file, whatever was there before.
    File(PathBuf),
}

/// How to import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportOptions {
    /// Which artifacts to take, and how complete the result must be.
    pub mode: ArtifactMode,
    /// How much of a source to read before giving up on it.
    pub limits: Limits,
    /// How many artifact bytes to take in altogether.
    pub total: u64,
    /// What to make of a source without a single record.
    pub empty: EmptyExport,
    /// Whether the new store gets a digest of its rows, made when it is complete.
    pub row_digests: RowDigests,
    /// How long each attempt to put the new store in place waits for readers of the old one.
    pub patience: Duration,
}

/// What to make of a source without a single record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EmptyExport {
    /// It is a mistake: nobody means to replace a store by nothing.
    #[default]
    Refused,
    /// It is an empty store.
    Accepted,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            mode: ArtifactMode::default(),
            limits: Limits::default(),
            total: 1 << 44,
            empty: EmptyExport::default(),
            row_digests: RowDigests::Keep,
            patience: Duration::from_secs(5),
        }
    }
}

/// An import that failed. The target is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The source of records and artifacts failed.
    #[error("the source failed at {at}")]
    Source {
        /// What was asked of it.
        at: String,
        /// Its own words.
        #[source]
        source: SourceError,
    },
    /// A record or artifact is not what it should be.
    #[error(transparent)]
    Substore(#[from] SubstoreError),
    /// A record that no substore knows.
    #[error("unknown export-data type in key {key:?}")]
    UnknownKey {
        /// The record's key.
        key: String,
    },
    /// An artifact that no substore knows.
    #[error("unknown artifact type in name {name:?}")]
    UnknownName {
        /// The artifact's name.
        name: String,
    },
    /// An artifact that was offered before.
    #[error("artifact {name:?} is offered twice")]
    Repeated {
        /// The artifact's name.
        name: String,
    },
    /// There were no records at all.
    #[error("the export data is empty: there is nothing to import")]
    Empty,
    /// More bytes than the limit on the whole import.
    #[error("the artifacts are longer than {limit} bytes altogether (reading {name:?})")]
    TooLong {
        /// The limit.
        limit: u64,
        /// The artifact that went past it.
        name: String,
    },
    /// The result is not complete.
    #[error("the import is not complete for {mode} mode: {} ({}){}", .gaps[0].what, .gaps[0].reason,
        if .gaps.len() > 1 { format!(", and {} more", .gaps.len() - 1) } else { String::new() })]
    Incomplete {
        /// The mode it was to be complete for.
        mode: ArtifactMode,
        /// What is missing; at least one thing.
        gaps: Vec<Gap>,
    },
    /// The new store cannot be built or put in place.
    #[error(transparent)]
    Staging(#[from] StagingError),
    /// The database failed.
    #[error(transparent)]
    Session(#[from] SessionError),
}

impl From<OpenError> for ImportError {
    fn from(error: OpenError) -> Self {
        Self::Staging(error.into())
    }
}

/// What an import took in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Records, repeats and deletions included.
    pub records: u64,
    /// Artifacts that were verified and stored.
    pub taken: u64,
    /// Artifacts that the mode had no use for.
    pub skipped: u64,
    /// Bytes of artifacts read.
    pub bytes: u64,
}

/// An imported store that is complete but not in place yet.
///
/// Its owner may add what is the host's own through the [session](Imported::session), then publishes it. Dropped
/// without, it leaves nothing behind.
#[must_use = "an import that is not published is lost"]
pub struct Imported {
    session: Session,
    staging: Option<Staging>,
    report: ImportReport,
    substores: Substores,
    row_digests: RowDigests,
}

swing_core::opaque!(Imported);

impl Imported {
    fn tables(&self) -> Vec<Table> {
        self.substores.iter().flat_map(|substore| substore.tables()).copied().collect()
    }

    /// The new store's session. Before the first attempt to publish it, everything is in one open transaction; after it
    /// the session keeps the digest of the rows, if there is to be one.
    pub fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// What was taken in.
    #[must_use]
    pub fn report(&self) -> ImportReport {
        self.report
    }

    /// Commits and puts the new store in place of the old. Answers a session on it there.
    ///
    /// # Errors
    /// [`PublishError`], with the import as long as nothing was replaced and it is whole: after
    /// [`StagingError::TargetInUse`] above all. Without it the import is lost; the target is then as it was or, after
    /// [`StagingError::Unknown`] only, maybe the complete new store.
    pub fn publish(self, parts: &mut [&mut dyn Part]) -> Result<Session, PublishError<Self, StagingError>> {
        self.publish_if(parts, &mut || Ok(()))
    }

    /// As [`Imported::publish`], if `may` has nothing against it: it is asked at the end of each attempt, when nobody else has the old
    /// store open, and may open that to see whether it has gone on meanwhile. What is in memory replaces nothing, and nobody is asked.
    ///
    /// # Errors
    /// As [`Imported::publish`]; [`StagingError::Objected`], with the import, when `may` fails.
    pub fn publish_if(
        mut self,
        parts: &mut [&mut dyn Part],
        may: &mut May<'_>,
    ) -> Result<Session, PublishError<Self, StagingError>> {
        self.complete(parts)?;
        let Some(staging) = self.staging else { return Ok(self.session) };
        staging.seal(self.session)?;
        match staging.swap(may) {
            Ok(()) => Ok(staging.enter()?),
            Err(Unmoved::Refused(error)) => {
                // Should it not open either, it is the refusal that its caller has to know of.
                let session = staging.reopen().ok();
                let import = session.map(|session| Held::new(Self { session, staging: Some(staging), ..self }));
                Err(PublishError { error, import })
            }
            Err(Unmoved::Lost(error)) => Err(error.into()),
        }
    }

    /// Commits to the staged file.
    fn complete(&mut self, parts: &mut [&mut dyn Part]) -> Result<(), StagingError> {
        self.session.begin()?;
        self.session.flush(parts)?;
        // After an attempt before this one, the session keeps them.
        if self.row_digests == RowDigests::Keep && !self.session.keeps_row_digests() {
            let witness = witness(self.session.read(), self.substores).map_err(StagingError::Witness)?;
            self.session.build_row_digests(&self.tables(), witness)?;
        }
        self.session.commit(parts).map_err(|error| match error {
            CommitError::NotCommitted(error) => StagingError::Session(error),
            CommitError::Unknown { source } => StagingError::Write { source },
            other => StagingError::Commit(other),
        })
    }
}

/// Imports everything that `source` has.
///
/// # Errors
/// [`ImportError`]; nothing is left behind, and the target is as it was.
pub fn import(
    source: &dyn ExportSource,
    target: Target,
    substores: Substores,
    options: ImportOptions,
    progress: Progress<'_>,
) -> Result<Imported, ImportError> {
    let tables: Vec<_> = substores.iter().flat_map(|substore| substore.tables()).copied().collect();
    let (staging, session) = match target {
        Target::Memory => (None, Session::in_memory(&tables)?),
        Target::File(path) => {
            let (staging, session) = Staging::begin(&path, tables, options.row_digests, options.patience)?;
            (Some(staging), session)
        }
    };
    // Owned from here on, so that a failure closes the session before the staged files are removed.
    let mut imported =
        Imported { session, staging, report: ImportReport::default(), substores, row_digests: options.row_digests };
    let imports = substores.iter().map(|substore| (substore.tag(), substore.import(options.mode, options.limits)));
    let mut run = Run { imports: imports.collect(), options, report: ImportReport::default() };
    run.records(&mut imported.session, source, progress)?;
    run.artifacts(&mut imported.session, source, progress)?;
    progress(Step::Stage("completeness"));
    let mode = options.mode.completeness();
    let gaps = gaps(imported.session.read(), substores, mode)?;
    if !gaps.is_empty() {
        return Err(ImportError::Incomplete { mode, gaps });
    }
    imported.report = run.report;
    Ok(imported)
}

struct Run {
    imports: Vec<(&'static str, Box<dyn Import>)>,
    options: ImportOptions,
    report: ImportReport,
}

impl Run {
    fn of_tag(&mut self, name: &str) -> Option<&mut Box<dyn Import>> {
        self.imports.iter_mut().find(|(known, _)| *known == tag(name)).map(|(_, import)| import)
    }

    fn records(
        &mut self,
        session: &mut Session,
        source: &dyn ExportSource,
        progress: Progress<'_>,
    ) -> Result<(), ImportError> {
        progress(Step::Stage("records"));
        let failed = |source| ImportError::Source { at: "export data".to_owned(), source };
        for record in source.records().map_err(failed)? {
            let (key, value) = record.map_err(failed)?;
            let import = self.of_tag(&key).ok_or_else(|| ImportError::UnknownKey { key: key.clone() })?;
            import.record(&mut session.write()?, &key, value.as_deref())?;
            self.report.records += 1;
            if self.report.records.is_multiple_of(RECORDS_PER_STEP) {
                progress(Step::Records(self.report.records));
            }
        }
        progress(Step::Records(self.report.records));
        if self.report.records == 0 && self.options.empty == EmptyExport::Refused {
            return Err(ImportError::Empty);
        }
        for (_, import) in &mut self.imports {
            import.records_done(&mut session.write()?)?;
        }
        Ok(())
    }

    fn artifacts(
        &mut self,
        session: &mut Session,
        source: &dyn ExportSource,
        progress: Progress<'_>,
    ) -> Result<(), ImportError> {
        progress(Step::Stage("artifacts"));
        let failed = |at: &str| {
            let at = at.to_owned();
            move |source| ImportError::Source { at, source }
        };
        for name in source.artifact_names().map_err(failed("the artifact names"))? {
            let name = name.map_err(failed("the artifact names"))?;
            let left = self.options.total.saturating_sub(self.report.bytes);
            let import = self.of_tag(&name).ok_or_else(|| ImportError::UnknownName { name: name.clone() })?;
            let mut bytes = Counted::new(Lazy { source, name: &name, open: None, left, past: false });
            let offered = import.artifact(&mut session.write()?, &name, &mut bytes);
            let (read, past) = (bytes.bytes, bytes.inner.past);
            drop(bytes);
            if past {
                return Err(ImportError::TooLong { limit: self.options.total, name });
            }
            let offered = offered?;
            self.report.bytes += read;
            match offered {
                Offered::Taken => self.report.taken += 1,
                Offered::Skipped => self.report.skipped += 1,
                Offered::Repeated => return Err(ImportError::Repeated { name }),
            }
            progress(Step::Artifact { name: &name, bytes: read });
        }
        Ok(())
    }
}

/// An artifact that is asked for at the first read, so that one nobody wants is never asked for.
struct Lazy<'s> {
    source: &'s dyn ExportSource,
    name: &'s str,
    open: Option<Box<dyn std::io::Read + 's>>,
    /// How many more bytes the limit on the whole import allows.
    left: u64,
    /// There was a byte past it.
    past: bool,
}

impl std::io::Read for Lazy<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let open = match &mut self.open {
            Some(open) => open,
            None => self.open.insert(self.source.artifact(self.name).map_err(std::io::Error::other)?),
        };
        if self.left == 0 {
            // The end, if it is here, is within the limit.
            self.past = open.read(&mut [0])? > 0;
            return if self.past { Err(std::io::Error::other("past the limit on the whole import")) } else { Ok(0) };
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let read = open.read(&mut buffer[..most])?;
        self.left -= read as u64;
        Ok(read)
    }
}
