//! One gzip member: the unit of work of a thread that packs, and of one that unpacks.
//!
//! A member says in its header how long it is, in a field that gzip leaves to whoever writes it and every reader skips. So all
//! members of a snapshot are found without inflating any, and can be inflated at once.

use std::ops::Range;

use libdeflater::Compressor;

use super::level::Level;
use super::unpacker::Unpacker;

/// The most raw bytes in one gzip member.
///
/// Smaller members compress worse (each starts without history: 512 KiB costs 0.2 to 0.6 % of size, 256 KiB 0.6 to 1 %), larger
/// ones leave cores idle at the end and take more memory in flight.
pub const MEMBER_LEN: usize = 512 * 1024;

/// How many raw bytes the member that starts after so many has, unless the snapshot ends in it. Near the start they are smaller, so
/// that a small snapshot too has some for every core, and none of them is idle for long at its end.
pub(super) const fn member_len(at: u64) -> usize {
    const MIB: u64 = 1 << 20;
    if at < 2 * MIB {
        MEMBER_LEN / 4
    } else if at < 16 * MIB {
        MEMBER_LEN / 2
    } else {
        MEMBER_LEN
    }
}

/// The header of a gzip member: deflate, with an extra field, no time, operating system "unknown".
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, FLAG_EXTRA, 0, 0, 0, 0, 0, 0xff];
const FLAG_EXTRA: u8 = 4;
/// The extra field up to the member's length: its own length, the name and the length of the one thing in it.
const EXTRA: [u8; 6] = [8, 0, b'S', b'w', 4, 0];
/// The extra field.
const EXTRA_LEN: usize = EXTRA.len() + 4;
/// The whole header.
pub(super) const HEADER_LEN: usize = HEADER.len() + EXTRA_LEN;
/// Checksum and raw length at the end.
const TRAILER_LEN: usize = 8;

/// Makes gzip members, one after another, with the tables of one compressor.
///
/// The header is the same each time but for the member's length, so the gzip depends on the raw bytes, the level and the member's number alone.
pub(super) struct Packer {
    level: Level,
    compressor: Compressor,
    /// For members at which the level hurries, from the first one on.
    fastest: Option<Compressor>,
    room: Vec<u8>,
}

impl Packer {
    pub(super) fn new(level: Level) -> Self {
        Self { level, compressor: Compressor::new(level.for_libdeflate()), fastest: None, room: Vec::new() }
    }

    /// Packs raw bytes into the member of this number, counted from 0.
    pub(super) fn pack(&mut self, raw: &[u8], number: usize) -> &[u8] {
        let compressor = if self.level.hurries_at(number) {
            self.fastest.get_or_insert_with(|| Compressor::new(Level::FASTEST.for_libdeflate()))
        } else {
            &mut self.compressor
        };
        let bound = EXTRA_LEN + compressor.gzip_compress_bound(raw.len());
        if self.room.len() < bound {
            self.room.resize(bound, 0);
        }
        // Its own header, of ten bytes, ends where ours does.
        let packed = compressor
            .gzip_compress(raw, &mut self.room[EXTRA_LEN..])
            .expect("the bound is libdeflate's own for the worst case");
        let len = EXTRA_LEN + packed;
        self.room[..HEADER.len()].copy_from_slice(&HEADER);
        self.room[HEADER.len()..][..EXTRA.len()].copy_from_slice(&EXTRA);
        self.room[HEADER_LEN - 4..HEADER_LEN].copy_from_slice(&(len as u32).to_le_bytes());
        &self.room[..len]
    }
}

/// Where a member claims to be and how many raw bytes it claims to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) place: Range<usize>,
    pub(super) raw_len: usize,
}

/// The members of a gzip, if all of them claim a length and the claims add up: to the gzip, and to the raw length on record. So no
/// member is taken for a part of another one. A claim is to be believed once the member has been unpacked.
///
/// None is empty, and none is larger than what is written here, so that a claim costs no more memory than the truth.
pub(super) fn claims(gzip: &[u8], raw_len: u64) -> Option<Vec<Claim>> {
    let (mut claims, mut at, mut sum) = (Vec::new(), 0, 0);
    while at < gzip.len() {
        let rest = &gzip[at..];
        let header = rest.get(..HEADER_LEN)?;
        if header[..HEADER.len()] != HEADER || header[HEADER.len()..][..EXTRA.len()] != EXTRA {
            return None;
        }
        let len = number(&header[HEADER_LEN - 4..])?;
        if len < HEADER_LEN + TRAILER_LEN {
            return None;
        }
        let raw = number(&rest.get(..len)?[len - 4..])?;
        if raw == 0 || raw > MEMBER_LEN {
            return None;
        }
        claims.push(Claim { place: at..at + len, raw_len: raw });
        at += len;
        sum += raw as u64;
    }
    (!claims.is_empty() && raw_len == sum).then_some(claims)
}

fn number(bytes: &[u8]) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(bytes.try_into().ok()?)).ok()
}

