//! Taking transcripts in: trusted records first, then artifacts that each have to match theirs.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::sync::Arc;

use swing_core::substore::{Import, Limits, Offered, SubstoreError};
use swing_core::{ArtifactMode, ArtifactName, ExportKey, Position, SpanRecord, VatId, Writer};

use super::hashing::{SpanHasher, is_full};
use super::lines::{LineError, Lines};
use super::rows;
use crate::hash::initial_hash;
use crate::layers::At;
use crate::texts::Texts;

const ADD_ITEM: &str = "INSERT INTO transcriptItems (vatID, position, item, incarnation) VALUES (?1, ?2, ?3, ?4)";

/// Which of a vat's spans a record is about. In the order of the spans, since the current one is the last.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Slot {
    Closed(Position),
    Current,
}

struct Text {
    key: String,
    value: String,
}

struct Expected {
    record: SpanRecord,
    was_offered: bool,
}

pub(super) struct SpanImport {
    mode: ArtifactMode,
    limits: Limits,
    texts: BTreeMap<(VatId, Slot), Text>,
    expected: BTreeMap<At, Expected>,
    /// Where the current incarnation of a vat begins, for vats that have a current span.
    incarnations: HashMap<VatId, Position>,
    hasher: SpanHasher,
}

impl SpanImport {
    pub(super) fn new(mode: ArtifactMode, limits: Limits) -> Self {
        let (texts, expected, incarnations) = (BTreeMap::new(), BTreeMap::new(), HashMap::new());
        Self { mode, limits, texts, expected, incarnations, hasher: SpanHasher::new() }
    }

    fn wants(&self, record: &SpanRecord) -> bool {
        match self.mode {
            ArtifactMode::Operational => record.is_current,
            ArtifactMode::Replay => self.incarnations.get(&record.vat).is_some_and(|start| record.start >= *start),
            ArtifactMode::Archival | ArtifactMode::Debug => true,
        }
    }
}

pub(super) fn parse(key: &str, value: &str) -> Result<SpanRecord, SubstoreError> {
    let record = SpanRecord::parse(value).map_err(|source| SubstoreError::Text { key: key.to_owned(), source })?;
    let with_end = || !record.is_current && record.artifact().to_string() == key;
    if record.key().to_string() != key && !with_end() {
        return Err(refuse(key, format!("the key does not agree with the metadata {value}")));
    }
    if record.start == record.end && record.hash != initial_hash() {
        return Err(refuse(key, "an empty span with the hash of another".to_owned()));
    }
    Ok(record)
}

pub(super) fn refuse(key: &str, reason: String) -> SubstoreError {
    SubstoreError::Record { key: key.to_owned(), reason }
}

/// Whether one span of a vat can come right after another.
fn expect_to_follow(key: &str, before: &SpanRecord, record: &SpanRecord) -> Result<(), SubstoreError> {
    let (ended, start) = (before.end, record.start);
    if start < ended || start == before.start {
        return Err(refuse(key, format!("it overlaps the span before it, from {} to {ended}", before.start)));
    }
    if start > ended {
        return Err(refuse(key, format!("there is no span from {ended}, where the one before it ends, to {start}")));
    }
    if record.incarnation < before.incarnation {
        let (was, is) = (before.incarnation, record.incarnation);
        return Err(refuse(key, format!("incarnation {is} after incarnation {was}")));
    }
    Ok(())
}

impl Import for SpanImport {
    fn record(&mut self, _: &mut Writer<'_>, key: &str, value: Option<&str>) -> Result<(), SubstoreError> {
        let place = match key.parse()? {
            ExportKey::Span { vat, start } => (vat, Slot::Closed(start)),
            ExportKey::CurrentSpan(vat) => (vat, Slot::Current),
            _ => return Err(refuse(key, "it is not a transcript span".to_owned())),
        };
        match value {
            Some(value) => self.texts.insert(place, Text { key: key.to_owned(), value: value.to_owned() }),
            None => self.texts.remove(&place),
        };
        Ok(())
    }

