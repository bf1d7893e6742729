//! Out of a store, into a dataset.

mod rows;
mod target;

use std::fmt;
use std::path::PathBuf;

use anyhow::Result;
use serde::{Serialize, Serializer};
use swing_core::substore::{Record, SubstoreError};
use swing_core::{ArtifactMode, error_chain};
use swing_export::dataset::{DatasetWriter, Dialect, ExportDataSummary, Mode};
use swing_export::{Exporter, SourceError, Step};

use crate::console::Console;
use crate::error::Refusal;
use crate::exit::Exit;
use crate::height;
use crate::progress::Meter;
use crate::text::{Bytes, Grouped, plural};
use crate::verify::{Content, Digests, Finding};

pub use self::target::Folder;
pub(crate) use self::target::names;

/// Records are shown once in this many.
const RECORDS_PER_STEP: u64 = 1024;

/// Whether a dataset has export data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportData {
    /// All of it.
    All,
    /// None: artifacts only.
    Skip,
}

/// What to export and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The store's directory.
    pub store: PathBuf,
    /// The directory of the dataset.
    pub dataset: PathBuf,
    /// Which artifacts.
    pub mode: Mode,
    /// Whose bytes.
    pub dialect: Dialect,
    /// Whether with export data.
    pub data: ExportData,
    /// The height that the store must be at.
    pub height: Option<u64>,
}

/// What was exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Export records.
    pub records: u64,
    /// Artifacts.
    pub artifacts: u64,
    /// Bytes of artifacts.
    pub bytes: u64,
    /// `host.height` of the store, 0 if it has none.
    pub block_height: u64,
    /// Which artifacts.
    #[serde(serialize_with = "as_text")]
    pub mode: Mode,
    /// `js` or `go`.
    pub dialect: &'static str,
    /// What a genesis file would say of the export data; in the Go dialect only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub genesis_hash: Option<String>,
    /// What the digest of the rows says of them.
    pub row_digests: Digests,
    /// In `debug` mode, what it found wrong with them; they are in the dataset as they are. Any other mode fails.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// In `debug` mode, what the store has but not as its record says: it is not in the dataset. Any other mode fails.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// In `debug` mode, how much of what a node needs the store does not have. Any other mode but `none` fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Content>,
    /// Where it is.
    #[serde(skip)]
    dataset: PathBuf,
}

/// An artifact that could not be exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Its name.
    pub name: String,
    /// Why not.
    pub reason: String,
}

pub(crate) fn as_text<S: Serializer>(mode: &Mode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(mode.as_str())
}

/// Writes the last commit of a store as a dataset.
///
/// # Errors
/// When there is no store, it is not at the height, not complete for the mode or its rows are damaged, and when the dataset's
/// directory is the store's or not empty: nothing is written then. Later errors are in a [`Refusal::Unfinished`]: the
/// dataset is there in part, and its manifest is empty.
pub fn export(options: &Options, meter: &Meter) -> Result<Report> {
    let Options { store, dataset, .. } = options;
    let mode = match options.mode {
        Mode::NoArtifacts | Mode::Operational => ArtifactMode::Operational,
        Mode::Replay => ArtifactMode::Replay,
        Mode::Archival => ArtifactMode::Archival,
        Mode::Debug => ArtifactMode::Debug,
    };
    let exporter = swing_store::exporter(store, mode)?;
    let found = height::read(store, exporter.host_kv(height::HOST_HEIGHT)?.as_deref())?;
    if let Some(expected) = options.height.filter(|expected| Some(*expected) != found) {
        return Err(Refusal::OtherHeight { store: store.clone(), expected, found }.into());
    }
    let folder = target::check(store, dataset)?;
    meter.step(Step::Stage("completeness"));
    // All of them now: an incomplete store is found out before anything is created.
    let names = match options.mode {
        Mode::NoArtifacts => Vec::new(),
        _ => exporter.artifact_names()?.collect::<Result<Vec<_>, _>>()?,
    };
    let missing = rows::missing(&exporter, options.mode);
    meter.step(Step::Stage("row digests"));
    let (row_digests, findings) = rows::check(&exporter, options)?;
    let report = Report {
        records: 0,
        artifacts: 0,
        bytes: 0,
        block_height: found.unwrap_or_default(),
        mode: options.mode,
        dialect: match options.dialect {
            Dialect::Js => "js",
            Dialect::Go => "go",
        },
        genesis_hash: None,
        row_digests,
        findings,
        left_out: Vec::new(),
        missing,
        dataset: dataset.clone(),
    };
    let writer = DatasetWriter::create(dataset, options.dialect)?;
    let report = write(writer, &exporter, options, report, &names, meter).map_err(|source| Refusal::Unfinished {
        dataset: dataset.clone(),
        folder,
        source,
    })?;
    exporter.close()?;
    Ok(report)
}

