//! Rows as bytes, so that two rows are the same bytes exactly when SQLite holds the same values of the same types.

use rusqlite::types::ValueRef;

/// One value of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'c> {
    /// NULL.
    Null,
    /// An integer.
    Integer(i64),
    /// A number that is none, where the file is not what it should be.
    Real(f64),
    /// Text, which in a damaged file need not be UTF-8.
    Text(&'c [u8]),
    /// Bytes.
    Blob(&'c [u8]),
}

impl<'c> From<ValueRef<'c>> for Cell<'c> {
    fn from(value: ValueRef<'c>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Integer(number),
            ValueRef::Real(number) => Self::Real(number),
            ValueRef::Text(text) => Self::Text(text),
            ValueRef::Blob(bytes) => Self::Blob(bytes),
        }
    }
}

impl<'c> From<&'c str> for Cell<'c> {
    fn from(text: &'c str) -> Self {
        Self::Text(text.as_bytes())
    }
}

impl Cell<'_> {
    /// How many bytes of text or blob it has.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text(bytes) | Self::Blob(bytes) => bytes.len(),
            Self::Null | Self::Integer(_) | Self::Real(_) => 0,
        }
    }

    /// Appends the type, then the value, with its length where it has one.
    pub(super) fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.push(0),
            Self::Integer(number) => {
                out.push(1);
                out.extend_from_slice(&number.to_le_bytes());
            }
            Self::Real(number) => {
                out.push(2);
                out.extend_from_slice(&number.to_bits().to_le_bytes());
            }
            Self::Text(text) => write_bytes(3, text, out),
            Self::Blob(bytes) => write_bytes(4, bytes, out),
        }
    }
}

fn write_bytes(kind: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(kind);
    out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(cells: &[Cell<'_>]) -> Vec<u8> {
        let mut out = Vec::new();
        cells.iter().for_each(|cell| cell.write(&mut out));
        out
    }

    #[test]
    fn rows_that_sqlite_tells_apart_are_different_bytes() {
        let rows: &[&[Cell<'_>]] = &[
            &[],
            &[Cell::Null],
            &[Cell::Null, Cell::Null],
            &[Cell::Integer(0)],
            &[Cell::Integer(1)],
            &[Cell::Real(1.0)],
            &[Cell::Real(0.0)],
            &[Cell::Real(-0.0)],
            &[Cell::from("")],
            &[Cell::from("1")],
            &[Cell::Blob(b"")],
            &[Cell::Blob(b"1")],
            &[Cell::from("ab"), Cell::from("c")],
            &[Cell::from("a"), Cell::from("bc")],
            &[Cell::from("abc")],
        ];
        for (at, row) in rows.iter().enumerate() {
            for other in &rows[at + 1..] {
                assert_ne!(bytes(row), bytes(other), "{row:?} {other:?}");
            }
        }
    }
}
