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

    pub(crate) fn ours(&self, work: &'static str, figure: &str) -> Option<f64> {
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

    /// Two programs of ours, each row of both.
    pub(crate) fn beside(&self, names: [&'static str; 2]) -> String {
        let rows = ROWS.iter().filter_map(|row| {
            let sides = names.map(|name| self.all(row.work, name, row.figure));
            let ratio = Ratio::of(&sides[0], &sides[1])?;
            let [before, after] =
                sides.map(|side| median(&side).map_or_else(String::new, |figure| row.unit.show(figure)));
            let spread = format!("{}–{}", digits(ratio.least), digits(ratio.most));
            Some(vec![row.title.to_owned(), before, after, digits(ratio.median), spread])
        });
        markdown(&["work", names[0], names[1], "ratio", "spread"], &rows.collect::<Vec<_>>())
    }

    fn compared(&self, row: &Row, other: &'static str, goal: Option<f64>) -> Option<Vec<String>> {
        let (theirs, ours) = (self.all(row.work, other, row.counterpart), self.all(row.work, "ours", row.figure));
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
}
