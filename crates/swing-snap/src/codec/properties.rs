//! What must hold for any bytes, any damage and any way of reading.

use std::io::Read;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::reader::{Expected, ReadAhead, SnapshotReader};
use super::testing::{Source, expected, gzip, hash, heap, noise, read_all};
use super::{Level, Limits, MEMBER_LEN, compress};

/// What can befall gzip bytes on a disk or on a wire.
#[derive(Clone, Debug)]
enum Damage {
    Flip(Index, u8),
    Cut(Index),
    Drop(Index, usize),
    Insert(Index, Vec<u8>),
    Repeat(Index, Index),
    Append(Vec<u8>),
}

impl Damage {
    fn any() -> impl Strategy<Value = Self> {
        prop_oneof![
            6 => (any::<Index>(), 1..=255u8).prop_map(|(at, bits)| Self::Flip(at, bits)),
            1 => any::<Index>().prop_map(Self::Cut),
            1 => (any::<Index>(), 1..40usize).prop_map(|(at, len)| Self::Drop(at, len)),
            1 => (any::<Index>(), vec(any::<u8>(), 1..40)).prop_map(|(at, bytes)| Self::Insert(at, bytes)),
            1 => any::<(Index, Index)>().prop_map(|(from, to)| Self::Repeat(from, to)),
            1 => vec(any::<u8>(), 1..40).prop_map(Self::Append),
        ]
    }

    fn inflict(&self, gzip: &mut Vec<u8>) {
        let len = gzip.len();
        if len == 0 {
            return;
        }
        match self {
            Self::Flip(at, bits) => gzip[at.index(len)] ^= bits,
            Self::Cut(at) => gzip.truncate(at.index(len)),
            Self::Drop(at, drop) => drop_some(gzip, at.index(len), *drop),
            Self::Insert(at, bytes) => {
                gzip.splice(at.index(len)..at.index(len), bytes.iter().copied());
            }
            Self::Repeat(from, to) => {
                let (from, to) = (from.index(len), to.index(len));
                gzip.extend_from_within(from.min(to)..from.max(to));
            }
            Self::Append(bytes) => gzip.extend_from_slice(bytes),
        }
    }
}

fn drop_some(gzip: &mut Vec<u8>, at: usize, len: usize) {
    gzip.drain(at..gzip.len().min(at + len));
}

fn ahead() -> impl Strategy<Value = ReadAhead> {
    prop_oneof![Just(ReadAhead::WhenItPays), Just(ReadAhead::Never), Just(ReadAhead::Always)]
}

/// Lengths around everything that has a boundary.
fn len() -> impl Strategy<Value = usize> {
    let near = |members: usize| (members * MEMBER_LEN).saturating_sub(2)..members * MEMBER_LEN + 3;
    prop_oneof![0..3000usize, near(1), near(2), near(3), 0..4 * MEMBER_LEN]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    (len(), any::<u64>(), any::<bool>())
        .prop_map(|(len, seed, like_a_heap)| if like_a_heap { heap(len, seed) } else { noise(len, seed) })
}

/// Either the reader fails, having kept back at least the last byte, or it gives the right bytes.
fn right_or_refused(packed: &[u8], raw: &[u8], ahead: ReadAhead) -> Result<(), TestCaseError> {
    for expected in [expected(raw), Expected { hash: hash(raw), raw_len: None }] {
        let (read, end) = read_all(packed, expected, ahead);
        match end {
            Ok(()) => prop_assert!(read == raw, "other bytes were accepted"),
            Err(_) if expected.raw_len.is_some() => prop_assert!(read.is_empty() || read.len() < raw.len()),
            Err(_) => {}
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_goes_in_comes_out(
        raw in bytes(),
        level in 0..=6u8,
        workers in 0..4usize,
        at_most in 1..300_000usize,
        ahead in ahead(),
        room in 1..300_000usize,
    ) {
        let at_most = at_most.max(raw.len() / 1000);
        let room = room.max(raw.len() / 1000);
        let limits = Limits { max_raw_len: Some(raw.len() as u64), workers: Some(workers), ..Limits::default() };
        let mut source = Source::new(raw.clone()).at_most(at_most);
        let packed = compress(&mut source, Level::new(level).unwrap_or(Level::DEFAULT), limits)?;
        prop_assert_eq!(packed.hash, hash(&raw));
        prop_assert_eq!(packed.raw_len, raw.len() as u64);

        let mut reader = SnapshotReader::new(packed.gzip, expected(&raw), ahead);
        let (mut read, mut room) = (Vec::new(), vec![0; room]);
        loop {
            match reader.read(&mut room)? {
                0 => break,
                len => read.extend_from_slice(&room[..len]),
            }
        }
        prop_assert!(read == raw);
    }

    #[test]
    fn damaged_members_are_right_or_refused(
        raw in bytes(),
        damages in vec(Damage::any(), 1..4),
        ahead in ahead(),
    ) {
        let mut packed = compress(&mut &raw[..], Level::FASTEST, Limits::default())?.gzip;
        damages.iter().for_each(|damage| damage.inflict(&mut packed));
        right_or_refused(&packed, &raw, ahead)?;
    }

    #[test]
    fn arbitrary_bytes_are_refused_without_a_panic(bytes in vec(any::<u8>(), 0..600), start in 0..4usize) {
        let packed = [&[0x1f, 0x8b, 8, 0][..start], &bytes].concat();
        let expected = Expected { hash: hash(b"heap"), raw_len: Some(4) };
        for ahead in [ReadAhead::Never, ReadAhead::Always] {
            prop_assert!(read_all(&packed, expected, ahead).1.is_err());
        }
    }
}

#[test]
fn every_flipped_bit_is_right_or_refused() {
    let raw = heap(1500, 9);
    let ours = compress(&mut &raw[..], Level::DEFAULT, Limits::default()).unwrap().gzip;
    for packed in [ours, gzip(&raw)] {
        for bit in 0..packed.len() * 8 {
            let mut damaged = packed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            right_or_refused(&damaged, &raw, ReadAhead::Never).unwrap();
        }
    }
}
