//! The table.

use swing_core::session::{Digested, Table};

/// The tables of the bundleStore.
pub const TABLES: &[Table] = &[Table {
    name: "bundles",
    columns: &["bundleID", "bundle"],
    create: include_str!("schema.sql"),
    digested: Digested::Rows,
}];

/// The one.
pub(crate) const BUNDLES: &Table = &TABLES[0];

#[cfg(test)]
mod tests {
    use swing_core::Session;

    use super::*;

    #[test]
    fn a_fresh_store_has_exactly_the_committed_schema() {
        let session = Session::in_memory(TABLES).unwrap();
        let sql = "SELECT sql FROM sqlite_schema WHERE name = 'bundles'";
        let stored = session.read().one(sql, [], |row| row.get::<_, String>(0)).unwrap().unwrap();
        let text = TABLES[0].create;
        let committed = text[text.find("CREATE").unwrap()..].trim_end().trim_end_matches(';');
        assert_eq!(stored, committed.replace("IF NOT EXISTS ", ""));
    }
}
