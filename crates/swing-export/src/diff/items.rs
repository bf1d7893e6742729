//! Two transcripts of a vat, item by item, to the first that differs.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Take};

use swing_core::{ArtifactName, Position, VatId};

use super::DiffError;
use crate::compare::{Held, differ};
use crate::dataset::DEFAULT_MAX_LINE_BYTES;
use crate::progress::{Progress, Step};
use crate::source::{ExportSource, SourceError};

/// Where two transcripts of a vat part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Items {
    /// Whose.
    pub vat: VatId,
    /// The position from which on they were compared: of the first span whose records differ.
    pub from: Position,
    /// How many items, before the one that differs, both sides have; they are the same.
    pub alike: u64,
    /// How many items before the one that differs, or before the end of the shorter side, were not compared: not both sides
    /// have them.
    pub lacking: u64,
    /// What comes then.
    pub parting: Parting,
}

/// What ends a stretch of items that are alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parting {
    /// An item that differs.
    Differs {
        /// Its position.
        position: Position,
        /// In what.
        difference: String,
    },
    /// No more items are on both sides.
    Ends {
        /// One past the last of the first side's items from there on, if it has any.
        here: Option<Position>,
        /// One past the last of the second's.
        there: Option<Position>,
    },
    /// One side's items cannot be read.
    Unreadable {
        /// Why not.
        problem: String,
    },
}

/// Where each span of a vat that has its items begins and ends.
type Spans = BTreeMap<Position, Position>;

/// Compares the items of these vats, each from a position on.
pub(super) fn compare(
    here: &dyn ExportSource,
    there: &dyn ExportSource,
    vats: &BTreeMap<VatId, Position>,
    progress: Progress<'_>,
) -> Result<Vec<Items>, DiffError> {
    let ours = spans(here, vats).map_err(DiffError::Here)?;
    let theirs = spans(there, vats).map_err(DiffError::There)?;
    let none = Spans::new();
    let mut found = Vec::new();
    for (vat, &from) in vats {
        progress(Step::Stage(&format!("items of {vat}")));
        let ours = Transcript::new(here, vat, ours.get(vat).unwrap_or(&none), from);
        let theirs = Transcript::new(there, vat, theirs.get(vat).unwrap_or(&none), from);
        found.push(compare_one(vat, from, ours, theirs));
    }
    Ok(found)
}

/// The spans of these vats whose items a side has, as far as they end behind the position.
fn spans(side: &dyn ExportSource, vats: &BTreeMap<VatId, Position>) -> Result<BTreeMap<VatId, Spans>, SourceError> {
    let mut spans: BTreeMap<VatId, Spans> = BTreeMap::new();
    for name in side.artifact_names()? {
        if let Ok(ArtifactName::Span { vat, start, end }) = name?.parse()
            && vats.get(&vat).is_some_and(|from| end > *from)
        {
            spans.entry(vat).or_default().insert(start, end);
        }
    }
    Ok(spans)
}

fn compare_one(vat: &VatId, from: Position, mut ours: Transcript<'_>, mut theirs: Transcript<'_>) -> Items {
    let ends = (ours.end(), theirs.end());
    let (mut alike, mut lacking, mut next) = (0, 0, from.get());
    let parting = loop {
        match next_of_both(&mut ours, &mut theirs) {
            Ok(Some((position, ours, theirs))) => {
                lacking += position.get().saturating_sub(next);
                next = position.get() + 1;
                if ours != theirs {
                    break Parting::Differs { position, difference: difference(ours, theirs) };
                }
                alike += 1;
            }
            Ok(None) => {
                if let (Some(here), Some(there)) = ends {
                    lacking += here.min(there).get().saturating_sub(next);
                }
                break Parting::Ends { here: ends.0, there: ends.1 };
            }
            Err(problem) => break Parting::Unreadable { problem },
        }
    };
    Items { vat: vat.clone(), from, alike, lacking, parting }
}

