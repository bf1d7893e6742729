//! The JSON texts of export records. Their bytes are consensus, so they are written here, by hand and in order, and
//! read back only when they are exactly what this code would have written.

use serde::Deserialize;

use crate::digest::Digest;
use crate::ids::{Incarnation, Position, VatId};
use crate::names::{ArtifactName, ExportKey};

/// A text that is not the record it should be.
#[derive(Debug, thiserror::Error)]
pub enum RecordTextError {
    /// It is not JSON of the record's shape.
    #[error("not a {kind} record")]
    Shape {
        /// Which record was expected.
        kind: &'static str,
        /// What the JSON parser found.
        #[source]
        source: serde_json::Error,
    },
    /// A field holds something out of its range.
    #[error("{field} of a {kind} record is out of range")]
    Field {
        /// Which record was expected.
        kind: &'static str,
        /// Which field.
        field: &'static str,
    },
    /// It says the right things in another spelling, so exporting it again would change bytes that consensus saw.
    #[error("a {kind} record in a spelling that is not canonical (expected {expected})")]
    Spelling {
        /// Which record was expected.
        kind: &'static str,
        /// How it is spelled.
        expected: String,
    },
}

/// A span as export data tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpanRecord {
    /// Whose transcript.
    pub vat: VatId,
    /// The first item's position.
    pub start: Position,
    /// One past the last item's.
    pub end: Position,
    /// The cumulative hash over the items.
    pub hash: Digest,
    /// Whether items may still be added.
    pub is_current: bool,
    /// Which incarnation of the vat it belongs to.
    pub incarnation: Incarnation,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SpanText<'t> {
    #[serde(rename = "vatID")]
    vat_id: String,
    start_pos: u64,
    end_pos: u64,
    #[serde(borrow)]
    hash: &'t str,
    is_current: u8,
    incarnation: u64,
}

impl SpanRecord {
    const KIND: &'static str = "transcript span";

    /// The key it is exported under.
    #[must_use]
    pub fn key(&self) -> ExportKey {
        if self.is_current {
            ExportKey::CurrentSpan(self.vat.clone())
        } else {
            ExportKey::Span { vat: self.vat.clone(), start: self.start }
        }
    }

    /// The name of the artifact that holds its items.
    #[must_use]
    pub fn artifact(&self) -> ArtifactName {
        ArtifactName::Span { vat: self.vat.clone(), start: self.start, end: self.end }
    }

    /// The record's JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = Text::of_vat(&self.vat);
        text.number("startPos", self.start.get());
        text.number("endPos", self.end.get());
        text.hash(self.hash);
        text.number("isCurrent", u64::from(self.is_current));
        text.number("incarnation", self.incarnation.get());
        text.end()
    }

    /// Parses a record's JSON text.
    ///
    /// # Errors
    /// [`RecordTextError`] unless the text is exactly what [`SpanRecord::to_json`] would write.
    pub fn parse(text: &str) -> Result<Self, RecordTextError> {
        let kind = Self::KIND;
        let raw: SpanText<'_> = serde_json::from_str(text).map_err(|source| RecordTextError::Shape { kind, source })?;
        let field = |field| move || RecordTextError::Field { kind, field };
        let record = Self {
            vat: VatId::parse(&raw.vat_id).map_err(|_| field("vatID")())?,
            start: Position::new(raw.start_pos).ok_or_else(field("startPos"))?,
            end: Position::new(raw.end_pos).ok_or_else(field("endPos"))?,
            hash: raw.hash.parse().map_err(|_| field("hash")())?,
            is_current: flag(raw.is_current).ok_or_else(field("isCurrent"))?,
            incarnation: Incarnation::new(raw.incarnation).ok_or_else(field("incarnation"))?,
        };
        if record.end < record.start {
            return Err(field("endPos")());
        }
        canonical(kind, text, record.to_json())?;
        Ok(record)
    }
}

/// A snapshot as export data tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotRecord {
    /// Whose heap.
    pub vat: VatId,
    /// The position of the item that saved it.
    pub position: Position,
    /// SHA-256 of the raw bytes.
    pub hash: Digest,
    /// Whether the vat would be restarted from it.
    pub in_use: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SnapshotText<'t> {
    #[serde(rename = "vatID")]
    vat_id: String,
    snap_pos: u64,
    #[serde(borrow)]
    hash: &'t str,
    in_use: u8,
}

impl SnapshotRecord {
    const KIND: &'static str = "snapshot";

    /// The key it is exported under.
    #[must_use]
    pub fn key(&self) -> ExportKey {
        ExportKey::Snapshot { vat: self.vat.clone(), position: self.position }
    }

    /// The name of the artifact that holds its bytes, which is also the value of the vat's `.current` record.
    #[must_use]
    pub fn artifact(&self) -> ArtifactName {
        ArtifactName::Snapshot { vat: self.vat.clone(), position: self.position }
    }

