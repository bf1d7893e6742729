//! Items that no span knows of.

use swing_core::substore::SubstoreError;
use swing_core::{Position, Reader, SessionError, VatId};

use super::verify::{Sink, tell};

/// Which positions of a vat its spans cover.
pub(super) struct Coverage {
    first: Position,
    end: Position,
    holes: Vec<(Position, Position)>,
}

impl Coverage {
    pub(super) fn new(start: Position, end: Position) -> Self {
        Self { first: start, end, holes: Vec::new() }
    }

    /// Adds a span that does not start before the one added last.
    pub(super) fn add(&mut self, start: Position, end: Position) {
        if start > self.end {
            self.holes.push((self.end, start));
        }
        self.end = self.end.max(end);
    }
}

const BELOW: &str = "SELECT count(*) FROM transcriptItems WHERE vatID = ?1 AND position < ?2";
const BETWEEN: &str = "SELECT count(*) FROM transcriptItems WHERE vatID = ?1 AND position >= ?2 AND position < ?3";
// What is no number stands above all numbers.
const FROM: &str = "SELECT count(*) FROM transcriptItems WHERE vatID = ?1 AND position >= ?2";
const NOWHERE: &str = "SELECT count(*) FROM transcriptItems WHERE vatID = ?1 AND position IS NULL";

/// Tells of the items of `vat` that stand outside its spans.
pub(super) fn of_vat(db: Reader<'_>, vat: &VatId, spans: &Coverage, found: Sink<'_>) -> Result<(), SubstoreError> {
    let mut check = |count: Option<i64>, place: String| {
        if let Some(count @ 1..) = count {
            tell(found, format!("transcript of {vat}"), format!("{count} items {place} are in no span"));
        }
    };
    check(db.one(BELOW, (vat, spans.first), |row| row.get(0))?, format!("before {}", spans.first));
    for (start, end) in &spans.holes {
        check(db.one(BETWEEN, (vat, start, end), |row| row.get(0))?, format!("from {start} to {end}"));
    }
    check(db.one(FROM, (vat, spans.end), |row| row.get(0))?, format!("from {}", spans.end));
    check(db.one(NOWHERE, [vat], |row| row.get(0))?, "without a position".to_owned());
    Ok(())
}

// As bytes, for the text may be no text. What is neither text nor NULL stands above all texts.
const NEXT_VAT: &str = "\
SELECT CAST(min(vatID) AS BLOB) FROM transcriptItems WHERE vatID > CAST(?1 AS TEXT) AND vatID < x''";
const HAS_SPANS: &str = "SELECT EXISTS (SELECT 1 FROM transcriptSpans WHERE vatID = CAST(?1 AS TEXT))";
const COUNT: &str = "SELECT count(*) FROM transcriptItems WHERE vatID = CAST(?1 AS TEXT)";
const STRAY: &str = "\
SELECT (SELECT count(*) FROM transcriptItems WHERE vatID IS NULL OR vatID >= x'' OR vatID = '')";

/// Tells of items of vats that have no spans at all.
pub(super) fn without_spans(db: Reader<'_>, found: Sink<'_>) -> Result<(), SubstoreError> {
    let mut vat = Vec::new();
    while let Some(next) = db.one(NEXT_VAT, [&vat], |row| row.get::<_, Option<Vec<u8>>>(0))?.flatten() {
        if next <= vat {
            return Err(SessionError::OutOfOrder { table: "transcriptItems" }.into());
        }
        vat = next;
        if !db.one(HAS_SPANS, [&vat], |row| row.get(0))?.unwrap_or(false) {
            let count: i64 = db.one(COUNT, [&vat], |row| row.get(0))?.unwrap_or_default();
            let shown = String::from_utf8_lossy(&vat);
            tell(found, format!("transcript of {shown}"), format!("{count} items of a vat that has no spans"));
        }
    }
    if let Some(count @ 1..) = db.one(STRAY, [], |row| row.get::<_, i64>(0))? {
        tell(found, "transcriptItems", format!("{count} items without a vat ID"));
    }
    Ok(())
}
