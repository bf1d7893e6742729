//! Numbers and tables for people.

use std::collections::BTreeMap;
use std::fmt;

/// A number with its digits in groups of three.
pub(crate) struct Grouped(pub(crate) u64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        let mut text = String::with_capacity(digits.len() * 4 / 3);
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        f.pad(&text)
    }
}

/// A number of bytes, in the unit that leaves one to three digits before the point.
pub(crate) struct Bytes(pub(crate) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
        if self.0 < 1000 {
            return f.pad(&format!("{} bytes", self.0));
        }
        // Exact enough: one digit after the point is shown.
        let mut size = self.0 as f64;
        let mut unit = "";
        for next in UNITS {
            if size < 999.95 {
                break;
            }
            size /= 1000.0;
            unit = next;
        }
        f.pad(&format!("{size:.1} {unit}"))
    }
}

/// A text that somebody else wrote, in one line, with nothing in it that a terminal acts on.
pub(crate) struct Visible<'t>(pub(crate) &'t str);

impl fmt::Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.split_inclusive(acts) {
            match part.chars().next_back().filter(|last| acts(*last)) {
                Some(last) => write!(f, "{}{}", &part[..part.len() - last.len_utf8()], last.escape_debug())?,
                None => f.write_str(part)?,
            }
        }
        Ok(())
    }
}

/// Control characters, ends of lines, and what changes the direction of writing.
fn acts(char: char) -> bool {
    char.is_control() || matches!(char, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `1 of kv, 2 of snapshot`; what there is none of is left out.
pub(crate) fn by_kind(counts: &BTreeMap<&str, u64>) -> String {
    let counts = counts.iter().filter(|(_, count)| **count > 0);
    counts.map(|(kind, count)| format!("{} of {kind}", Grouped(*count))).collect::<Vec<_>>().join(", ")
}

/// `1 artifact`, `2 artifacts`.
pub(crate) fn plural(count: u64, one: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{} {one}{s}", Grouped(count))
}

/// Rows of cells in columns: the first and the last flush left, those between flush right, since they are numbers.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<_> = (0..columns).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let width = widths[column];
                line += &match column {
                    0 => format!("  {cell:<width$}"),
                    _ if column + 1 == columns => format!("  {cell}"),
                    _ => format!("  {cell:>width$}"),
                };
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_come_in_groups_of_three() {
        for (number, text) in
            [(0, "0"), (999, "999"), (1000, "1,000"), (123_456, "123,456"), (1 << 40, "1,099,511,627,776")]
        {
            assert_eq!(Grouped(number).to_string(), text);
        }
        assert_eq!(format!("{:>6}|{:<4}|", Grouped(1000), Grouped(1)), " 1,000|1   |");
    }

    #[test]
    fn bytes_come_in_a_unit_that_fits() {
        let table = [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1000, "1.0 kB"),
            (999_949, "999.9 kB"),
            (999_950, "1.0 MB"),
            (17_600_000_000, "17.6 GB"),
            (u64::MAX, "18446.7 PB"),
        ];
        for (number, text) in table {
            assert_eq!(Bytes(number).to_string(), text);
        }
    }

    #[test]
    fn columns_line_up() {
        let mut table = Table::default();
        table.row(["kv", "12", "of many"].map(str::to_owned));
        table.row(["snapshots", "1,234", ""].map(str::to_owned));
        assert_eq!(table.to_string(), "  kv            12  of many\n  snapshots  1,234\n");
    }
}
