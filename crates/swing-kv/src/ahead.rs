//! Whether to read on behind a row that was asked for.
//!
//! What belongs together stands side by side: an object's owner and its reference count, a vat's entries for what it was sent. To find a
//! row costs as much as to read a few of those behind it, so these are read, too, as long as half of them are asked for later; and two of
//! them now and then otherwise.

/// So many rows are read behind one at most.
const ROWS: u32 = 8;
/// What is earned when a row is asked for that was read ahead. To read it cost one.
const EARNED: u32 = 2;
/// What there is in advance; little in tests, so that they come to its end.
const FIRST: u32 = if cfg!(test) { ROWS } else { RICHEST };
const RICHEST: u32 = 32 * ROWS;
/// Without credit, one search in so many reads on all the same.
const RARELY: u32 = 400;
/// So many rows then.
const FEW: u32 = 2;

pub(crate) struct ReadAhead {
    /// Whether anything is to be remembered at all.
    remembered: bool,
    credit: u32,
    /// Searches that did not read on since the last one that did.
    passed: u32,
}

impl ReadAhead {
    pub(crate) fn new(remembered: bool) -> Self {
        Self { remembered, credit: FIRST, passed: 0 }
    }

    /// How many rows to read behind the next one that is searched for.
    pub(crate) fn rows(&mut self) -> u32 {
        if !self.remembered {
            return 0;
        }
        if self.credit < FEW && self.passed < RARELY {
            self.passed += 1;
            return 0;
        }
        self.passed = 0;
        self.credit.clamp(FEW, ROWS)
    }

    /// So many were read.
    pub(crate) fn spend(&mut self, rows: u32) {
        self.credit = self.credit.saturating_sub(rows);
    }

    /// One of them was asked for.
    pub(crate) fn earn(&mut self) {
        self.credit = RICHEST.min(self.credit + EARNED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many rows so many searches read, of which so many percent are asked for.
    fn read(ahead: &mut ReadAhead, searches: u32, asked_for: u32) -> u32 {
        let (mut read, mut used) = (0, 0);
        for _ in 0..searches {
            let rows = ahead.rows();
            read += rows;
            ahead.spend(rows);
            (0..read * asked_for / 100 - used).for_each(|_| ahead.earn());
            used = read * asked_for / 100;
        }
        read
    }

    #[test]
    fn what_is_not_asked_for_becomes_rare_and_common_again_when_it_is() {
        let mut ahead = ReadAhead::new(true);
        assert_eq!(read(&mut ahead, FIRST / ROWS, 0), FIRST);
        assert_eq!(read(&mut ahead, 10 * (RARELY + 1), 0), 10 * FEW);
        assert!(read(&mut ahead, 10 * (RARELY + 1), 40) <= 10 * 2 * ROWS, "two of five do not pay");
        assert!(read(&mut ahead, 1_000, 60) > 700 * ROWS);
        assert_eq!(read(&mut ahead, 1_000, 100), 1_000 * ROWS);
        assert!(read(&mut ahead, 1_000, 0) <= RICHEST + 1_000 / RARELY * FEW, "the riches are bounded");
    }

    #[test]
    fn where_nothing_is_remembered_nothing_is_read_ahead() {
        assert_eq!(read(&mut ReadAhead::new(false), 1_000, 0), 0);
    }
}
