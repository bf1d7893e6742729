//! The original's words. Its users match on them, so where it has a message for what went wrong, that is the message here; what
//! is refused for reasons of ours has our words. The kind goes into the error's `code` in any case.

use swing_bundle::{BundleError, ContentError};
use swing_core::session::{CommitError, OpenError};
use swing_core::substore::{Gap, SubstoreError};
use swing_core::{IdError, SessionError, error_chain};
use swing_export::{ExportError, ImportError, RepairError, StagingError};
use swing_kv::KvError;
use swing_snap::SnapError;
use swing_store::StoreError;
use swing_transcript::TranscriptError;

use crate::error::{Failure, Kind};

impl From<IdError> for Failure {
    fn from(error: IdError) -> Self {
        Self::of(Kind::ARGUMENT, &error)
    }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        let kind = match &error {
            SessionError::Poisoned { .. } => Kind::POISONED,
            SessionError::ReadOnly => {
                return Self::new(Kind::READ_ONLY, format!("attempt to write a readonly database ({error})"));
            }
            SessionError::Busy { .. } => Kind::BUSY,
            SessionError::Corrupt { .. } | SessionError::OutOfOrder { .. } | SessionError::Unindexed { .. } => {
                Kind::CORRUPT
            }
            SessionError::Full { .. } => Kind::FULL,
            SessionError::InCrank { .. } | SessionError::PartMissing | SessionError::NewerRowDigests { .. } => {
                Kind::STATE
            }
            SessionError::NoSuchSavepoint { .. } => Kind::MISSING,
            SessionError::Sql { .. }
            | SessionError::Directory { .. }
            | SessionError::WrittenMeanwhile { .. }
            | SessionError::PutOff { .. } => Kind::IO,
        };
        Self::of(kind, &error)
    }
}

impl From<KvError> for Failure {
    fn from(error: KvError) -> Self {
        match error {
            KvError::Session(error) => error.into(),
            KvError::Value { .. } => Self::of(Kind::CORRUPT, &error),
            KvError::TooLong { .. } => Self::of(Kind::ARGUMENT, &error),
        }
    }
}

impl From<TranscriptError> for Failure {
    fn from(error: TranscriptError) -> Self {
        let kind = match &error {
            TranscriptError::NoCurrent { .. } | TranscriptError::NoSpan { .. } => Kind::MISSING,
            TranscriptError::Exists { .. } | TranscriptError::EmptySpan { .. } | TranscriptError::Exhausted { .. } => {
                Kind::STATE
            }
            TranscriptError::LineFeed { .. } | TranscriptError::TooLong { .. } => Kind::ARGUMENT,
            TranscriptError::Occupied { .. } | TranscriptError::Backwards { .. } => Kind::CORRUPT,
            TranscriptError::Incomplete { .. } => Kind::INCOMPLETE,
            TranscriptError::HashMismatch { .. } => Kind::MISMATCH,
            TranscriptError::Archive { .. } => Kind::SOURCE,
            TranscriptError::Session(_) => Kind::IO,
        };
        match error {
            TranscriptError::Session(error) => error.into(),
            error => Self::of(kind, &error),
        }
    }
}

impl From<SnapError> for Failure {
    fn from(error: SnapError) -> Self {
        let kind = match &error {
            SnapError::NoSnapshot { .. } | SnapError::NotPopulated { .. } => Kind::MISSING,
            SnapError::HashMismatch { .. } | SnapError::Damaged { .. } => Kind::MISMATCH,
            SnapError::Source { .. } | SnapError::Archive { .. } => Kind::SOURCE,
            SnapError::TooLarge { .. } => Kind::ARGUMENT,
            _ => Kind::IO,
        };
        match error {
            SnapError::Session(error) => error.into(),
            error => Self::of(kind, &error),
        }
    }
}

