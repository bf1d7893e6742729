//! Reading a dataset.

use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use fs_err::File;

use super::dialect::Dialect;
use super::error::{DatasetError, ManifestError};
use super::folder;
use super::manifest::{MANIFEST_FILE_NAME, MAX_MANIFEST_BYTES, Manifest};
use super::mode::Mode;
use super::records::ExportDataReader;

const DATA_BUFFER_BYTES: usize = 128 << 10;

/// A complete dataset in a folder: its manifest was read, and every file it names is there.
///
/// Files are looked for inside the folder only. A link is followed if it stays inside.
#[derive(Debug)]
pub struct Dataset {
    folder: PathBuf,
    root: PathBuf,
    manifest: Manifest,
    dialect: Dialect,
    block_height: u64,
    /// The artifacts in the order of their names.
    by_name: Vec<usize>,
}

impl Dataset {
    /// Opens the dataset in `folder`.
    ///
    /// # Errors
    ///
    /// [`NoManifest`](DatasetError::NoManifest), [`AbortedExport`](DatasetError::AbortedExport) for an empty manifest,
    /// [`BadManifest`](DatasetError::BadManifest), [`NoBlockHeight`](DatasetError::NoBlockHeight) for one in the
    /// JavaScript dialect without height, [`MissingFile`](DatasetError::MissingFile),
    /// [`LeadsOutside`](DatasetError::LeadsOutside), [`NotAFile`](DatasetError::NotAFile), [`Io`](DatasetError::Io).
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, DatasetError> {
        let folder = folder.into();
        let path = folder.join(MANIFEST_FILE_NAME);
        let root = match fs_err::canonicalize(&folder) {
            Ok(root) => root,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(DatasetError::NoManifest { path }),
            Err(error) => return Err(DatasetError::io(&folder, "find the dataset folder")(error)),
        };
        let target = folder::resolve(&folder, &root, MANIFEST_FILE_NAME).map_err(|error| match error {
            DatasetError::MissingFile { path } => DatasetError::NoManifest { path },
            other => other,
        })?;
        let (manifest, dialect) = match Manifest::parse(&read_manifest(&target)?) {
            Ok(parsed) => parsed,
            Err(ManifestError::Empty) => return Err(DatasetError::AbortedExport { path }),
            Err(source) => return Err(DatasetError::BadManifest { path, source }),
        };
        let block_height = match (manifest.block_height, dialect) {
            (Some(height), _) => height,
            (None, Dialect::Go) => 0,
            (None, Dialect::Js) => return Err(DatasetError::NoBlockHeight { path }),
        };
        for name in manifest.files() {
            folder::resolve(&folder, &root, name)?;
        }
        let mut by_name: Vec<_> = (0..manifest.artifacts.len()).collect();
        by_name.sort_unstable_by_key(|at| manifest.artifacts.get(*at));
        Ok(Self { folder, root, manifest, dialect, block_height, by_name })
    }

    /// The manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The dialect the manifest most likely was written in.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The block height; 0 where Go left it out, which it also does in a genesis export of any height.
    #[must_use]
    pub fn block_height(&self) -> u64 {
        self.block_height
    }

    /// The artifacts' names, in the manifest's order.
    pub fn artifact_names(&self) -> impl Iterator<Item = &str> {
        self.manifest.artifacts.iter().map(|(name, _)| name)
    }

    /// Starts reading the export data, from the first record.
    ///
    /// # Errors
    ///
    /// [`NoExportData`](DatasetError::NoExportData), and those of finding and opening the file.
    pub fn records(&self) -> Result<ExportDataReader<BufReader<File>>, DatasetError> {
        let Some(name) = &self.manifest.data else {
            return Err(DatasetError::NoExportData { path: self.manifest_path() });
        };
        let file = self.open_file(name)?;
        Ok(ExportDataReader::new(self.folder.join(name), BufReader::with_capacity(DATA_BUFFER_BYTES, file)))
    }

    /// Starts reading the artifact `name`, from its first byte. Nothing about its content is checked.
    ///
    /// # Errors
    ///
    /// [`UnknownArtifact`](DatasetError::UnknownArtifact), and those of finding and opening the file.
    pub fn artifact(&self, name: &str) -> Result<impl Read + use<>, DatasetError> {
        let artifacts = &self.manifest.artifacts;
        let known = |at: &usize| artifacts.get(*at);
        let found = self.by_name.binary_search_by_key(&Some(name), |at| known(at).map(|(name, _)| name));
        let Some((_, file_name)) = found.ok().and_then(|found| known(&self.by_name[found])) else {
            return Err(DatasetError::UnknownArtifact { path: self.manifest_path(), name: name.to_owned() });
        };
        self.open_file(file_name)
    }

    /// Checks that the dataset holds enough for an import in mode `asked`, see [`Mode::is_covered_by`].
    ///
    /// # Errors
    ///
    /// [`TooFewArtifacts`](DatasetError::TooFewArtifacts).
    pub fn check_mode(&self, asked: Mode) -> Result<(), DatasetError> {
        match self.manifest.artifact_mode {
            Some(has) if !asked.is_covered_by(Some(has)) => {
                Err(DatasetError::TooFewArtifacts { path: self.manifest_path(), asked, has })
            }
            _ => Ok(()),
        }
    }

    /// Checks that the dataset is of the block height `expected`, if one is expected; 0 counts as one.
    ///
    /// # Errors
    ///
    /// [`OtherBlockHeight`](DatasetError::OtherBlockHeight).
    pub fn check_block_height(&self, expected: Option<u64>) -> Result<(), DatasetError> {
        match expected {
            Some(expected) if expected != self.block_height => {
                Err(DatasetError::OtherBlockHeight { path: self.manifest_path(), expected, found: self.block_height })
            }
            _ => Ok(()),
        }
    }

    /// Checks all that a full import needs, and returns the mode to import in: `asked`, or else the manifest's own, or
    /// else operational. This is what `import-kernel-db.js` checks before it imports.
    ///
    /// # Errors
    ///
    /// [`NoExportData`](DatasetError::NoExportData), [`NoArtifacts`](DatasetError::NoArtifacts),
    /// [`TooFewArtifacts`](DatasetError::TooFewArtifacts).
    pub fn check_import(&self, asked: Option<Mode>) -> Result<Mode, DatasetError> {
        let mode = asked.or(self.manifest.artifact_mode).unwrap_or(Mode::Operational);
        if self.manifest.data.is_none() {
            return Err(DatasetError::NoExportData { path: self.manifest_path() });
        }
        if self.manifest.artifacts.is_empty() || mode == Mode::NoArtifacts {
            let listed = self.manifest.artifacts.len();
            return Err(DatasetError::NoArtifacts { path: self.manifest_path(), listed });
        }
        self.check_mode(mode)?;
        Ok(mode)
    }

    fn manifest_path(&self) -> PathBuf {
        self.folder.join(MANIFEST_FILE_NAME)
    }

    fn open_file(&self, name: &str) -> Result<File, DatasetError> {
        let target = folder::resolve(&self.folder, &self.root, name)?;
        File::open(&target).map_err(DatasetError::io(&target, "open a file of the dataset"))
    }
}

fn read_manifest(path: &Path) -> Result<Vec<u8>, DatasetError> {
    let file = File::open(path).map_err(DatasetError::io(path, "open the manifest"))?;
    let mut bytes = Vec::new();
    // One byte beyond the limit, for the parser to see that it is passed.
    let read = file.take(MAX_MANIFEST_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(DatasetError::io(path, "read the manifest"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