/// In what two items differ, with no more room than records take: an item may have megabytes, and as JSON many times as much.
fn difference(ours: &[u8], theirs: &[u8]) -> String {
    if let (Ok(ours), Ok(theirs)) = (str::from_utf8(ours), str::from_utf8(theirs)) {
        let theirs = Held::of(ours).where_differs(theirs);
        return differ(&Held::at(ours, theirs.from()), &theirs);
    }
    let same = ours.iter().zip(theirs).take_while(|(ours, theirs)| ours == theirs).count();
    let shown = |item: &[u8]| item[same.saturating_sub(40)..].iter().take(200).copied().collect::<Vec<_>>();
    let (ours, theirs) = (shown(ours), shown(theirs));
    format!("from byte {same} on, not in UTF-8: \"{}\" here, \"{}\" there", ours.escape_ascii(), theirs.escape_ascii())
}

type Both<'i> = Option<(Position, &'i [u8], &'i [u8])>;

/// The next position of which both have the item.
fn next_of_both<'i>(ours: &'i mut Transcript<'_>, theirs: &'i mut Transcript<'_>) -> Result<Both<'i>, String> {
    let here = |error: SourceError| format!("here: {}", swing_core::error_chain(&*error));
    let there = |error: SourceError| format!("there: {}", swing_core::error_chain(&*error));
    let (mut our, mut their) = (ours.step().map_err(here)?, theirs.step().map_err(there)?);
    while let (Some(ours_at), Some(theirs_at)) = (our, their) {
        if ours_at < theirs_at {
            our = ours.step().map_err(here)?;
        } else if theirs_at < ours_at {
            their = theirs.step().map_err(there)?;
        } else {
            return Ok(Some((ours_at, &ours.item, &theirs.item)));
        }
    }
    Ok(None)
}

/// The items of a vat on one side, one after the other.
struct Transcript<'s> {
    side: &'s dyn ExportSource,
    /// Names of the spans that come next, and where they begin and end.
    spans: VecDeque<(String, Position, Position)>,
    from: Position,
    /// What is left of the span that is being read.
    open: Option<Open<'s>>,
    item: Vec<u8>,
}

struct Open<'s> {
    name: String,
    items: BufReader<Box<dyn Read + 's>>,
    next: Position,
    end: Position,
}

impl<'s> Transcript<'s> {
    fn new(side: &'s dyn ExportSource, vat: &VatId, spans: &Spans, from: Position) -> Self {
        let named = |(&start, &end): (&Position, &Position)| {
            (ArtifactName::Span { vat: vat.clone(), start, end }.to_string(), start, end)
        };
        Self { side, spans: spans.iter().map(named).collect(), from, open: None, item: Vec::new() }
    }

    /// One past its last item.
    fn end(&self) -> Option<Position> {
        self.spans.back().map(|(.., end)| *end)
    }

    /// Reads the next item, and answers its position.
    fn step(&mut self) -> Result<Option<Position>, SourceError> {
        loop {
            let Some(open) = &mut self.open else {
                let Some((name, next, end)) = self.spans.pop_front() else { return Ok(None) };
                let items = BufReader::new(self.side.artifact(&name)?);
                self.open = Some(Open { name, items, next, end });
                continue;
            };
            if !open.read(&mut self.item)? {
                self.open = None;
                continue;
            }
            let position = open.next;
            open.next = position.next().ok_or("positions end")?;
            if position >= self.from {
                return Ok(Some(position));
            }
        }
    }
}

impl Open<'_> {
    /// Reads a line, without its line feed. False at the end of a span that has as many as its name says.
    fn read(&mut self, item: &mut Vec<u8>) -> Result<bool, SourceError> {
        item.clear();
        let mut line: Take<_> = (&mut self.items).take(DEFAULT_MAX_LINE_BYTES as u64 + 1);
        let read = line.read_until(b'\n', item)?;
        let name = &self.name;
        if read == 0 && self.next == self.end {
            return Ok(false);
        }
        if read == 0 || self.next == self.end {
            return Err(format!("{name} does not have the items that its name promises").into());
        }
        if item.pop() != Some(b'\n') {
            return Err(format!(
                "{name} has an item that does not end, or of more than {DEFAULT_MAX_LINE_BYTES} bytes"
            )
            .into());
        }
        Ok(true)
    }
}