    /// The record's JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = Text::of_vat(&self.vat);
        text.number("snapPos", self.position.get());
        text.hash(self.hash);
        text.number("inUse", u64::from(self.in_use));
        text.end()
    }

    /// Parses a record's JSON text.
    ///
    /// # Errors
    /// [`RecordTextError`] unless the text is exactly what [`SnapshotRecord::to_json`] would write.
    pub fn parse(text: &str) -> Result<Self, RecordTextError> {
        let kind = Self::KIND;
        let raw: SnapshotText<'_> =
            serde_json::from_str(text).map_err(|source| RecordTextError::Shape { kind, source })?;
        let field = |field| move || RecordTextError::Field { kind, field };
        let record = Self {
            vat: VatId::parse(&raw.vat_id).map_err(|_| field("vatID")())?,
            position: Position::new(raw.snap_pos).ok_or_else(field("snapPos"))?,
            hash: raw.hash.parse().map_err(|_| field("hash")())?,
            in_use: flag(raw.in_use).ok_or_else(field("inUse"))?,
        };
        canonical(kind, text, record.to_json())?;
        Ok(record)
    }
}

fn flag(value: u8) -> Option<bool> {
    match value {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

fn canonical(kind: &'static str, text: &str, expected: String) -> Result<(), RecordTextError> {
    if text == expected { Ok(()) } else { Err(RecordTextError::Spelling { kind, expected }) }
}

/// A record's text while it is written. One is written for every item that is added, so it is not formatted.
struct Text(String);

impl Text {
    /// The first field, spelled as `JSON.stringify` spells strings.
    fn of_vat(vat: &VatId) -> Self {
        let mut text = String::with_capacity(192);
        text.push_str("{\"vatID\":");
        let vat = vat.as_str();
        if vat.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            text.push('"');
            text.push_str(vat);
            text.push('"');
        } else {
            text.push_str(&serde_json::to_string(vat).expect("a string always serialises"));
        }
        Self(text)
    }

    fn name(&mut self, name: &str) {
        self.0.push_str(",\"");
        self.0.push_str(name);
        self.0.push_str("\":");
    }

    fn number(&mut self, name: &str, number: u64) {
        self.name(name);
        self.0.push_str(itoa::Buffer::new().format(number));
    }

    fn hash(&mut self, hash: Digest) {
        self.name("hash");
        self.0.push('"');
        self.0.push_str(std::str::from_utf8(&hash.to_hex()).expect("hex digits are ASCII"));
        self.0.push('"');
    }

    fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HASH: &str = "d561b4931977e3833c5a8567f95a1cf559505013963ed7a7020090bfdcb585c0";

    #[test]
    fn records_are_spelled_as_consensus_saw_them() {
        let span = format!(r#"{{"vatID":"v1","startPos":0,"endPos":3,"hash":"{HASH}","isCurrent":0,"incarnation":0}}"#);
        let record = SpanRecord::parse(&span).unwrap();
        assert_eq!(record.to_json(), span);
        assert_eq!(
            (record.key().to_string(), record.artifact().to_string()),
            ("transcript.v1.0".to_owned(), "transcript.v1.0.3".to_owned())
        );
        let snapshot = format!(r#"{{"vatID":"v1","snapPos":2,"hash":"{HASH}","inUse":1}}"#);
        assert_eq!(SnapshotRecord::parse(&snapshot).unwrap().to_json(), snapshot);
    }

    #[test]
    fn loose_metadata_is_refused() {
        let good = |pos: &str, hash: &str, in_use: &str| {
            format!(r#"{{"vatID":"v1","snapPos":{pos},"hash":{hash},"inUse":{in_use}}}"#)
        };
        let hash = format!("\"{HASH}\"");
        assert!(SnapshotRecord::parse(&good("5", &hash, "1")).is_ok());
        for pos in ["\"5\"", "5.5", "5.0", "-1", "1e300", "9007199254740993", "null", "true"] {
            assert!(SnapshotRecord::parse(&good(pos, &hash, "1")).is_err(), "{pos}");
        }
        for (hash, in_use) in [("123", "1"), ("\"\"", "1"), (&*hash, "\"false\""), (&hash, "2"), (&hash, "true")] {
            assert!(SnapshotRecord::parse(&good("5", hash, in_use)).is_err(), "{hash} {in_use}");
        }
        let text = good("5", &hash, "1");
        for bad in [
            format!(" {text}"),
            text.replace(':', ": "),
            text.replace("}", r#","x":1}"#),
            text.replace("\"inUse\"", "\"snapPos\":5,\"inUse\""),
            text.replace("v1", "v.1"),
            "null".to_owned(),
            "[".repeat(100_000),
        ] {
            assert!(SnapshotRecord::parse(&bad).is_err(), "{bad:.80}");
        }
    }

    proptest! {
        #[test]
        fn span_records_round_trip(vat in "[a-z0-9\"é ]{1,6}", a in 0..1u64 << 53, b in 0..1u64 << 53, current: bool, inc in 0..9u64, seed: u64) {
            let record = SpanRecord {
                vat: VatId::parse(&vat).unwrap(), start: Position::new(a.min(b)).unwrap(), end: Position::new(a.max(b)).unwrap(),
                hash: Digest::of(&seed.to_le_bytes()), is_current: current, incarnation: Incarnation::new(inc).unwrap(),
            };
            prop_assert_eq!(SpanRecord::parse(&record.to_json()).unwrap(), record);
        }
    }
}
