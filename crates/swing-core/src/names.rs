//! Names of artifacts and keys of export records. Both are canonical: what parses formats back to the same text, but
//! for one spelling of span keys that early texts promised and that is still read.

use std::fmt;
use std::str::FromStr;

use crate::ids::{BundleId, IdError, Position, VatId};

/// A text that is no artifact name or export key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The number or kind of its parts is wrong.
    #[error("{text:?} is not of the form {expected:?}")]
    Form {
        /// The beginning of the text.
        text: String,
        /// The form it should have.
        expected: &'static str,
    },
    /// One of its parts is wrong.
    #[error("{text:?} is not a valid name")]
    Part {
        /// The beginning of the text.
        text: String,
        /// What is wrong with the part.
        #[source]
        source: IdError,
    },
}

const SNAPSHOT: &str = "snapshot.VAT.POSITION";
const SNAPSHOT_KEY: &str = "snapshot.VAT.POSITION or snapshot.VAT.current";
const SPAN: &str = "transcript.VAT.START.END";
const SPAN_KEY: &str = "transcript.VAT.START or transcript.VAT.current";
const BUNDLE: &str = "bundle.ID";
const ARTIFACT: &str = "snapshot.VAT.POSITION, transcript.VAT.START.END or bundle.ID";
const KEY: &str = "kv.KEY, snapshot.…, transcript.… or bundle.ID";

/// Joins what is wrong with a part to the whole text.
struct Whole<'t>(&'t str);

impl Whole<'_> {
    fn form(&self, expected: &'static str) -> NameError {
        NameError::Form { text: IdError::excerpt(self.0), expected }
    }

    fn part<T: FromStr<Err = IdError>>(&self, part: &str) -> Result<T, NameError> {
        part.parse().map_err(|source| NameError::Part { text: IdError::excerpt(self.0), source })
    }
}

/// The name of something that an export carries besides its records.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ArtifactName {
    /// `snapshot.VAT.POSITION`: the raw bytes of a heap snapshot.
    Snapshot {
        /// Whose heap.
        vat: VatId,
        /// The position of the item that saved it.
        position: Position,
    },
    /// `transcript.VAT.START.END`: the items of a span, each followed by a line feed.
    Span {
        /// Whose transcript.
        vat: VatId,
        /// The first item's position.
        start: Position,
        /// One past the last item's.
        end: Position,
    },
    /// `bundle.ID`: the stored bytes of a bundle.
    Bundle(BundleId),
}

impl FromStr for ArtifactName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let whole = Whole(text);
        let mut parts = text.split('.');
        match (parts.next(), parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some("snapshot"), Some(vat), Some(position), None, _) => {
                Ok(Self::Snapshot { vat: whole.part(vat)?, position: whole.part(position)? })
            }
            (Some("snapshot"), ..) => Err(whole.form(SNAPSHOT)),
            (Some("transcript"), Some(vat), Some(start), Some(end), None) => {
                let (vat, start, end) = (whole.part(vat)?, whole.part(start)?, whole.part(end)?);
                if start > end {
                    return Err(whole.form(SPAN));
                }
                Ok(Self::Span { vat, start, end })
            }
            (Some("transcript"), ..) => Err(whole.form(SPAN)),
            (Some("bundle"), Some(id), None, ..) => Ok(Self::Bundle(whole.part(id)?)),
            (Some("bundle"), ..) => Err(whole.form(BUNDLE)),
            _ => Err(whole.form(ARTIFACT)),
        }
    }
}

impl fmt::Display for ArtifactName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Snapshot { vat, position } => write!(f, "snapshot.{vat}.{position}"),
            Self::Span { vat, start, end } => write!(f, "transcript.{vat}.{start}.{end}"),
            Self::Bundle(id) => write!(f, "bundle.{id}"),
        }
    }
}

/// The key of an export record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ExportKey {
    /// `kv.KEY`
    Kv(String),
    /// `snapshot.VAT.POSITION`
    Snapshot {
        /// Whose heap.
        vat: VatId,
        /// Its position.
        position: Position,
    },
    /// `snapshot.VAT.current`
    CurrentSnapshot(VatId),
    /// `transcript.VAT.START`, for a span that is closed.
    Span {
        /// Whose transcript.
        vat: VatId,
        /// The first item's position.
        start: Position,
    },
    /// `transcript.VAT.current`
    CurrentSpan(VatId),
    /// `bundle.ID`
    Bundle(BundleId),
}

