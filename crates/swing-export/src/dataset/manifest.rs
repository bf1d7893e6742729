//! The manifest: what a dataset holds, and its text in each dialect.

use std::collections::HashSet;
use std::io::{self, Write};

use serde::Serialize;

use super::dialect::{AsGo, Dialect};
use super::error::ManifestError;
use super::file_name::{check_artifact_name, check_file_name};
use super::mode::Mode;

mod artifacts;
mod parse;

pub use artifacts::Artifacts;

/// The manifest's file name, agreed upon by both tools.
pub const MANIFEST_FILE_NAME: &str = "export-manifest.json";

/// The name both tools give to the file of export data.
pub const EXPORT_DATA_FILE_NAME: &str = "export-data.jsonl";

/// The longest manifest that is read, in bytes: room for half a million artifacts.
pub const MAX_MANIFEST_BYTES: u64 = 64 << 20;

/// The greatest block height: JavaScript holds no greater integer exactly.
const MAX_BLOCK_HEIGHT: u64 = (1 << 53) - 1;

/// What `export-manifest.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    /// The block the export is of. JavaScript always writes one, 0 for a store that has none; Go leaves 0 out.
    pub block_height: Option<u64>,
    /// How much the artifacts cover. Go never says.
    pub artifact_mode: Option<Mode>,
    /// The name of the file of export data, if the export includes it.
    pub data: Option<String>,
    /// Each artifact's name and file name, in the order written.
    pub artifacts: Artifacts,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsManifest<'a> {
    block_height: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_mode: Option<&'static str>,
    artifacts: &'a Artifacts,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GoManifest<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    block_height: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a str>,
    artifacts: Option<&'a Artifacts>,
}

impl Manifest {
    /// Reads a manifest in either dialect, and tells in which it most likely was written.
    ///
    /// Strict where the tools are lax: no field twice, no wrong type, no name twice, no file name that could leave the
    /// folder, no field that only Go would take for one it knows (it ignores case). Unknown fields are skipped, as both
    /// tools do. The guess is JavaScript if there is an `artifactMode` or if `artifacts` stand before `data`, else Go.
    ///
    /// # Errors
    ///
    /// Every variant of [`ManifestError`], by what is wrong.
    pub fn parse(bytes: &[u8]) -> Result<(Self, Dialect), ManifestError> {
        let (manifest, dialect) = parse::parse(bytes)?;
        manifest.check()?;
        Ok((manifest, dialect))
    }

    /// Writes the manifest's text, to the byte what the dialect's tool writes; no final newline.
    ///
    /// JavaScript: `blockHeight` (0 if none), `artifactMode`, `artifacts`, `data`. Go: `blockHeight` unless 0, `data`,
    /// `artifacts` (`null` if none); it knows no mode. Absent fields are left out.
    ///
    /// # Errors
    ///
    /// Those of `out`, which gets it in small pieces.
    pub fn write_json(&self, dialect: Dialect, out: impl Write) -> io::Result<()> {
        let written = match dialect {
            Dialect::Js => serde_json::to_writer_pretty(
                out,
                &JsManifest {
                    block_height: self.block_height.unwrap_or(0),
                    artifact_mode: self.artifact_mode.map(Mode::as_str),
                    artifacts: &self.artifacts,
                    data: self.data.as_deref(),
                },
            ),
            Dialect::Go => serde_json::to_writer_pretty(
                AsGo(out),
                &GoManifest {
                    block_height: self.block_height.filter(|height| *height != 0),
                    data: self.data.as_deref().filter(|data| !data.is_empty()),
                    artifacts: Some(&self.artifacts).filter(|artifacts| !artifacts.is_empty()),
                },
            ),
        };
        Ok(written?)
    }

    /// The manifest's text, as [`Manifest::write_json`] writes it.
    #[must_use]
    pub fn to_json(&self, dialect: Dialect) -> String {
        let mut text = Vec::new();
        self.write_json(dialect, &mut text).expect("memory takes it, and nothing in it could fail to serialize");
        String::from_utf8(text).expect("JSON of strings is text")
    }

    /// The names of all files that the dataset consists of, but the manifest's own.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.data.as_deref().into_iter().chain(self.artifacts.iter().map(|(_, file_name)| file_name))
    }

    /// Accepts what a reader must: names fit to use, none twice, a height that fits.
    fn check(&self) -> Result<(), ManifestError> {
        self.check_height()?;
        let mut names = HashSet::new();
        let mut files = HashSet::from([MANIFEST_FILE_NAME]);
        for file_name in self.files() {
            check_file_name(file_name)?;
            if !files.insert(file_name) {
                return Err(ManifestError::DuplicateFile { file_name: file_name.to_owned() });
            }
        }
        for (name, _) in self.artifacts.iter() {
            check_artifact_name(name)?;
            if !names.insert(name) {
                return Err(ManifestError::DuplicateArtifact { name: name.to_owned() });
            }
        }
        Ok(())
    }

    pub(super) fn check_height(&self) -> Result<(), ManifestError> {
        match self.block_height.filter(|height| *height > MAX_BLOCK_HEIGHT) {
            Some(height) => Err(ManifestError::HeightTooLarge { height }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
