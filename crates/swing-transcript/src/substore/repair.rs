//! Adding span records that a store has lost, from export data that still has them.

use swing_core::session::RowValue;
use swing_core::substore::{Repaired, SubstoreError};
use swing_core::{Incarnation, Position, SpanRecord, Writer};

use super::import::{parse, refuse};
use super::rows;

const BEFORE: &str = "\
SELECT startPos, endPos, incarnation, isCurrent IS 1 FROM transcriptSpans
WHERE vatID = ?1 AND startPos < ?2 ORDER BY startPos DESC LIMIT 1";
const AFTER: &str = "\
SELECT startPos, endPos, incarnation, isCurrent IS 1 FROM transcriptSpans
WHERE vatID = ?1 AND startPos > ?2 ORDER BY startPos LIMIT 1";

pub(super) fn repair(db: &mut Writer<'_>, key: &str, value: &str) -> Result<Repaired, SubstoreError> {
    let record = parse(key, value)?;
    if let Some(existing) = rows::find(db.read(), &record.vat, record.start)? {
        if existing == record {
            return Ok(Repaired::Agreed);
        }
        let stored = existing.to_json();
        return Err(refuse(key, format!("metadata mismatch: the store has {stored}, the record is {value}")));
    }
    expect_to_fit(db, key, &record)?;
    rows::insert(db, &record)?;
    Ok(Repaired::Added)
}

struct Neighbour {
    start: Position,
    end: Position,
    incarnation: Incarnation,
    is_current: bool,
}

/// Other spans may still be missing, so there may be room left, but what is there must leave room.
fn expect_to_fit(db: &Writer<'_>, key: &str, record: &SpanRecord) -> Result<(), SubstoreError> {
    let neighbour = |sql: &str| {
        let mut found = None;
        db.read().each(sql, (&record.vat, record.start), |row: &RowValue<'_, '_>| {
            let (start, end, incarnation, is_current) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            found = Some(Neighbour { start, end, incarnation, is_current });
            Ok::<_, SubstoreError>(false)
        })?;
        Ok::<_, SubstoreError>(found)
    };
    let clash = |other: &Neighbour, order: &str| {
        let Neighbour { start, end, incarnation, is_current } = other;
        let kind = if *is_current { "current" } else { "closed" };
        let what = format!("it cannot come {order} the {kind} span from {start} to {end}, incarnation {incarnation}");
        refuse(key, format!("{what}, that the store has"))
    };
    // The current span is the last.
    if let Some(other) = neighbour(BEFORE)?
        && (other.end > record.start || other.incarnation > record.incarnation || other.is_current)
    {
        return Err(clash(&other, "after"));
    }
    if let Some(other) = neighbour(AFTER)?
        && (other.start < record.end || other.incarnation < record.incarnation || record.is_current)
    {
        return Err(clash(&other, "before"));
    }
    Ok(())
}
