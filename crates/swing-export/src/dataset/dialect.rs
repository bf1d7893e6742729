//! The two ways of writing the same dataset, and the JSON text of each.

use std::borrow::Cow;
use std::io::{self, Write};

/// Which tool's bytes a dataset is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Dialect {
    /// `export-kernel-db.js`: the text of `JSON.stringify`, files named as their artifacts, records in any order.
    #[default]
    Js,
    /// The `x/swingset` keeper: the text of Go's `encoding/json`, files named `INDEX-NAME`, records in key-byte order.
    Go,
}

impl Dialect {
    /// Returns one record as its line of `export-data.jsonl`, LF included.
    ///
    /// A record without a value (a deletion) is `["key",null]` in JavaScript and `["key"]` in Go.
    #[must_use]
    pub fn record_line(self, key: &str, value: Option<&str>) -> String {
        let mut line = String::with_capacity(key.len() + value.map_or(0, str::len) + 8);
        line.push('[');
        line.push_str(&js_string(key));
        match (value, self) {
            (Some(value), _) => {
                line.push(',');
                line.push_str(&js_string(value));
            }
            (None, Dialect::Js) => line.push_str(",null"),
            (None, Dialect::Go) => {}
        }
        line.push_str("]\n");
        self.finish_json(line)
    }

    /// Turns the text of `JSON.stringify` into this dialect's text.
    ///
    /// Go's encoder is told not to escape HTML where it writes records, but each record marshals itself with the default
    /// settings, so it escapes all the same; for the manifest nobody told it anything. Neither U+2028 nor `<` can stand
    /// outside a JSON string, so the whole text can be escaped at once.
    ///
    /// Go before 1.22 (the chain up to upgrade 17) wrote U+0008 and U+000C as `\u0008` and `\u000c`; later ones write
    /// `\b` and `\f`, and so do we.
    fn finish_json(self, text: String) -> String {
        match self {
            Dialect::Js => text,
            Dialect::Go => match escape_as_go(&text) {
                Cow::Owned(escaped) => escaped,
                Cow::Borrowed(_) => text,
            },
        }
    }
}

/// Turns the text of `JSON.stringify` into Go's as it is written. Every piece of it must be whole characters, as serde_json's are.
pub(super) struct AsGo<W>(pub(super) W);

impl<W: Write> Write for AsGo<W> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let whole = str::from_utf8(text).map_err(io::Error::other)?;
        self.0.write_all(escape_as_go(whole).as_bytes())?;
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn js_string(text: &str) -> String {
    serde_json::to_string(text).expect("a string has nothing that could fail to serialize")
}

fn escape_as_go(text: &str) -> Cow<'_, str> {
    let mut escaped = String::new();
    let mut copied = 0;
    for (at, special) in text.match_indices(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        escaped.push_str(&text[copied..at]);
        escaped.push_str(match special {
            "<" => "\\u003c",
            ">" => "\\u003e",
            "&" => "\\u0026",
            "\u{2028}" => "\\u2028",
            _ => "\\u2029",
        });
        copied = at + special.len();
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    escaped.push_str(&text[copied..]);
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests;
