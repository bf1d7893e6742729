//! Writing a dataset.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use fs_err::File;

use super::dialect::Dialect;
use super::error::{BoxError, DatasetError, ManifestError};
use super::export_data::{ExportDataSummary, ExportDataWriter};
use super::file_name::{check_artifact_name, check_own_file_name};
use super::folder;
use super::manifest::{EXPORT_DATA_FILE_NAME, MANIFEST_FILE_NAME, Manifest};
use super::mode::Mode;

/// Where the manifest is written before it replaces the empty one.
const MANIFEST_TMP_FILE_NAME: &str = "export-manifest.json.tmp";

const COPY_BUFFER_BYTES: usize = 128 << 10;

/// Writes a dataset into a folder: first the empty manifest, then export data and artifacts, at last the manifest.
///
/// Every file is synced before the manifest is, and the manifest replaces the empty one in one step. So whatever happens,
/// the folder holds either a complete dataset or an empty manifest, the mark of an aborted export; dropping the writer
/// leaves that mark, and so does finishing it after any step failed. Existing files are never overwritten.
#[derive(Debug)]
#[must_use = "a dataset that is not finished is an aborted export"]
pub struct DatasetWriter {
    folder: PathBuf,
    dialect: Dialect,
    manifest: Manifest,
    hasher: RandomState,
    /// Hashes of the artifacts' names: where one is not among them the name is new. The names themselves are in the manifest.
    hashes: HashSet<u64>,
    copy_buffer: Vec<u8>,
    failed: bool,
}

