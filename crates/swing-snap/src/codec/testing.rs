//! Sources that misbehave on purpose, data that looks like a heap, and decoders that are not ours.

use std::io::{self, ErrorKind, Read, Write};

use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;
use swing_core::Digest;

use super::error::CodecError;
use super::reader::{Expected, ReadAhead, SnapshotReader};

/// A source whose every weakness is chosen, and which remembers how it was used.
pub(super) struct Source {
    raw: Vec<u8>,
    at: usize,
    at_most: usize,
    interrupted_every: usize,
    failing_at: Option<usize>,
    calls: usize,
    ends_told: usize,
}

impl Source {
    pub(super) fn new(raw: Vec<u8>) -> Self {
        Self {
            raw,
            at: 0,
            at_most: usize::MAX,
            interrupted_every: usize::MAX,
            failing_at: None,
            calls: 0,
            ends_told: 0,
        }
    }

    pub(super) fn at_most(mut self, bytes: usize) -> Self {
        self.at_most = bytes;
        self
    }

    pub(super) fn interrupted_every(mut self, calls: usize) -> Self {
        self.interrupted_every = calls;
        self
    }

    pub(super) fn failing_at(mut self, byte: usize) -> Self {
        self.failing_at = Some(byte);
        self
    }

    pub(super) fn given(&self) -> usize {
        self.at
    }

    pub(super) fn ends_told(&self) -> usize {
        self.ends_told
    }
}

impl Read for Source {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.calls += 1;
        if self.calls.is_multiple_of(self.interrupted_every) {
            return Err(ErrorKind::Interrupted.into());
        }
        if self.failing_at == Some(self.at) {
            return Err(io::Error::new(ErrorKind::BrokenPipe, "worker is gone"));
        }
        let stop = self.failing_at.unwrap_or(self.raw.len());
        let len = room.len().min(self.at_most).min(stop - self.at);
        room[..len].copy_from_slice(&self.raw[self.at..self.at + len]);
        self.at += len;
        self.ends_told += usize::from(len == 0);
        Ok(len)
    }
}

/// Bytes without any pattern, the same for the same seed.
pub(super) fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(&mut next).flatten().take(len).collect()
}

/// Bytes that look a little like a heap: 32-byte records of small numbers and near pointers.
pub(super) fn heap(len: usize, seed: u64) -> Vec<u8> {
    let random = noise(len / 8 + 64, seed);
    let record = |(index, dice): (u64, &[u8])| {
        let next = index * 32 + u64::from(dice[0]);
        let mut record = [0; 32];
        record[..8].copy_from_slice(&next.to_le_bytes());
        record[8..10].copy_from_slice(&[dice[1] & 31, dice[2] & 3]);
        record[16..24].copy_from_slice(&(u64::from(dice[3]) << 12).to_le_bytes());
        record
    };
    (0..).zip(random.chunks_exact(4)).flat_map(record).take(len).collect()
}

pub(super) fn hash(raw: &[u8]) -> Digest {
    Digest::of(raw)
}

pub(super) fn expected(raw: &[u8]) -> Expected {
    Expected { hash: hash(raw), raw_len: Some(raw.len() as u64) }
}

/// What zlib makes of it, in one member, as Node would.
pub(super) fn gzip(raw: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(raw).unwrap();
    encoder.finish().unwrap()
}

/// What another decoder makes of it.
pub(super) fn gunzip(gzip: &[u8]) -> Vec<u8> {
    let mut raw = Vec::new();
    MultiGzDecoder::new(gzip).read_to_end(&mut raw).unwrap();
    raw
}

/// Reads a snapshot to its end: all that was handed out, and how it ended.
pub(super) fn read_all(gzip: &[u8], expected: Expected, ahead: ReadAhead) -> (Vec<u8>, Result<(), CodecError>) {
    let mut reader = SnapshotReader::new(gzip.to_vec(), expected, ahead);
    let mut raw = Vec::new();
    let end = reader.read_to_end(&mut raw).map(drop).map_err(|error| {
        let inner = error.into_inner().expect("a reader's error has a typed one inside");
        *inner.downcast().expect("and it is the codec's")
    });
    (raw, end)
}
