//! Tables as documents and terminals show them, and figures as people read them.

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Time,
    Bytes,
}

impl Unit {
    /// Three digits and a unit.
    pub(crate) fn show(self, figure: f64) -> String {
        let steps: &[(f64, &str)] = match self {
            Self::Time => &[(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (0.0, "ns")],
            Self::Bytes => &[(1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (0.0, "B")],
        };
        let (step, unit) = steps.iter().find(|(step, _)| figure >= *step).unwrap_or(&(0.0, ""));
        format!("{} {unit}", digits(figure / step.max(1.0)))
    }
}

/// Three digits that count.
pub(crate) fn digits(figure: f64) -> String {
    match figure {
        f if f >= 100.0 => format!("{f:.0}"),
        f if f >= 10.0 => format!("{f:.1}"),
        f => format!("{f:.2}"),
    }
}

/// A table in Markdown, its columns as wide as they need be.
pub(crate) fn markdown(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([head[column].chars().count()]).max().unwrap_or_default()
    };
    let widths: Vec<_> = (0..head.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded = cells.zip(&widths).map(|(cell, width)| format!(" {cell:<width$} ", width = *width));
        format!("|{}|\n", padded.collect::<Vec<_>>().join("|"))
    };
    let mut table = line(&mut head.iter().copied());
    table.push_str(&format!("|{}|\n", vec!["---"; head.len()].join("|")));
    for row in rows {
        table.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits_and_a_unit() {
        let shown = [0.5, 121.4, 1_840.0, 31_500_000.0, 2e9].map(|figure| Unit::Time.show(figure));
        assert_eq!(shown, ["0.50 ns", "121 ns", "1.84 µs", "31.5 ms", "2.00 s"]);
        assert_eq!(Unit::Bytes.show(64e6), "64.0 MB");
    }

    #[test]
    fn a_table_lines_up() {
        let table = markdown(&["a", "long"], &[vec!["wide cell".to_owned(), "x".to_owned()]]);
        assert_eq!(table, "| a         | long |\n|---|---|\n| wide cell | x    |\n");
    }
}
