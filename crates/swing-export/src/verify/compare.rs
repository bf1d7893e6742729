//! The store's records against trusted ones: how many of each kind differ, and of the first of them how.
//!
//! Both may have millions, and all of them may differ, so only digests are held; the values of those that are told are read
//! again.

use std::collections::{BTreeSet, HashMap};

use swing_core::substore::Finding;
use swing_core::{Digest, ExportKey, Reader, SpanRecord, error_chain, names};

use super::difference::{cut, difference};
use super::held::Held;
use super::{VerifyError, VerifyReport};
use crate::exporter::Substores;
use crate::progress::{Progress, RECORDS_PER_STEP, Step};
use crate::source::{SourceError, SourceRecords};

/// Trusted export data, to be read from its beginning as often as it is asked for. What cannot be read twice may have no
/// records the second time: then less is told of what differs.
pub type Trusted<'t> = &'t dyn Fn() -> Result<SourceRecords<'t>, SourceError>;

/// Of each kind of record so many are told.
const MOST: usize = 100;
/// The kind of trusted records that no substore knows.
const OTHER: &str = "other";

/// How many records of a kind differ from trusted ones. A kind whose records could not all be read is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Differing {
    /// The first part of their keys.
    pub kind: &'static str,
    /// How many.
    pub count: u64,
    /// How many of them are among the findings: the first.
    pub told: u64,
}

