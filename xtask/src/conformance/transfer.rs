//! Our whole store in and out, as the driver words it: dumps, exports, imports, datasets.

use std::io::Read as _;
use std::path::Path;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::MultiGzDecoder;
use serde_json::{Map, Value, json};
use swing_core::roles::KvStore as _;
use swing_core::{ArtifactMode, Digest};
use swing_export::dataset::{Dataset, DatasetWriter, Dialect, Mode};
use swing_export::{ExportSource, ImportOptions};
use swing_store::{Dump, Options, StoreError};

pub(crate) const HOST_HEIGHT: &str = "host.height";

/// The object that `getBundle` makes of a zip file.
pub(crate) fn zip_object(sha512: &str, zip: &[u8]) -> Value {
    json!({
        "moduleFormat": "endoZipBase64",
        "endoZipBase64Sha512": sha512,
        "endoZipBase64": STANDARD.encode(zip),
    })
}

/// SHA-256 of what a gzip holds.
pub(crate) fn content_digest(gzip: &[u8]) -> Result<String> {
    let mut raw = Vec::new();
    MultiGzDecoder::new(gzip).read_to_end(&mut raw)?;
    Ok(Digest::of(&raw).to_string())
}

pub(crate) fn dump(dump: Dump) -> Result<Value> {
    let Dump { kv_entries, transcripts, snapshots, bundles } = dump;
    let transcripts = transcripts.into_iter().map(|(vat, items)| {
        let items: Map<_, _> = items.into_iter().map(|(at, item)| (at.to_string(), item.into())).collect();
        (vat.to_string(), Value::from(items))
    });
    let mut saved = Map::new();
    for (vat, list) in snapshots {
        let mut rows = Vec::new();
        for snapshot in list {
            rows.push(json!({
                "snapPos": snapshot.position.get(),
                "hash": snapshot.hash.to_string(),
                "inUse": u8::from(snapshot.in_use),
                "compressedSnapshot": snapshot.compressed.as_deref().map(content_digest).transpose()?,
            }));
        }
        saved.insert(vat.to_string(), rows.into());
    }
    let bundles = bundles.into_iter().map(|(id, bytes)| (id.to_string(), bytes.map(|it| STANDARD.encode(it)).into()));
    Ok(json!({
        "kvEntries": kv_entries,
        "transcripts": transcripts.collect::<Map<_, _>>(),
        "snapshots": saved,
        "bundles": bundles.collect::<Map<_, _>>(),
    }))
}

/// What the store in `dir` exports: data, names, and size and SHA-256 of each artifact.
pub(crate) fn export(dir: &Path, mode: ArtifactMode) -> Result<Value> {
    let exporter = swing_store::exporter(dir, mode)?;
    let names = exporter.artifact_names()?.collect::<Result<Vec<_>, _>>()?;
    let mut artifacts = Map::new();
    for name in &names {
        let mut bytes = Vec::new();
        exporter.artifact(name)?.read_to_end(&mut bytes)?;
        artifacts.insert(name.clone(), json!([bytes.len(), Digest::of(&bytes).to_string()]));
    }
    let data = exporter.export_data().collect::<Result<Vec<_>, _>>()?;
    exporter.close()?;
    Ok(json!({"data": data, "names": names, "artifacts": artifacts}))
}

/// Writes the last commit of the store in `dir` as a dataset.
pub(crate) fn write_dataset(dir: &Path, mode: ArtifactMode, dialect: Dialect, dataset: &Path) -> Result<()> {
    let exporter = swing_store::exporter(dir, mode)?;
    let height = exporter.host_kv(HOST_HEIGHT)?.and_then(|height| height.parse().ok()).unwrap_or_default();
    let names = exporter.artifact_names()?.collect::<Result<Vec<_>, _>>()?;
    let mut writer = DatasetWriter::create(dataset, dialect)?;
    let with_value = |record: Result<(String, String), _>| record.map(|(key, value)| (key, Some(value)));
    match dialect {
        Dialect::Js => writer.export_data(exporter.export_data().map(with_value))?,
        Dialect::Go => writer.export_data(exporter.export_data_by_key().map(with_value))?,
    };
    for name in &names {
        writer.artifact(name, &mut exporter.artifact(name)?)?;
    }
    let mode = match mode {
        ArtifactMode::Operational => Mode::Operational,
        ArtifactMode::Replay => Mode::Replay,
        ArtifactMode::Archival => Mode::Archival,
        ArtifactMode::Debug => Mode::Debug,
    };
    writer.finish(height, Some(mode))?;
    Ok(exporter.close()?)
}

pub(crate) fn import_dataset(dataset: &Path, to: &Path, taken: ArtifactMode) -> Result<()> {
    let dataset = Dataset::open(dataset)?;
    // As the driver does it: what the manifest does not say is not set.
    let height = dataset.manifest().block_height.map(|height| height.to_string());
    import(&dataset, to, taken, height.as_deref())
}

pub(crate) fn import_store(from: &Path, offered: ArtifactMode, to: &Path, taken: ArtifactMode) -> Result<()> {
    let exporter = swing_store::exporter(from, offered)?;
    let height = exporter.host_kv(HOST_HEIGHT)?;
    import(&exporter, to, taken, height.as_deref())?;
    Ok(exporter.close()?)
}

fn import(source: &dyn ExportSource, to: &Path, mode: ArtifactMode, height: Option<&str>) -> Result<()> {
    let options = ImportOptions { mode, ..ImportOptions::default() };
    let mut imported = swing_store::import(source, to, options, Options::default(), &mut |_| ())?;
    if let Some(height) = height {
        imported.host_kv().set(HOST_HEIGHT, height)?;
    }
    Ok(imported.commit().map_err(StoreError::from)?.close()?)
}
