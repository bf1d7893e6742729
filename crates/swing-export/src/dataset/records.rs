//! Reading export data.

use std::fmt;
use std::io::{BufRead, Read};
use std::path::PathBuf;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, SeqAccess, Visitor};

use super::error::{DatasetError, json_reason};

/// A key, and its value unless the record deletes the key.
pub type Record = (String, Option<String>);

/// The longest line an [`ExportDataReader`] takes unless told otherwise, in bytes.
pub const DEFAULT_MAX_LINE_BYTES: usize = 64 << 20;

/// Reads records, one per line, from either dialect's export data, holding one line at a time.
///
/// A line is a JSON array `["key","value"]`, or `["key",null]` or `["key"]` for a deletion. The last line may lack its LF,
/// and JSON's own white space is allowed around the tokens of a line, since both tools read those. Everything else is an
/// error that names the line: an empty line (which JavaScript's reader refuses), several arrays on a line (likewise),
/// bytes that are not UTF-8 and lone surrogates (which both readers would change), an empty key (which Go's refuses).
/// After an error the iterator ends.
#[derive(Debug)]
#[must_use = "nothing is read until it is iterated"]
pub struct ExportDataReader<R> {
    source: R,
    label: PathBuf,
    line: u64,
    max_line_bytes: usize,
    buffer: Vec<u8>,
    ended: bool,
}

impl<R: BufRead> ExportDataReader<R> {
    /// Starts reading `source`, which errors call `label`.
    pub fn new(label: impl Into<PathBuf>, source: R) -> Self {
        let max_line_bytes = DEFAULT_MAX_LINE_BYTES;
        Self { source, label: label.into(), line: 0, max_line_bytes, buffer: Vec::new(), ended: false }
    }

    /// Sets the longest line taken, in bytes, its LF not counted.
    pub fn max_line_bytes(mut self, limit: usize) -> Self {
        self.max_line_bytes = limit;
        self
    }

    fn read_record(&mut self) -> Result<Option<Record>, DatasetError> {
        self.buffer.clear();
        let allowed = (self.max_line_bytes as u64).saturating_add(1);
        let mut line_source = (&mut self.source).take(allowed);
        let read = line_source.read_until(b'\n', &mut self.buffer);
        if read.map_err(DatasetError::io(&self.label, "read the export data"))? == 0 {
            return Ok(None);
        }
        self.line += 1;
        let line = match self.buffer.strip_suffix(b"\n") {
            Some(line) => line,
            None if self.buffer.len() > self.max_line_bytes => {
                return Err(self.bad_line(format!("longer than {} bytes", self.max_line_bytes)));
            }
            None => &self.buffer,
        };
        if line.iter().all(|byte| b" \t\r".contains(byte)) {
            return Err(self.bad_line("empty".to_owned()));
        }
        let text = std::str::from_utf8(line)
            .map_err(|error| self.bad_line(format!("not UTF-8 at byte {}", error.valid_up_to())))?;
        let Entry(record) = serde_json::from_str(text)
            .map_err(|error| self.bad_line(format!("column {}: {}", error.column(), json_reason(&error))))?;
        Ok(Some(record))
    }

    fn bad_line(&self, reason: String) -> DatasetError {
        DatasetError::BadLine { path: self.label.clone(), line: self.line, reason }
    }
}

impl<R: BufRead> Iterator for ExportDataReader<R> {
    type Item = Result<Record, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let record = self.read_record().transpose();
        self.ended = !matches!(record, Some(Ok(_)));
        record
    }
}

impl<R: BufRead> std::iter::FusedIterator for ExportDataReader<R> {}

struct Entry(Record);

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of a key and perhaps a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Entry, A::Error> {
        let key: String = array.next_element()?.ok_or_else(|| A::Error::custom("the array is empty"))?;
        if key.is_empty() {
            return Err(A::Error::custom("the key is empty"));
        }
        let value: Option<Option<String>> = array.next_element()?;
        if array.next_element::<IgnoredAny>()?.is_some() {
            return Err(A::Error::custom("the array has more than two elements"));
        }
        Ok(Entry((key, value.flatten())))
    }
}

#[cfg(test)]
mod tests;
