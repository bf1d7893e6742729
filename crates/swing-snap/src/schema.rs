//! The table behind the snapStore.

use swing_core::session::{Digested, Table};

const COLUMNS: [&str; 7] =
    ["vatID", "snapPos", "inUse", "hash", "uncompressedSize", "compressedSize", "compressedSnapshot"];

/// The tables of the snapStore, for [`Session::open`](swing_core::Session::open). A table of the older schema 1A has
/// the same columns and is opened as it is.
pub const TABLES: &[Table] =
    &[Table { name: "snapshots", columns: &COLUMNS, create: include_str!("schema.sql"), digested: Digested::Rows }];

/// The one.
pub(crate) const SNAPSHOTS: &Table = &TABLES[0];

/// The table as it was made before August 2023: a snapshot in use must have its bytes.
#[cfg(test)]
pub(crate) const TABLES_1A: &[Table] = &[Table {
    name: "snapshots",
    columns: &COLUMNS,
    create: "CREATE TABLE snapshots (
      vatID TEXT,
      snapPos INTEGER,
      inUse INTEGER CHECK(inUse = 1),
      hash TEXT,
      uncompressedSize INTEGER,
      compressedSize INTEGER,
      compressedSnapshot BLOB,
      PRIMARY KEY (vatID, snapPos),
      UNIQUE (vatID, inUse),
      CHECK(compressedSnapshot is not null or inUse is null)
    );",
    digested: Digested::Rows,
}];

#[cfg(test)]
mod tests {
    use swing_core::Session;

    use super::*;

    /// What SQLite remembers of a table and its indexes, by name.
    fn stored(session: &Session) -> Vec<(String, String, Option<String>)> {
        const SQL: &str = "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name LIKE 'snapshots%' ORDER BY name";
        session.read().all(SQL, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap()
    }

    #[test]
    fn a_fresh_table_is_the_committed_text() {
        let session = Session::in_memory(TABLES).unwrap();
        let (_, statement) = include_str!("schema.sql").split_once("CREATE TABLE IF NOT EXISTS ").unwrap();
        let table = format!("CREATE TABLE {}", statement.trim_end().trim_end_matches(';'));
        let index = |name: &str| ("index".to_owned(), format!("sqlite_autoindex_snapshots_{name}"), None);
        assert_eq!(
            stored(&session),
            [("table".to_owned(), "snapshots".to_owned(), Some(table))]
                .into_iter()
                .chain([index("1"), index("2")])
                .collect::<Vec<_>>()
        );
    }
}
