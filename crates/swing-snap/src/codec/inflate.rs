//! From gzip back to raw bytes, strictly.
//!
//! zlib-rs checks each member's header, checksum and length; the loop over members is here, because a decoder that makes one
//! stream of them cannot say what was wrong where, nor be stopped in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use flate2::{Decompress, FlushDecompress, Status};

use super::error::CodecError;

/// How many raw bytes are made at a time.
pub(super) const BLOCK_LEN: usize = 256 * 1024;

/// How much gzip goes into one call of the decoder, between two looks at the stop sign: gzip can be long and yield nothing.
const STEP: usize = 1024 * 1024;

/// The largest window that deflate allows, which any gzip may need.
const WINDOW_BITS: u8 = 15;

/// How every gzip member begins.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Inflates all members of a gzip, some raw bytes at a time.
pub(super) struct Inflater {
    gzip: Arc<Vec<u8>>,
    at: usize,
    /// The member being inflated; none before the first and after each.
    member: Option<Decompress>,
    made: u64,
    limit: Option<u64>,
    stop: Arc<AtomicBool>,
}

impl Inflater {
    /// Starts before the first member. `limit` is how many raw bytes there may be; raising `stop` makes the inflater give up.
    pub(super) fn new(gzip: Arc<Vec<u8>>, limit: Option<u64>, stop: Arc<AtomicBool>) -> Self {
        Self { gzip, at: 0, member: None, made: 0, limit, stop }
    }

    /// Goes to a member that starts at byte `at` of the gzip, and before which there are `made` raw bytes.
    pub(super) fn from(self, at: usize, made: u64) -> Self {
        Self { at, made, ..self }
    }

    /// Fills the buffer with the next raw bytes: as many as it has room for, fewer at the end, none after it.
    fn fill(&mut self, block: &mut Vec<u8>) -> Result<(), CodecError> {
        block.clear();
        while block.len() < BLOCK_LEN {
            if self.stop.load(Ordering::Relaxed) {
                // Whoever raised it has stopped listening.
                return Err(CodecError::AlreadyFailed);
            }
            if self.member.is_none() && !self.open_member()? {
                return Ok(());
            }
            self.step(block)?;
        }
        Ok(())
    }

    /// Opens the next member, if there is one.
    fn open_member(&mut self) -> Result<bool, CodecError> {
        let rest = &self.gzip[self.at..];
        if self.at > 0 {
            if rest.is_empty() {
                return Ok(false);
            }
            let start = &rest[..rest.len().min(MAGIC.len())];
            if !MAGIC.starts_with(start) {
                return Err(CodecError::TrailingJunk { offset: self.at as u64, len: rest.len() as u64 });
            }
        }
        self.member = Some(Decompress::new_gzip(WINDOW_BITS));
        Ok(true)
    }

    fn step(&mut self, block: &mut Vec<u8>) -> Result<(), CodecError> {
        let Some(member) = &mut self.member else { return Ok(()) };
        let rest = &self.gzip[self.at..];
        let (taken, before) = (member.total_in(), block.len());
        let status = member.decompress_vec(&rest[..rest.len().min(STEP)], block, FlushDecompress::None);
        let taken = (member.total_in() - taken) as usize;
        self.at += taken;
        self.made += (block.len() - before) as u64;

        match status {
            Err(error) => return Err(self.corrupt(error.message().unwrap_or("not gzip"))),
            Ok(Status::StreamEnd) => self.member = None,
            Ok(_) if block.len() < BLOCK_LEN && self.at == self.gzip.len() => {
                return Err(CodecError::Truncated { len: self.at as u64 });
            }
            Ok(_) if taken == 0 && block.len() == before => return Err(self.corrupt("decoder makes no progress")),
            Ok(_) => {}
        }
        match self.limit {
            Some(limit) if self.made > limit => Err(CodecError::TooLong { limit }),
            _ => Ok(()),
        }
    }

    fn corrupt(&self, detail: &str) -> CodecError {
        CodecError::Corrupt { offset: self.at as u64, detail: detail.into() }
    }
}

/// A run of raw bytes, and whether any follow.
pub(super) struct Block {
    pub(super) bytes: Vec<u8>,
    pub(super) last: bool,
}

/// The blocks of a gzip. Each is held back until the next one is there, so that the last one is known to be the last, and the gzip
/// to be sound to its end, before it is handed out.
pub(super) struct Blocks {
    inflater: Inflater,
    held: Option<Vec<u8>>,
}

impl Blocks {
    pub(super) fn new(inflater: Inflater) -> Self {
        Self { inflater, held: None }
    }

    /// Makes the next block in `spent`, a buffer whose bytes are no longer needed. Not to be called after the last one.
    ///
    /// # Errors
    ///
    /// [`CodecError::Truncated`], [`CodecError::Corrupt`] or [`CodecError::TrailingJunk`] if the gzip is not sound,
    /// [`CodecError::TooLong`] if there is more in it than the limit.
    pub(super) fn next(&mut self, spent: Vec<u8>) -> Result<Block, CodecError> {
        let bytes = match self.held.take() {
            Some(held) => held,
            None => self.make(Vec::new())?,
        };
        let following = self.make(spent)?;
        let last = following.is_empty();
        self.held = Some(following);
        Ok(Block { bytes, last })
    }

