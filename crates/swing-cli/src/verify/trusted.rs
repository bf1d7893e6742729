//! Trusted export data, from a file of it or the dataset that has one.

use std::cell::{Cell, RefCell};
use std::io::{BufRead, BufReader, empty};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use fs_err::File;
use swing_core::session::{has_store_header, store_file};
use swing_export::dataset::{Dataset, ExportDataReader, MANIFEST_FILE_NAME};
use swing_export::{SourceError, SourceRecords};

use crate::error::Refusal;

/// The record that differs between any two states of a kernel.
pub(crate) const ACTIVITYHASH: &str = "kv.activityhash";

pub(super) struct Trusted {
    from: From,
    has_activityhash: Cell<bool>,
}

enum From {
    Dataset(Dataset),
    /// Open for the first reading, so that a pipe will do.
    File(PathBuf, RefCell<Option<File>>),
}

impl Trusted {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let opened = || -> Result<From> {
            if path.is_dir() {
                return Ok(From::Dataset(Dataset::open(path)?));
            }
            Ok(From::File(path.to_owned(), RefCell::new(Some(File::open(path)?))))
        };
        let database = if path.is_dir() { store_file(path) } else { path.to_owned() };
        let is_dataset = path.join(MANIFEST_FILE_NAME).exists();
        if !is_dataset && database.is_file() && has_store_header(&database).unwrap_or(false) {
            let store = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
            return Err(Refusal::TrustedStore { path: path.to_owned(), store: store.to_owned() }.into());
        }
        let from = opened().context("cannot read the trusted export data")?;
        Ok(Self { from, has_activityhash: Cell::new(false) })
    }

    /// The height that it is of, as far as that is known.
    pub(super) fn height(&self) -> Option<u64> {
        match &self.from {
            From::Dataset(dataset) => dataset.manifest().block_height,
            From::File(..) => None,
        }
    }

    /// Whether what was read has the hash over all cranks.
    pub(super) fn has_activityhash(&self) -> bool {
        self.has_activityhash.get()
    }

    pub(super) fn records(&self) -> Result<SourceRecords<'_>, SourceError> {
        match &self.from {
            From::Dataset(dataset) => Ok(self.noticed(dataset.records()?)),
            From::File(path, first) => {
                let reader: Box<dyn BufRead> = match first.take() {
                    Some(file) => Box::new(BufReader::with_capacity(1 << 17, file)),
                    None if path.is_file() => Box::new(BufReader::with_capacity(1 << 17, File::open(path)?)),
                    // A pipe has been read, and would wait for another writer.
                    None => Box::new(empty()),
                };
                Ok(self.noticed(ExportDataReader::new(path, reader)))
            }
        }
    }

    fn noticed<'t, E: Into<SourceError>>(
        &'t self,
        records: impl Iterator<Item = Result<(String, Option<String>), E>> + 't,
    ) -> SourceRecords<'t> {
        Box::new(records.map(|record| {
            let record = record.map_err(Into::into)?;
            if record.0 == ACTIVITYHASH {
                self.has_activityhash.set(true);
            }
            Ok(record)
        }))
    }
}
