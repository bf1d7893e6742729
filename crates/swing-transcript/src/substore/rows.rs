//! Reading spans for an export: records, names, artifacts, and what is missing.

use swing_core::session::{RowValue, Scope, paged};
use swing_core::substore::{ArtifactBytes, Gap, Names, Records, SubstoreError};
use swing_core::{ArtifactMode, ArtifactName, Position, Reader, SessionError, SpanRecord, VatId, Writer};

use crate::artifact::ArtifactReader;
use crate::layers::Span;
use crate::schema::SPANS;
use crate::view::span_at;
use crate::walk::Source;

const AFTER: &str = "\
SELECT vatID, startPos, endPos, hash, incarnation, isCurrent IS 1 FROM transcriptSpans
WHERE (vatID, startPos) > (?1, ?2) ORDER BY vatID, startPos LIMIT 1000";
/// Those that [`AFTER`] finds.
const VATS: &str = "SELECT DISTINCT vatID FROM transcriptSpans WHERE vatID >= ''";
const OF_VAT: &str = "\
SELECT vatID, startPos, endPos, hash, incarnation, isCurrent IS 1 FROM transcriptSpans WHERE vatID = ?1";
const ONE: &str = "\
SELECT vatID, startPos, endPos, hash, incarnation, isCurrent IS 1 FROM transcriptSpans
WHERE vatID = ?1 AND startPos = ?2";
const INSERT: &str = "\
INSERT INTO transcriptSpans (vatID, startPos, endPos, hash, isCurrent, incarnation) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/// Reads a span whose columns `vatID, startPos, endPos, hash, incarnation` and whether it is current come first.
fn record_at(row: &RowValue<'_, '_>) -> Result<SpanRecord, SessionError> {
    let (vat, is_current): (VatId, bool) = (row.get(0)?, row.get(5)?);
    Ok(span_at(row, 1)?.record(&vat, is_current))
}

fn in_order(record: SpanRecord) -> Result<SpanRecord, SubstoreError> {
    match Span::from(&record).in_order(&record.vat) {
        Ok(_) => Ok(record),
        Err(error) => Err(SubstoreError::Record { key: record.key().to_string(), reason: error.to_string() }),
    }
}

pub(super) fn find(db: Reader<'_>, vat: &VatId, start: Position) -> Result<Option<SpanRecord>, SubstoreError> {
    let mut found = None;
    db.each(ONE, (vat, start), |row| {
        found = Some(in_order(record_at(row)?)?);
        Ok::<_, SubstoreError>(false)
    })?;
    Ok(found)
}

pub(super) fn insert(db: &mut Writer<'_>, record: &SpanRecord) -> Result<(), SessionError> {
    let SpanRecord { vat, start, end, hash, is_current, incarnation } = record;
    let row = Scope { condition: "vatID = ?1 AND startPos = ?2", params: (vat, start) };
    db.run_over(SPANS, row, INSERT, (vat, start, end, hash, is_current.then_some(1), incarnation)).map(drop)
}

