//! The rows against their digest: damage is told apart from the work of a writer that does not keep it.

use swing_core::Reader;
use swing_core::row_digest::{Kept, RowDigestError, Stored, scan, stored};
use swing_core::session::Table;
use swing_core::substore::{Finding, SubstoreError};

use super::{VerifyError, VerifyReport, readable};
use crate::exporter::Substores;

/// What the digest of the rows says of a store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum DigestVerdict {
    /// There is none: nothing vouches for key-value pairs but trusted data.
    #[default]
    Absent,
    /// Every row is as it was committed.
    Agrees {
        /// How many rows.
        rows: u64,
    },
    /// A writer that does not keep it has committed since, so nothing vouches for key-value pairs but trusted data.
    OutOfDate {
        /// The last commit that it is of, in words.
        since: String,
    },
    /// Rows are not what was committed, or the digest itself cannot be used: findings tell.
    Contradicts {
        /// The digest is up to date, so nothing but damage explains it. Else another program may have written.
        by_damage: bool,
    },
}

/// The tables of all substores.
pub(super) fn tables(substores: Substores) -> Vec<Table> {
    substores.iter().flat_map(|substore| substore.tables()).copied().collect()
}

/// Which commit is read, in words; empty when nothing tells.
pub(crate) fn witness(db: Reader<'_>, substores: Substores) -> Result<String, SubstoreError> {
    let mut told = Vec::new();
    for substore in substores {
        told.extend(substore.witness(db)?);
    }
    Ok(told.join(", "))
}

/// What the digest of the rows says of a store, and what is wrong with the rows or with it.
///
/// # Errors
/// [`VerifyError`] when they cannot be read.
pub fn digest_verdict(db: Reader<'_>, substores: Substores) -> Result<(DigestVerdict, Vec<Finding>), VerifyError> {
    let mut report = VerifyReport::default();
    check(db, substores, &mut report)?;
    Ok((report.row_digests, report.findings))
}

pub(super) fn check(db: Reader<'_>, substores: Substores, report: &mut VerifyReport) -> Result<(), VerifyError> {
    const WHAT: &str = "row digests";
    let tables = tables(substores);
    let kept = match stored::load(db, &tables) {
        Ok(Some(kept)) => kept,
        Ok(None) => return Ok(()),
        Err(RowDigestError::Session(error)) => return readable(WHAT, Err::<(), _>(error), report).map(drop),
        Err(error) => {
            report.row_digests = DigestVerdict::Contradicts { by_damage: false };
            report.findings.push(Finding { what: WHAT.to_owned(), problem: error.to_string() });
            return Ok(());
        }
    };
    let mut rows = 0;
    let mut wrong = Vec::new();
    for table in stored::digested(&tables) {
        let Some(expected) = kept.of(table) else { continue };
        let Some(found) = readable(table.name, scan(db, table), report)? else {
            report.row_digests = DigestVerdict::Contradicts { by_damage: kept.kept == Kept::UpToDate };
            return Ok(());
        };
        rows += found.rows();
        if found != *expected {
            let problem =
                format!("{} rows with digest {found}, not {} with digest {expected}", found.rows(), expected.rows());
            wrong.push((table.name, problem));
        }
    }
    let now = readable(WHAT, witness(db, substores), report)?.unwrap_or_default();
    let (verdict, why) = judge(&kept, &now, rows, wrong.is_empty());
    report.row_digests = verdict;
    if let Some(why) = why {
        let differences = wrong.into_iter().map(|(table, what)| (table, format!("{why}: {what}")));
        report.findings.extend(differences.map(|(table, problem)| Finding { what: table.to_owned(), problem }));
    }
    Ok(())
}

/// What it means that rows do, or do not, agree with what is kept of them, in a store that is at `now`; and if they should,
/// in which words to say so.
fn judge(kept: &Stored, now: &str, rows: u64, agree: bool) -> (DigestVerdict, Option<&'static str>) {
    // A block raises the height, where the host keeps one, and a crank changes the activityhash, which is the rest.
    let telling = |witness: &str| witness.split(", ").next().map(str::to_owned);
    let has_moved_on = telling(&kept.witness) != telling(now);
    match kept.kept {
        _ if agree => (DigestVerdict::Agrees { rows }, None),
        Kept::UpToDate => (
            DigestVerdict::Contradicts { by_damage: true },
            Some("its rows are damaged: they are not those that were committed"),
        ),
        Kept::OutOfDate | Kept::Unguarded if has_moved_on => {
            (DigestVerdict::OutOfDate { since: kept.witness.clone() }, None)
        }
        Kept::OutOfDate => (
            DigestVerdict::Contradicts { by_damage: false },
            Some(
                "rows were written by a program that does not keep the digest, but not in a block: its height is as before",
            ),
        ),
        Kept::Unguarded => (
            DigestVerdict::Contradicts { by_damage: false },
            Some("its rows are not those that were committed, and a trigger that tells of other writers is missing"),
        ),
    }
}
