//! The JSON texts of export records. Their bytes are consensus, so they are written here, by hand and in order, and
//! read back only when they are exactly what this code would have written.

use std::fmt::Write as _;

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
        let mut text = String::with_capacity(192);
        text.push_str("{\"vatID\":");
        push_json_string(&mut text, self.vat.as_str());
        let (start, end, hash, incarnation) = (self.start, self.end, self.hash, self.incarnation);
        let current = u8::from(self.is_current);
        write!(
            text,
            r#","startPos":{start},"endPos":{end},"hash":"{hash}","isCurrent":{current},"incarnation":{incarnation}}}"#
        )
        .expect("writing to a String cannot fail");
        text
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
        let mut text = String::with_capacity(128);
        text.push_str("{\"vatID\":");
        push_json_string(&mut text, self.vat.as_str());
        let (position, hash, in_use) = (self.position, self.hash, u8::from(self.in_use));
        write!(text, r#","snapPos":{position},"hash":"{hash}","inUse":{in_use}}}"#)
            .expect("writing to a String cannot fail");
        text
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

/// Appends a JSON string literal as `JSON.stringify` writes it.
fn push_json_string(text: &mut String, value: &str) {
    text.push_str(&serde_json::to_string(value).expect("a string always serialises"));
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