fn write(
    mut writer: DatasetWriter,
    exporter: &Exporter,
    options: &Options,
    mut report: Report,
    names: &[String],
    meter: &Meter,
) -> Result<Report, SourceError> {
    if options.data == ExportData::All {
        let summary = match options.dialect {
            Dialect::Js => write_records(&mut writer, exporter.export_data(), meter)?,
            Dialect::Go => write_records(&mut writer, exporter.export_data_by_key(), meter)?,
        };
        report.records = summary.records;
        report.genesis_hash = summary.genesis_hash;
    }
    meter.expect_artifacts(names.len() as u64);
    for name in names {
        if options.mode == Mode::Debug
            && let Err(error) = read_through(exporter, name)
        {
            report.left_out.push(LeftOut { name: name.clone(), reason: error_chain(&*error) });
            continue;
        }
        let bytes = writer.artifact(name, &mut exporter.artifact(name)?)?;
        meter.step(Step::Artifact { name, bytes });
        report.artifacts += 1;
        report.bytes += bytes;
    }
    writer.finish(report.block_height, Some(options.mode))?;
    Ok(report)
}

/// Reads an artifact to its end, where it is known to be right: a file that was begun could not be taken back.
fn read_through(exporter: &Exporter, name: &str) -> Result<(), SourceError> {
    std::io::copy(&mut exporter.artifact(name)?, &mut std::io::sink())?;
    Ok(())
}

fn write_records(
    writer: &mut DatasetWriter,
    records: impl Iterator<Item = Result<Record, SubstoreError>>,
    meter: &Meter,
) -> Result<ExportDataSummary, SourceError> {
    let mut count = 0;
    let records = records.map(|record| {
        count += 1;
        if u64::is_multiple_of(count, RECORDS_PER_STEP) {
            meter.step(Step::Records(count));
        }
        record.map(|(key, value)| (key, Some(value)))
    });
    Ok(writer.export_data(records)?)
}

pub(crate) fn command(options: &Options, console: Console) -> Result<Exit> {
    let report = export(options, &Meter::stderr("export"))?;
    console.report(&report)?;
    Ok(if report.left_out.is_empty() && report.findings.is_empty() { Exit::Ok } else { Exit::FoundWrong })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.dataset.display())?;
        writeln!(f, "  block height  {}", self.block_height)?;
        writeln!(f, "  export data   {}", plural(self.records, "record"))?;
        writeln!(f, "  artifacts     {} ({}), mode {}", Grouped(self.artifacts), Bytes(self.bytes), self.mode)?;
        for LeftOut { name, reason } in &self.left_out {
            writeln!(f, "  left out      {name}: {reason}")?;
        }
        if let Some(missing) = self.missing.filter(|missing| missing.total() > 0) {
            writeln!(f, "  not there     {missing}, which a node needs")?;
        }
        for Finding { what, problem } in &self.findings {
            writeln!(f, "  damaged       {what}: {problem}")?;
        }
        if let Some(hash) = &self.genesis_hash {
            writeln!(f, "  genesis hash  {hash}")?;
        }
        match &self.row_digests {
            Digests::Contradicts if self.findings.is_empty() => writeln!(
                f,
                "key-value pairs were not checked: their digest is not kept up to date (`swing-store verify` tells more)"
            ),
            // Told above.
            Digests::Contradicts => Ok(()),
            digests => writeln!(f, "{digests}"),
        }
    }
}
