//! The trace file: a plain log of key-value changes for people who look for a divergence.

use std::io::{BufWriter, Write as _};
use std::path::Path;

use fs_err as fs;

use crate::error::StoreError;
use crate::options::Options;

/// Appends changes to a file. A failure is remembered and told at the end: a log for debugging must not stop a node.
pub(crate) struct Trace {
    out: BufWriter<fs::File>,
    failure: Option<std::io::Error>,
}

impl Trace {
    /// The trace that a store's options ask for, if they do.
    pub(crate) fn of(options: &Options) -> Result<Option<Self>, StoreError> {
        let trace = options.trace_file.as_deref().map(Self::open).transpose();
        trace.map_err(|source| StoreError::Trace { source })
    }

    fn open(path: &Path) -> std::io::Result<Self> {
        let file = fs::OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { out: BufWriter::new(file), failure: None })
    }

    pub(crate) fn set(&mut self, key: &str, value: &str) {
        let written = writeln!(self.out, "set {key} {value}");
        self.note(written);
    }

    pub(crate) fn delete(&mut self, key: &str) {
        let written = writeln!(self.out, "del {key}");
        self.note(written);
    }

    pub(crate) fn flush(&mut self) {
        let flushed = self.out.flush();
        self.note(flushed);
    }

    /// The first failure there was.
    pub(crate) fn close(mut self) -> std::io::Result<()> {
        self.flush();
        self.failure.map_or(Ok(()), Err)
    }

    fn note(&mut self, result: std::io::Result<()>) {
        if let Err(error) = result {
            self.failure.get_or_insert(error);
        }
    }
}
