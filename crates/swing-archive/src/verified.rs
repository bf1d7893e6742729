//! An archived file on its way to a reader: decompressed and checked.

mod check;

#[cfg(test)]
mod tests;

use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use fs_err::File;
use swing_core::ArtifactName;

pub(crate) use check::Check;

const BLOCK: usize = 64 * 1024;

/// An archived file that is not what it should be, inside an [`io::Error`].
#[derive(Debug, thiserror::Error)]
#[error("archived {name}: {problem}")]
pub struct Unverified {
    /// The snapshot or span.
    pub name: ArtifactName,
    /// What is wrong with the file.
    pub problem: String,
}

/// The content of an archived file.
///
/// What is handed out early is not verified yet, but the last block of it is withheld until all of it has proved right:
/// a read of 0 bytes says that what was read is what the hash stands for. An error of [`Unverified`] says that it is
/// not. A reader that has failed goes on failing. Dropping one early is fine.
#[derive(Debug)]
pub struct ArchivedBytes {
    name: ArtifactName,
    gzip: MultiGzDecoder<BufReader<File>>,
    check: Check,
    /// Handed out up to `at`.
    block: Vec<u8>,
    at: usize,
    /// The block after it, empty at the end.
    next: Vec<u8>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Unread,
    Reading,
    Verified,
    Failed,
}

impl ArchivedBytes {
    pub(crate) fn new(name: ArtifactName, file: File, check: Check) -> Self {
        let gzip = MultiGzDecoder::new(BufReader::with_capacity(BLOCK, file));
        Self { name, gzip, check, block: Vec::new(), at: 0, next: Vec::new(), state: State::Unread }
    }

    /// Moves on to the next block, one more of which is read and checked in advance.
    fn advance(&mut self) -> io::Result<()> {
        if self.state == State::Unread {
            self.state = State::Reading;
            self.read_next()?;
        }
        std::mem::swap(&mut self.block, &mut self.next);
        self.next.clear();
        self.at = 0;
        if self.state == State::Reading { self.read_next() } else { Ok(()) }
    }

    fn read_next(&mut self) -> io::Result<()> {
        let read = (&mut self.gzip).take(BLOCK as u64).read_to_end(&mut self.next);
        match read {
            Ok(0) => {
                self.check.finish().map_err(|problem| self.blame(problem))?;
                self.state = State::Verified;
                Ok(())
            }
            Ok(_) => self.check.update(&self.next).map_err(|problem| self.blame(problem)),
            Err(error) if is_of_gzip(&error) => Err(self.blame(format!("the gzip is damaged: {error}"))),
            Err(error) => Err(error),
        }
    }

    fn blame(&self, problem: String) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, Unverified { name: self.name.clone(), problem })
    }
}

/// Whether an error is the decoder's and not the file's.
fn is_of_gzip(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof)
}

impl Read for ArchivedBytes {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if room.is_empty() {
            return Ok(0);
        }
        if self.state == State::Failed {
            return Err(self.blame("it has failed before".to_owned()));
        }
        if self.at == self.block.len()
            && let Err(error) = self.advance()
        {
            self.state = State::Failed;
            return Err(error);
        }
        let ready = &self.block[self.at..];
        let len = ready.len().min(room.len());
        room[..len].copy_from_slice(&ready[..len]);
        self.at += len;
        Ok(len)
    }
}
