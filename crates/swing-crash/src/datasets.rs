//! What leaves a store: datasets, digests of exports, archives; and whether they are whole.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use fs_err as fs;
use serde_json::Value;
use swing_core::ArtifactMode;
use swing_export::dataset::{Dataset, DatasetWriter, Dialect, Mode};
use swing_store::exporter;

use crate::dump::Dump;

/// Exports the last commit of the store in `dir` as a dataset.
pub(crate) fn write_dataset(dir: &Path, dataset: &Path) -> Result<()> {
    let exporter = exporter(dir, ArtifactMode::Archival)?;
    let height = exporter.host_kv("host.height")?.map_or(Ok(0), |height| height.parse())?;
    let names = exporter.artifact_names()?.collect::<Result<Vec<_>, _>>()?;
    let mut writer = DatasetWriter::create(dataset, Dialect::Js)?;
    writer.export_data(exporter.export_data().map(|record| record.map(|(key, value)| (key, Some(value)))))?;
    for name in names {
        writer.artifact(&name, &mut exporter.artifact(&name)?)?;
    }
    writer.finish(height, Some(Mode::Archival))?;
    Ok(exporter.close()?)
}

/// The height that an export pins, and a digest over everything it hands out.
pub(crate) fn export_digest(dir: &Path) -> Result<(u64, String)> {
    let exporter = exporter(dir, ArtifactMode::Operational)?;
    let height = exporter.host_kv("host.height")?.map_or(Ok(0), |height| height.parse())?;
    let mut text = Vec::new();
    for record in exporter.export_data() {
        let (key, value) = record?;
        writeln!(text, "{}", serde_json::to_string(&(key, value))?)?;
    }
    let names = exporter.artifact_names()?.collect::<Result<Vec<_>, _>>()?;
    for name in names {
        writeln!(text, "{name}")?;
        std::io::copy(&mut exporter.artifact(&name)?, &mut text)?;
    }
    exporter.close()?;
    Ok((height, swing_core::Digest::of(&text).to_string()))
}

/// A dataset is whole, or says that it is not, which one that was acknowledged may not.
pub(crate) fn check_dataset(folder: &Path, acknowledged: bool) -> Result<()> {
    match Dataset::open(folder) {
        Ok(dataset) => {
            for name in dataset.artifact_names() {
                std::io::copy(&mut dataset.artifact(name)?, &mut std::io::sink())?;
            }
            let records = dataset.records()?.collect::<Result<Vec<_>, _>>()?;
            ensure!(!records.is_empty(), "the dataset has no records");
            Ok(())
        }
        Err(error) if acknowledged => Err(error).context("an acknowledged dataset"),
        Err(_) => Ok(()),
    }
}

/// The first closed span or snapshot of the store that is not in the archive, complete.
pub(crate) fn missing_in_archive(dump: &Dump, archive: &Path) -> Result<Option<String>> {
    for line in dump.lines() {
        let row: Value = serde_json::from_str(line)?;
        let name = match row[0].as_str() {
            Some("transcriptSpans") if row[5].is_null() => {
                format!("transcript.{}.{}.{}.gz", row[1].as_str().unwrap_or_default(), row[2], row[3])
            }
            Some("snapshots") => format!("snapshot.{}.{}.gz", row[1].as_str().unwrap_or_default(), row[2]),
            _ => continue,
        };
        let Ok(file) = fs::File::open(archive.join(&name)) else { return Ok(Some(name)) };
        let read = std::io::copy(&mut flate2::read::MultiGzDecoder::new(file), &mut std::io::sink());
        if read.is_err() {
            return Ok(Some(format!("{name} (whole)")));
        }
    }
    Ok(None)
}
