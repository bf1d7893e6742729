//! A material as an importer's source, which counts what is taken from it.

use std::cell::Cell;
use std::io::{self, Read};

use anyhow::Context as _;
use swing_export::{ExportSource, SourceError, SourceNames, SourceRecords};

use crate::material::{Artifact, Material};

/// Offers what a recipe made, and counts.
pub struct Source<'m> {
    material: &'m Material,
    /// Bytes of artifacts that were read.
    pub consumed: Cell<u64>,
}

swing_core::opaque!(Source<'_>);

impl<'m> Source<'m> {
    /// A source of which nothing was read yet.
    #[must_use]
    pub fn new(material: &'m Material) -> Self {
        Self { material, consumed: Cell::new(0) }
    }
}

impl ExportSource for Source<'_> {
    fn records(&self) -> Result<SourceRecords<'_>, SourceError> {
        // Through the reader of the file, which is what a dataset's own lines go through.
        let lines = self.material.lines.iter().flat_map(|line| [&line[..], b"\n"].concat()).collect::<Vec<u8>>();
        let reader = swing_export::dataset::ExportDataReader::new("export-data.jsonl", io::Cursor::new(lines));
        Ok(Box::new(reader.map(|record| Ok(record?))))
    }

    fn artifact_names(&self) -> Result<SourceNames<'_>, SourceError> {
        Ok(Box::new(self.material.artifacts.iter().map(|artifact| Ok(artifact.name.clone()))))
    }

    fn artifact(&self, name: &str) -> Result<Box<dyn Read + '_>, SourceError> {
        let artifact = self.material.artifacts.iter().find(|artifact| artifact.name == name);
        let artifact = artifact.context("it was never offered")?;
        Ok(Box::new(Reading { artifact, piece: 0, at: 0, read: 0, consumed: &self.consumed }))
    }
}

struct Reading<'s> {
    artifact: &'s Artifact,
    piece: usize,
    /// In the piece, all its repetitions together.
    at: u64,
    read: u64,
    consumed: &'s Cell<u64>,
}

impl Read for Reading<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < room.len() {
            if self.artifact.fails_after.is_some_and(|after| self.read >= after) {
                return if filled > 0 { Ok(filled) } else { Err(io::Error::other("the connection was lost")) };
            }
            let Some(piece) = self.artifact.pieces.get(self.piece) else { break };
            let length = piece.bytes.len() as u64;
            if self.at >= length * piece.times {
                self.piece += 1;
                self.at = 0;
                continue;
            }
            let rest = &piece.bytes[(self.at % length) as usize..];
            let left = self.artifact.fails_after.map_or(usize::MAX, |after| (after - self.read) as usize);
            let count = rest.len().min(room.len() - filled).min(left);
            room[filled..filled + count].copy_from_slice(&rest[..count]);
            filled += count;
            self.at += count as u64;
            self.read += count as u64;
            self.consumed.set(self.consumed.get() + count as u64);
        }
        Ok(filled)
    }
}