/// Trusted records under the keys that stores export. Their texts are compared as they are: a host's tree has their bytes.
fn canonical(trusted: Trusted<'_>) -> Result<SourceRecords<'_>, VerifyError> {
    let records = trusted().map_err(VerifyError::Trusted)?;
    Ok(Box::new(records.map(|record| {
        let (key, value) = record?;
        Ok((canonical_key(key, value.as_deref()), value))
    })))
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

/// The last word of trusted data on each key.
pub(super) fn digests(trusted: Trusted<'_>) -> Result<HashMap<String, Digest>, VerifyError> {
    let mut digests = HashMap::new();
    for record in canonical(trusted)? {
        match record.map_err(VerifyError::Trusted)? {
            (key, Some(value)) => digests.insert(key, Digest::of(value.as_bytes())),
            (key, None) => digests.remove(&key),
        };
    }
    if digests.is_empty() { Err(VerifyError::NothingTrusted) } else { Ok(digests) }
}

/// One record that differs.
struct Difference {
    key: String,
    /// The store's value; `None`: it has no such record.
    ours: Option<Held>,
    is_trusted: bool,
}

struct Kind {
    tag: &'static str,
    count: u64,
    first: Vec<Difference>,
    /// All of the store's records could be read.
    is_whole: bool,
}

impl Kind {
    fn add(&mut self, difference: impl FnOnce() -> Difference) {
        self.count += 1;
        if self.first.len() < MOST {
            self.first.push(difference());
        }
    }
}

/// Walks over the store's records and compares them with `expected`, if there is something to compare them with.
pub(super) fn compare(
    db: Reader<'_>,
    substores: Substores,
    trusted: Option<(Trusted<'_>, HashMap<String, Digest>)>,
    report: &mut VerifyReport,
    progress: Progress<'_>,
) -> Result<(), VerifyError> {
    let tags = substores.iter().map(|substore| substore.tag()).chain([OTHER]);
    let mut kinds: Vec<_> = tags.map(|tag| Kind { tag, count: 0, first: Vec::new(), is_whole: true }).collect();
    let (trusted, mut expected) = trusted.unzip();
    report.compared = expected.as_ref().map(|records| records.len() as u64);
    for (substore, kind) in substores.iter().zip(&mut kinds) {
        for record in substore.records(db) {
            let (key, value) = match record {
                Ok(record) => record,
                Err(error) => {
                    let what = format!("{} records", substore.tag());
                    let mut problem = error_chain(&error);
                    if expected.is_some() {
                        problem.push_str("; so they could not be compared whole with the trusted export data");
                    }
                    report.findings.push(Finding { what, problem });
                    kind.is_whole = false;
                    break;
                }
            };
            report.records += 1;
            if report.records.is_multiple_of(RECORDS_PER_STEP) {
                progress(Step::Records(report.records));
            }
            let Some(expected) = &mut expected else { continue };
            let digest = expected.remove(&key);
            if digest != Some(Digest::of(value.as_bytes())) {
                kind.add(|| Difference { key, ours: Some(Held::of(&value)), is_trusted: digest.is_some() });
            }
        }
    }
    let (Some(trusted), Some(expected)) = (trusted, expected) else { return Ok(()) };
    add_absent(&mut kinds, &expected);
    drop(expected);
    let theirs = values(trusted, &kinds)?;
    look_further(db, substores, &mut kinds, &theirs);
    report.differing = Some(Vec::new());
    for Kind { tag, count, first, is_whole } in kinds {
        let differing = Differing { kind: tag, count, told: first.len() as u64 };
        if is_whole && (tag != OTHER || count > 0) {
            report.differing.get_or_insert_default().push(differing);
        }
        report.findings.extend(first.into_iter().map(|found| finding(found, &theirs)));
    }
    Ok(())
}

/// Adds what is expected and was not met.
fn add_absent(kinds: &mut [Kind], absent: &HashMap<String, Digest>) {
    let mut firsts = vec![BTreeSet::new(); kinds.len()];
    for key in absent.keys() {
        let tag = names::tag(key);
        let at = kinds.iter().position(|kind| kind.tag == tag).unwrap_or(kinds.len() - 1);
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
        kind.first.extend(first.into_iter().map(|key| Difference { key: key.clone(), ours: None, is_trusted: true }));
    }
}

/// What trusted data says of those that are to be told, where it differs.
fn values(trusted: Trusted<'_>, kinds: &[Kind]) -> Result<HashMap<String, Held>, VerifyError> {
    let told = kinds.iter().flat_map(|kind| &kind.first).filter(|found| found.is_trusted);
    let mut values: HashMap<&str, (Option<&Held>, Option<Held>)> =
        told.map(|found| (found.key.as_str(), (found.ours.as_ref(), None))).collect();
    if values.is_empty() {
        return Ok(HashMap::new());
    }
    for record in canonical(trusted)? {
        let (key, value) = record.map_err(VerifyError::Trusted)?;
        if let Some((ours, wanted)) = values.get_mut(key.as_str()) {
            *wanted = value.map(|value| ours.map_or_else(|| Held::of(&value), |ours| ours.where_differs(&value)));
        }
    }
    Ok(values.into_iter().filter_map(|(key, (_, value))| Some((key.to_owned(), value?))).collect())
}

/// Reads those of the store's values again whose first difference is not in what is held of them.
fn look_further(db: Reader<'_>, substores: Substores, kinds: &mut [Kind], theirs: &HashMap<String, Held>) {
    for (substore, kind) in substores.iter().zip(kinds) {
        let further = kind.first.iter_mut().filter_map(|found| {
            let from = theirs.get(&found.key)?.from();
            Some((found.key.as_str(), (found.ours.as_mut().filter(|_| from > 0)?, from)))
        });
        let mut further: HashMap<&str, (&mut Held, usize)> = further.collect();
        // What cannot be read was told of.
        let mut records = substore.records(db).map_while(Result::ok);
        while !further.is_empty()
            && let Some((key, value)) = records.next()
        {
            if let Some((held, from)) = further.remove(key.as_str()) {
                *held = Held::at(&value, from);
            }
        }
    }
}

fn finding(found: Difference, theirs: &HashMap<String, Held>) -> Finding {
    let Difference { key, ours, is_trusted } = found;
    let problem = match (ours, theirs.get(&key)) {
        (Some(ours), Some(theirs)) if theirs.from() > 0 => {
            format!("differs from the trusted export data: {}", ours.first_difference(theirs))
        }
        (Some(ours), Some(theirs)) => {
            format!("differs from the trusted export data: {}", difference(ours.text(), theirs.text()))
        }
        (Some(ours), None) if is_trusted => format!("differs from the trusted export data: {} here", cut(ours.text())),
        (Some(ours), None) => format!("is not in the trusted export data: {} here", cut(ours.text())),
        (None, Some(theirs)) => {
            format!("is in the trusted export data and not in the store: {} there", cut(theirs.text()))
        }
        (None, None) => "is in the trusted export data and not in the store".to_owned(),
    };
    Finding { what: key, problem }
}
