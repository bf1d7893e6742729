//! What is done to the files of a store.

use std::path::Path;

use arbitrary::{Result, Unstructured};
use fs_err as fs;

type Choices<'c, 'd> = &'c mut Unstructured<'d>;

const MOST: usize = 24;
const PAGE: usize = 4096;

const STORE: &str = "swingstore.sqlite";
const LOG: &str = "swingstore.sqlite-wal";

/// Does as many things as are chosen.
pub(super) fn inflict(dir: &Path, choices: Choices<'_, '_>) -> Result<()> {
    for _ in 0..MOST {
        if choices.is_empty() {
            break;
        }
        match choices.int_in_range(0..=15)? {
            0..=5 => bytes(&dir.join(STORE), choices)?,
            6..=7 => pages(&dir.join(STORE), choices)?,
            8 => bytes(&dir.join(LOG), choices)?,
            9 => pages(&dir.join(LOG), choices)?,
            10..=13 => cell(dir, choices)?,
            _ => statement(dir, choices)?,
        }
    }
    Ok(())
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<()> {
    // A log is not always there, and then it stays away.
    let Ok(mut bytes) = fs::read(path) else { return Ok(()) };
    let done = change(&mut bytes);
    fs::write(path, bytes).expect("room for a store");
    done
}

fn bytes(path: &Path, choices: Choices<'_, '_>) -> Result<()> {
    change(path, |file| {
        let page = usize::from(choices.arbitrary::<u8>()?) * PAGE;
        // The beginning of a page says most.
        let within =
            if choices.ratio(1, 2)? { choices.int_in_range(0..=127)? } else { choices.int_in_range(0..=PAGE - 1)? };
        let (at, length) = ((page + within) % file.len().max(1), choices.int_in_range(1..=8_usize)?);
        for byte in file.iter_mut().skip(at).take(length) {
            *byte = choices.arbitrary()?;
        }
        Ok(())
    })
}

fn pages(path: &Path, choices: Choices<'_, '_>) -> Result<()> {
    change(path, |file| {
        let count = file.len().div_ceil(PAGE).max(1);
        let (a, b) = (choices.choose_index(count)? * PAGE, choices.choose_index(count)? * PAGE);
        match choices.int_in_range(0..=3)? {
            0 => file.truncate(a + choices.int_in_range(0..=PAGE - 1)?),
            1 => {
                let to = (a + PAGE).min(file.len());
                if a < to {
                    file[a..to].fill(choices.arbitrary()?);
                }
            }
            2 => {
                let length = (file.len().saturating_sub(a.max(b))).min(PAGE);
                file.copy_within(a..a + length, b);
            }
            _ => file.extend([0; PAGE]),
        }
        Ok(())
    })
}

/// With rules and triggers that other software would not have either.
fn sql(dir: &Path, sql: &str) {
    let Ok(database) = rusqlite::Connection::open(dir.join(STORE)) else { return };
    let _ = database.execute_batch("PRAGMA ignore_check_constraints = 1; PRAGMA synchronous = OFF");
    let _ = database.execute_batch(sql);
    let _ = database.close();
}

fn value(choices: Choices<'_, '_>) -> Result<String> {
    const VALUES: [&str; 20] = [
        "NULL",
        "0",
        "1",
        "-1",
        "2",
        "3.5",
        "9007199254740991",
        "9007199254740992",
        "9223372036854775807",
        "1e300",
        "''",
        "'v1'",
        "x''",
        "x'ff'",
        "'5'",
        "'current'",
        "'a.b'",
        "'../x'",
        "zeroblob(70000)",
        "CAST(x'fffe' AS TEXT)",
    ];
    Ok(match choices.int_in_range(0..=3)? {
        0 => choices.arbitrary::<i16>()?.to_string(),
        1 => format!("CAST(x'{}' AS TEXT)", hex(choices.arbitrary::<&[u8]>()?)),
        2 => format!("x'{}'", hex(choices.arbitrary::<&[u8]>()?)),
        _ => (*choices.choose(&VALUES)?).to_owned(),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(64).map(|byte| format!("{byte:02x}")).collect()
}

fn cell(dir: &Path, choices: Choices<'_, '_>) -> Result<()> {
    const COLUMNS: [(&str, &str); 20] = [
        ("kvStore", "key"),
        ("kvStore", "value"),
        ("transcriptItems", "vatID"),
        ("transcriptItems", "position"),
        ("transcriptItems", "item"),
        ("transcriptItems", "incarnation"),
        ("transcriptSpans", "vatID"),
        ("transcriptSpans", "startPos"),
        ("transcriptSpans", "endPos"),
        ("transcriptSpans", "hash"),
        ("transcriptSpans", "isCurrent"),
        ("transcriptSpans", "incarnation"),
        ("snapshots", "vatID"),
        ("snapshots", "snapPos"),
        ("snapshots", "inUse"),
        ("snapshots", "hash"),
        ("snapshots", "uncompressedSize"),
        ("snapshots", "compressedSnapshot"),
        ("bundles", "bundleID"),
        ("bundles", "bundle"),
    ];
    let (table, column) = choices.choose(&COLUMNS)?;
    let (row, value) = (choices.arbitrary::<u8>()? % 32, value(choices)?);
    let one = format!("(SELECT rowid FROM {table} ORDER BY rowid LIMIT 1 OFFSET {row})");
    sql(
        dir,
        &match choices.int_in_range(0..=3)? {
            0 => format!("DELETE FROM {table} WHERE rowid = {one}"),
            1 => format!("UPDATE OR IGNORE {table} SET {column} = {value}"),
            _ => format!("UPDATE {table} SET {column} = {value} WHERE rowid = {one}"),
        },
    );
    Ok(())
}

fn statement(dir: &Path, choices: Choices<'_, '_>) -> Result<()> {
    const STATEMENTS: [&str; 20] = [
        "DROP TABLE kvStore",
        "DROP TABLE transcriptItems",
        "DROP TABLE pendingExports",
        "DROP INDEX currentTranscriptIndex",
        "DELETE FROM transcriptItems",
        "DELETE FROM snapshots",
        "PRAGMA user_version = 7",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA application_id = 7; VACUUM",
        "CREATE TRIGGER t AFTER INSERT ON kvStore BEGIN DELETE FROM kvStore; END",
        "ALTER TABLE kvStore RENAME TO k; CREATE VIEW kvStore AS SELECT * FROM k",
        "ALTER TABLE snapshots ADD COLUMN more TEXT",
        "ALTER TABLE bundles RENAME COLUMN bundle TO content",
        "INSERT INTO pendingExports VALUES ('kv.a', '1'), ('snapshot.v1.current', NULL), ('', '')",
        "INSERT OR IGNORE INTO kvStore VALUES (NULL, 'a'), (7, 8), (x'ff', x'ff')",
        "INSERT OR IGNORE INTO transcriptItems VALUES ('v1', 70000, 'x', 0), ('v9', 0, NULL, 0), ('v1', -1, 'x', 0)",
        "INSERT OR IGNORE INTO transcriptSpans VALUES ('v9', 0, 9007199254740991, 'x', 1, 0), ('', 0, 0, '', NULL, 0)",
        "INSERT OR IGNORE INTO snapshots VALUES ('v9', 5, 1, '', 1, 1, x'1f8b')",
        "INSERT OR IGNORE INTO bundles VALUES ('b0-x', 'x'), ('b1-x', 'x'), ('', NULL)",
        "UPDATE sqlite_schema SET sql = 'CREATE TABLE x(a)' WHERE name = 'bundles'",
    ];
    sql(dir, choices.choose(&STATEMENTS)?);
    if choices.ratio(1, 16)? {
        fs::write(dir.join("swingstore.sqlite-journal"), choices.arbitrary::<&[u8]>()?).expect("room for a file");
    }
    Ok(())
}
