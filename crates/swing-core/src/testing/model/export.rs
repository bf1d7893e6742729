//! A state as export records, and as rows.

use serde_json::{Value, json};

use super::state::{Snapshot, State};
use crate::digest::Digest;
use crate::names::ExportKey;
use crate::roles::Bundle;
use crate::testing::Record;

impl State {
    /// All export records: kv by key; snapshots in use, each followed by its `.current`, then the others; spans;
    /// bundles. Positions are in order as numbers, all else as text.
    pub(super) fn full_export(&self) -> Vec<Record> {
        let mut records = Vec::new();
        let mut add = |key: ExportKey, value: &str| records.push((key.to_string(), value.to_owned()));
        for (key, value) in &self.kv {
            if !key.starts_with("host.") && !key.starts_with("local.") {
                add(ExportKey::Kv(key.clone()), value);
            }
        }
        let (in_use, unused): (Vec<_>, Vec<_>) =
            self.snapshots.values().map(|snapshot| &snapshot.record).partition(|record| record.in_use);
        for record in in_use {
            add(record.key(), &record.to_json());
            add(ExportKey::CurrentSnapshot(record.vat.clone()), &record.artifact().to_string());
        }
        for record in unused {
            add(record.key(), &record.to_json());
        }
        for span in self.spans.values() {
            add(span.key(), &span.to_json());
        }
        for id in self.bundles.keys() {
            add(ExportKey::Bundle(id.clone()), id.as_str());
        }
        records
    }

    pub(super) fn rows(&self) -> Vec<Value> {
        let mut rows = Vec::new();
        for (key, value) in &self.kv {
            rows.push(json!(["kvStore", key, **value]));
        }
        for ((vat, at), item) in &self.items {
            rows.push(json!(["transcriptItems", vat.as_str(), at.get(), item.text, item.incarnation.get()]));
        }
        for span in self.spans.values() {
            let (vat, start, end) = (span.vat.as_str(), span.start.get(), span.end.get());
            let (hash, current, incarnation) = (span.hash.to_string(), set(span.is_current), span.incarnation.get());
            rows.push(json!(["transcriptSpans", vat, start, end, hash, current, incarnation]));
        }
        for Snapshot { record, size, bytes } in self.snapshots.values() {
            let (vat, at, hash) = (record.vat.as_str(), record.position.get(), record.hash.to_string());
            let content = bytes.as_ref().map(|bytes| Digest::of(bytes).to_string());
            rows.push(json!(["snapshots", vat, at, set(record.in_use), hash, size, "set", content]));
        }
        for (id, bundle) in &self.bundles {
            let (class, bytes) = match bundle {
                Bundle::NestedEvaluate(text) => ("text", text.as_bytes()),
                Bundle::EndoZip { zip, .. } => ("blob", zip.as_slice()),
            };
            rows.push(json!(["bundles", id.as_str(), class, bytes.len(), Digest::of(bytes).to_string()]));
        }
        for (key, value) in &self.pending {
            rows.push(json!(["pendingExports", key, value]));
        }
        rows
    }
}

/// A flag as the tables have it: never 0.
fn set(flag: bool) -> Option<u8> {
    flag.then_some(1)
}
