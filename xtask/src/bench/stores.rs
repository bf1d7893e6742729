//! Where benchmarks keep their stores, and how those are made and copied.

use std::path::{Path, PathBuf};

use anyhow::Result;
use fs_err as fs;

use super::ours::{Making, Request};
use crate::shell::output;

/// A folder with what works need, and the program that makes it.
pub(crate) struct Stores {
    pub(crate) folder: PathBuf,
    pub(crate) program: PathBuf,
    /// A heap that a worker has written: raw, gzipped, or in a store whose greatest snapshot is taken.
    pub(crate) real_heap: Option<PathBuf>,
}

impl Stores {
    /// An empty folder for them.
    pub(crate) fn new(folder: PathBuf, program: PathBuf) -> Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(Self { folder, program, real_heap: None })
    }

    /// Removes all that is there.
    pub(crate) fn clear(&self) -> Result<()> {
        fs::remove_dir_all(&self.folder)?;
        Ok(fs::create_dir_all(&self.folder)?)
    }

    pub(crate) fn place(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Has it made, in a process of its own.
    pub(crate) fn make(&self, making: Making) -> Result<()> {
        let request = serde_json::to_string(&Request::Make(making))?;
        output(std::process::Command::new(&self.program).arg("bench-work").arg(request)).map(drop)
    }
}

/// Puts a copy of the store in `from`, if one is wanted, where there may be an older one. It is on the disk then: else what is timed would have to
/// wait for that, a flush above all.
pub(crate) fn renew(from: Option<&Path>, to: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    let Some(from) = from else { return Ok(()) };
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let copy = to.join(entry.file_name());
        fs::copy(entry.path(), &copy)?;
        fs::File::open(copy)?.sync_all()?;
    }
    Ok(())
}
