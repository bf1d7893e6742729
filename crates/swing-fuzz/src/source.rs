//! A source of bytes as odd as a stream may be, which counts what is taken from it.

use std::io::{self, ErrorKind, Read};

/// Gives some bytes, a few at a time, with interruptions; maybe fails after them, maybe never ends.
pub(crate) struct Chunks<'d> {
    data: &'d [u8],
    at_a_time: usize,
    interrupted: bool,
    interrupt: bool,
    after: After,
    beyond: bool,
    /// Bytes that were taken, those after the data included.
    pub(crate) taken: u64,
}

/// What comes after the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// The end.
    End,
    /// An error.
    Failure,
    /// This byte, for ever.
    Endless(u8),
}

impl<'d> Chunks<'d> {
    /// `how`: its low bits say how much a read gives at most, the highest one that every other read is interrupted.
    pub(crate) fn new(data: &'d [u8], how: u8) -> Self {
        let at_a_time = match how & 0x7f {
            0 => usize::MAX,
            few => usize::from(few),
        };
        Self {
            data,
            at_a_time,
            interrupted: false,
            interrupt: how & 0x80 != 0,
            after: After::End,
            beyond: false,
            taken: 0,
        }
    }

    /// Whether bytes were taken that come after the data.
    pub(crate) fn is_beyond(&self) -> bool {
        self.beyond
    }

    pub(crate) fn then(mut self, after: After) -> Self {
        self.after = after;
        self
    }
}

impl Read for Chunks<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.interrupted = self.interrupt && !self.interrupted;
        if self.interrupted {
            return Err(ErrorKind::Interrupted.into());
        }
        let most = room.len().min(self.at_a_time);
        let room = &mut room[..most];
        let count = match (self.data, self.after) {
            ([], After::End) => 0,
            ([], After::Failure) => return Err(io::Error::new(ErrorKind::BrokenPipe, "the source failed")),
            ([], After::Endless(byte)) => {
                room.fill(byte);
                self.beyond = true;
                room.len()
            }
            _ => self.data.read(room)?,
        };
        self.taken += count as u64;
        Ok(count)
    }
}