impl FromStr for ExportKey {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let whole = Whole(text);
        if let Some(key) = text.strip_prefix("kv.") {
            return Ok(Self::Kv(key.to_owned()));
        }
        let mut parts = text.split('.');
        match (parts.next(), parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some("snapshot"), Some(vat), Some("current"), None, _) => Ok(Self::CurrentSnapshot(whole.part(vat)?)),
            (Some("snapshot"), Some(vat), Some(position), None, _) => {
                Ok(Self::Snapshot { vat: whole.part(vat)?, position: whole.part(position)? })
            }
            (Some("snapshot"), ..) => Err(whole.form(SNAPSHOT_KEY)),
            (Some("transcript"), Some(vat), Some("current"), None, _) => Ok(Self::CurrentSpan(whole.part(vat)?)),
            (Some("transcript"), Some(vat), Some(start), end, None) => {
                let (vat, start) = (whole.part(vat)?, whole.part(start)?);
                if let Some(end) = end
                    && whole.part::<Position>(end)? < start
                {
                    return Err(whole.form(SPAN_KEY));
                }
                Ok(Self::Span { vat, start })
            }
            (Some("transcript"), ..) => Err(whole.form(SPAN_KEY)),
            (Some("bundle"), Some(id), None, ..) => Ok(Self::Bundle(whole.part(id)?)),
            (Some("bundle"), ..) => Err(whole.form(BUNDLE)),
            _ => Err(whole.form(KEY)),
        }
    }
}

impl fmt::Display for ExportKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kv(key) => write!(f, "kv.{key}"),
            Self::Snapshot { vat, position } => write!(f, "snapshot.{vat}.{position}"),
            Self::CurrentSnapshot(vat) => write!(f, "snapshot.{vat}.current"),
            Self::Span { vat, start } => write!(f, "transcript.{vat}.{start}"),
            Self::CurrentSpan(vat) => write!(f, "transcript.{vat}.current"),
            Self::Bundle(id) => write!(f, "bundle.{id}"),
        }
    }
}

/// The part of a name or key before its first dot: which substore it belongs to.
#[must_use]
pub fn tag(name: &str) -> &str {
    name.split_once('.').map_or(name, |(tag, _)| tag)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_are_not_canonical_are_refused() {
        for bad in [
            "",
            "kv.a",
            "snapshot",
            "snapshot.v1",
            "snapshot.v1.current",
            "snapshot.v1.5.6",
            "snapshot..5",
            "transcript.v1.0",
            "transcript.v1.0.3.4",
            "transcript.v1..2",
            "transcript.v1.0x0.2",
            "transcript.v1. 0 .2",
            "transcript.v1.0e5.2",
            "transcript.v1.-0.2",
            "transcript.v1.3.2",
            "bundle",
            "bundle.",
            "bundle.b0-a.b",
            "bundle.x",
            "transcript.v1.0.9007199254740992",
            "other.v1",
        ] {
            assert!(bad.parse::<ArtifactName>().is_err(), "{bad:?}");
        }
        for bad in [
            "",
            "kv",
            "snapshot.v1",
            "snapshot.v1.5.6",
            "transcript.v1",
            "transcript.v1.0.current",
            "transcript.v1.5.4",
            "transcript.v1.current.0",
            "bundle.b2-0",
            "KV.a",
        ] {
            assert!(bad.parse::<ExportKey>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_span_key_with_its_end_is_read_and_written_without() {
        assert_eq!("transcript.v1.0.3".parse::<ExportKey>().unwrap().to_string(), "transcript.v1.0");
    }

    fn vat() -> impl Strategy<Value = VatId> {
        "[a-z0-9 é-]{1,5}".prop_map(|text| VatId::parse(&text).unwrap())
    }

    fn position() -> impl Strategy<Value = Position> {
        (0..=Position::MAX.get()).prop_map(|value| Position::new(value).unwrap())
    }

    proptest! {
        #[test]
        fn artifact_names_round_trip(vat in vat(), a in position(), b in position(), kind in 0..3) {
            let name = match kind {
                0 => ArtifactName::Snapshot { vat, position: a },
                1 => ArtifactName::Span { vat, start: a.min(b), end: a.max(b) },
                _ => ArtifactName::Bundle(BundleId::parse(&format!("b0-{a}")).unwrap()),
            };
            prop_assert_eq!(name.to_string().parse(), Ok(name));
        }

        #[test]
        fn export_keys_round_trip(vat in vat(), a in position(), kv in ".*", kind in 0..6) {
            let key = match kind {
                0 => ExportKey::Kv(kv),
                1 => ExportKey::Snapshot { vat, position: a },
                2 => ExportKey::CurrentSnapshot(vat),
                3 => ExportKey::Span { vat, start: a },
                4 => ExportKey::CurrentSpan(vat),
                _ => ExportKey::Bundle(BundleId::parse(&format!("b1-{a}")).unwrap()),
            };
            prop_assert_eq!(key.to_string().parse(), Ok(key));
        }

        #[test]
        fn any_text_that_parses_formats_back(text in "(snapshot|transcript|bundle|kv)(\\.[ -~]{0,4}){0,4}") {
            if let Ok(name) = text.parse::<ArtifactName>() { prop_assert_eq!(name.to_string(), text.clone()); }
            if let Ok(key) = text.parse::<ExportKey>() {
                let back = key.to_string();
                let older = matches!(key, ExportKey::Span { .. }) && text.starts_with(&back);
                prop_assert!(back == text || older);
            }
        }
    }
}
