//! Is a store sound?

use std::fmt;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Serialize;
use swing_core::substore;
use swing_export::dataset::{Dataset, ExportDataReader};
use swing_export::{DigestVerdict, Exporter, SourceRecords};
use swing_store::SUBSTORES;

use crate::console::Console;
use crate::exit::Exit;
use crate::height;
use crate::progress::Meter;
use crate::text::plural;

/// What to check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The store's directory.
    pub store: PathBuf,
    /// Export data to compare with: a file of it, or the dataset that has one.
    pub trusted: Option<PathBuf>,
    /// The height that the store must be at.
    pub height: Option<u64>,
}

/// What was checked and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Export records that the store has.
    pub records: u64,
    /// Records that the trusted export data has; `None` when there was none to compare with.
    pub compared: Option<u64>,
    /// What the digest of the rows says of them.
    pub row_digests: Digests,
    /// What is wrong; empty for a sound store.
    pub findings: Vec<Finding>,
}

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
            DigestVerdict::Contradicts => Self::Contradicts,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The record, artifact, row or file.
    pub what: String,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, problem } = self;
        write!(f, "{what}: {problem}")
    }
}

impl From<substore::Finding> for Finding {
    fn from(found: substore::Finding) -> Self {
        Self { what: found.what, problem: found.problem }
    }
}

/// Checks the last commit of a store. Changes nothing.
///
/// # Errors
/// When the store or the trusted export data cannot be read; what can be read and is wrong is a finding.
pub fn verify(options: &Options, meter: &Meter) -> Result<Report> {
    let store = &options.store;
    let trusted = options.trusted.as_deref().map(trusted).transpose()?;
    let exporter = swing_store::exporter(store, swing_core::ArtifactMode::Debug)?;
    let verified = swing_export::verify(exporter.read(), SUBSTORES, trusted, &mut |step| meter.step(step))?;
    let mut findings: Vec<Finding> = verified.findings.into_iter().map(Into::into).collect();
    findings.extend(check_height(store, &exporter, options.height)?);
    exporter.close()?;
    let row_digests = verified.row_digests.into();
    Ok(Report { records: verified.records, compared: verified.compared, row_digests, findings })
}

fn trusted(path: &Path) -> Result<SourceRecords<'static>> {
    let opened = || -> Result<_> {
        if path.is_dir() {
            return Ok(Dataset::open(path)?.records()?);
        }
        Ok(ExportDataReader::new(path, BufReader::with_capacity(1 << 17, fs_err::File::open(path)?)))
    };
    let records = opened().context("cannot read the trusted export data")?;
    Ok(Box::new(records.map(|record| Ok(record?))))
}

/// A store that a crash or a careless copy has set back is sound in itself; only its host knows better.
fn check_height(store: &Path, exporter: &Exporter, expected: Option<u64>) -> Result<Option<Finding>> {
    let Some(expected) = expected else { return Ok(None) };
    let text = exporter.host_kv(height::HOST_HEIGHT)?;
    let problem = match height::read(store, text.as_deref()) {
        Ok(Some(found)) if found == expected => return Ok(None),
        Ok(Some(found)) if found < expected => format!("is {found}, not {expected}: later blocks are lost"),
        Ok(Some(found)) => format!("is {found}, not {expected}"),
        Ok(None) => format!("there is none, not {expected}"),
        Err(_) => format!("is {:?}, not {expected}", text.unwrap_or_default()),
    };
    Ok(Some(Finding { what: height::HOST_HEIGHT.to_owned(), problem }))
}

pub(crate) fn command(options: &Options, console: Console) -> Result<Exit> {
    let report = verify(options, &Meter::stderr("verify"))?;
    console.report(&report)?;
    Ok(if report.findings.is_empty() { Exit::Ok } else { Exit::FoundWrong })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Finding { what, problem } in &self.findings {
            writeln!(f, "{what}: {problem}")?;
        }
        let records = plural(self.records, "export record");
        let compared = self.compared.map_or(String::new(), |compared| {
            format!(", compared with {} that are trusted", crate::text::Grouped(compared))
        });
        match self.findings.len() as u64 {
            0 => {
                writeln!(f, "sound: {records}{compared}")?;
                writeln!(f, "every span, snapshot and bundle has the hash that its record says")?;
                write!(f, "{}", self.row_digests)
            }
            found => write!(f, "{} in {records}{compared}", plural(found, "finding")),
        }
    }
}
