//! How much a verification had to hash, and how much of what is on record is not here.

use std::fmt;

use serde::Serialize;
use swing_core::{Reader, SessionError};

use crate::text::plural;

/// Spans, snapshots and bundles, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Content {
    /// Spans with items. One that never had any counts.
    pub spans: u64,
    /// Snapshots with bytes.
    pub snapshots: u64,
    /// Bundles with content.
    pub bundles: u64,
}

impl Content {
    pub(crate) fn total(&self) -> u64 {
        self.spans + self.snapshots + self.bundles
    }
}

/// `1 span, 2 snapshots and 3 bundles`; what there is none of is left out.
impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [(self.spans, "span"), (self.snapshots, "snapshot"), (self.bundles, "bundle")];
        let parts: Vec<_> =
            parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, one)| plural(count, one)).collect();
        match &parts[..] {
            [] => f.write_str("no spans, snapshots or bundles"),
            [one] => f.write_str(one),
            [first @ .., last] => write!(f, "{} and {last}", first.join(", ")),
        }
    }
}

/// What is on record, with content and without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) checked: Content,
    pub(super) without_content: Content,
}

impl Counted {
    pub(super) fn of(db: Reader<'_>) -> Result<Self, SessionError> {
        const SPANS: &str = "SELECT count(*), count(*) FILTER (WHERE startPos = endPos OR EXISTS (SELECT 1
            FROM transcriptItems i WHERE i.vatID = s.vatID AND i.position >= s.startPos AND i.position < s.endPos))
            FROM transcriptSpans s";
        const SNAPSHOTS: &str = "SELECT count(*), count(octet_length(compressedSnapshot)) FROM snapshots";
        const BUNDLES: &str = "SELECT count(*), count(octet_length(bundle)) FROM bundles";
        let count = |sql| -> Result<(u64, u64), SessionError> {
            Ok(db.one(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?.unwrap_or_default())
        };
        let (spans, snapshots, bundles) = (count(SPANS)?, count(SNAPSHOTS)?, count(BUNDLES)?);
        let checked = Content { spans: spans.1, snapshots: snapshots.1, bundles: bundles.1 };
        let without_content =
            Content { spans: spans.0 - spans.1, snapshots: snapshots.0 - snapshots.1, bundles: bundles.0 - bundles.1 };
        Ok(Self { checked, without_content })
    }
}

/// What was checked and what could not be, after `verb`.
pub(super) fn told(checked: &Content, without_content: &Content, verb: &str) -> String {
    let rest = match (without_content.total(), without_content) {
        (0, _) => String::new(),
        (1, one) => format!("; {one} has no content here"),
        (_, many) => format!("; {many} have no content here"),
    };
    format!("{checked} {verb}{rest}")
}
