//! A dataset in memory, as an import's source.

use std::cell::Cell;
use std::io::{BufReader, Read};

use anyhow::Context as _;
use swing_export::dataset::ExportDataReader;
use swing_export::{ExportSource, SourceError, SourceNames, SourceRecords};

use crate::source::{After, Chunks};

/// Records and artifacts, and how they are given.
#[derive(Debug, Default)]
pub(super) struct Offer {
    /// Lines of export data.
    pub(super) lines: Vec<u8>,
    /// In the order in which they are offered.
    pub(super) artifacts: Vec<(String, Vec<u8>)>,
    /// How a read gives them, as [`Chunks`] takes it.
    pub(super) how: u8,
    /// What comes after the bytes of one of them.
    pub(super) odd: Option<(usize, After)>,
    /// It is as a store makes it, with all artifacts.
    pub(super) sound: bool,
    /// The beginning of a transcript is not known any more, so it cannot be complete for the modes that need it.
    pub(super) truncated: bool,
    /// Bytes that were taken of all artifacts.
    pub(super) taken: Cell<u64>,
    /// Whether the odd one was read beyond its bytes.
    pub(super) beyond: Cell<bool>,
}

impl ExportSource for Offer {
    fn records(&self) -> Result<SourceRecords<'_>, SourceError> {
        let lines = BufReader::with_capacity(256, Chunks::new(&self.lines, self.how));
        Ok(Box::new(ExportDataReader::new("fuzz", lines).map(|record| Ok(record?))))
    }

    fn artifact_names(&self) -> Result<SourceNames<'_>, SourceError> {
        Ok(Box::new(self.artifacts.iter().map(|(name, _)| Ok(name.clone()))))
    }

    fn artifact(&self, name: &str) -> Result<Box<dyn Read + '_>, SourceError> {
        let at = self.artifacts.iter().position(|(known, _)| known == name).context("it was never offered")?;
        let bytes = &self.artifacts[at].1;
        let after = self.odd.filter(|(odd, _)| *odd == at).map_or(After::End, |(_, after)| after);
        let counted =
            Counted { inner: Chunks::new(bytes, self.how).then(after), offer: self, odd: after != After::End };
        Ok(Box::new(counted))
    }
}

struct Counted<'o> {
    inner: Chunks<'o>,
    offer: &'o Offer,
    odd: bool,
}

impl Read for Counted<'_> {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(room);
        let failed = matches!(&read, Err(error) if error.kind() != std::io::ErrorKind::Interrupted);
        if self.odd && (failed || self.inner.is_beyond()) {
            self.offer.beyond.set(true);
        }
        self.offer.taken.set(self.offer.taken.get() + *read.as_ref().unwrap_or(&0) as u64);
        read
    }
}
