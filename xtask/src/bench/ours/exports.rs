//! A store as a whole: opened, exported, imported, verified.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Result, ensure};
use swing_core::ArtifactMode;
use swing_core::roles::{HostStorage as _, KvStore as _};
use swing_export::dataset::Dataset;
use swing_export::{ImportOptions, Step};
use swing_store::{SUBSTORES, StoreError, exporter};

use super::super::work::Figures;
use super::timing::{Moment, figures, nanos, open, options};

pub(super) fn parse_mode(text: &str) -> Result<ArtifactMode> {
    let mode = ArtifactMode::ALL.into_iter().find(|mode| mode.as_str() == text);
    mode.ok_or_else(|| anyhow::anyhow!("no artifact mode {text:?}"))
}

pub(super) fn opening(dir: &Path, rounds: u64) -> Result<Figures> {
    let mut all = 0.0;
    for round in 0..=rounds {
        let start = Moment::now();
        let mut store = open(dir)?;
        store.host().kv().get("host.height")?;
        if round > 0 {
            all += nanos(start.elapsed());
        }
        store.close()?;
    }
    Ok(figures([("open", all / rounds as f64)]))
}

pub(super) fn exporter_ready(dir: &Path, rounds: u64) -> Result<Figures> {
    let mut all = 0.0;
    for round in 0..=rounds {
        let start = Moment::now();
        let exporter = exporter(dir, ArtifactMode::Operational)?;
        exporter.host_kv("host.height")?;
        if round > 0 {
            all += nanos(start.elapsed());
        }
        exporter.close()?;
    }
    Ok(figures([("ready", all / rounds as f64)]))
}

pub(super) fn export_data(dir: &Path) -> Result<Figures> {
    let exporter = exporter(dir, ArtifactMode::Operational)?;
    let (mut records, mut bytes) = (0, 0);
    let start = Moment::now();
    for record in exporter.export_data() {
        let (key, value) = record?;
        records += 1;
        bytes += key.len() + value.len();
    }
    let all = nanos(start.elapsed());
    exporter.close()?;
    let records = f64::from(records);
    Ok(figures([("all", all), ("each", all / records), ("records", records), ("bytes", bytes as f64)]))
}

pub(super) fn full_export(dir: &Path, mode: &str) -> Result<Figures> {
    let start = Moment::now();
    let exporter = exporter(dir, parse_mode(mode)?)?;
    let mut bytes = 0;
    for record in exporter.export_data() {
        let (key, value) = record?;
        bytes += key.len() + value.len();
    }
    let mut room = vec![0; 65_536];
    for name in exporter.artifact_names()? {
        let mut artifact = exporter.artifact(&name?)?;
        loop {
            match artifact.read(&mut room)? {
                0 => break,
                more => bytes += more,
            }
        }
    }
    exporter.close()?;
    Ok(figures([("all", nanos(start.elapsed())), ("bytes", bytes as f64)]))
}

pub(super) fn import(dir: &Path, dataset: &Path, mode: &str) -> Result<Figures> {
    let start = Moment::now();
    let dataset = Dataset::open(dataset)?;
    let how = ImportOptions { mode: parse_mode(mode)?, ..ImportOptions::default() };
    let mut imported = swing_store::import(&dataset, dir, how, options(), &mut |_| {})?;
    imported.host_kv().set("host.height", "17")?;
    imported.commit().map_err(StoreError::from)?.close()?;
    Ok(figures([("all", nanos(start.elapsed()))]))
}

pub(super) fn verify(dir: &Path) -> Result<Figures> {
    let exporter = exporter(dir, ArtifactMode::Debug)?;
    let (mut stages, mut last) = (Vec::new(), (String::new(), Moment::now()));
    let (start, processor) = (Moment::now(), Moment::of_processor());
    let report = swing_export::verify(exporter.read(), SUBSTORES, None, &mut |step: Step<'_>| {
        if let Step::Stage(name) = step {
            let before = std::mem::replace(&mut last, (format!("in {name}"), Moment::now()));
            stages.push((before.0, nanos(before.1.elapsed())));
        }
    })?;
    stages.push((last.0, nanos(last.1.elapsed())));
    let (all, processor) = (nanos(start.elapsed()), nanos(processor.elapsed()));
    ensure!(report.findings.is_empty(), "{:?}", report.findings);
    exporter.close()?;
    let bytes = super::raw_import::content(dir)?;
    let a_megabyte = processor * 1e6 / bytes;
    let mut measured = figures([
        ("all", all),
        ("records", report.records as f64),
        ("bytes", bytes),
        ("processor", processor),
        ("megabyte", a_megabyte),
    ]);
    measured.extend(stages.into_iter().filter(|(name, _)| !name.is_empty()));
    Ok(measured)
}
