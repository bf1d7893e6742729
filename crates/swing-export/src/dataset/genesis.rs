//! The hash that a genesis file gives of a dataset's export data.

use sha2::{Digest, Sha256};

use super::dialect::Dialect;
use super::records::Record;

/// Builds the genesis field `swing_store_export_data_hash`: `sha256:` and the hex SHA-256 of the records' Go lines.
///
/// The chain makes it from its own copy of the export data, in key-byte order (`ExportGenesis`), and checks it against
/// the lines of the file, in the file's order, each encoded anew (`InitGenesis`).
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct GenesisHash {
    hasher: Sha256,
}

impl GenesisHash {
    /// Adds one record.
    pub fn add(&mut self, key: &str, value: Option<&str>) {
        self.add_line(&Dialect::Go.record_line(key, value));
    }

    pub(super) fn add_line(&mut self, line: &str) {
        self.hasher.update(line);
    }

    /// Returns the field's text.
    #[must_use]
    pub fn finish(self) -> String {
        format!("sha256:{:x}", self.hasher.finalize())
    }
}

/// Returns the genesis hash of the records, in the order given.
///
/// # Errors
///
/// The first error among the records.
pub fn genesis_hash<E>(records: impl IntoIterator<Item = Result<Record, E>>) -> Result<String, E> {
    let mut hash = GenesisHash::default();
    for record in records {
        let (key, value) = record?;
        hash.add(&key, value.as_deref());
    }
    Ok(hash.finish())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn no_records_hash_as_nothing() {
        let none: [Result<Record, Infallible>; 0] = [];
        // What the chain writes when told to skip the export.
        let expected = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(genesis_hash(none).unwrap(), expected);
    }

    #[test]
    fn hashes_the_go_lines() {
        let records = [("kv.a", Some("<x> & \u{2028}")), ("kv.b", None)];
        let records = records.map(|(key, value)| Ok::<_, Infallible>((key.to_owned(), value.map(str::to_owned))));
        let lines = "[\"kv.a\",\"\\u003cx\\u003e \\u0026 \\u2028\"]\n[\"kv.b\"]\n";
        assert_eq!(genesis_hash(records).unwrap(), format!("sha256:{:x}", Sha256::digest(lines)));
    }
}
