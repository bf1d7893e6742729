//! One side's export records against another's: how many of each kind differ, and of the first of them how.
//!
//! Both may have millions, and all of them may differ, so only digests are held; the values of those that are told are read
//! again.

mod difference;
mod held;

use std::collections::{BTreeSet, HashMap};

use swing_core::{Digest, ExportKey, SpanRecord, names};

use crate::exporter::Substores;
use crate::source::{SourceError, SourceRecords};

pub(crate) use self::difference::{cut, difference};
pub(crate) use self::held::Held;

/// Export records, to be read from their beginning as often as they are asked for. What cannot be read twice may have no
/// records the second time: then less is told of what differs.
pub type Records<'r> = &'r dyn Fn() -> Result<SourceRecords<'r>, SourceError>;

/// Of each kind of record so many are told.
const MOST: usize = 100;
/// The kind of records that no substore knows.
const OTHER: &str = "other";

/// How many records of a kind differ. A kind whose records could not all be read is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Differing {
    /// The first part of their keys.
    pub kind: &'static str,
    /// How many.
    pub count: u64,
    /// How many of them are among the findings: the first.
    pub told: u64,
}

/// Records under the keys that stores export. Their texts are compared as they are: a host's tree has their bytes.
pub(crate) fn canonical(records: SourceRecords<'_>) -> SourceRecords<'_> {
    Box::new(records.map(|record| {
        let (key, value) = record?;
        Ok((canonical_key(key, value.as_deref()), value))
    }))
}

/// The key of a closed span may tell where it ends, if its record says the same.
fn canonical_key(key: String, value: Option<&str>) -> String {
    if names::tag(&key) != "transcript" {
        return key;
    }
    let agrees = |value| SpanRecord::parse(value).is_ok_and(|span| span.artifact().to_string() == key);
    match key.parse() {
        Ok(canonical @ ExportKey::Span { .. }) if value.is_none_or(agrees) => canonical.to_string(),
        _ => key,
    }
}

/// One record that differs.
pub(crate) struct Difference {
    pub(crate) key: String,
    pub(crate) sides: Sides,
}

/// What each side says of a record.
pub(crate) enum Sides {
    /// Two things. Of theirs nothing is known if one of them could not be read a second time.
    Both(Held, Option<Held>),
    OnlyOurs(Held),
    OnlyTheirs(Option<Held>),
}

/// The records of one kind that differ.
pub(crate) struct Kind {
    pub(crate) tag: &'static str,
    pub(crate) count: u64,
    /// The first of them.
    pub(crate) first: Vec<Difference>,
    /// All of our records could be read.
    pub(crate) is_whole: bool,
}

impl Kind {
    fn add(&mut self, difference: impl FnOnce() -> Difference) {
        self.count += 1;
        if self.first.len() < MOST {
            self.first.push(difference());
        }
    }

    /// Whether it is of records that no substore knows.
    pub(crate) fn is_other(&self) -> bool {
        self.tag == OTHER
    }

    pub(crate) fn differing(&self) -> Differing {
        Differing { kind: self.tag, count: self.count, told: self.first.len() as u64 }
    }
}

/// Their records, as far as ours have not met them yet.
pub(crate) struct Comparison<'t> {
    theirs: Records<'t>,
    /// The last word on each key.
    expected: HashMap<String, Digest>,
    kinds: Vec<Kind>,
}

impl<'t> Comparison<'t> {
    /// Reads theirs.
    pub(crate) fn new(substores: Substores, theirs: Records<'t>) -> Result<Self, SourceError> {
        let mut expected = HashMap::new();
        for record in canonical(theirs()?) {
            match record? {
                (key, Some(value)) => expected.insert(key, Digest::of(value.as_bytes())),
                (key, None) => expected.remove(&key),
            };
        }
        let tags = substores.iter().map(|substore| substore.tag()).chain([OTHER]);
        let kinds = tags.map(|tag| Kind { tag, count: 0, first: Vec::new(), is_whole: true }).collect();
        Ok(Self { theirs, expected, kinds })
    }

    /// How many of theirs ours have not met.
    pub(crate) fn left(&self) -> u64 {
        self.expected.len() as u64
    }

    fn kind(&mut self, tag: &str) -> &mut Kind {
        let at = place(&self.kinds, tag);
        &mut self.kinds[at]
    }