pub(super) fn records(db: Reader<'_>) -> Records<'_> {
    // Before every vat ID and every position.
    let mut after = (String::new(), -1_i64);
    Box::new(paged(move || {
        let mut page = Vec::new();
        let before = after.clone();
        db.each(AFTER, before.clone(), |row| {
            let record = in_order(record_at(row)?)?;
            page.push((record.key().to_string(), record.to_json()));
            after = (record.vat.as_str().to_owned(), row.get(1)?);
            Ok::<_, SubstoreError>(true)
        })?;
        if !page.is_empty() && after <= before {
            return Err(SessionError::OutOfOrder { table: "transcriptSpans" }.into());
        }
        Ok(page)
    }))
}

/// Vat after vat, so that no more than the spans of one are held, and of their texts the keys while they are sorted.
pub(super) fn records_by_key(db: Reader<'_>) -> Records<'_> {
    let mut vats = match db.all(VATS, [], |row| row.get::<_, VatId>(0)) {
        Ok(vats) => vats,
        Err(error) => return Box::new(std::iter::once(Err(error.into()))),
    };
    // What follows a vat's ID in a key is a dot, which comes after some characters and before others.
    vats.sort_by_key(|vat| format!("{vat}."));
    vats.dedup();
    let mut vats = vats.into_iter();
    Box::new(paged(move || {
        let page = vats.next().map(|vat| Ok::<_, SubstoreError>((spans_by_key(db, &vat)?, vat))).transpose()?;
        Ok(page.into_iter().flat_map(|(spans, vat)| {
            spans.into_iter().map(move |(span, is_current)| {
                let record = span.record(&vat, is_current);
                (record.key().to_string(), record.to_json())
            })
        }))
    }))
}

/// The spans of a vat that has some, and whether each is the current one.
fn spans_by_key(db: Reader<'_>, vat: &VatId) -> Result<Vec<(Span, bool)>, SubstoreError> {
    let mut spans = Vec::new();
    db.each(OF_VAT, [vat], |row| {
        let record = in_order(record_at(row)?)?;
        if record.vat != *vat {
            return Err(SessionError::OutOfOrder { table: "transcriptSpans" }.into());
        }
        spans.push((Span::from(&record), record.is_current));
        Ok::<_, SubstoreError>(true)
    })?;
    // A damaged index may know of a vat and not find it.
    if spans.is_empty() {
        return Err(SessionError::OutOfOrder { table: "transcriptSpans" }.into());
    }
    spans.sort_by_cached_key(|(span, is_current)| span.record(vat, *is_current).key().to_string());
    Ok(spans)
}

/// Which spans a mode is about, as a condition on `s`.
fn spans_of(mode: ArtifactMode) -> &'static str {
    match mode {
        ArtifactMode::Operational => "s.isCurrent = 1",
        ArtifactMode::Replay => {
            "s.incarnation = (SELECT c.incarnation FROM transcriptSpans c WHERE c.vatID = s.vatID AND c.isCurrent = 1)"
        }
        ArtifactMode::Archival => {
            "EXISTS (SELECT 1 FROM transcriptSpans c WHERE c.vatID = s.vatID AND c.isCurrent = 1)"
        }
        ArtifactMode::Debug => "TRUE",
    }
}

const ITEMS_THERE: &str = "\
(SELECT count(*) FROM transcriptItems i WHERE i.vatID = s.vatID AND i.position >= s.startPos AND i.position < s.endPos)";

/// Visits the spans that a mode is about, in order: columns `vatID, startPos, endPos, isCurrent IS 1` and `more`.
fn each_of<E: From<SessionError>>(
    db: Reader<'_>,
    mode: ArtifactMode,
    more: &str,
    mut visit: impl FnMut(&RowValue<'_, '_>) -> Result<(), E>,
) -> Result<(), E> {
    let which = spans_of(mode);
    let sql = format!(
        "SELECT s.vatID, s.startPos, s.endPos, s.isCurrent IS 1, {more} FROM transcriptSpans s WHERE {which} ORDER BY s.vatID, s.startPos"
    );
    db.each(&sql, [], |row| visit(row).map(|()| true))
}

fn name_at(row: &RowValue<'_, '_>) -> Result<(VatId, Position, Position), SessionError> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn count_between(start: Position, end: Position) -> i64 {
    let count = end.get().saturating_sub(start.get());
    i64::try_from(count).expect("less than 2^53")
}

pub(super) fn artifact_names(db: Reader<'_>, mode: ArtifactMode) -> Names<'_> {
    // Of a chain's old store there are hundreds of thousands: a name is made when it is asked for.
    let mut spans: Vec<(VatId, Vec<(Position, Position)>)> = Vec::new();
    let debug = mode == ArtifactMode::Debug;
    let read = each_of::<SessionError>(db, mode, if debug { ITEMS_THERE } else { "0" }, |row| {
        let (vat, start, end) = match name_at(row) {
            Ok(span) => span,
            // A row that names no artifact has none that is complete.
            Err(_) if debug => return Ok(()),
            Err(error) => return Err(error),
        };
        if !debug || (start <= end && row.get::<i64>(4)? == count_between(start, end)) {
            match spans.last_mut() {
                Some((of, positions)) if *of == vat => positions.push((start, end)),
                _ => spans.push((vat, vec![(start, end)])),
            }
        }
        Ok(())
    });
    let name = |vat: &VatId, (start, end)| ArtifactName::Span { vat: vat.clone(), start, end }.to_string();
    let names = spans.into_iter().flat_map(move |(vat, of)| of.into_iter().map(move |at| Ok(name(&vat, at))));
    Box::new(names.chain(read.err().map(|error| Err(error.into()))))
}

pub(super) fn artifact<'a>(db: Reader<'a>, name: &str) -> Result<ArtifactBytes<'a>, SubstoreError> {
    let unavailable = |reason: &str| SubstoreError::NotAvailable { name: name.to_owned(), reason: reason.to_owned() };
    let ArtifactName::Span { vat, start, end } = name.parse()? else {
        return Err(unavailable("it is not a transcript span"));
    };
    match find(db, &vat, start)? {
        None => Err(unavailable("there is no such span")),
        Some(record) if record.end != end => Err(unavailable(&format!("the span ends at {}", record.end))),
        Some(record) => {
            let source = Source { db, unwritten: None };
            Ok(Box::new(ArtifactReader::new(source, &vat, Span::from(&record))))
        }
    }
}

