//! The table.

use swing_core::session::{Digested, Table};

/// The tables of this substore. What each column is for stands in `schema.sql`; the reasons stand before the statement
/// there, because SQLite keeps what is inside of it in every file.
pub const TABLES: &[Table] = &[Table {
    name: "kvStore",
    columns: &["key", "value"],
    create: include_str!("schema.sql"),
    digested: Digested::Rows,
}];
