//! What was measured, as tables.

use std::collections::BTreeMap;

use super::rows::{ROWS, Row};
use super::stats::{Ratio, median};
use super::table::{Unit, digits, markdown};
use super::work::Figures;

/// The figures of every round, by work and side.
#[derive(Default)]
pub(crate) struct Measured(BTreeMap<(&'static str, &'static str), Vec<Figures>>);

impl Measured {
    pub(crate) fn add(&mut self, work: &'static str, side: &'static str, figures: Figures) {
        self.0.entry((work, side)).or_default().push(figures);
    }

    /// A figure, round by round.
    pub(crate) fn all(&self, work: &'static str, side: &'static str, figure: &str) -> Vec<f64> {
        let rounds = self.0.get(&(work, side)).into_iter().flatten();
        rounds.filter_map(|figures| figures.get(figure).copied()).collect()
    }

    fn ours(&self, work: &'static str, figure: &str) -> Option<f64> {
        median(&self.all(work, "ours", figure))
    }

    /// Everything, for whoever wants to look closer.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        let works = self.0.iter().map(|((work, side), rounds)| (format!("{work} {side}"), serde_json::json!(rounds)));
        serde_json::Value::Object(works.collect())
    }

    /// The reference, or another side, against ours.
    /// `goal` is that of all rows, in place of each one's own.
    pub(crate) fn comparison(&self, other: &'static str, goal: Option<f64>) -> String {
        let goal_of = |row: &Row| match row.unit {
            Unit::Time => goal.or(row.goal),
            Unit::Bytes => row.goal,
        };
        let rows: Vec<_> = ROWS.iter().filter_map(|row| self.compared(row, other, goal_of(row))).collect();
        markdown(&["work", other, "ours", "ratio", "spread", "goal", ""], &rows)
    }

    fn compared(&self, row: &Row, other: &'static str, goal: Option<f64>) -> Option<Vec<String>> {
        let (theirs, ours) = (self.all(row.work, other, row.figure), self.all(row.work, "ours", row.figure));
        let mid = median(&ours)?;
        let ratio = Ratio::of(&theirs, &ours);
        let shown = |figure: Option<f64>| figure.map_or_else(|| "–".to_owned(), |figure| row.unit.show(figure));
        let verdict = match (ratio, goal) {
            (Some(ratio), Some(goal)) if ratio.median >= goal => "reached",
            (Some(_), Some(_)) => "missed",
            _ => "",
        };
        Some(vec![
            row.title.to_owned(),
            shown(median(&theirs)),
            shown(Some(mid)),
            ratio.map_or_else(|| "–".to_owned(), |ratio| digits(ratio.median)),
            ratio.map_or_else(String::new, |ratio| format!("{}–{}", digits(ratio.least), digits(ratio.most))),
            goal.map_or_else(String::new, |goal| format!("≥ {goal}")),
            verdict.to_owned(),
        ])
    }

    /// Ours against what the machine can do at best.
    pub(crate) fn against_the_floor(&self, heap_bytes: f64) -> String {
        let mut rows = Vec::new();
        let mut row =
            |title: &str, floor: Option<f64>, ours: Option<f64>, goal: &str, good: &dyn Fn(f64, f64) -> bool| {
                let (Some(floor), Some(ours)) = (floor, ours) else { return };
                let verdict = if good(floor, ours) { "reached" } else { "missed" };
                let cells =
                    [title, &Unit::Time.show(floor), &Unit::Time.show(ours), &digits(ours / floor), goal, verdict];
                rows.push(cells.map(str::to_owned).to_vec());
            };
        let floor = |figure: &str| self.ours("floor", figure);
        let cores = floor("cores").unwrap_or(1.0);
        // One hash cannot be shared by cores, and while one of them hashes the others pack or unpack without it.
        let hash = floor("hashPerByte");
        let shared = |codec: Option<f64>| Some(hash?.max((hash? + codec?) / cores) * heap_bytes);
        row(
            "get from the cache (floor: HashMap)",
            floor("hashMapGet"),
            self.ours("kv", "get"),
            "≤ 150 ns",
            &|_, o| o <= 150.0,
        );
        let block = self
            .ours("kv", "setRandomCommit")
            .zip(self.ours("kv", "setRandom"))
            .map(|(all, call)| (all - call) * 1000.0);
        row("a block's commit, 1000 random rows (raw SQL)", floor("block"), block, "≤ 1.3 ×", &|f, o| o <= 1.3 * f);
        let save = shared(floor("deflatePerByte"));
        row(
            "saveSnapshot (hash and deflate, on all cores)",
            save,
            self.ours("snapshot", "save"),
            "≤ 1.25 ×",
            &|f, o| o <= 1.25 * f,
        );
        row(
            "saveSnapshot behind the block, the call (hash)",
            hash.map(|each| each * heap_bytes),
            self.ours("snapshot", "saveBehind"),
            "≤ 1.25 ×",
            &|f, o| o <= 1.25 * f,
        );
        let load = shared(floor("inflatePerByte"));
        row(
            "loadSnapshot (hash and inflate, on all cores)",
            load,
            self.ours("snapshot", "load"),
            "≤ 1.25 ×",
            &|f, o| o <= 1.25 * f,
        );
        row("export data, a record (raw SELECT)", floor("readRow"), self.ours("export-data", "each"), "", &|_, _| true);
        row("open", Some(1e7), self.ours("open", "open"), "≤ 10 ms", &|f, o| o <= f);
        row("exporter ready", Some(1e7), self.ours("ready", "ready"), "≤ 10 ms", &|f, o| o <= f);
        markdown(&["work", "floor", "ours", "ratio", "goal", ""], &rows)
    }
}
