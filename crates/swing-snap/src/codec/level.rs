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
/// | 4 | 148–174 | 1.06–1.13 | fastest that stays within 1.15; with every sixth member at 1, the default |
/// | 5 | 123–154 | 1.04–1.12 | |
/// | 6 | 95–121 | 1.02 | |
/// | 7 | 64–74 | 1.00 | |
/// | 9 | 23–26 | 0.99 | |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Level {
    number: u8,
    /// Some members are packed at the fastest level: what there is between two levels.
    hurries: bool,
}

/// Of so many members one is packed at the fastest level, if any are.
const HURRIED: usize = 6;

impl Level {
    /// The fastest level.
    pub const FASTEST: Self = Self::plain(1);
    /// The level used unless another is asked for: 4, but 1 for every sixth member.
    pub const DEFAULT: Self = Self { number: 4, hurries: true };
    /// The level that makes the least of it, slowly.
    pub const SMALLEST: Self = Self::plain(12);

    const fn plain(number: u8) -> Self {
        Self { number, hurries: false }
    }

    /// Takes a level by its number.
    ///
    /// # Errors
    ///
    /// [`CodecError::Level`] if it is not between 1 and 12.
    pub fn new(number: u8) -> Result<Self, CodecError> {
        if (Self::FASTEST.number..=Self::SMALLEST.number).contains(&number) {
            Ok(Self::plain(number))
        } else {
            Err(CodecError::Level { given: number })
        }
    }

    /// The level's number: of the default, that of most members.
    pub const fn number(self) -> u8 {
        self.number
    }

    /// Whether the member of this number, counted from 0, is packed at the fastest level.
    #[must_use]
    pub const fn hurries_at(self, member: usize) -> bool {
        self.hurries && member % HURRIED == HURRIED - 1
    }

    pub(super) fn for_libdeflate(self) -> CompressionLvl {
        CompressionLvl::new(self.number.into()).expect("libdeflate has all levels from 0 to 12")
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
    fn the_default_hurries_at_every_sixth_member_and_no_other_level_does() {
        let hurried = |level: Level| (0..13).filter(|member| level.hurries_at(*member)).collect::<Vec<_>>();
        assert_eq!(hurried(Level::DEFAULT), [5, 11]);
        for number in 1..=12 {
            assert!(hurried(Level::new(number).unwrap()).is_empty());
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
