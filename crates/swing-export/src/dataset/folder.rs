//! The folder a dataset lies in: finding a file in it, and making it last.

use std::io;
use std::path::{Path, PathBuf};

use super::error::DatasetError;

/// Returns where the file `name` really lies: a regular file in the folder, whatever links there are in between.
///
/// `root` is the folder's canonical path. The name must have passed `check_file_name`.
pub(super) fn resolve(folder: &Path, root: &Path, name: &str) -> Result<PathBuf, DatasetError> {
    let path = folder.join(name);
    let target = match fs_err::canonicalize(&path) {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(DatasetError::MissingFile { path }),
        Err(error) => return Err(DatasetError::io(&path, "find a file of the dataset")(error)),
    };
    if !target.starts_with(root) {
        return Err(DatasetError::LeadsOutside { path, target });
    }
    // Asked before it is opened: opening a named pipe would wait for its writer.
    let metadata = fs_err::metadata(&target).map_err(DatasetError::io(&path, "find a file of the dataset"))?;
    if !metadata.is_file() {
        return Err(DatasetError::NotAFile { path });
    }
    Ok(target)
}

/// Creates the folder and its parents where absent, each recorded durably in its own parent.
pub(super) fn create(folder: &Path) -> Result<(), DatasetError> {
    let absent = absent(folder);
    fs_err::create_dir_all(folder).map_err(DatasetError::io(folder, "create the dataset folder"))?;
    absent.into_iter().filter_map(Path::parent).try_for_each(sync)
}

/// The folder and those of its parents that are not there, innermost first.
fn absent(folder: &Path) -> Vec<&Path> {
    folder.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists()).collect()
}

/// Makes the folder's entries durable.
pub(super) fn sync(folder: &Path) -> Result<(), DatasetError> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    // Windows opens no folder as a file, and needs none of this.
    if cfg!(unix) {
        let opened = fs_err::File::open(folder).map_err(DatasetError::io(folder, "open the dataset folder"))?;
        opened.sync_all().map_err(DatasetError::io(folder, "sync the dataset folder"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_to_be_created_ends_with_what_is_there_or_where_we_are() {
        let dir = tempfile::tempdir().unwrap();
        assert!(absent(dir.path()).is_empty());
        let (new, newer) = (dir.path().join("new"), dir.path().join("new/er"));
        assert_eq!(absent(&newer), [&*newer, &*new]);
        assert_eq!(absent(Path::new("not-here/nor-this")), [Path::new("not-here/nor-this"), Path::new("not-here")]);
        create(&newer).unwrap();
        assert!(newer.is_dir());
        assert!(sync(&new).is_ok() && sync(Path::new("")).is_ok() && sync(&dir.path().join("none")).is_err());
    }
}
