//! What two archives hold.

use std::path::Path;

use anyhow::{Context as _, Result};
use fs_err as fs;
use serde_json::{Map, Value};

use super::transfer::content_digest;

/// The files of an archive and the SHA-256 of what each holds; empty if there is none.
pub(crate) fn contents(dir: &Path) -> Result<Value> {
    let mut contents = Map::new();
    if dir.exists() {
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let digest = content_digest(&fs::read(&path)?).with_context(|| format!("archived {name}"))?;
            contents.insert(name, digest.into());
        }
    }
    Ok(contents.into())
}
