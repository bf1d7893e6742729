//! Writing export data.

use std::io::Write;
use std::path::PathBuf;

use super::dialect::Dialect;
use super::error::{DatasetError, shorten};
use super::genesis::GenesisHash;

/// Writes records as lines of JSON.
///
/// In the Go dialect they must ascend by key bytes, and this is checked, not done: Go's tool streams them out of a store
/// that is sorted so, ours can too (`bundle.`, `kv.`, `snapshot.`, `transcript.`, of which only kv is large and it lies in
/// that order already), and sorting gigabytes here would hide temporary files in the dataset. In JavaScript any order will do.
#[derive(Debug)]
#[must_use = "what is not finished is not flushed"]
pub struct ExportDataWriter<W> {
    dialect: Dialect,
    sink: W,
    label: PathBuf,
    records: u64,
    bytes: u64,
    previous: Option<String>,
    hash: Option<GenesisHash>,
}

/// What an [`ExportDataWriter`] wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportDataSummary {
    /// Number of records.
    pub records: u64,
    /// Number of bytes.
    pub bytes: u64,
    /// The genesis hash of the records; in the Go dialect only.
    pub genesis_hash: Option<String>,
}

impl<W: Write> ExportDataWriter<W> {
    /// Starts writing to `sink`, which errors call `label`.
    ///
    /// `sink` should be buffered: every record is one small write.
    pub fn new(dialect: Dialect, label: impl Into<PathBuf>, sink: W) -> Self {
        let hash = match dialect {
            Dialect::Js => None,
            Dialect::Go => Some(GenesisHash::default()),
        };
        Self { dialect, sink, label: label.into(), records: 0, bytes: 0, previous: None, hash }
    }

    /// Writes one record; one without a value deletes its key.
    ///
    /// # Errors
    ///
    /// [`EmptyKey`](DatasetError::EmptyKey), [`OutOfOrder`](DatasetError::OutOfOrder), [`Io`](DatasetError::Io).
    pub fn write(&mut self, key: &str, value: Option<&str>) -> Result<(), DatasetError> {
        if key.is_empty() {
            return Err(DatasetError::EmptyKey { path: self.label.clone(), line: self.records + 1 });
        }
        let line = self.dialect.record_line(key, value);
        if let Some(hash) = &mut self.hash {
            if let Some(previous) = self.previous.as_deref().filter(|previous| *previous >= key) {
                let (previous, key) = (shorten(previous), shorten(key));
                return Err(DatasetError::OutOfOrder { path: self.label.clone(), previous, key });
            }
            let previous = self.previous.get_or_insert_default();
            previous.clear();
            previous.push_str(key);
            hash.add_line(&line);
        }
        self.sink.write_all(line.as_bytes()).map_err(DatasetError::io(&self.label, "write the export data"))?;
        self.records += 1;
        self.bytes += line.len() as u64;
        Ok(())
    }

    /// Flushes, and returns the sink and what was written to it.
    ///
    /// # Errors
    ///
    /// [`Io`](DatasetError::Io).
    pub fn finish(mut self) -> Result<(W, ExportDataSummary), DatasetError> {
        self.sink.flush().map_err(DatasetError::io(&self.label, "write the export data"))?;
        let genesis_hash = self.hash.map(GenesisHash::finish);
        Ok((self.sink, ExportDataSummary { records: self.records, bytes: self.bytes, genesis_hash }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write_all(dialect: Dialect, keys: &[&str]) -> Result<(Vec<u8>, ExportDataSummary), DatasetError> {
        let mut writer = ExportDataWriter::new(dialect, "the data", Vec::new());
        for key in keys {
            writer.write(key, Some("v"))?;
        }
        writer.finish()
    }

    #[test]
    fn go_wants_ascending_key_bytes_and_js_does_not_care() {
        // By UTF-16 units the last two would stand the other way round.
        let ascending =
            ["bundle.b0", "kv.a", "kv.a.b", "kv.aa", "transcript.v1.10", "transcript.v1.2", "z\u{ffff}", "z\u{10000}"];
        let (bytes, summary) = write_all(Dialect::Go, &ascending).unwrap();
        assert_eq!((summary.records, summary.bytes), (8, bytes.len() as u64));
        assert!(summary.genesis_hash.unwrap().starts_with("sha256:"));

        for keys in [["kv.b", "kv.a"], ["kv.a", "kv.a"], ["transcript.v1.2", "transcript.v1.10"]] {
            let error = write_all(Dialect::Go, &keys).unwrap_err();
            assert!(matches!(error, DatasetError::OutOfOrder { .. }), "{error}");
            let (_, summary) = write_all(Dialect::Js, &keys).unwrap();
            assert_eq!(summary.genesis_hash, None);
        }
    }

    #[test]
    fn empty_keys_are_refused() {
        for dialect in [Dialect::Js, Dialect::Go] {
            let error = write_all(dialect, &["a", ""]).unwrap_err();
            assert_eq!(error.to_string(), "`the data` line 2: a record needs a key");
        }
    }
}