/// Every span that the mode is about must have all its items, and those of a vat must follow one another.
pub(super) fn gaps(db: Reader<'_>, mode: ArtifactMode) -> Result<Vec<Gap>, SubstoreError> {
    let mut gaps = Vec::new();
    if mode == ArtifactMode::Debug {
        return Ok(gaps);
    }
    let mut seen: Option<Seen> = None;
    each_of(db, mode, ITEMS_THERE, |row| {
        let (vat, start, end) = name_at(row)?;
        let (is_current, count): (bool, i64) = (row.get(3)?, row.get(4)?);
        let expected = count_between(start, end);
        let previous = match seen.take() {
            Some(of_vat) if of_vat.vat == vat => Some(of_vat),
            other => {
                sum_up(&mut gaps, other, mode);
                None
            }
        };
        let first_gap = previous.as_ref().map_or(gaps.len(), |before| before.first_gap);
        let mut gap = |reason| {
            let what = ArtifactName::Span { vat: vat.clone(), start, end }.to_string();
            gaps.push(Gap { what, reason, in_short: None });
        };
        match &previous {
            Some(before) if before.end != start => gap(format!("the span before it ends at {}", before.end)),
            None if mode == ArtifactMode::Archival && start != Position::ZERO => {
                gap(format!("the vat's transcript before position {start} is lost"));
            }
            _ => {}
        }
        if count != expected || start > end {
            let kind = if is_current { "current " } else { "" };
            gap(format!("incomplete {kind}transcript span: {count} of {expected} items are there"));
        }
        let items = previous.map_or(0, |before| before.items) + count;
        seen = Some(Seen { vat, end, items, first_gap });
        Ok::<_, SubstoreError>(())
    })?;
    sum_up(&mut gaps, seen, mode);
    Ok(gaps)
}

/// The spans of a vat so far.
struct Seen {
    vat: VatId,
    end: Position,
    items: i64,
    /// Where its gaps begin.
    first_gap: usize,
}

/// Says of a vat's first gap what all of them come to.
fn sum_up(gaps: &mut [Gap], seen: Option<Seen>, mode: ArtifactMode) {
    let Some(Seen { end, items, first_gap, .. }) = seen else { return };
    let Some(gap) = gaps.get_mut(first_gap) else { return };
    gap.in_short = match mode {
        ArtifactMode::Archival => Some(format!("incomplete archival transcript: {items} vs {end}")),
        ArtifactMode::Replay => Some(format!("incomplete current incarnation transcript: {items} items")),
        ArtifactMode::Operational | ArtifactMode::Debug => None,
    };
}
