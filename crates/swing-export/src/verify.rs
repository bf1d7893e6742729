//! Verification: everything in a store that can be checked, checked.

mod digests;

use std::collections::HashSet;

use swing_core::row_digest::stored::is_guard;
use swing_core::substore::{Finding, Gap, SubstoreError};
use swing_core::{ArtifactMode, Reader, SessionError, error_chain};

use self::digests::tables;
pub(crate) use self::digests::witness;
pub use self::digests::{DigestVerdict, digest_verdict};
use crate::compare::{Comparison, Difference, Differing, Records, Sides, cut, differ};
use crate::exporter::{Substores, gaps};
use crate::progress::{Progress, RECORDS_PER_STEP, Step};
use crate::source::SourceError;

/// Trusted export data.
pub type Trusted<'t> = Records<'t>;

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
    let comparison = match trusted {
        Some(trusted) => {
            progress(Step::Stage("trusted records"));
            let comparison = Comparison::new(substores, trusted).map_err(VerifyError::Trusted)?;
            if comparison.left() == 0 {
                return Err(VerifyError::NothingTrusted);
            }
            Some(comparison)
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
    compare(db, substores, comparison, &mut report, progress)?;
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

/// Walks over the store's records and compares them with trusted ones, if there are any.
fn compare(
    db: Reader<'_>,
    substores: Substores,
    mut trusted: Option<Comparison<'_>>,
    report: &mut VerifyReport,
    progress: Progress<'_>,
) -> Result<(), VerifyError> {
    report.compared = trusted.as_ref().map(Comparison::left);
    for substore in substores {
        for record in substore.records(db) {
            let (key, value) = match record {
                Ok(record) => record,
                Err(error) => {
                    let what = format!("{} records", substore.tag());
                    let mut problem = error_chain(&error);
                    if let Some(trusted) = &mut trusted {
                        trusted.breaks_off(substore.tag());
                        problem.push_str("; so they could not be compared whole with the trusted export data");
                    }
                    report.findings.push(Finding { what, problem });
                    break;
                }
            };
            report.records += 1;
            if report.records.is_multiple_of(RECORDS_PER_STEP) {
                progress(Step::Records(report.records));
            }
            if let Some(trusted) = &mut trusted {
                trusted.meet(key, &value);
            }
        }
    }
    let Some(trusted) = trusted else { return Ok(()) };
    let again = |tag: &str| -> Box<dyn Iterator<Item = (String, String)> + '_> {
        match substores.iter().find(|substore| substore.tag() == tag) {
            // What cannot be read was told of.
            Some(substore) => Box::new(substore.records(db).map_while(Result::ok)),
            None => Box::new(std::iter::empty()),
        }
    };
    let kinds = trusted.end(again).map_err(VerifyError::Trusted)?;
    let differing = report.differing.insert(Vec::new());
    for kind in kinds {
        if kind.is_whole && !(kind.is_other() && kind.count == 0) {
            differing.push(kind.differing());
        }
        report.findings.extend(kind.first.into_iter().map(finding));
    }
    Ok(())
}

fn finding(found: Difference) -> Finding {
    let problem = match found.sides {
        Sides::Both(ours, Some(theirs)) => {
            format!("differs from the trusted export data: {}", differ(&ours, &theirs))
        }
        Sides::Both(ours, None) => format!("differs from the trusted export data: {} here", cut(ours.text())),
        Sides::OnlyOurs(ours) => format!("is not in the trusted export data: {} here", cut(ours.text())),
        Sides::OnlyTheirs(Some(theirs)) => {
            format!("is in the trusted export data and not in the store: {} there", cut(theirs.text()))
        }
        Sides::OnlyTheirs(None) => "is in the trusted export data and not in the store".to_owned(),
    };
    Finding { what: found.key, problem }
}