impl From<BundleError> for Failure {
    fn from(error: BundleError) -> Self {
        if let BundleError::Session(error) = error {
            return error.into();
        }
        match &error {
            BundleError::Content(ContentError::IdMismatch { id, .. }) => {
                Self::new(Kind::MISMATCH, format!("bundleID {id:?} does not match bundle"))
            }
            BundleError::Content(_) | BundleError::WrongKind { .. } => Self::of(Kind::ARGUMENT, &error),
            BundleError::Exists { .. } => Self::of(Kind::STATE, &error),
            BundleError::NotFound { .. } | BundleError::Pruned { .. } => Self::of(Kind::MISSING, &error),
            BundleError::NotText { .. } => Self::of(Kind::CORRUPT, &error),
            BundleError::Session(_) => Self::of(Kind::IO, &error),
        }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let kind = match &error {
            OpenError::Locked(_) => Kind::BUSY,
            OpenError::Missing { .. } => Kind::MISSING,
            _ => Kind::OPEN,
        };
        Self::of(kind, &error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Open(error) => error.into(),
            StoreError::Session(error) => error.into(),
            StoreError::Transcript(error) => error.into(),
            StoreError::Snap(error) => error.into(),
            StoreError::Bundle(error) => error.into(),
            StoreError::Export(error) => error.into(),
            StoreError::Import(error) => error.into(),
            StoreError::Publish(error) => error.into(),
            StoreError::Repair(error) => error.into(),
            StoreError::Commit(CommitError::NotCommitted(error)) => error.into(),
            StoreError::Commit(error @ CommitError::Unknown { .. }) => Self::of(Kind::UNKNOWN, &error),
            StoreError::Commit(error @ CommitError::InCrank { .. }) => Self::of(Kind::STATE, &error),
            StoreError::HostKeyFromKernel { .. } => Self::argument("kernelKVStore refuses host keys"),
            StoreError::KernelKeyFromHost { .. } => Self::argument("hostKVStore requires host keys"),
            StoreError::AlreadyInCrank
            | StoreError::OutsideCrank { .. }
            | StoreError::InCrank { .. }
            | StoreError::WrongKind { .. } => Self::of(Kind::STATE, &error),
            StoreError::NewReadOnly => Self::of(Kind::ARGUMENT, &error),
            StoreError::LostBlocks { .. } | StoreError::NoHeight { .. } => Self::of(Kind::CORRUPT, &error),
            StoreError::Kv(error) => error.into(),
            StoreError::Callback { .. } | StoreError::Trace { .. } | StoreError::DiskUsage { .. } => {
                Self::of(Kind::IO, &error)
            }
        }
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Open(error) => error.into(),
            ExportError::Incomplete { gaps, .. } => incomplete(&gaps),
            ExportError::UnknownTag { name } => {
                let tag = name.split('.').next().unwrap_or_default();
                Self::argument(format!("invalid type in artifact name {tag:?}"))
            }
            ExportError::NotHostKey { .. } => Self::argument("getHostKV requires host keys"),
            ExportError::Substore(error) => on_export(error),
        }
    }
}

/// The original's words for an artifact that nobody has ever heard of.
fn on_export(error: SubstoreError) -> Failure {
    match &error {
        SubstoreError::NotAvailable { name, reason } if reason.starts_with("there is no such") => {
            let words = match name.split_once('.') {
                Some(("bundle", id)) => format!("bundle {id:?} not found"),
                Some(("transcript", _)) => format!("transcript span {name:?} not available"),
                _ => format!("{} {name:?} not available", tag(name)),
            };
            Failure::new(Kind::MISSING, words)
        }
        _ => error.into(),
    }
}

impl From<SubstoreError> for Failure {
    fn from(error: SubstoreError) -> Self {
        match error {
            SubstoreError::Session(error) => error.into(),
            SubstoreError::NoRecord { .. } | SubstoreError::NotAvailable { .. } => Self::of(Kind::MISSING, &error),
            SubstoreError::Artifact { .. } => Self::of(Kind::MISMATCH, &error),
            SubstoreError::Io { .. } => Self::of(Kind::IO, &error),
            SubstoreError::Name(_) | SubstoreError::Text { .. } | SubstoreError::Record { .. } => {
                Self::of(Kind::ARGUMENT, &error)
            }
        }
    }
}

/// What is said of everything that is missing: bundles first, then transcripts, then snapshots, as the original looks for them.
fn incomplete(gaps: &[Gap]) -> Failure {
    let of = |tag: &str| {
        let tag = tag.to_owned();
        gaps.iter().filter_map(move |gap| gap.what.strip_prefix(&tag))
    };
    let bundles: Vec<_> = of("bundle.").collect();
    let vats: Vec<_> = of("snapshot.").map(|name| name.rsplit_once('.').map_or(name, |(vat, _)| vat)).collect();
    let message = if !bundles.is_empty() {
        format!("missing bundles for: {}", bundles.join(","))
    } else if let Some(gap) = gaps.iter().find(|gap| gap.what.starts_with("transcript.")) {
        gap.in_short.clone().unwrap_or_else(|| format!("{} ({})", gap.reason, gap.what))
    } else if !vats.is_empty() {
        format!("current snapshots are pruned for vats {}", vats.join(","))
    } else {
        gaps.first().map_or_else(|| "incomplete".to_owned(), |gap| format!("{}: {}", gap.what, gap.reason))
    };
    Failure::new(Kind::INCOMPLETE, message)
}

