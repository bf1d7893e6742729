//! A long session: its blocks, early and late, and its memory.

use anyhow::Result;

use super::super::ours::{Contents, Making, SAMPLES, SLICES};
use super::super::side::Clock;
use super::super::svg::Line;
use super::super::table::{Unit, markdown};
use super::super::work::{Figures, Work};
use super::{Curve, Run, lines, table};

/// Pairs of the store: few, so that the caches are full soon.
const ROWS: u64 = 50_000;

impl Run {
    /// On the wall, whatever else counts: checkpoints are waited for.
    pub(super) fn blocks(&self) -> Result<String> {
        let blocks = if self.large { 100_000 } else { 4_000 };
        self.stores.make(Making::Store(Contents { rows: ROWS, ..self.empty("session") }))?;
        let work = Work::Session { dir: self.stores.place("session"), rows: ROWS, blocks };
        let figures = self.ours.run(&work, Clock::Wall)?;
        let slice = |at: u64| {
            let each = *figures.get(&format!("slice{at}"))?;
            Some(((at + 1) * blocks / SLICES, Figures::from([("each".to_owned(), each)])))
        };
        let curve: Curve = (0..SLICES).filter_map(slice).collect();
        let named = [("each", "a block, median")];
        let title = "A block of 10 cranks and its commit, over the session";
        self.plot("blocks.svg", title, "blocks", lines(&curve, &named))?;
        let memory =
            [("resident", "resident"), ("live", "allocated")].map(|(name, title)| memory(&figures, name, title));
        self.plot_bytes("memory.svg", "Memory over the session", "cranks", memory.to_vec())?;
        Ok(format!(
            "{}\n{}\n{}\n{}",
            table(&curve, "blocks", &named),
            ends(&figures, blocks),
            memory_table(&memory),
            slopes(&figures)
        ))
    }
}

fn memory(figures: &Figures, name: &str, title: &str) -> Line {
    let point = |at: u64| Some((*figures.get(&format!("cranks{at}"))?, *figures.get(&format!("{name}{at}Bytes"))?));
    Line { name: title.to_owned(), points: (0..SAMPLES).filter_map(point).collect() }
}

/// The first and the last blocks: what a checkpoint or a large file does to them.
fn ends(figures: &Figures, blocks: u64) -> String {
    let shown = |name: &str| Unit::Time.show(figures.get(name).copied().unwrap_or_default());
    let count = figures.get("ends").copied().unwrap_or_default();
    let row = |which: &str| {
        let title = format!("the {which} {count} of {blocks}");
        [title, shown(&format!("{which}P50")), shown(&format!("{which}P99")), shown(&format!("{which}Longest"))]
            .to_vec()
    };
    markdown(&["blocks", "p50", "p99", "max"], &[row("first"), row("last")])
}

/// A tenth of the samples.
fn memory_table(lines: &[Line; 2]) -> String {
    let [resident, live] = lines;
    let tenth = |(at, (cranks, bytes)): (usize, &(f64, f64))| {
        let allocated = live.points.get(at).map_or(0.0, |point| point.1);
        (at % 5 == 4).then(|| vec![cranks.to_string(), Unit::Bytes.show(*bytes), Unit::Bytes.show(allocated)])
    };
    let rows: Vec<_> = resident.points.iter().enumerate().filter_map(tenth).collect();
    markdown(&["cranks", "resident", "allocated"], &rows)
}

/// What a million further cranks would add.
fn slopes(figures: &Figures) -> String {
    let slope = |name: &str| {
        let each = figures.get(name).copied().unwrap_or_default() / 1e3;
        format!("{each:+.3} bytes a crank, {:+.2} MB a million", each * 1e6 / 1e6)
    };
    format!(
        "By least squares over the second half of {} cranks: resident {}; allocated {}.\n",
        figures.get("cranks49").copied().unwrap_or_default(),
        slope("residentSlope"),
        slope("liveSlope")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_told_for_a_crank_and_for_a_million() {
        let figures = Figures::from([("residentSlope".to_owned(), 2500.0), ("liveSlope".to_owned(), -100.0)]);
        let told = slopes(&figures);
        assert!(told.contains("resident +2.500 bytes a crank, +2.50 MB a million"), "{told}");
        assert!(told.contains("allocated -0.100 bytes a crank, -0.10 MB a million"), "{told}");
    }

    #[test]
    fn memory_is_told_at_every_fifth_sample() {
        let line = Line { name: String::new(), points: (1..=10).map(|at| (f64::from(at), 1e6)).collect() };
        let other = Line { name: String::new(), points: line.points.clone() };
        let told = memory_table(&[line, other]);
        assert!(told.contains("| 5 ") && told.contains("| 10 ") && !told.contains("| 4 "), "{told}");
    }
}
