//! Two exports against each other: which records differ, and in which item two transcripts part.
//!
//! A span's record has the hash of its items, so of vats whose spans have the same records no item is read.

mod items;

use std::collections::BTreeMap;

use swing_core::names::tag;
use swing_core::substore::Finding;
use swing_core::{Position, SpanRecord, VatId};

use crate::compare::{Comparison, Difference, Differing, Kind, Sides, canonical, cut, differ};
use crate::exporter::Substores;
use crate::progress::{Progress, RECORDS_PER_STEP, Step};
use crate::source::{ExportSource, SourceError};

pub use self::items::{Items, Parting};

/// A comparison that could not be carried through.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// The first of the two cannot be read.
    #[error("the first of the two cannot be read")]
    Here(#[source] SourceError),
    /// The second of the two cannot be read.
    #[error("the second of the two cannot be read")]
    There(#[source] SourceError),
    /// A record of the first of the two is none: it takes an earlier one back.
    #[error("the first of the two takes {key:?} back: no export of a store does that")]
    TakenBack {
        /// Its key.
        key: String,
    },
}

/// What differs between two exports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiffReport {
    /// Records that the first of the two has.
    pub here: u64,
    /// Records that the second has.
    pub there: u64,
    /// How many records differ, by kind.
    pub differing: Vec<Differing>,
    /// The first hundred of each kind: its key, and what either side has.
    pub records: Vec<Finding>,
    /// Where the transcripts part whose spans are among these records, by vat.
    pub items: Vec<Items>,
}

impl DiffReport {
    /// How many records differ.
    #[must_use]
    pub fn found(&self) -> u64 {
        self.differing.iter().map(|differing| differing.count).sum()
    }
}

/// Compares every record of two exports, by keys and by the bytes of their texts. Of the first hundred of each kind that
/// differ it tells what either side has. Of vats with spans among these the items are compared that both sides have, from
/// the first of these spans on, to the first that differs.
///
/// In memory are the keys of `there` and a digest for each, so records that are told are read a second time. Of those of `here`
/// that cannot be, less is told. What `here` says twice of a key is compared twice, and no export of a store does that.
///
/// # Errors
/// [`DiffError`] when the records or the names of the artifacts of one of them cannot be read, or `here` takes a record back. Items that cannot be read are
/// [told](Parting::Unreadable).
pub fn diff(
    here: &dyn ExportSource,
    there: &dyn ExportSource,
    substores: Substores,
    progress: Progress<'_>,
) -> Result<DiffReport, DiffError> {
    let mut report = DiffReport::default();
    progress(Step::Stage("records there"));
    let theirs = || there.records();
    let mut comparison = Comparison::new(substores, &theirs).map_err(DiffError::There)?;
    report.there = comparison.left();
    progress(Step::Stage("records here"));
    for record in written(here)? {
        let (key, value) = record?;
        report.here += 1;
        if report.here.is_multiple_of(RECORDS_PER_STEP) {
            progress(Step::Records(report.here));
        }
        comparison.meet(key, &value);
    }
    let again = |_: &str| -> Box<dyn Iterator<Item = (String, String)> + '_> {
        match written(here) {
            // They were read before.
            Ok(records) => Box::new(records.map_while(Result::ok)),
            Err(_) => Box::new(std::iter::empty()),
        }
    };
    let kinds = comparison.end(again).map_err(DiffError::There)?;
    let parting = parting(&kinds);
    for kind in kinds {
        if !kind.is_other() || kind.count > 0 {
            report.differing.push(kind.differing());
        }
        report.records.extend(kind.first.into_iter().map(finding));
    }
    if !parting.is_empty() {
        progress(Step::Stage("items"));
        report.items = items::compare(here, there, &parting, progress)?;
    }
    Ok(report)
}

/// The records of a side as they are written down: none is taken back.
fn written(
    side: &dyn ExportSource,
) -> Result<impl Iterator<Item = Result<(String, String), DiffError>> + '_, DiffError> {
    let records = canonical(side.records().map_err(DiffError::Here)?);
    Ok(records.map(|record| match record {
        Ok((key, Some(value))) => Ok((key, value)),
        Ok((key, None)) => Err(DiffError::TakenBack { key }),
        Err(error) => Err(DiffError::Here(error)),
    }))
}

fn finding(found: Difference) -> Finding {
    let problem = match found.sides {
        Sides::Both(ours, Some(theirs)) => differ(&ours, &theirs),
        Sides::Both(ours, None) => format!("{} here", cut(ours.text())),
        Sides::OnlyOurs(ours) => format!("only here: {}", cut(ours.text())),
        Sides::OnlyTheirs(Some(theirs)) => format!("only there: {}", cut(theirs.text())),
        Sides::OnlyTheirs(None) => "only there".to_owned(),
    };
    Finding { what: found.key, problem }
}

/// Vats with spans that differ, and where the first of these begins.
fn parting(kinds: &[Kind]) -> BTreeMap<VatId, Position> {
    let mut parting = BTreeMap::new();
    for found in kinds.iter().flat_map(|kind| &kind.first).filter(|found| tag(&found.key) == "transcript") {
        let (ours, theirs) = match &found.sides {
            Sides::Both(ours, theirs) => (Some(ours), theirs.as_ref()),
            Sides::OnlyOurs(ours) => (Some(ours), None),
            Sides::OnlyTheirs(theirs) => (None, theirs.as_ref()),
        };
        for span in [ours, theirs].into_iter().flatten().filter_map(|held| SpanRecord::parse(held.text()).ok()) {
            let first = parting.entry(span.vat).or_insert(span.start);
            *first = span.start.min(*first);
        }
    }
    parting
}
