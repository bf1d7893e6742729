//! Verification: everything in a store that can be checked, checked.

mod compare;
mod difference;
mod digests;
mod held;

use std::collections::HashSet;

use swing_core::row_digest::stored::is_guard;
use swing_core::substore::{Finding, Gap, SubstoreError};
use swing_core::{ArtifactMode, Reader, SessionError, error_chain};

pub use self::compare::{Differing, Trusted};
use self::digests::tables;
pub(crate) use self::digests::witness;
pub use self::digests::{DigestVerdict, digest_verdict};
use crate::exporter::{Substores, gaps};
use crate::progress::{Progress, Step};
use crate::source::SourceError;

/// A verification that could not be carried through. What it found until then is lost with it.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The rows cannot be read.
    #[error(transparent)]
    Substore(#[from] SubstoreError),
    /// The database cannot be read.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The trusted export data cannot be read.
    #[error("the trusted export data failed")]
    Trusted(#[source] SourceError),
    /// The trusted export data has no records.
    #[error("the trusted export data is empty: there is nothing to compare with")]
    NothingTrusted,
}

/// What a verification found and how much it looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// What is wrong; empty for a sound store.
    pub findings: Vec<Finding>,
    /// Export records that the store has.
    pub records: u64,
    /// Records that the trusted export data has; `None` when there was none to compare with.
    pub compared: Option<u64>,
    /// How many differ, for each kind of record whose records could all be read; `None` when there was nothing to compare with.
    pub differing: Option<Vec<Differing>>,
    /// What the digest of the rows says of them.
    pub row_digests: DigestVerdict,
}

impl VerifyReport {
    /// How many things are wrong: the findings, and records that differ and are not among them.
    #[must_use]
    pub fn found(&self) -> u64 {
        let untold = self.differing.iter().flatten().map(|differing| differing.count - differing.told);
        self.findings.len() as u64 + untold.sum::<u64>()
    }
}

/// Findings of SQLite's own check are many or none; this many are told.
const MOST: u32 = 100;

/// Checks the whole store: the file (SQLite's own check), every span, snapshot and bundle against its hash, rows
/// against each other, completeness for `operational` mode, and with `trusted` every export record against it. Of each kind of
/// record that differs the first hundred are told, with what differs in them, and all are counted.
///
/// # Errors
/// [`VerifyError`] when the store or the trusted data cannot be read; what can be read and is wrong is a finding.
pub fn verify(
    db: Reader<'_>,
    substores: Substores,
    trusted: Option<Trusted<'_>>,
    progress: Progress<'_>,
) -> Result<VerifyReport, VerifyError> {
    let mut report = VerifyReport::default();
    // First, since without them nothing else is wanted.
    let trusted = match trusted {
        Some(trusted) => {
            progress(Step::Stage("trusted records"));
            Some((trusted, compare::digests(trusted)?))
        }
        None => None,
    };
    progress(Step::Stage("database"));
    let damage = readable("database file", db.integrity_check(MOST), &mut report)?.unwrap_or_default();
    report.findings.extend(damage.into_iter().map(|problem| Finding { what: "database file".to_owned(), problem }));
    strange_objects(db, substores, &mut report)?;
    progress(Step::Stage("row digests"));
    digests::check(db, substores, &mut report)?;
    for substore in substores {
        progress(Step::Stage(substore.tag()));
        let verified = substore.verify(db, &mut |finding| report.findings.push(finding));
        readable(substore.tag(), verified, &mut report)?;
    }
    progress(Step::Stage("completeness"));
    let gaps = gaps(db, substores, ArtifactMode::Operational);
    let gaps = readable("completeness", gaps, &mut report)?.unwrap_or_default();
    add_gaps(gaps, &mut report);
    progress(Step::Stage("records"));
    compare::compare(db, substores, trusted, &mut report, progress)?;
    Ok(report)
}

/// Adds what is not there, unless its substore told it in the same words.
fn add_gaps(gaps: Vec<Gap>, report: &mut VerifyReport) {
    let known = report.findings.iter().map(|known| (known.what.as_str(), known.problem.as_str()));
    let known: HashSet<_> = known.collect();
    let new = gaps.into_iter().filter(|gap| !known.contains(&(gap.what.as_str(), gap.reason.as_str())));
    let new: Vec<_> = new.map(|gap| Finding { what: gap.what, problem: gap.reason }).collect();
    report.findings.extend(new);
}

/// What is too damaged to be read is a finding, and no reason not to look at the rest.
fn readable<T, E: Into<VerifyError>>(
    what: &str,
    read: Result<T, E>,
    report: &mut VerifyReport,
) -> Result<Option<T>, VerifyError> {
    let error = match read {
        Ok(read) => return Ok(Some(read)),
        Err(error) => error.into(),
    };
    match &error {
        VerifyError::Session(SessionError::Corrupt { .. } | SessionError::OutOfOrder { .. })
        | VerifyError::Substore(SubstoreError::Session(
            SessionError::Corrupt { .. } | SessionError::OutOfOrder { .. },
        )) => {}
        VerifyError::Session(_)
        | VerifyError::Substore(SubstoreError::Session(_))
        | VerifyError::Trusted(_)
        | VerifyError::NothingTrusted => {
            return Err(error);
        }
        VerifyError::Substore(_) => {}
    }
    report.findings.push(Finding { what: what.to_owned(), problem: error_chain(&error) });
    Ok(None)
}

/// A store has tables and indexes. Anything that acts by itself, or shows what is not there, is somebody else's.
/// The triggers that guard the row digest write nothing but its own table.
fn strange_objects(db: Reader<'_>, substores: Substores, report: &mut VerifyReport) -> Result<(), VerifyError> {
    const SQL: &str = "SELECT type, name, coalesce(sql, '') FROM sqlite_schema WHERE type NOT IN ('table', 'index')";
    let found =
        db.all(SQL, [], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?)))?;
    let tables = tables(substores);
    let strange = found.into_iter().filter(|(_, _, sql)| !is_guard(&tables, sql));
    report.findings.extend(strange.map(|(kind, name, _)| Finding {
        what: format!("{kind} {name:?}"),
        problem: "no store has one: it changes or hides what others read".to_owned(),
    }));
    Ok(())
}
