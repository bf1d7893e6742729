//! The rows of the table: which figure of which work each tells, and what is to be reached.

use super::table::Unit;

/// A row of the table of both.
pub(crate) struct Row {
    pub(crate) title: &'static str,
    pub(crate) work: &'static str,
    pub(crate) figure: &'static str,
    /// The other side's figure that it is held against.
    pub(crate) counterpart: &'static str,
    pub(crate) unit: Unit,
    /// The least ratio that is good enough.
    pub(crate) goal: Option<f64>,
}

const fn row(title: &'static str, work: &'static str, figure: &'static str, goal: Option<f64>) -> Row {
    Row { title, work, figure, counterpart: figure, unit: Unit::Time, goal }
}

const fn bytes(title: &'static str, work: &'static str, figure: &'static str) -> Row {
    Row { title, work, figure, counterpart: figure, unit: Unit::Bytes, goal: None }
}

/// Something that only we can do, against the nearest thing that the other side can.
const fn instead(row: Row, figure: &'static str) -> Row {
    Row { figure, ..row }
}

/// All of them.
pub(crate) const ROWS: &[Row] = &[
    row("recorded kernel, a block's body and commit", "trace", "total", Some(15.0)),
    row("… its body", "trace", "body", Some(30.0)),
    row("… its commit", "trace", "commit", None),
    row("get, hot, in a block", "kv", "get", Some(20.0)),
    row("has, hot, in a block", "kv", "has", Some(20.0)),
    row("set, hot, the call", "kv", "set", Some(10.0)),
    row("set, hot, with its share of the block", "kv", "setCommit", None),
    row("get, random, the first time", "kv", "getFirst", None),
    row("get, random, again", "kv", "getRandom", None),
    row("get of an absent key", "kv", "getAbsent", None),
    row("getNextKey, walking", "kv", "next", None),
    row("getNextKey, of a random key", "kv", "nextRandom", None),
    row("set, random, the call", "kv", "setRandom", None),
    row("set, random, with its share of the block", "kv", "setRandomCommit", None),
    row("addItem 2 KB, the call", "transcript", "addItem", Some(25.0)),
    row("addItem 2 KB, with its share of the block", "transcript", "addItemCommit", None),
    row("emitCrankHashes", "transcript", "emit", Some(100.0)),
    row("readSpan, 200 items of 2 KB, again", "transcript", "readSpan", Some(5.0)),
    instead(row("… the items lent, not copied", "transcript", "readSpan", Some(5.0)), "readSpanLent"),
    row("getCurrentSpanBounds", "transcript", "bounds", None),
    row("rolloverSpan", "transcript", "rollover", None),
    row("saveSnapshot, 2 MB", "snapshot-2", "save", Some(6.0)),
    row("loadSnapshot, 2 MB", "snapshot-2", "load", Some(6.0)),
    row("… the commit", "snapshot-2", "commit", None),
    bytes("… the compressed size", "snapshot-2", "compressedBytes"),
    row("saveSnapshot, 4 MB", "snapshot-4", "save", Some(6.0)),
    row("loadSnapshot, 4 MB", "snapshot-4", "load", Some(6.0)),
    row("… the commit", "snapshot-4", "commit", None),
    bytes("… the compressed size", "snapshot-4", "compressedBytes"),
    row("saveSnapshot, 20 MB", "snapshot-20", "save", Some(6.0)),
    row("loadSnapshot, 20 MB", "snapshot-20", "load", Some(6.0)),
    row("… the commit", "snapshot-20", "commit", None),
    bytes("… the compressed size", "snapshot-20", "compressedBytes"),
    row("saveSnapshot, 600 MB", "snapshot-600", "save", Some(6.0)),
    row("loadSnapshot, 600 MB", "snapshot-600", "load", Some(6.0)),
    row("… the commit", "snapshot-600", "commit", None),
    bytes("… the compressed size", "snapshot-600", "compressedBytes"),
    row("saveSnapshot, a real heap", "snapshot-real", "save", Some(6.0)),
    row("loadSnapshot, a real heap", "snapshot-real", "load", Some(6.0)),
    row("… the commit", "snapshot-real", "commit", None),
    bytes("… the compressed size", "snapshot-real", "compressedBytes"),
    bytes("… the size", "snapshot-real", "rawBytes"),
    row("export data, all", "export-data", "all", Some(4.0)),
    row("export data, a record", "export-data", "each", None),
    row("full export, archival", "export", "all", Some(4.0)),
    row("import with full verification", "import", "all", Some(6.0)),
    row("readSpan of all spans, each once", "replay", "all", None),
    row("verify", "verify", "all", None),
    row("deleteVatTranscripts, budget 5, and commit", "delete", "each", Some(1.5)),
    row("… the longest", "delete", "longest", None),
    bytes("… the WAL", "delete", "walBytes"),
    row("deleteVatTranscripts without a budget, and commit", "delete-all", "each", Some(10.0)),
    bytes("… the WAL", "delete-all", "walBytes"),
    row("deleteVatTranscripts of half of the store, and commit", "delete-half", "each", None),
    row("open", "open", "open", None),
    row("exporter ready", "ready", "ready", None),
    bytes("peak memory: recorded kernel", "trace", "rss"),
    bytes("peak memory: full export", "export", "rss"),
    bytes("peak memory: import", "import", "rss"),
    bytes("peak memory: reading all spans", "replay", "rss"),
    bytes("… without pages of the mapped file", "replay", "ownBytes"),
    bytes("peak memory: verify", "verify", "rss"),
    bytes("peak memory: deletion of all", "delete-all", "rss"),
];
