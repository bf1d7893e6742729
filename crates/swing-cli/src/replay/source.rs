//! The lines of a trace, plain or compressed.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context as _, Result};
use flate2::bufread::MultiGzDecoder;
use fs_err::File;

use crate::error::Refusal;

/// No honest line comes near it; a file without line feeds must not fill the memory.
const LONGEST: u64 = 1 << 28;
const BUFFER: usize = 1 << 17;

/// Reads a trace line by line, holding one at a time.
pub(super) struct Source {
    path: PathBuf,
    lines: Box<dyn BufRead>,
    buffer: Vec<u8>,
    line: u64,
    read: Rc<Cell<u64>>,
    size: u64,
}

impl Source {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).context("cannot read the trace")?;
        let size = file.metadata().context("cannot read the trace")?.len();
        let read = Rc::new(Cell::new(0));
        let mut raw = BufReader::with_capacity(BUFFER, Counted { file, read: Rc::clone(&read) });
        let compressed = raw.fill_buf().context("cannot read the trace")?.starts_with(&[0x1f, 0x8b]);
        let lines: Box<dyn BufRead> = if compressed {
            Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(raw)))
        } else {
            Box::new(raw)
        };
        Ok(Self { path: path.to_owned(), lines, buffer: Vec::new(), line: 0, read, size })
    }

    /// Moves to the next line; `false` at the end.
    pub(super) fn advance(&mut self) -> Result<bool> {
        self.buffer.clear();
        match (&mut self.lines).take(LONGEST).read_until(b'\n', &mut self.buffer) {
            Ok(0) => return Ok(false),
            Ok(_) => {}
            Err(source) => {
                return Err(Refusal::TraceEnds { trace: self.path.clone(), line: self.line, source }.into());
            }
        }
        self.line += 1;
        if self.buffer.last() == Some(&b'\n') {
            self.buffer.pop();
        } else if self.buffer.len() as u64 == LONGEST {
            return Err(self.bad(format!("longer than {LONGEST} bytes")).into());
        }
        Ok(true)
    }

    /// The line, without its line feed.
    pub(super) fn text(&self) -> Result<&str> {
        let text = std::str::from_utf8(&self.buffer);
        text.map_err(|error| self.bad(format!("not UTF-8 at byte {}", error.valid_up_to())).into())
    }

    /// Its number, counted from 1.
    pub(super) fn number(&self) -> u64 {
        self.line
    }

    /// An error that blames it.
    pub(super) fn bad(&self, reason: impl ToString) -> Refusal {
        Refusal::BadTrace { trace: self.path.clone(), line: self.line, reason: reason.to_string() }
    }

    /// How many bytes of the file were read, of how many.
    pub(super) fn progress(&self) -> (u64, u64) {
        (self.read.get(), self.size)
    }
}

struct Counted {
    file: File,
    read: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.read.set(self.read.get() + read as u64);
        Ok(read)
    }
}