/// Unpacks a member into `raw` and tells whether it is what it claims to be, to its last byte. If not, another reader has to say why.
pub(super) fn unpack(unpacker: &mut Unpacker, member: &[u8], raw_len: usize, raw: &mut Vec<u8>) -> bool {
    raw.resize(raw_len, 0);
    unpacker.fill(member, raw)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::testing::{gunzip, gzip, heap, noise};

    fn pack(level: Level, raw: &[u8]) -> Vec<u8> {
        Packer::new(level).pack(raw, 0).to_vec()
    }

    #[test]
    fn header_tells_the_length_and_nothing_of_time_or_machine() {
        let gzip = pack(Level::DEFAULT, b"heap");
        let len = gzip.len() as u8;
        let expected = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 8, 0, b'S', b'w', 4, 0, len, 0, 0, 0];
        assert_eq!(gzip[..HEADER_LEN], expected);
    }

    #[test]
    fn incompressible_member_fits_its_bound() {
        let raw = noise(MEMBER_LEN, 1);
        let gzip = pack(Level::FASTEST, &raw);
        assert!(gzip.len() > raw.len());
        assert_eq!(gunzip(&gzip), raw);
    }

    #[test]
    fn reused_packer_leaks_nothing_into_a_shorter_member() {
        let mut packer = Packer::new(Level::DEFAULT);
        for raw in [&b"a long first member"[..], b"short", b""] {
            for number in 4..7 {
                assert_eq!(gunzip(packer.pack(raw, number)), raw);
            }
        }
    }

    #[test]
    fn a_member_that_is_hurried_is_as_at_the_fastest_level() {
        let (raw, mut packer) = (heap(MEMBER_LEN, 1), Packer::new(Level::DEFAULT));
        let [usual, fastest] = [Level::new(4).unwrap(), Level::FASTEST].map(|level| pack(level, &raw));
        assert_ne!(usual, fastest);
        for number in 0..20 {
            let expected = if number % 6 == 5 { &fastest } else { &usual };
            assert!(packer.pack(&raw, number) == &**expected, "member {number}");
        }
    }

    #[test]
    fn members_are_found_by_what_they_claim() {
        let parts = [heap(1000, 1), heap(MEMBER_LEN, 2), heap(1, 3)];
        let members = parts.iter().map(|part| pack(Level::DEFAULT, part)).collect::<Vec<_>>();
        let whole = members.concat();
        let raw_len = parts.concat().len() as u64;
        let found = claims(&whole, raw_len).unwrap();
        assert_eq!(found.len(), 3);
        let mut decompressor = Unpacker::new();
        for ((claim, member), part) in found.into_iter().zip(&members).zip(&parts) {
            assert!(whole[claim.place.clone()] == member[..]);
            let mut raw = vec![7; 3];
            assert!(unpack(&mut decompressor, &whole[claim.place], claim.raw_len, &mut raw));
            assert!(raw == *part);
        }
        assert_eq!(claims(&whole, raw_len - 1), None);
    }

    #[test]
    fn claims_that_do_not_add_up_are_none() {
        let member = pack(Level::DEFAULT, b"heap");
        assert!(claims(&member, 4).is_some());
        for cut in 0..member.len() {
            assert_eq!(claims(&member[..cut], 4), None, "cut at {cut}");
        }
        let with = |at: usize, byte: u8| {
            let mut other = member.clone();
            other[at] = byte;
            other
        };
        for other in
            [with(0, 0), with(3, 0), with(12, b's'), with(16, 3), with(16, 0), with(19, 1), with(member.len() - 1, 1)]
        {
            assert_eq!(claims(&other, 4), None);
        }
        let stranger = gzip(b"heap");
        let empty = pack(Level::DEFAULT, b"");
        for more in [&b"junk"[..], &stranger, &empty, &member[..30]] {
            assert_eq!(claims(&[&member, more].concat(), 4), None);
            assert_eq!(claims(&[&member, more].concat(), 8), None);
        }
    }

    #[test]
    fn member_that_ends_before_its_claim_does_is_refused() {
        let whole = pack(Level::DEFAULT, b"heap");
        let trailer = whole[whole.len() - TRAILER_LEN..].to_vec();
        for junk in [&[][..], &[0; 3], &whole[..HEADER_LEN]] {
            let mut member = [&whole, junk, &trailer].concat();
            let len = member.len() as u32;
            member[HEADER_LEN - 4..HEADER_LEN].copy_from_slice(&len.to_le_bytes());
            assert!(claims(&member, 4).is_some());
            assert!(!unpack(&mut Unpacker::new(), &member, 4, &mut Vec::new()));
        }
    }

    #[test]
    fn member_that_is_not_what_it_claims_is_refused() {
        let member = pack(Level::DEFAULT, b"heap");
        let mut raw = Vec::new();
        assert!(unpack(&mut Unpacker::new(), &member, 4, &mut raw));
        for raw_len in [0, 3, 5] {
            assert!(!unpack(&mut Unpacker::new(), &member, raw_len, &mut raw));
        }
        for at in HEADER_LEN..member.len() {
            let mut flipped = member.clone();
            flipped[at] ^= 1;
            let same = unpack(&mut Unpacker::new(), &flipped, 4, &mut raw) && raw == b"heap";
            assert!(!same, "byte {at}");
        }
    }
}
