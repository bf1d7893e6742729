//! One gzip member: the unit of work of a compressing thread.

use libdeflater::Compressor;

use super::level::Level;

/// How many raw bytes go into one gzip member; only the last one of a snapshot has fewer.
///
/// Smaller members compress worse (each starts without history: 512 KiB costs about 0.6 % of size), larger ones leave cores idle
/// at the end and take more memory in flight.
pub const MEMBER_LEN: usize = 512 * 1024;

/// The buffers that a member travels in: to the thread that packs it, back to the one that appends it, and out again.
#[derive(Default)]
pub(super) struct Slot {
    raw: Vec<u8>,
    raw_len: usize,
    packed: Vec<u8>,
    packed_len: usize,
}

impl Slot {
    /// Room for a member's raw bytes, zeroed at first and then whatever was in it last.
    pub(super) fn room(&mut self) -> &mut [u8] {
        self.raw.resize(MEMBER_LEN, 0);
        &mut self.raw
    }

    /// Declares how much of the room holds raw bytes.
    pub(super) fn filled(&mut self, len: usize) {
        debug_assert!(len <= self.raw.len(), "a member cannot hold more than its room");
        self.raw_len = len;
    }

    /// The complete gzip member, once packed.
    pub(super) fn packed(&self) -> &[u8] {
        &self.packed[..self.packed_len]
    }
}

/// Makes gzip members, one after another, with the tables of one compressor.
///
/// The header that libdeflate writes is the same each time: no name, no time, operating system "unknown" (255), and the two bits
/// that tell a very low or high level. So the gzip depends on the raw bytes and the level alone.
pub(super) struct Packer {
    compressor: Compressor,
}

impl Packer {
    pub(super) fn new(level: Level) -> Self {
        Self { compressor: Compressor::new(level.for_libdeflate()) }
    }

    /// Packs the slot's raw bytes into one member.
    pub(super) fn pack(&mut self, slot: &mut Slot) {
        let bound = self.compressor.gzip_compress_bound(slot.raw_len);
        if slot.packed.len() < bound {
            slot.packed.resize(bound, 0);
        }
        slot.packed_len = self
            .compressor
            .gzip_compress(&slot.raw[..slot.raw_len], &mut slot.packed)
            .expect("the bound is libdeflate's own for the worst case");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::testing::{gunzip, noise};

    fn pack(level: Level, raw: &[u8]) -> Vec<u8> {
        let mut slot = Slot::default();
        slot.room()[..raw.len()].copy_from_slice(raw);
        slot.filled(raw.len());
        Packer::new(level).pack(&mut slot);
        slot.packed().to_vec()
    }

    #[test]
    fn header_tells_nothing_of_time_or_machine() {
        let gzip = pack(Level::DEFAULT, b"heap");
        assert_eq!(gzip[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
    }

    #[test]
    fn incompressible_member_fits_its_bound() {
        let raw = noise(MEMBER_LEN, 1);
        let gzip = pack(Level::FASTEST, &raw);
        assert!(gzip.len() > raw.len());
        assert_eq!(gunzip(&gzip), raw);
    }

    #[test]
    fn reused_slot_leaks_nothing_into_a_shorter_member() {
        let (mut slot, mut packer) = (Slot::default(), Packer::new(Level::DEFAULT));
        for raw in [&b"a long first member"[..], b"short", b""] {
            slot.room()[..raw.len()].copy_from_slice(raw);
            slot.filled(raw.len());
            packer.pack(&mut slot);
            assert_eq!(gunzip(slot.packed()), raw);
        }
    }
}
