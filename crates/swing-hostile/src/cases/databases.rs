//! Databases that are damaged, or were made by somebody else.

use super::list::{STORE, dataset, hex, text};
use crate::case::{Bytes, Case, Edit, Input};

const FILE: &str = "swingstore.sqlite";

fn database(about: &str, name: impl std::fmt::Display, why: &str, edits: Vec<Edit>) -> Case {
    let name = format!("a database: {name}");
    Case { input: Input::Database, base: STORE.to_owned(), ..dataset(about, name, why, edits) }
}

pub(super) fn cases() -> Vec<Case> {
    let verified = "what leaves a store is what its record says";
    let mut cases =
        vec![database("E1", "a store as it is", "so that what is refused below is refused for its own reason", vec![])];
    let file = || FILE.to_owned();
    for (about, name, sql) in [
        ("E1", "a forged item", "UPDATE transcriptItems SET item = 'forged' WHERE vatID = 'v1' AND position = 0"),
        (
            "E2",
            "a forged item of a current span",
            "UPDATE transcriptItems SET item = 'forged' WHERE vatID = 'v1' AND position = 22",
        ),
        (
            "E1",
            "an item with a line feed",
            "UPDATE transcriptItems SET item = item || char(10) WHERE vatID = 'v1' AND position = 0",
        ),
        (
            "E1",
            "an item that is bytes",
            "UPDATE transcriptItems SET item = x'00ff' WHERE vatID = 'v1' AND position = 0",
        ),
        ("E1", "an item that is NULL", "UPDATE transcriptItems SET item = NULL WHERE vatID = 'v1' AND position = 0"),
        ("E1", "an item that is gone", "DELETE FROM transcriptItems WHERE vatID = 'v1' AND position = 3"),
        (
            "E1",
            "two items exchanged",
            "UPDATE transcriptItems SET item = CASE position WHEN 2 THEN 'a' ELSE 'b' END WHERE vatID = 'v1' AND position IN (2, 3)",
        ),
        (
            "E1",
            "an item of another incarnation",
            "UPDATE transcriptItems SET incarnation = 9 WHERE vatID = 'v1' AND position = 0",
        ),
        ("E1", "items that no span has", "INSERT INTO transcriptItems VALUES ('v9', 0, 'x', 0)"),
        ("E1", "items beyond the end", "INSERT INTO transcriptItems VALUES ('v1', 99, 'x', 2)"),
        ("E1", "another end of a span", "UPDATE transcriptSpans SET endPos = 8 WHERE vatID = 'v1' AND startPos = 0"),
        (
            "E1",
            "a span that ends before it starts",
            "UPDATE transcriptSpans SET endPos = 3 WHERE vatID = 'v1' AND startPos = 7",
        ),
        (
            "E1",
            "another hash of a span",
            "UPDATE transcriptSpans SET hash = '00' || substr(hash, 3) WHERE vatID = 'v1' AND startPos = 0",
        ),
        ("E1", "a hash that is none", "UPDATE transcriptSpans SET hash = 'x' WHERE vatID = 'v1' AND startPos = 0"),
        (
            "E1",
            "a fractional position",
            "UPDATE transcriptSpans SET startPos = 0.5 WHERE vatID = 'v1' AND startPos = 0",
        ),
        (
            "E1",
            "a position out of range",
            "UPDATE transcriptSpans SET endPos = 9007199254740992 WHERE vatID = 'v1' AND isCurrent = 1",
        ),
        ("E1", "a negative position", "UPDATE transcriptSpans SET startPos = -5 WHERE vatID = 'v1' AND startPos = 0"),
        (
            "E1",
            "a vat with a path in it",
            "UPDATE transcriptSpans SET vatID = '/../../evil' WHERE vatID = 'v1' AND startPos = 0",
        ),
        (
            "E1",
            "a vat that is a number",
            "UPDATE transcriptSpans SET vatID = x'37' WHERE vatID = 'v1' AND startPos = 0",
        ),
        ("E1", "no current span", "UPDATE transcriptSpans SET isCurrent = NULL WHERE vatID = 'v1'"),
        (
            "E4",
            "a snapshot that is no gzip",
            "UPDATE snapshots SET compressedSnapshot = x'00' WHERE vatID = 'v1' AND inUse = 1",
        ),
        (
            "E4",
            "a snapshot cut short",
            "UPDATE snapshots SET compressedSnapshot = substr(compressedSnapshot, 1, length(compressedSnapshot) - 4) WHERE vatID = 'v1' AND inUse = 1",
        ),
        (
            "E4",
            "a snapshot with junk after it",
            "UPDATE snapshots SET compressedSnapshot = CAST(compressedSnapshot || x'6a756e6b' AS BLOB) WHERE vatID = 'v1' AND inUse = 1",
        ),
        ("E4", "an empty snapshot", "UPDATE snapshots SET compressedSnapshot = x'' WHERE vatID = 'v1' AND inUse = 1"),
        (
            "E4",
            "a snapshot in use without bytes",
            "UPDATE snapshots SET compressedSnapshot = NULL WHERE vatID = 'v1' AND inUse = 1",
        ),
        (
            "E4",
            "a snapshot that is a text",
            "UPDATE snapshots SET compressedSnapshot = 'text' WHERE vatID = 'v1' AND inUse = 1",
        ),
        (
            "E3",
            "another hash of a snapshot",
            "UPDATE snapshots SET hash = '00' || substr(hash, 3) WHERE vatID = 'v1' AND inUse = 1",
        ),
        (
            "E3",
            "another vat's snapshot",
            "UPDATE snapshots SET compressedSnapshot = (SELECT compressedSnapshot FROM snapshots WHERE vatID = 'v2' AND inUse = 1) WHERE vatID = 'v1' AND inUse = 1",
        ),
        (
            "E3",
            "another size of a snapshot",
            "UPDATE snapshots SET uncompressedSize = 1 WHERE vatID = 'v1' AND inUse = 1",
        ),
        (
            "E3",
            "a negative size of a snapshot",
            "UPDATE snapshots SET uncompressedSize = -1 WHERE vatID = 'v1' AND inUse = 1",
        ),
        ("E3", "a size that is a text", "UPDATE snapshots SET compressedSize = 'x' WHERE vatID = 'v1' AND inUse = 1"),
        ("E1", "another bundle under an ID", "UPDATE bundles SET bundle = 'x'"),
        ("E1", "a bundle without content", "UPDATE bundles SET bundle = NULL"),
        ("E1", "a bundle that is bytes", "UPDATE bundles SET bundle = CAST(bundle AS BLOB)"),
        ("E1", "a bundle's ID that is none", "UPDATE bundles SET bundleID = 'x'"),
        ("kv", "a value that is NULL", "UPDATE kvStore SET value = NULL WHERE key = 'vat.names'"),
        ("kv", "a value that is a number", "UPDATE kvStore SET value = x'0001' WHERE key = 'vat.names'"),
        ("kv", "a value that is not UTF-8", "UPDATE kvStore SET value = CAST(x'ff' AS TEXT) WHERE key = 'vat.names'"),
        ("kv", "a key that is NULL", "INSERT INTO kvStore VALUES (NULL, 'x')"),
        ("kv", "a key that is bytes", "INSERT INTO kvStore VALUES (x'6b', 'x')"),
        ("schema", "a trigger", "CREATE TRIGGER t AFTER INSERT ON kvStore BEGIN DELETE FROM kvStore; END"),
        (
            "schema",
            "a trigger named as one of ours",
            "CREATE TRIGGER rowDigest_kvStore_insert AFTER INSERT ON kvStore BEGIN DELETE FROM kvStore; END",
        ),
        (
            "schema",
            "a view in place of a table",
            "ALTER TABLE bundles RENAME TO b; CREATE VIEW bundles AS SELECT * FROM b",
        ),
        ("schema", "a table with another column", "ALTER TABLE kvStore RENAME COLUMN value TO val"),
        ("schema", "a table that is gone", "DROP TABLE bundles"),
        ("schema", "a later format", "PRAGMA user_version = 7"),
        (
            "schema",
            "a row digest of a later release",
            "CREATE TABLE rowDigestState (version, kept, witness); INSERT INTO rowDigestState VALUES (99, 1, '')",
        ),
        ("schema", "a row digest that is none", "CREATE TABLE rowDigestState (a)"),
    ] {
        cases.push(database(about, name, verified, vec![Edit::Sql(sql.to_owned())]));
    }
    let whole = "a file that is no database, or a damaged one, is an error and changes nothing";
    for (name, edits) in [
        ("an empty file", vec![Edit::Artifact(file(), text(""))]),
        ("no file", vec![Edit::NoArtifact(file())]),
        ("a text in place of a database", vec![Edit::Artifact(file(), Bytes::Times("no database\n".to_owned(), 500))]),
        ("a header alone", vec![Edit::Artifact(file(), hex("53514c69746520666f726d6174203300"))]),
        ("a database cut to half a page", vec![Edit::Cut(file(), 63_488)]),
        ("a database cut by a page", vec![Edit::Cut(file(), 4096)]),
        ("a database cut by a byte", vec![Edit::Cut(file(), 1)]),
        ("a database with something after it", vec![Edit::Append(file(), text("junk"))]),
        ("a database with something before it", vec![Edit::Prepend(file(), text("junk"))]),
        (
            "a log that is none",
            vec![Edit::Artifact("swingstore.sqlite-wal".to_owned(), Bytes::Times("junk".to_owned(), 4000))],
        ),
        ("an empty log", vec![Edit::Artifact("swingstore.sqlite-wal".to_owned(), text(""))]),
        (
            "a journal that is none",
            vec![Edit::Artifact("swingstore.sqlite-journal".to_owned(), Bytes::Times("junk".to_owned(), 4000))],
        ),
    ] {
        cases.push(database("E5", name, whole, edits));
    }
    let flips = "SQLite's check and the hashes see most; pairs are seen by the digest of the rows, which a store of the reference has not";
    for at in 0..24_u64 {
        let bit = at * 21_577 + (at % 8);
        cases.push(database("damage", format!("bit {bit} of a database"), flips, vec![Edit::Flip(file(), bit)]));
    }
    cases
}