    fn make(&mut self, mut block: Vec<u8>) -> Result<Vec<u8>, CodecError> {
        block.clear();
        block.reserve_exact(BLOCK_LEN);
        self.inflater.fill(&mut block)?;
        Ok(block)
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, GzBuilder};
    use std::io::Write;

    use super::*;
    use crate::codec::testing::{gzip, heap};

    fn inflate(gzip: &[u8], limit: Option<u64>) -> Result<Vec<u8>, CodecError> {
        let inflater = Inflater::new(Arc::new(gzip.to_vec()), limit, Arc::default());
        let mut blocks = Blocks::new(inflater);
        let (mut raw, mut spent) = (Vec::new(), Vec::new());
        loop {
            let block = blocks.next(spent)?;
            raw.extend_from_slice(&block.bytes);
            if block.last {
                return Ok(raw);
            }
            spent = block.bytes;
        }
    }

    #[test]
    fn members_of_any_size_make_one_stream() {
        let parts = [heap(BLOCK_LEN, 1), vec![], heap(3, 2), heap(2 * BLOCK_LEN + 1, 3), vec![]];
        let members = parts.iter().flat_map(|part| gzip(part)).collect::<Vec<_>>();
        assert!(inflate(&members, None).unwrap() == parts.concat());
    }

    #[test]
    fn only_the_last_block_says_so() {
        for (len, blocks) in [(0, 1), (1, 1), (BLOCK_LEN, 1), (BLOCK_LEN + 1, 2), (3 * BLOCK_LEN, 3)] {
            let packed = Arc::new(gzip(&heap(len, 4)));
            let mut made = Blocks::new(Inflater::new(packed, None, Arc::default()));
            let ends = std::iter::repeat_with(|| made.next(Vec::new()).unwrap().last);
            assert_eq!(ends.take_while(|last| !last).count(), blocks - 1, "{len} bytes");
        }
    }

    #[test]
    fn everything_a_gzip_header_may_hold_is_skipped() {
        let builder =
            GzBuilder::new().filename("heap.xss").comment("a comment").extra(vec![7; 600]).mtime(1).operating_system(3);
        let mut encoder = builder.write(Vec::new(), Compression::fast());
        encoder.write_all(b"heap").unwrap();
        assert_eq!(inflate(&encoder.finish().unwrap(), None).unwrap(), b"heap");
    }

    #[test]
    fn nothing_at_all_is_not_a_gzip() {
        assert!(matches!(inflate(b"", None), Err(CodecError::Truncated { len: 0 })));
        assert!(matches!(inflate(b"snapshot-bytes", None), Err(CodecError::Corrupt { .. })));
        assert!(matches!(inflate(&[0; 64], None), Err(CodecError::Corrupt { .. })));
    }

    #[test]
    fn gzip_cut_anywhere_is_truncated() {
        let whole = gzip(&heap(2000, 5));
        for len in 0..whole.len() {
            let error = inflate(&whole[..len], None).unwrap_err();
            assert!(matches!(error, CodecError::Truncated { len: told } if told == len as u64), "{len}: {error}");
        }
        let twice = [whole.clone(), whole.clone()].concat();
        for len in whole.len() + 1..twice.len() {
            assert!(matches!(inflate(&twice[..len], None), Err(CodecError::Truncated { .. })), "{len}");
        }
    }

    #[test]
    fn junk_after_the_last_member_is_refused_and_located() {
        let whole = gzip(b"heap");
        for junk in [&b"\0"[..], b"\0\0\0\0", b"junk", b"\x1f\x00", b"\x8b\x1f"] {
            let error = inflate(&[&whole[..], junk].concat(), None).unwrap_err();
            let CodecError::TrailingJunk { offset, len } = error else { panic!("unexpected {error}") };
            assert_eq!((offset, len), (whole.len() as u64, junk.len() as u64));
        }
    }

    #[test]
    fn checksum_and_length_of_each_member_count() {
        let whole = gzip(b"heap");
        for byte in whole.len() - 8..whole.len() {
            for second in [false, true] {
                let mut twice = [&whole[..], &whole[..]].concat();
                twice[byte + if second { whole.len() } else { 0 }] ^= 1;
                assert!(matches!(inflate(&twice, None), Err(CodecError::Corrupt { .. })), "byte {byte}");
            }
        }
    }

    #[test]
    fn limit_is_exact() {
        let raw = heap(2 * BLOCK_LEN, 6);
        for len in [0, 1, BLOCK_LEN - 1, BLOCK_LEN, BLOCK_LEN + 1, 2 * BLOCK_LEN] {
            let packed = gzip(&raw[..len]);
            assert!(inflate(&packed, Some(len as u64)).unwrap() == raw[..len]);
            if len > 0 {
                let limit = len as u64 - 1;
                assert!(
                    matches!(inflate(&packed, Some(limit)), Err(CodecError::TooLong { limit: told }) if told == limit)
                );
            }
        }
    }

    #[test]
    fn raised_stop_sign_ends_it_between_members_that_yield_nothing() {
        let nothing = Arc::new(gzip(b"").repeat(100));
        let stop = Arc::new(AtomicBool::new(true));
        let mut blocks = Blocks::new(Inflater::new(nothing, None, stop));
        assert!(blocks.next(Vec::new()).is_err());
    }
}
