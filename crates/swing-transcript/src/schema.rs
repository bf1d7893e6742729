//! The tables.

use swing_core::session::{Digested, Table};

/// Creates whichever of the tables and the index is absent.
const CREATE: &str = include_str!("schema.sql");

/// The tables of the transcriptStore.
pub const TABLES: &[Table] = &[
    Table {
        name: "transcriptItems",
        columns: &["vatID", "position", "item", "incarnation"],
        create: CREATE,
        // The hash of their span vouches for them.
        digested: Digested::Elsewhere,
    },
    Table {
        name: "transcriptSpans",
        columns: &["vatID", "startPos", "endPos", "hash", "isCurrent", "incarnation"],
        create: CREATE,
        digested: Digested::Rows,
    },
];

/// That of the items.
pub(crate) const ITEMS: &Table = &TABLES[0];
/// That of the spans.
pub(crate) const SPANS: &Table = &TABLES[1];

#[cfg(test)]
mod tests {
    use swing_core::Session;

    use super::*;

    const STORED: &str =
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND tbl_name LIKE 'transcript%' ORDER BY type DESC, name";

    #[test]
    fn a_fresh_store_has_exactly_the_committed_schema() {
        let session = Session::in_memory(TABLES).unwrap();
        let stored = session.read().all(STORED, [], |row| row.get::<_, String>(0)).unwrap();
        let committed: Vec<_> = CREATE
            .split_inclusive(";\n")
            .filter_map(|text| text.find("CREATE").map(|at| text[at..].trim_end().trim_end_matches(';')))
            .map(|text| text.replace("IF NOT EXISTS ", ""))
            .collect();
        assert_eq!(stored, committed);
        assert_eq!(stored.len(), 3);
    }

    #[test]
    fn the_declared_columns_are_those_of_the_schema_in_order() {
        let session = Session::in_memory(TABLES).unwrap();
        for table in TABLES {
            let sql = format!("SELECT name FROM pragma_table_info('{}') ORDER BY cid", table.name);
            let found = session.read().all(&sql, [], |row| row.get::<_, String>(0)).unwrap();
            assert_eq!(found, table.columns);
        }
    }
}
