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
}

/// Export records that were queued but not handed over when another implementation committed.
pub const PENDING_EXPORTS: Table =
    Table { name: "pendingExports", columns: &["key", "value"], create: include_str!("pending_exports.sql") };

/// The tables of a swing-store. A database that has tables, but none of these, is somebody else's.
pub const OWN_TABLES: [&str; 6] =
    ["kvStore", "transcriptItems", "transcriptSpans", "snapshots", "bundles", "pendingExports"];
