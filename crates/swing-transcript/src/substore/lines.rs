//! The lines of an artifact that nobody vouches for yet: exact bytes, and no more of them than allowed.

use std::io::{self, BufRead as _, BufReader, Read};

use swing_core::substore::Limits;

/// The most that is read beyond what is needed.
const CHUNK: usize = 64 * 1024;

/// A line that is not one.
#[derive(Debug, thiserror::Error)]
pub(super) enum LineError {
    #[error("an item is longer than {limit} bytes")]
    LongItem { limit: u64 },
    #[error("it is longer than {limit} bytes")]
    LongArtifact { limit: u64 },
    #[error("its last line does not end with a line feed")]
    Unended,
    #[error("it is not UTF-8")]
    Encoding,
    #[error(transparent)]
    Io(#[from] io::Error),
}

pub(super) struct Lines<'s> {
    source: BufReader<&'s mut dyn Read>,
    limits: Limits,
    taken: u64,
    line: Vec<u8>,
}

impl<'s> Lines<'s> {
    pub(super) fn new(source: &'s mut dyn Read, limits: Limits) -> Self {
        Self { source: BufReader::with_capacity(CHUNK, source), limits, taken: 0, line: Vec::new() }
    }

    /// The next line without its line feed, `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<&str>, LineError> {
        let Limits { item, artifact, .. } = self.limits;
        let left = artifact.saturating_sub(self.taken);
        let most = item.saturating_add(1).min(left);
        self.line.clear();
        let count = (&mut self.source).take(most).read_until(b'\n', &mut self.line)? as u64;
        self.taken += count;
        if self.line.last() != Some(&b'\n') {
            return match self.is_at_end()? {
                true if count == 0 => Ok(None),
                true => Err(LineError::Unended),
                false if count == left => Err(LineError::LongArtifact { limit: artifact }),
                false => Err(LineError::LongItem { limit: item }),
            };
        }
        self.line.pop();
        std::str::from_utf8(&self.line).map(Some).map_err(|_| LineError::Encoding)
    }

    /// Whether nothing is left.
    pub(super) fn is_at_end(&mut self) -> io::Result<bool> {
        loop {
            match self.source.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other.map(<[u8]>::is_empty),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { item: 4, artifact: 12, bundle: 0 };

    fn lines(mut bytes: &[u8]) -> Result<Vec<String>, String> {
        let mut lines = Lines::new(&mut bytes, LIMITS);
        let mut found = Vec::new();
        while let Some(line) = lines.next().map_err(|error| error.to_string())? {
            found.push(line.to_owned());
        }
        Ok(found)
    }

    #[test]
    fn lines_are_split_at_line_feeds_and_nothing_is_trimmed() {
        assert_eq!(lines(b""), Ok(vec![]));
        assert_eq!(lines(b"\n\n"), Ok(vec![String::new(), String::new()]));
        assert_eq!(lines(b" a\t\r\nb\0\n"), Ok(vec![" a\t\r".to_owned(), "b\0".to_owned()]));
        assert_eq!(lines("\u{2028}\n".as_bytes()), Ok(vec!["\u{2028}".to_owned()]));
    }

    #[test]
    fn limits_are_exact() {
        assert!(lines(b"1234\n1234\n").is_ok());
        assert_eq!(lines(b"12345\n"), Err("an item is longer than 4 bytes".to_owned()));
        assert_eq!(lines(b"1234\n123456"), Err("an item is longer than 4 bytes".to_owned()));
        assert!(lines(b"123\n123\n123\n").is_ok());
        assert_eq!(lines(b"123\n123\n123\n\n"), Err("it is longer than 12 bytes".to_owned()));
        assert_eq!(lines(b"123\n123\n1234\n"), Err("it is longer than 12 bytes".to_owned()));
    }

    #[test]
    fn a_last_line_without_line_feed_and_bytes_that_are_no_text_are_refused() {
        assert_eq!(lines(b"a\nb"), Err("its last line does not end with a line feed".to_owned()));
        assert_eq!(lines(b"1234"), Err("its last line does not end with a line feed".to_owned()));
        assert_eq!(lines(b"\xff\n"), Err("it is not UTF-8".to_owned()));
    }
}