    /// Compares one of ours.
    pub(crate) fn meet(&mut self, key: String, value: &str) {
        let digest = self.expected.remove(&key);
        if digest == Some(Digest::of(value.as_bytes())) {
            return;
        }
        let of_key = self.kind(names::tag(&key));
        of_key.add(|| {
            let ours = Held::of(value);
            let sides = if digest.is_some() { Sides::Both(ours, None) } else { Sides::OnlyOurs(ours) };
            Difference { key, sides }
        });
    }

    /// Not all of ours of this kind can be read: what has not been met may be there.
    pub(crate) fn breaks_off(&mut self, tag: &str) {
        self.kind(tag).is_whole = false;
    }

    /// All of ours that can be read have been compared; `ours` reads them again, of one kind.
    pub(crate) fn end<'o>(
        mut self,
        ours: impl Fn(&str) -> Box<dyn Iterator<Item = (String, String)> + 'o>,
    ) -> Result<Vec<Kind>, SourceError> {
        self.add_absent();
        let Self { theirs, expected, mut kinds } = self;
        drop(expected);
        read_theirs(theirs, &mut kinds)?;
        kinds.iter_mut().for_each(|kind| read_ours(kind, &ours));
        Ok(kinds)
    }

    /// Adds what was not met.
    fn add_absent(&mut self) {
        let Self { expected, kinds, .. } = self;
        let mut firsts = vec![BTreeSet::new(); kinds.len()];
        for key in expected.keys() {
            let at = place(kinds, names::tag(key));
            // What was not read may be there.
            if !kinds[at].is_whole {
                continue;
            }
            kinds[at].count += 1;
            let room = MOST - kinds[at].first.len();
            firsts[at].insert(key);
            if firsts[at].len() > room {
                firsts[at].pop_last();
            }
        }
        for (kind, first) in kinds.iter_mut().zip(firsts) {
            let absent = |key: &String| Difference { key: key.clone(), sides: Sides::OnlyTheirs(None) };
            kind.first.extend(first.into_iter().map(absent));
        }
    }
}

/// Where the kind with this tag stands; the last is of those that no substore knows.
fn place(kinds: &[Kind], tag: &str) -> usize {
    kinds.iter().position(|kind| kind.tag == tag).unwrap_or(kinds.len() - 1)
}

/// Reads what they say of those that are to be told, where it differs.
fn read_theirs(theirs: Records<'_>, kinds: &mut [Kind]) -> Result<(), SourceError> {
    let told = kinds.iter_mut().flat_map(|kind| &mut kind.first);
    let wanted = told.filter_map(|found| match &mut found.sides {
        Sides::Both(ours, theirs) => Some((found.key.as_str(), (Some(&*ours), theirs))),
        Sides::OnlyTheirs(theirs) => Some((found.key.as_str(), (None, theirs))),
        Sides::OnlyOurs(_) => None,
    });
    let mut wanted: HashMap<&str, (Option<&Held>, &mut Option<Held>)> = wanted.collect();
    if wanted.is_empty() {
        return Ok(());
    }
    for record in canonical(theirs()?) {
        let (key, value) = record?;
        if let Some((ours, theirs)) = wanted.get_mut(key.as_str()) {
            **theirs = value.map(|value| ours.map_or_else(|| Held::of(&value), |ours| ours.where_differs(&value)));
        }
    }
    Ok(())
}

/// Reads those of our values again whose first difference is not in what is held of them. One that cannot be read again cannot be compared
/// there, so theirs is forgotten and the beginning of ours is told.
fn read_ours<'o>(kind: &mut Kind, ours: &impl Fn(&str) -> Box<dyn Iterator<Item = (String, String)> + 'o>) {
    let further = kind.first.iter_mut().filter_map(|found| match &mut found.sides {
        Sides::Both(held, theirs) => {
            let from = theirs.as_ref().map_or(0, Held::from);
            (from > 0).then_some((found.key.as_str(), (held, theirs, from)))
        }
        _ => None,
    });
    let mut further: HashMap<&str, (&mut Held, &mut Option<Held>, usize)> = further.collect();
    if further.is_empty() {
        return;
    }
    for (key, value) in ours(kind.tag) {
        if let Some((held, _, from)) = further.remove(key.as_str()) {
            *held = Held::at(&value, from);
            if further.is_empty() {
                break;
            }
        }
    }
    further.into_values().for_each(|(_, theirs, _)| *theirs = None);
}

/// How two values differ.
pub(crate) fn differ(ours: &Held, theirs: &Held) -> String {
    if theirs.from() > 0 { ours.first_difference(theirs) } else { difference(ours.text(), theirs.text()) }
}
