//! The trade between time and size.

use libdeflater::CompressionLvl;

use super::error::CodecError;

/// How hard [`compress`](super::compress()) tries, as libdeflate counts: 1 is fastest, 12 is smallest.
///
/// The level is nobody's business but the disk's: readers take any, and no consensus hash depends on it. Measured on two XS heaps
/// (one thread; size relative to zlib's level 6, which the reference uses):
///
/// | level | MB/s | size | |
/// |---|---|---|---|
/// | 1 | 275–335 | 1.14–1.22 | |
/// | 2 | 185–230 | 1.12–1.19 | |
/// | 3 | 165–200 | 1.09–1.16 | |
/// | 4 | 148–174 | 1.06–1.13 | the default: fastest that stays within 1.15 |
/// | 5 | 123–154 | 1.04–1.12 | |
/// | 6 | 95–121 | 1.02 | |
/// | 7 | 64–74 | 1.00 | |
/// | 9 | 23–26 | 0.99 | |
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(u8);

impl Level {
    /// The fastest level.
    pub const FASTEST: Self = Self(1);
    /// The level used unless another is asked for.
    pub const DEFAULT: Self = Self(4);
    /// The level that makes the least of it, slowly.
    pub const SMALLEST: Self = Self(12);

    /// Takes a level by its number.
    ///
    /// # Errors
    ///
    /// [`CodecError::Level`] if it is not between 1 and 12.
    pub fn new(number: u8) -> Result<Self, CodecError> {
        if (Self::FASTEST.0..=Self::SMALLEST.0).contains(&number) {
            Ok(Self(number))
        } else {
            Err(CodecError::Level { given: number })
        }
    }

    /// The level's number.
    pub const fn number(self) -> u8 {
        self.0
    }

    pub(super) fn for_libdeflate(self) -> CompressionLvl {
        CompressionLvl::new(self.0.into()).expect("libdeflate has all levels from 0 to 12")
    }
}

impl Default for Level {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn level_outside_the_range_is_refused() {
        for given in [0, 13, 255] {
            assert!(matches!(Level::new(given), Err(CodecError::Level { given: told }) if told == given));
        }
    }

    #[test]
    fn every_level_in_the_range_is_known_to_libdeflate() {
        for number in 1..=12 {
            let level = Level::new(number).unwrap();
            assert_eq!(level.number(), number);
            assert_eq!(i32::from(level.for_libdeflate()), i32::from(number));
        }
    }
}