impl DatasetWriter {
    /// Claims the folder by creating its manifest; creates the folder and its parents where absent.
    ///
    /// # Errors
    ///
    /// [`ManifestExists`](DatasetError::ManifestExists), [`AbortedExport`](DatasetError::AbortedExport),
    /// [`Io`](DatasetError::Io).
    pub fn create(folder: impl Into<PathBuf>, dialect: Dialect) -> Result<Self, DatasetError> {
        let folder = folder.into();
        folder::create(&folder)?;
        let path = folder.join(MANIFEST_FILE_NAME);
        match File::create_new(&path) {
            Ok(manifest) => manifest.sync_all().map_err(DatasetError::io(&path, "sync the manifest"))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let is_empty = fs_err::metadata(&path).is_ok_and(|metadata| metadata.len() == 0);
                return Err(if is_empty {
                    DatasetError::AbortedExport { path }
                } else {
                    DatasetError::ManifestExists { path }
                });
            }
            Err(error) => return Err(DatasetError::io(&path, "create the manifest")(error)),
        }
        folder::sync(&folder)?;
        Ok(Self {
            folder,
            dialect,
            manifest: Manifest::default(),
            hasher: RandomState::new(),
            hashes: HashSet::new(),
            copy_buffer: vec![0; COPY_BUFFER_BYTES],
            failed: false,
        })
    }

    /// Writes the export data; at most once, and not at all for a dataset without it.
    ///
    /// In the Go dialect the records must ascend by key bytes, see [`ExportDataWriter`].
    ///
    /// # Errors
    ///
    /// [`RecordSource`](DatasetError::RecordSource) for an error among the records,
    /// [`EmptyKey`](DatasetError::EmptyKey), [`OutOfOrder`](DatasetError::OutOfOrder),
    /// [`ExportDataTwice`](DatasetError::ExportDataTwice), [`FailedEarlier`](DatasetError::FailedEarlier),
    /// [`Io`](DatasetError::Io). After any of them the dataset cannot be finished.
    pub fn export_data<K, V, E>(
        &mut self,
        records: impl IntoIterator<Item = Result<(K, Option<V>), E>>,
    ) -> Result<ExportDataSummary, DatasetError>
    where
        K: AsRef<str>,
        V: AsRef<str>,
        E: Into<BoxError>,
    {
        self.step(|this| {
            let path = this.folder.join(EXPORT_DATA_FILE_NAME);
            if this.manifest.data.is_some() {
                return Err(DatasetError::ExportDataTwice { path });
            }
            let file = create_file(&path)?;
            let mut writer = ExportDataWriter::new(this.dialect, &path, BufWriter::new(file));
            for record in records {
                let (key, value) =
                    record.map_err(|error| DatasetError::RecordSource { path: path.clone(), source: error.into() })?;
                writer.write(key.as_ref(), value.as_ref().map(V::as_ref))?;
            }
            let (file, summary) = writer.finish()?;
            sync_file(file.get_ref(), &path)?;
            this.manifest.data = Some(EXPORT_DATA_FILE_NAME.to_owned());
            Ok(summary)
        })
    }

    /// Writes one artifact and returns its size in bytes.
    ///
    /// # Errors
    ///
    /// [`BadManifest`](DatasetError::BadManifest) for a name that is taken or cannot name a file,
    /// [`ArtifactSource`](DatasetError::ArtifactSource) if `bytes` fails,
    /// [`FailedEarlier`](DatasetError::FailedEarlier), [`Io`](DatasetError::Io). After any of them the dataset cannot be
    /// finished.
    pub fn artifact(&mut self, name: &str, bytes: &mut dyn Read) -> Result<u64, DatasetError> {
        self.step(|this| {
            let path = this.add_artifact(name)?;
            let mut file = create_file(&path)?;
            let size = copy(bytes, &mut file, &mut this.copy_buffer, &path)?;
            sync_file(&file, &path)?;
            Ok(size)
        })
    }

    /// Writes the manifest, which completes the dataset, and returns it.
    ///
    /// `mode` is left out if absent, and always in the Go dialect. When this returns, all of the dataset is durable.
    ///
    /// # Errors
    ///
    /// [`FailedEarlier`](DatasetError::FailedEarlier), [`BadManifest`](DatasetError::BadManifest) for a block height above
    /// 2^53 − 1, [`Io`](DatasetError::Io). The manifest then is still empty, unless only the very last sync failed.
    pub fn finish(mut self, block_height: u64, mode: Option<Mode>) -> Result<Manifest, DatasetError> {
        self.step(|this| {
            this.manifest.block_height = Some(block_height);
            this.manifest.artifact_mode = mode;
            // All names were checked when they came.
            this.manifest.check_height().map_err(|source| this.bad_manifest(source))?;
            this.publish()
        })?;
        Ok(self.manifest)
    }

    /// Runs one step, unless an earlier one failed; remembers if this one does.
    fn step<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T, DatasetError>) -> Result<T, DatasetError> {
        if self.failed {
            return Err(DatasetError::FailedEarlier { path: self.folder.clone() });
        }
        // Also if `run` panics, in a reader that is not ours.
        self.failed = true;
        let done = run(self);
        self.failed = done.is_err();
        done
    }

    /// Enters the artifact into the manifest to be, if its names will do, and returns where its bytes go.
    fn add_artifact(&mut self, name: &str) -> Result<PathBuf, DatasetError> {
        let file_name = self.dialect.file_name(self.manifest.artifacts.len(), name);
        let checked = check_artifact_name(name).and_then(|()| check_own_file_name(&file_name)).and_then(|()| {
            if [MANIFEST_FILE_NAME, MANIFEST_TMP_FILE_NAME, EXPORT_DATA_FILE_NAME].contains(&&*file_name) {
                return Err(ManifestError::DuplicateFile { file_name: file_name.clone() });
            }
            let is_new = self.hashes.insert(self.hasher.hash_one(name));
            if !is_new && self.manifest.artifacts.iter().any(|(taken, _)| taken == name) {
                return Err(ManifestError::DuplicateArtifact { name: name.to_owned() });
            }
            Ok(())
        });
        checked.map_err(|source| self.bad_manifest(source))?;
        let path = self.folder.join(&file_name);
        self.manifest.artifacts.push(name, &file_name);
        Ok(path)
    }

    fn bad_manifest(&self, source: ManifestError) -> DatasetError {
        DatasetError::BadManifest { path: self.folder.join(MANIFEST_FILE_NAME), source }
    }

    /// Replaces the empty manifest by the real one, once everything it names is durable.
    fn publish(&self) -> Result<(), DatasetError> {
        folder::sync(&self.folder)?;
        let path = self.folder.join(MANIFEST_FILE_NAME);
        let tmp_path = self.folder.join(MANIFEST_TMP_FILE_NAME);
        let mut tmp = BufWriter::new(create_file(&tmp_path)?);
        let written = self.manifest.write_json(self.dialect, &mut tmp).and_then(|()| tmp.flush());
        written.map_err(DatasetError::io(&tmp_path, "write the manifest"))?;
        sync_file(tmp.get_ref(), &tmp_path)?;
        fs_err::rename(&tmp_path, &path).map_err(DatasetError::io(&path, "put the manifest in place"))?;
        folder::sync(&self.folder)
    }
}

fn create_file(path: &Path) -> Result<File, DatasetError> {
    File::create_new(path).map_err(DatasetError::io(path, "create a file of the dataset"))
}

fn sync_file(file: &File, path: &Path) -> Result<(), DatasetError> {
    file.sync_all().map_err(DatasetError::io(path, "sync a file of the dataset"))
}

/// Copies all of `bytes`, telling a failing source from a failing file.
fn copy(bytes: &mut dyn Read, file: &mut File, buffer: &mut [u8], path: &Path) -> Result<u64, DatasetError> {
    let mut size = 0;
    loop {
        let read = match bytes.read(buffer) {
            Ok(0) => return Ok(size),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(DatasetError::ArtifactSource { path: path.to_owned(), source }),
        };
        file.write_all(&buffer[..read]).map_err(DatasetError::io(path, "write a file of the dataset"))?;
        size += read as u64;
    }
}

#[cfg(test)]
mod tests;
