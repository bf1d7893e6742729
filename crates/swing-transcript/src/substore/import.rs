//! Taking transcripts in: trusted records first, then artifacts that each have to match theirs.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::sync::Arc;

use swing_core::substore::{Import, Limits, Offered, SubstoreError};
use swing_core::{ArtifactMode, ArtifactName, Digest, ExportKey, Incarnation, Position, SpanRecord, VatId, Writer};

use super::hashing::{SpanHasher, is_full};
use super::lines::{LineError, Lines};
use super::rows;
use crate::hash::initial_hash;
use crate::texts::Texts;

const ADD_ITEM: &str = "INSERT INTO transcriptItems (vatID, position, item, incarnation) VALUES (?1, ?2, ?3, ?4)";

/// What is remembered of a record until its artifact comes. There may be hundreds of thousands, so it is not their text.
struct Known {
    start: Position,
    end: Position,
    hash: Digest,
    incarnation: Incarnation,
    was_offered: bool,
}

impl Known {
    fn record(&self, vat: &VatId, is_current: bool) -> SpanRecord {
        let Self { start, end, hash, incarnation, .. } = *self;
        SpanRecord { vat: vat.clone(), start, end, hash, is_current, incarnation }
    }
}

/// The last word on a key, which may be none that can be taken.
type Word = Result<Known, Box<SubstoreError>>;

/// What records say of a vat, until there are no more.
#[derive(Default)]
struct Said {
    closed: BTreeMap<Position, Word>,
    current: Option<Word>,
}

/// A vat's spans, in their order.
struct Expected {
    spans: Vec<Known>,
    /// The last one is.
    is_current: bool,
    /// Where the current incarnation begins, if there is a current span.
    replay_from: Option<Position>,
}

impl Expected {
    /// The span from `start`, and whether it is current.
    fn starting_at(&mut self, start: Position) -> Option<(&mut Known, bool)> {
        let at = self.spans.binary_search_by_key(&start, |known| known.start).ok()?;
        let is_current = self.is_current && at + 1 == self.spans.len();
        self.spans.get_mut(at).map(|known| (known, is_current))
    }
}

pub(super) struct SpanImport {
    mode: ArtifactMode,
    limits: Limits,
    said: BTreeMap<VatId, Said>,
    expected: HashMap<VatId, Expected>,
    hasher: SpanHasher,
}

impl SpanImport {
    pub(super) fn new(mode: ArtifactMode, limits: Limits) -> Self {
        Self { mode, limits, said: BTreeMap::new(), expected: HashMap::new(), hasher: SpanHasher::new() }
    }
}

fn wants(mode: ArtifactMode, record: &SpanRecord, replay_from: Option<Position>) -> bool {
    match mode {
        ArtifactMode::Operational => record.is_current,
        ArtifactMode::Replay => replay_from.is_some_and(|start| record.start >= start),
        ArtifactMode::Archival | ArtifactMode::Debug => true,
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
        let (vat, start) = match key.parse()? {
            ExportKey::Span { vat, start } => (vat, Some(start)),
            ExportKey::CurrentSpan(vat) => (vat, None),
            _ => return Err(refuse(key, "it is not a transcript span".to_owned())),
        };
        let word = value.map(|value| match parse(key, value) {
            Ok(SpanRecord { start, end, hash, incarnation, .. }) => {
                Ok(Known { start, end, hash, incarnation, was_offered: false })
            }
            // A later one may take its place.
            Err(error) => Err(Box::new(error)),
        });
        let said = self.said.entry(vat).or_default();
        match (start, word) {
            (None, word) => said.current = word,
            (Some(start), None) => drop(said.closed.remove(&start)),
            (Some(start), Some(word)) => drop(said.closed.insert(start, word)),
        }
        Ok(())
    }

    fn records_done(&mut self, db: &mut Writer<'_>) -> Result<(), SubstoreError> {
        for (vat, Said { closed, current }) in std::mem::take(&mut self.said) {
            let is_current = current.is_some();
            let (mut spans, mut replay_from) = (Vec::with_capacity(closed.len() + 1), Position::ZERO);
            let mut before: Option<SpanRecord> = None;
            // The current one is the last.
            let closed = closed.into_values().map(|word| (word, false));
            for (word, is_current) in closed.chain(current.map(|word| (word, true))) {
                let known = word.map_err(|error| *error)?;
                let record = known.record(&vat, is_current);
                if let Some(before) = &before {
                    expect_to_follow(&record.key().to_string(), before, &record)?;
                }
                if before.is_none_or(|before| before.incarnation != record.incarnation) {
                    replay_from = record.start;
                }
                rows::insert(db, &record)?;
                spans.push(known);
                before = Some(record);
            }
            let replay_from = is_current.then_some(replay_from);
            self.expected.insert(vat, Expected { spans, is_current, replay_from });
        }
        Ok(())
    }

    fn artifact(&mut self, db: &mut Writer<'_>, name: &str, source: &mut dyn Read) -> Result<Offered, SubstoreError> {
        let no_record = || SubstoreError::NoRecord { name: name.to_owned() };
        let ArtifactName::Span { vat, start, end } = name.parse()? else { return Err(no_record()) };
        let expected = self.expected.get_mut(&vat).ok_or_else(no_record)?;
        let replay_from = expected.replay_from;
        let known = expected.starting_at(start).filter(|(known, _)| known.end == end);
        let (known, is_current) = known.ok_or_else(no_record)?;
        if std::mem::replace(&mut known.was_offered, true) {
            return Ok(Offered::Repeated);
        }
        let record = known.record(&vat, is_current);
        if !wants(self.mode, &record, replay_from) {
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
