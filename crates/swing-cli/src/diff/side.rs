//! One of two that are compared.

use std::cell::RefCell;
use std::fmt;
use std::io::{BufReader, Read};
use std::iter::empty;
use std::path::{Path, PathBuf};

use anyhow::Result;
use fs_err::File;
use serde::Serialize;
use swing_core::ArtifactMode;
use swing_core::session::has_store_header;
use swing_export::dataset::{Dataset, ExportDataReader, MANIFEST_FILE_NAME};
use swing_export::{ExportSource, Exporter, SourceError, SourceNames, SourceRecords};

use crate::error::Refusal;
use crate::height;
use crate::text::{Visible, plural};
use crate::verify::ACTIVITYHASH;

/// What one of the two is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A store.
    Store,
    /// A dataset.
    Dataset,
    /// A file of export data.
    ExportData,
}

/// One of the two, compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// As it was given.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// Its height, as far as that is known.
    pub block_height: Option<u64>,
    /// The hash over all cranks, if it has one.
    pub activityhash: Option<String>,
    /// Its export records.
    pub records: u64,
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        if let Some(height) = self.block_height {
            write!(f, ", block height {height}")?;
        }
        if let Some(hash) = &self.activityhash {
            write!(f, ", activityhash {}", Visible(hash))?;
        }
        write!(f, ", {}", plural(self.records, "export record"))
    }
}

/// One of the two, open.
pub(super) struct Side {
    path: PathBuf,
    of: Of,
    /// As it was read last.
    activityhash: RefCell<Option<String>>,
}

enum Of {
    Store(Box<Exporter>),
    Dataset(Dataset),
    ExportData,
}

impl Side {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let of = if path.join(MANIFEST_FILE_NAME).exists() {
            Of::Dataset(Dataset::open(path)?)
        } else if !path.is_file() {
            Of::Store(Box::new(swing_store::exporter(path, ArtifactMode::Debug)?))
        } else if has_store_header(path).unwrap_or(false) {
            return Err(Refusal::StoreFile { path: path.to_owned() }.into());
        } else {
            Of::ExportData
        };
        Ok(Self { path: path.to_owned(), of, activityhash: RefCell::default() })
    }

    /// What is told of it when it has been read.
    pub(super) fn compared(self, records: u64) -> Result<Compared> {
        let path = self.path.display().to_string();
        let (kind, block_height) = match self.of {
            Of::Store(exporter) => {
                let text = exporter.host_kv(height::HOST_HEIGHT)?;
                exporter.close()?;
                (Kind::Store, height::read(&self.path, text.as_deref()).ok().flatten())
            }
            Of::Dataset(dataset) => (Kind::Dataset, dataset.manifest().block_height),
            Of::ExportData => (Kind::ExportData, None),
        };
        Ok(Compared { path, kind, block_height, activityhash: self.activityhash.take(), records })
    }
}

impl ExportSource for Side {
    fn records(&self) -> Result<SourceRecords<'_>, SourceError> {
        let records: SourceRecords<'_> = match &self.of {
            Of::Store(exporter) => exporter.records()?,
            Of::Dataset(dataset) => ExportSource::records(dataset)?,
            Of::ExportData => {
                let file = BufReader::with_capacity(1 << 17, File::open(&self.path)?);
                Box::new(ExportDataReader::new(&self.path, file).map(|record| Ok(record?)))
            }
        };
        Ok(Box::new(records.inspect(|record| {
            if let Ok((key, value)) = record
                && key == ACTIVITYHASH
            {
                self.activityhash.replace(value.clone());
            }
        })))
    }

    fn artifact_names(&self) -> Result<SourceNames<'_>, SourceError> {
        match &self.of {
            Of::Store(exporter) => ExportSource::artifact_names(&**exporter),
            Of::Dataset(dataset) => ExportSource::artifact_names(dataset),
            Of::ExportData => Ok(Box::new(empty())),
        }
    }

    fn artifact(&self, name: &str) -> Result<Box<dyn Read + '_>, SourceError> {
        match &self.of {
            Of::Store(exporter) => ExportSource::artifact(&**exporter, name),
            Of::Dataset(dataset) => ExportSource::artifact(dataset, name),
            Of::ExportData => Err("a file of export data has no artifacts".into()),
        }
    }
}
