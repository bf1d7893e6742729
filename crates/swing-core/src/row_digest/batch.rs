//! Rows as bytes, one after the other, on their way to another thread.

use std::ops::Range;

use super::cells::Cell;
use super::lanes::RowDigest;

/// Where a row ends, and whether it is taken off.
struct End {
    at: usize,
    removed: bool,
}

#[derive(Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    ends: Vec<End>,
}

impl Batch {
    /// An empty one that takes about so many bytes without moving them.
    pub(super) fn with_room(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes + bytes / 8), ends: Vec::new() }
    }

    /// The next cell of a row.
    pub(super) fn write(&mut self, cell: Cell<'_>) {
        cell.write(&mut self.bytes);
    }

    /// That was a row, which is there now or is there no more.
    pub(super) fn end_row(&mut self, removed: bool) {
        self.ends.push(End { at: self.bytes.len(), removed });
    }

    /// How many bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// How many rows.
    pub(super) fn rows(&self) -> usize {
        self.ends.len()
    }

    /// Counts some of the rows in a digest.
    pub(super) fn sum(&self, rows: Range<usize>, digest: &mut RowDigest) {
        let mut start = rows.start.checked_sub(1).map_or(0, |before| self.ends[before].at);
        for &End { at, removed } in &self.ends[rows] {
            let row = &self.bytes[start..at];
            if removed {
                digest.remove_bytes(row);
            } else {
                digest.add_bytes(row);
            }
            start = at;
        }
    }

    /// Counts all of them.
    pub(super) fn sum_all(&self, digest: &mut RowDigest) {
        self.sum(0..self.rows(), digest);
    }
}
