//! Checking everything there is: items against their span's hash, spans against each other, rows against the schema.
//!
//! The tables may have been damaged or written by anybody, so every value is asked whether it is what it should be,
//! and what is wrong is told and stepped over.

use swing_core::session::RowValue;
use swing_core::substore::{Finding, SubstoreError};
use swing_core::{Position, Reader, SessionError, SpanRecord, VatId};

use super::orphans::{self, Coverage};
use crate::hash::{extend, initial_hash};
use crate::layers::Span;
use crate::view::span_at;

const SPANS: &str = "\
SELECT vatID, startPos, endPos, hash, incarnation, isCurrent, rowid FROM transcriptSpans ORDER BY vatID, startPos";
const ITEMS: &str = "\
SELECT position, item, incarnation FROM transcriptItems WHERE vatID = ?1 AND position >= ?2 AND position < ?3
ORDER BY position";

/// Where findings go.
pub(super) type Sink<'f> = &'f mut dyn FnMut(Finding);

pub(super) fn tell(found: Sink<'_>, what: impl ToString, problem: impl Into<String>) {
    found(Finding { what: what.to_string(), problem: problem.into() });
}

pub(super) fn verify(db: Reader<'_>, found: Sink<'_>) -> Result<(), SubstoreError> {
    let mut vat: Option<VatSpans> = None;
    db.each(SPANS, [], |row| {
        let Some(record) = read_span(row, found)? else { return Ok(true) };
        if let Some(done) = vat.take_if(|vat| vat.last.vat != record.vat) {
            orphans::of_vat(db, &done.last.vat, &done.coverage, found)?;
        }
        check_items(db, &record, found)?;
        match &mut vat {
            Some(vat) => vat.add(record, found),
            None => vat = Some(VatSpans::new(record)),
        }
        Ok::<_, SubstoreError>(true)
    })?;
    if let Some(done) = vat {
        orphans::of_vat(db, &done.last.vat, &done.coverage, found)?;
    }
    orphans::without_spans(db, found)
}

/// A span, unless its row is not even that.
fn read_span(row: &RowValue<'_, '_>, found: Sink<'_>) -> Result<Option<SpanRecord>, SessionError> {
    let place = format!("row {} of transcriptSpans", row.get::<i64>(6)?);
    let read = || {
        let vat: VatId = row.get(0)?;
        Ok::<_, SessionError>((span_at(row, 1)?, vat))
    };
    let (span, vat) = match read() {
        Ok(read) => read,
        Err(error) => {
            tell(found, place, reason(&error));
            return Ok(None);
        }
    };
    let is_current = match row.get::<Option<i64>>(5) {
        Ok(None) => false,
        Ok(Some(1)) => true,
        Ok(Some(other)) => {
            tell(found, place, format!("isCurrent is {other} instead of NULL"));
            false
        }
        Err(error) => {
            tell(found, place, reason(&error));
            false
        }
    };
    let record = span.record(&vat, is_current);
    if let Err(error) = span.in_order(&vat) {
        tell(found, record.artifact(), error.to_string());
        return Ok(None);
    }
    Ok(Some(record))
}

/// An error in the words of its cause.
fn reason(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => source.to_string(),
        None => error.to_string(),
    }
}

/// The spans of one vat so far.
struct VatSpans {
    last: SpanRecord,
    current: Option<Position>,
    coverage: Coverage,
}

impl VatSpans {
    fn new(record: SpanRecord) -> Self {
        let current = record.is_current.then_some(record.start);
        Self { current, coverage: Coverage::new(record.start, record.end), last: record }
    }

    fn add(&mut self, record: SpanRecord, found: Sink<'_>) {
        let (before, name) = (&self.last, record.artifact());
        let mut tell = |problem: String| tell(found, &name, problem);
        if record.start < before.end {
            tell(format!("it overlaps the span before it, which ends at {}", before.end));
        }
        if record.start > before.end {
            tell(format!("there is no span from {}, where the one before it ends", before.end));
        }
        if record.incarnation < before.incarnation {
            tell(format!("incarnation {} comes after incarnation {}", record.incarnation, before.incarnation));
        }
        if let Some(start) = self.current {
            let kind = if record.is_current { "a second current" } else { "a" };
            tell(format!("{kind} span after the current one, which starts at {start}"));
        } else if record.is_current {
            self.current = Some(record.start);
        }
        self.coverage.add(record.start, record.end);
        self.last = record;
    }
}

/// What was wrong with the items of a span, each kind once.
#[derive(Default)]
struct Flaws {
    count: u64,
    unreadable: Option<String>,
    line_feed: Option<Position>,
    incarnation: Option<Position>,
}

fn check_items(db: Reader<'_>, record: &SpanRecord, found: Sink<'_>) -> Result<(), SubstoreError> {
    let mut hash = initial_hash();
    let mut flaws = Flaws::default();
    db.each(ITEMS, (&record.vat, record.start, record.end), |row| {
        flaws.count += 1;
        let position: Position = match row.get(0) {
            Ok(position) => position,
            Err(error) => {
                flaws.unreadable.get_or_insert(format!("an item's position: {}", reason(&error)));
                return Ok(true);
            }
        };
        match row.text(1) {
            Ok(item) => {
                hash = extend(hash, item);
                if item.as_bytes().contains(&b'\n') {
                    flaws.line_feed.get_or_insert(position);
                }
            }
            Err(error) => {
                flaws.unreadable.get_or_insert(format!("item {position}: {}", reason(&error)));
            }
        }
        if row.get(2).ok() != Some(record.incarnation) {
            flaws.incarnation.get_or_insert(position);
        }
        Ok::<_, SubstoreError>(true)
    })?;
    let name = record.artifact();
    let mut tell = |problem: String| tell(found, &name, problem);
    let expected = Span::from(record).len();
    if flaws.count != expected && (flaws.count > 0 || record.is_current) {
        let kind = if record.is_current { "current " } else { "" };
        tell(format!("incomplete {kind}transcript span: {} of {expected} items are there", flaws.count));
    }
    let readable = flaws.unreadable.is_none();
    if let Some(problem) = flaws.unreadable {
        tell(problem);
    }
    if readable && flaws.count == expected && hash != record.hash {
        tell(format!("hash mismatch (expected {}, got {hash})", record.hash));
    }
    if let Some(position) = flaws.line_feed {
        tell(format!("item {position} contains a line feed"));
    }
    if let Some(position) = flaws.incarnation {
        tell(format!("item {position} is not of the span's incarnation {}", record.incarnation));
    }
    Ok(())
}
