//! A heap snapshot that compresses as a real one does.
//!
//! An XS heap is slots of 32 bytes (a link that mostly leads to the next slot, an ID, flags, a kind, a value), then chunks of text
//! and byte code. The shares below were chosen so that zlib's level 6 makes about a fifth of it, as it does of the snapshots
//! of the recorded kernel (10 to 14 MB raw, 2.0 to 2.7 MB compressed). It is no real heap: levels and libraries may rank
//! differently on one.

use super::data::Dice;

/// `length` bytes of heap.
pub(crate) fn heap(length: usize) -> Vec<u8> {
    let mut dice = Dice::new(42);
    let mut heap = Vec::with_capacity(length + 4096);
    while heap.len() < length {
        slots(&mut heap, &mut dice, 96);
        chunk(&mut heap, &mut dice);
    }
    heap.truncate(length);
    heap
}

fn slots(heap: &mut Vec<u8>, dice: &mut Dice, count: usize) {
    for _ in 0..count {
        let here = heap.len() as u64;
        let next = if dice.roll().is_multiple_of(12) { here + dice.roll() % 4096 * 32 } else { here + 32 };
        let kind = [1_u8, 1, 1, 1, 3, 10, 10, 24][(dice.roll() % 8) as usize];
        let value = match kind {
            1 => 0,
            3 => dice.roll() % 256,
            _ => (here & !0xffff) + dice.roll() % 4096 * 32,
        };
        heap.extend_from_slice(&next.to_le_bytes());
        heap.extend_from_slice(&((dice.roll() % 32 + 300) as u32).to_le_bytes());
        heap.extend_from_slice(&[(dice.roll() % 4) as u8, kind, 0, 0]);
        heap.extend_from_slice(&value.to_le_bytes());
        heap.extend_from_slice(&[0; 8]);
    }
}

const WORDS: [&str; 24] = [
    "vatPowers",
    "harden",
    "brand",
    "issuer",
    "purse",
    "payment",
    "amount",
    "slots",
    "body",
    "undefined",
    "getAmountOf",
    "deposit",
    "withdraw",
    "promise",
    "resolve",
    "Alleged: ",
    "Presence",
    "o-",
    "o+d",
    "kp",
    "zone",
    "vow",
    "return ",
    "function ",
];

/// Text or byte code.
fn chunk(heap: &mut Vec<u8>, dice: &mut Dice) {
    let length = 64 + dice.roll() % 512;
    let end = heap.len() + length as usize;
    let text = !dice.roll().is_multiple_of(3);
    while heap.len() < end {
        if text {
            heap.extend_from_slice(WORDS[(dice.roll() % 24) as usize].as_bytes());
        } else {
            heap.push((dice.roll() % 160) as u8);
            heap.extend_from_slice(&[0x3a, (dice.roll() % 8) as u8]);
        }
    }
    heap.resize(heap.len().next_multiple_of(32), 0);
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn it_compresses_to_about_a_fifth() {
        let raw = heap(2 << 20);
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
        packed.write_all(&raw).unwrap();
        let share = packed.finish().unwrap().len() as f64 / raw.len() as f64;
        assert!((0.17..0.24).contains(&share), "{share}");
    }
}