fn tag(name: &str) -> &str {
    name.split('.').next().unwrap_or_default()
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Incomplete { gaps, .. } => incomplete(&gaps),
            ImportError::UnknownKey { key } => {
                Self::argument(format!("unknown export-data type {:?} on import", tag(&key)))
            }
            ImportError::UnknownName { name } => {
                Self::argument(format!("unknown artifact type {:?} on import", tag(&name)))
            }
            ImportError::Substore(error) => on_import(error),
            ImportError::Staging(error) => error.into(),
            ImportError::Session(error) => error.into(),
            error @ ImportError::Source { .. } => Self::of(Kind::SOURCE, &error),
            error @ (ImportError::Repeated { .. } | ImportError::Empty | ImportError::TooLong { .. }) => {
                Self::of(Kind::ARGUMENT, &error)
            }
        }
    }
}

/// The original's words for a record or artifact that is refused, with our reason after them.
fn on_import(error: SubstoreError) -> Failure {
    match &error {
        SubstoreError::Artifact { name, reason } => Failure::new(Kind::MISMATCH, artifact_words(name, reason)),
        SubstoreError::NoRecord { name } => {
            let what = match tag(name) {
                "transcript" => "transcript span",
                other => other,
            };
            Failure::new(Kind::MISSING, format!("no metadata for {what} {name:?}"))
        }
        SubstoreError::Record { key, reason } if tag(key) == "transcript" => {
            Failure::argument(format!("transcript key {key:?} mismatches metadata: {reason}"))
        }
        _ => error.into(),
    }
}

fn artifact_words(name: &str, reason: &str) -> String {
    let (what, bundle_id) = match tag(name) {
        "snapshot" => ("snapshot", None),
        "bundle" => ("bundle", name.strip_prefix("bundle.")),
        _ => ("artifact", None),
    };
    if let Some(id) = bundle_id {
        return format!("bundleID {id:?} does not match bundle artifact: {reason}");
    }
    if let Some((expected, found)) = reason
        .strip_prefix("hash mismatch (expected ")
        .and_then(|rest| rest.strip_suffix(')'))
        .and_then(|rest| rest.split_once(", got "))
    {
        return format!("{what} {name:?} hash is {found:?}, metadata says {expected:?}");
    }
    let reason = reason.strip_prefix("it ").or_else(|| reason.strip_prefix("its ")).unwrap_or(reason);
    format!("{what} {name:?} {reason}")
}

impl From<StagingError> for Failure {
    fn from(error: StagingError) -> Self {
        match error {
            StagingError::Open(error) => error.into(),
            StagingError::Session(error) => error.into(),
            StagingError::TargetInUse { .. } => Self::of(Kind::BUSY, &error),
            StagingError::Unknown { .. } => Self::of(Kind::UNKNOWN, &error),
            error if error.is_full() => Self::of(Kind::FULL, &error),
            error => Self::of(Kind::IO, &error),
        }
    }
}

impl From<RepairError> for Failure {
    fn from(error: RepairError) -> Self {
        match error {
            RepairError::Incomplete { gaps } => incomplete(&gaps),
            RepairError::UnknownKey { key } => {
                Self::argument(format!("unknown export-data type in key {key:?} on repairMetadata"))
            }
            RepairError::Substore(error) => on_repair(error),
            RepairError::Session(error) => error.into(),
            error @ RepairError::Source(_) => Self::of(Kind::SOURCE, &error),
        }
    }
}

fn on_repair(error: SubstoreError) -> Failure {
    let key = match &error {
        SubstoreError::Record { key, .. } | SubstoreError::Text { key, .. } => key,
        _ => return error.into(),
    };
    let what = match tag(key) {
        "snapshot" => "repairSnapshotRecord metadata mismatch",
        "transcript" => "repairTranscriptSpanRecord metadata mismatch",
        "bundle" => "unexpected new bundle record during repair",
        _ => "metadata mismatch",
    };
    Failure::new(Kind::MISMATCH, format!("{what}: {}", error_chain(&error)))
}
