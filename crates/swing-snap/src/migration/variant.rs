//! Which schema a table has, told from the statement it was made with.

use std::fmt;

use swing_core::row_digest::stored::is_guard;
use swing_core::session::Reader;

use super::MigrationError;
use crate::schema::TABLES;

/// The schemas that the table has had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Schema {
    /// Before August 2023: a snapshot in use must have its bytes.
    V1A,
    /// Since then: it need not.
    V1B,
}

impl Schema {
    /// The one that a new store gets.
    pub const CURRENT: Self = Self::V1B;

    /// The schema of the table in a database.
    ///
    /// # Errors
    /// [`MigrationError`] when there is no such table or it is none of ours.
    pub fn of(db: Reader<'_>) -> Result<Self, MigrationError> {
        const SQL: &str = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = 'snapshots'";
        let sql: String = db.one(SQL, [], |row| row.get(0))?.ok_or(MigrationError::NoTable)?;
        Self::told(&sql).ok_or(MigrationError::UnknownSchema { sql })
    }

    /// The schema of a table made with this statement, in whatever layout and letter case, comments or not.
    fn told(sql: &str) -> Option<Self> {
        const POPULATED_IN_USE: &str = "check ( compressedsnapshot is not null or inuse is null )";
        let told = words(sql);
        let current = words(include_str!("../schema.sql")).replace("if not exists ", "");
        let (table, end) = current.split_once(" ) ;")?;
        debug_assert!(end.is_empty(), "the schema is one statement");
        let current = format!("{table} )");
        let older = format!("{table} , {POPULATED_IN_USE} )");
        match told {
            told if told == current => Some(Self::V1B),
            told if told == older => Some(Self::V1A),
            _ => None,
        }
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1A => "1A",
            Self::V1B => "1B",
        })
    }
}

/// Refuses a table on which something of somebody else's depends.
pub(super) fn refuse_foreigners(db: Reader<'_>) -> Result<(), MigrationError> {
    // An index that SQLite made for a constraint has no statement. LIKE does not look at letter case.
    const SQL: &str = "SELECT type, name, sql FROM sqlite_schema
        WHERE (type <> 'table' AND sql IS NOT NULL AND (tbl_name LIKE 'snapshots' OR sql LIKE '%snapshots%'))
            OR (type = 'table' AND sql LIKE '%REFERENCES%snapshots%')";
    let found = db.all(SQL, [], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?)))?;
    // Those that guard the row digest are made anew.
    match found.into_iter().find(|(_, _, sql)| !is_guard(TABLES, sql)) {
        Some((kind, name, _)) => Err(MigrationError::Foreign { kind, name }),
        None => Ok(()),
    }
}

/// A statement in lower case, without comments and quotes around names, one space between all its words and signs.
fn words(sql: &str) -> String {
    let mut words = String::with_capacity(sql.len());
    let mut rest = sql.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, after) = match first {
            _ if rest.starts_with("--") => ("", rest.split_once('\n').map_or("", |(_, after)| after)),
            _ if rest.starts_with("/*") => ("", rest.split_once("*/").map_or("", |(_, after)| after)),
            '"' | '`' => rest[1..].split_once(first).unwrap_or((rest, "")),
            '[' => rest[1..].split_once(']').unwrap_or((rest, "")),
            first if is_word(first) => rest.split_at(rest.find(|c| !is_word(c)).unwrap_or(rest.len())),
            first => rest.split_at(first.len_utf8()),
        };
        if !word.is_empty() {
            if !words.is_empty() {
                words.push(' ');
            }
            words.push_str(&word.to_ascii_lowercase());
        }
        rest = after.trim_start();
    }
    words
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{TABLES, TABLES_1A};

    const NODE_1B: &str = "CREATE TABLE snapshots (
      vatID TEXT,
      snapPos INTEGER,
      inUse INTEGER CHECK(inUse = 1),
      hash TEXT,
      uncompressedSize INTEGER,
      compressedSize INTEGER,
      compressedSnapshot BLOB,
      PRIMARY KEY (vatID, snapPos),
      UNIQUE (vatID, inUse)
    )";

    fn without_semicolon(sql: &str) -> &str {
        sql.trim_end().trim_end_matches(';')
    }

    #[test]
    fn schemas_of_other_implementations_are_told_apart() {
        assert_eq!(Schema::told(NODE_1B), Some(Schema::V1B));
        assert_eq!(Schema::told(without_semicolon(TABLES_1A[0].create)), Some(Schema::V1A));
        let own = TABLES[0].create.replace("IF NOT EXISTS ", "");
        assert_eq!(Schema::told(without_semicolon(&own)), Some(Schema::V1B));
    }

    #[test]
    fn layout_comments_quotes_and_letter_case_do_not_matter() {
        let one_line = NODE_1B.split_whitespace().collect::<Vec<_>>().join(" ");
        for layout in [
            one_line.replace(", ", ","),
            one_line.to_uppercase(),
            one_line.replace("inUse INTEGER", "/* PRIMARY, */\"inUse\" INTEGER"),
            one_line.replace("hash", "[hash]").replace("TABLE snapshots", "TABLE `snapshots`"),
            NODE_1B.replace("hash TEXT,", "-- CHECK(compressedSnapshot is not null or inUse is null)\n hash TEXT,"),
        ] {
            assert_eq!(Schema::told(&layout), Some(Schema::V1B), "{layout}");
        }
    }

    #[test]
    fn a_table_with_anything_more_or_less_is_nobodys() {
        for other in [
            NODE_1B.replace("hash TEXT,", ""),
            NODE_1B.replace("hash TEXT,", "hash TEXT, note TEXT,"),
            NODE_1B.replace("hash TEXT,", "hash TEXT NOT NULL,"),
            NODE_1B.replace("CHECK(inUse = 1)", "CHECK(inUse = 2)"),
            NODE_1B.replace("snapshots (", "snapshots2 ("),
            format!("{NODE_1B} WITHOUT ROWID"),
            String::new(),
            "\"".to_owned(),
            "/*".to_owned(),
            "[é".to_owned(),
        ] {
            assert_eq!(Schema::told(&other), None, "{other}");
        }
    }
}
