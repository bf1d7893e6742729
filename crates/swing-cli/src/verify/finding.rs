//! What a verification says of rows, and what it finds wrong.

use std::fmt;

use serde::Serialize;
use swing_core::substore;
use swing_export::DigestVerdict;

use crate::text::{Visible, plural};

/// What the digest of the rows says of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum Digests {
    /// There is none.
    Absent,
    /// Every row is as it was committed.
    Agrees {
        /// How many rows.
        rows: u64,
    },
    /// A program that does not keep it has written since.
    #[serde(rename = "out of date")]
    OutOfDate {
        /// The last commit that it is of.
        since: String,
    },
    /// Rows, or the digest itself, are damaged.
    Contradicts,
}

impl From<DigestVerdict> for Digests {
    fn from(verdict: DigestVerdict) -> Self {
        match verdict {
            DigestVerdict::Absent => Self::Absent,
            DigestVerdict::Agrees { rows } => Self::Agrees { rows },
            DigestVerdict::OutOfDate { since } => Self::OutOfDate { since },
            DigestVerdict::Contradicts { .. } => Self::Contradicts,
        }
    }
}

impl fmt::Display for Digests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => {
                f.write_str("key-value pairs were not checked: the store has no digest of its rows (`swing-store digest rebuild` makes one)")
            }
            Self::Agrees { rows } => {
                write!(f, "every key-value pair and record is as it was committed: the digest agrees with {}", plural(*rows, "row"))
            }
            Self::OutOfDate { since } => write!(
                f,
                "key-value pairs were not checked: a program that does not keep the digest has written since {} (`swing-store digest rebuild` makes it anew)",
                if since.is_empty() { "the first block" } else { since }
            ),
            Self::Contradicts => f.write_str("the digest contradicts the rows"),
        }
    }
}

/// Something wrong.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Finding {
    /// The record, artifact, row or file.
    pub what: String,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, problem } = self;
        write!(f, "{}: {}", Visible(what), Visible(problem))
    }
}

impl From<substore::Finding> for Finding {
    fn from(found: substore::Finding) -> Self {
        Self { what: found.what, problem: found.problem }
    }
}
