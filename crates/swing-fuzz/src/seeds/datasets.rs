//! The datasets among the fixtures.

use std::path::Path;

use anyhow::Result;
use fs_err as fs;
use serde_json::Value;

use crate::import::MARK;

/// A dataset, as its files are.
pub(super) struct Files {
    pub(super) manifest: Vec<u8>,
    pub(super) lines: Vec<u8>,
    pub(super) artifacts: Vec<(String, Vec<u8>)>,
}

impl Files {
    fn read(folder: &Path) -> Result<Self> {
        let manifest = fs::read(folder.join("export-manifest.json"))?;
        let listed: Value = serde_json::from_slice(&manifest)?;
        let mut artifacts = Vec::new();
        for artifact in listed["artifacts"].as_array().into_iter().flatten() {
            let text = |at: usize| artifact[at].as_str().unwrap_or_default().to_owned();
            artifacts.push((text(0), fs::read(folder.join(text(1)))?));
        }
        Ok(Self { manifest, lines: fs::read(folder.join("export-data.jsonl"))?, artifacts })
    }

    /// As `import_whole` takes it.
    pub(super) fn framed(&self) -> Vec<u8> {
        let pieces = self.artifacts.iter().flat_map(|(name, bytes)| [MARK, name.as_bytes(), MARK, bytes]);
        std::iter::once(&self.lines[..]).chain(pieces).flatten().copied().collect()
    }
}

/// All of them, of both dialects.
pub(super) fn all(fixtures: &Path) -> Result<Vec<Files>> {
    let mut all = Vec::new();
    for fixture in sorted(fixtures)? {
        for dialect in ["dataset-js", "dataset-go"] {
            let folder = fixture.join(dialect);
            if folder.is_dir() {
                for mode in sorted(&folder)? {
                    all.push(Files::read(&mode)?);
                }
            }
        }
    }
    Ok(all)
}

fn sorted(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let mut found = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    found.sort();
    Ok(found)
}

fn records(files: &Files) -> Vec<Vec<Value>> {
    let lines = files.lines.split(|byte| *byte == b'\n');
    lines.filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

/// The keys of its records.
pub(super) fn keys(files: &Files) -> Vec<Vec<u8>> {
    records(files).iter().filter_map(|record| Some(record.first()?.as_str()?.as_bytes().to_vec())).collect()
}

/// The texts of its records.
pub(super) fn texts(files: &Files) -> Vec<Vec<u8>> {
    records(files).iter().filter_map(|record| Some(record.get(1)?.as_str()?.as_bytes().to_vec())).collect()
}
