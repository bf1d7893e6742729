//! Getting a swing-store out of its file and back: exporter, importer, repair, verify, diff, and the dataset on disk.
//!
//! It rests on [`swing_core::substore::Substore`]: everything here walks a list of substores and asks each the same
//! questions, so there is nothing in this crate about snapshots, spans or bundles. Export data is trusted, artifacts
//! are not: whatever they say is checked against a record before it counts.
//!
//! It knows nothing of the kernel, of cranks or of the host's callback.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

mod ahead;
mod compare;
pub mod dataset;
mod diff;
mod exporter;
mod import;
mod progress;
mod publish_error;
mod repair;
mod respelled;
mod source;
mod staging;
mod verify;

pub use compare::{Differing, Records};
pub use diff::{DiffError, DiffReport, Items, Parting, diff};
pub use exporter::{ExportError, Exporter, Substores, gaps};
pub use import::{EmptyExport, ImportError, ImportOptions, ImportReport, Imported, Target, import};
pub use progress::{Progress, Step};
pub use publish_error::{Held, PublishError};
pub use repair::{RepairError, RepairReport, repair};
pub use respelled::Respelled;
pub use source::{ExportSource, SourceError, SourceNames, SourceRecords};
pub use staging::{May, StagingError};
pub use verify::{DigestVerdict, Trusted, VerifyError, VerifyReport, digest_verdict, verify};
