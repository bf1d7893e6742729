//! Tables as the substores declare them.

/// A table that a substore owns.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// The columns that must be there, in the order of `create`.
    pub columns: &'static [&'static str],
    /// The statements that create it (and its indexes) if it is absent.
    pub create: &'static str,
    /// Whether its rows are in the [digest](crate::row_digest) of the store's rows.
    pub digested: Digested,
}

/// What vouches for the rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digested {
    /// The row digest.
    Rows,
    /// Something else, such as a hash in another table; or nothing has to.
    Elsewhere,
}

/// Export records that were queued but not handed over when another implementation committed.
pub const PENDING_EXPORTS: Table = Table {
    name: "pendingExports",
    columns: &["key", "value"],
    create: include_str!("pending_exports.sql"),
    digested: Digested::Elsewhere,
};

/// The tables by which a database is known to be a swing-store: every implementation creates one of them at least. The
/// other names, such as `snapshots`, a stranger could have too.
pub const MARK_TABLES: [&str; 2] = ["kvStore", "pendingExports"];