    fn records_done(&mut self, db: &mut Writer<'_>) -> Result<(), SubstoreError> {
        let mut before: Option<SpanRecord> = None;
        let mut incarnation_start = Position::ZERO;
        for Text { key, value } in std::mem::take(&mut self.texts).into_values() {
            let record = parse(&key, &value)?;
            let before_it = before.as_ref().filter(|before| before.vat == record.vat);
            if let Some(before) = before_it {
                expect_to_follow(&key, before, &record)?;
            }
            if before_it.is_none_or(|before| before.incarnation != record.incarnation) {
                incarnation_start = record.start;
            }
            if record.is_current {
                self.incarnations.insert(record.vat.clone(), incarnation_start);
            }
            rows::insert(db, &record)?;
            let expected = Expected { record: record.clone(), was_offered: false };
            self.expected.insert(At::new(&record.vat, record.start), expected);
            before = Some(record);
        }
        Ok(())
    }

    fn artifact(&mut self, db: &mut Writer<'_>, name: &str, source: &mut dyn Read) -> Result<Offered, SubstoreError> {
        let no_record = || SubstoreError::NoRecord { name: name.to_owned() };
        let ArtifactName::Span { vat, start, end } = name.parse()? else { return Err(no_record()) };
        let expected = self.expected.get_mut(&At::new(&vat, start)).filter(|expected| expected.record.end == end);
        let Expected { record, was_offered } = expected.ok_or_else(no_record)?;
        if std::mem::replace(was_offered, true) {
            return Err(SubstoreError::Artifact { name: name.to_owned(), reason: "it is offered twice".to_owned() });
        }
        let record = record.clone();
        if !self.wants(&record) {
            return Ok(Offered::Skipped);
        }
        take(db, name, &record, Lines::new(source, self.limits), &mut self.hasher)?;
        Ok(Offered::Taken)
    }
}

fn take(
    db: &mut Writer<'_>,
    name: &str,
    record: &SpanRecord,
    mut lines: Lines<'_>,
    hasher: &mut SpanHasher,
) -> Result<(), SubstoreError> {
    let wrong = |reason| SubstoreError::Artifact { name: name.to_owned(), reason };
    let bad_line = |error| match error {
        LineError::Io(source) => SubstoreError::Io { name: name.to_owned(), source },
        other => wrong(other.to_string()),
    };
    let lost = || wrong("the thread that hashes it has gone".to_owned());
    let (mut batch, mut first, mut next) = (Texts::default(), record.start, Some(record.start));
    hasher.begin();
    let mut store = |batch: Texts, first: Position| {
        let batch = Arc::new(batch);
        hasher.add(&batch).ok_or_else(lost)?;
        let places = std::iter::successors(Some(first), |at| at.next());
        let rows = places.zip(batch.iter()).map(|(at, item)| (&record.vat, at, item, record.incarnation));
        Ok::<_, SubstoreError>(db.run_all(ADD_ITEM, rows)?)
    };
    while let Some(at) = next.filter(|at| *at < record.end) {
        let Some(item) = lines.next().map_err(bad_line)? else {
            let (found, expected) = (at.get() - record.start.get(), record.end.get() - record.start.get());
            return Err(wrong(format!("it is not complete ({found} of {expected} items)")));
        };
        batch.push(item);
        next = at.next();
        if is_full(&batch) {
            store(std::mem::take(&mut batch), first)?;
            first = next.unwrap_or(first);
        }
    }
    store(batch, first)?;
    if !lines.is_at_end().map_err(|error| bad_line(error.into()))? {
        return Err(wrong(format!("it goes on after the last item, at {}", record.end)));
    }
    let hash = hasher.finish().ok_or_else(lost)?;
    if hash != record.hash {
        return Err(wrong(format!("its hash is {hash}, metadata says {}", record.hash)));
    }
    Ok(())
}
