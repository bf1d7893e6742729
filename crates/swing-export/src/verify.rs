//! Verification: everything in a store that can be checked, checked.

mod digests;

use std::collections::HashMap;

use swing_core::row_digest::stored::is_guard;
use swing_core::substore::{Finding, SubstoreError};
use swing_core::{ArtifactMode, Digest, Reader, SessionError, error_chain};

use self::digests::tables;
pub(crate) use self::digests::witness;
pub use self::digests::{DigestVerdict, digest_verdict};
use crate::exporter::{Substores, gaps};
use crate::progress::{Progress, RECORDS_PER_STEP, Step};
use crate::source::{SourceError, SourceRecords};

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
    /// What the digest of the rows says of them.
    pub row_digests: DigestVerdict,
}

/// Findings of SQLite's own check, and of the comparison with trusted data, are many or none; this many are told.
const MOST: u32 = 100;

/// Checks the whole store: the file (SQLite's own check), every span, snapshot and bundle against its hash, rows
/// against each other, completeness for `operational` mode, and with `trusted` every export record against it.
///
/// # Errors
/// [`VerifyError`] when the store or the trusted data cannot be read; what can be read and is wrong is a finding.
pub fn verify(
    db: Reader<'_>,
    substores: Substores,
    trusted: Option<SourceRecords<'_>>,
    progress: Progress<'_>,
) -> Result<VerifyReport, VerifyError> {
    let mut report = VerifyReport::default();
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
    report.findings.extend(gaps.into_iter().map(|gap| Finding { what: gap.what, problem: gap.reason }));
    progress(Step::Stage("records"));
    compare(db, substores, trusted, &mut report, progress)?;
    Ok(report)
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
        VerifyError::Session(_) | VerifyError::Substore(SubstoreError::Session(_)) | VerifyError::Trusted(_) => {
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

/// Compares the store's records with trusted ones. Both may have millions, so only digests of them are held.
fn compare(
    db: Reader<'_>,
    substores: Substores,
    trusted: Option<SourceRecords<'_>>,
    report: &mut VerifyReport,
    progress: Progress<'_>,
) -> Result<(), VerifyError> {
    let mut expected = None;
    if let Some(trusted) = trusted {
        let mut records = HashMap::new();
        for record in trusted {
            let (key, value) = record.map_err(VerifyError::Trusted)?;
            match value {
                Some(value) => records.insert(key, Digest::of(value.as_bytes())),
                None => records.remove(&key),
            };
        }
        report.compared = Some(records.len() as u64);
        expected = Some(records);
    }
    let mut wrong = Vec::new();
    for substore in substores {
        for record in substore.records(db) {
            let (key, value) = match record {
                Ok(record) => record,
                Err(error) => {
                    wrong.push(Finding { what: format!("{} records", substore.tag()), problem: error_chain(&error) });
                    break;
                }
            };
            report.records += 1;
            if report.records.is_multiple_of(RECORDS_PER_STEP) {
                progress(Step::Records(report.records));
            }
            let Some(expected) = &mut expected else { continue };
            let problem = match expected.remove(&key) {
                Some(digest) if digest == Digest::of(value.as_bytes()) => continue,
                Some(_) => "differs from the trusted export data",
                None => "is not in the trusted export data",
            };
            wrong.push(Finding { what: key, problem: problem.to_owned() });
        }
    }
    let mut absent: Vec<_> = expected.into_iter().flatten().map(|(key, _)| key).collect();
    absent.sort();
    wrong.extend(absent.into_iter().map(|what| {
        let problem = "is in the trusted export data and not in the store".to_owned();
        Finding { what, problem }
    }));
    let most = MOST as usize;
    if wrong.len() > most {
        let problem = format!("{} more records differ", wrong.len() - most);
        wrong.truncate(most);
        wrong.push(Finding { what: "export data".to_owned(), problem });
    }
    report.findings.extend(wrong);
    Ok(())
}
