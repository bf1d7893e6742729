//! What must come out of a dataset, by a few plain lines that know nothing of how an import works.

use std::collections::{BTreeMap, BTreeSet};

use swing_core::{ArtifactMode, ExportKey, SnapshotRecord, SpanRecord, VatId};
use swing_export::ExportSource as _;

use super::offer::Offer;

/// The records of an offer as their last word is, in the order of an export, and what they vouch for.
#[derive(Debug, Default)]
pub(super) struct Expected {
    pub(super) records: Vec<(String, String)>,
    spans: Vec<SpanRecord>,
    snapshots: Vec<SnapshotRecord>,
    bundles: BTreeSet<String>,
}

impl Expected {
    /// Of records that are all well-formed, as those of an import that was taken are.
    pub(super) fn of(offer: &Offer) -> Self {
        let mut last = BTreeMap::new();
        for record in offer.records().expect("records") {
            let (key, value) = record.expect("a record of an import that was taken");
            let key = key.parse::<ExportKey>().expect("a key of an import that was taken").to_string();
            match value {
                Some(value) => last.insert(key, value),
                None => last.remove(&key),
            };
        }
        let mut expected = Self::default();
        let (mut used, mut unused, mut spans) = (Vec::new(), Vec::new(), Vec::new());
        for (key, value) in &last {
            match key.parse::<ExportKey>() {
                Ok(ExportKey::Kv(_)) => expected.records.push((key.clone(), value.clone())),
                Ok(ExportKey::Snapshot { .. }) => {
                    let record = SnapshotRecord::parse(value).expect("the record of a snapshot");
                    if record.in_use { used.push(record) } else { unused.push(record) }
                }
                Ok(ExportKey::Span { .. } | ExportKey::CurrentSpan(_)) => {
                    spans.push(SpanRecord::parse(value).expect("the record of a span"));
                }
                Ok(ExportKey::Bundle(id)) => drop(expected.bundles.insert(id.to_string())),
                _ => {}
            }
        }
        used.sort_by(|a, b| a.vat.cmp(&b.vat));
        unused.sort_by(|a, b| (&a.vat, a.position).cmp(&(&b.vat, b.position)));
        spans.sort_by(|a, b| (&a.vat, a.start).cmp(&(&b.vat, b.start)));
        for record in &used {
            expected.records.push((record.key().to_string(), record.to_json()));
            let current = ExportKey::CurrentSnapshot(record.vat.clone());
            expected.records.push((current.to_string(), record.artifact().to_string()));
        }
        expected.records.extend(unused.iter().map(|record| (record.key().to_string(), record.to_json())));
        expected.records.extend(spans.iter().map(|record| (record.key().to_string(), record.to_json())));
        expected.records.extend(expected.bundles.iter().map(|id| (format!("bundle.{id}"), id.clone())));
        agree(&used, &spans);
        expected.spans = spans;
        expected.snapshots = used.into_iter().chain(unused).collect();
        assert_eq!(expected.records.len(), last.len(), "{last:?}");
        expected
    }

    fn current(&self, vat: &VatId) -> Option<&SpanRecord> {
        self.spans.iter().find(|span| span.is_current && span.vat == *vat)
    }

    /// The names of the artifacts that a mode has a use for.
    pub(super) fn wanted(&self, mode: ArtifactMode) -> BTreeSet<String> {
        let span = |span: &&SpanRecord| match mode {
            ArtifactMode::Operational => span.is_current,
            ArtifactMode::Replay => {
                self.current(&span.vat).is_some_and(|current| current.incarnation == span.incarnation)
            }
            ArtifactMode::Archival => self.current(&span.vat).is_some(),
            ArtifactMode::Debug => true,
        };
        let snapshot = |snapshot: &&SnapshotRecord| snapshot.in_use || mode == ArtifactMode::Debug;
        let spans = self.spans.iter().filter(span).map(|span| span.artifact().to_string());
        let snapshots = self.snapshots.iter().filter(snapshot).map(|snapshot| snapshot.artifact().to_string());
        let bundles = self.bundles.iter().map(|id| format!("bundle.{id}"));
        spans.chain(snapshots).chain(bundles).collect()
    }

    /// Whether an artifact is of a span without items, which is there also when nobody offers it.
    pub(super) fn is_of_nothing(&self, name: &str) -> bool {
        self.spans.iter().any(|span| span.start == span.end && span.artifact().to_string() == name)
    }
}

/// A store never says such things, and neither may what is taken for one: spans of a vat follow one another, the current one is
/// the last, no incarnation comes before an older one, and one snapshot of a vat is in use.
fn agree(used: &[SnapshotRecord], spans: &[SpanRecord]) {
    for pair in used.windows(2) {
        assert!(pair[0].vat != pair[1].vat, "two snapshots in use: {pair:?}");
    }
    for pair in spans.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        if before.vat == after.vat {
            assert!(before.end == after.start && before.start < after.start, "not after one another: {pair:?}");
            assert!(before.incarnation <= after.incarnation, "an older incarnation after a newer one: {pair:?}");
            assert!(!before.is_current, "spans after the current one: {pair:?}");
        }
    }
    for span in spans {
        assert!(span.start < span.end || span.hash == swing_transcript::initial_hash(), "an empty span: {span:?}");
    }
}
