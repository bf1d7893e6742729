//! What a block costs with something beside it.

use anyhow::Result;

use super::super::ours::{Contents, Making};
use super::super::side::Clock;
use super::super::stores::renew;
use super::super::table::{Unit, digits, markdown};
use super::super::work::{Beside, Work};
use super::Run;

/// Pairs of the store.
const ROWS: u64 = 200_000;

impl Run {
    /// On the wall, whatever else counts: waiting is what this is about.
    pub(super) fn beside(&self) -> Result<String> {
        let blocks = if self.large { 5_000 } else { 500 };
        let (template, turn) = (self.stores.place("session"), self.stores.place("turn"));
        self.stores.make(Making::Store(Contents { rows: ROWS, ..self.empty("session") }))?;
        let mut rows = Vec::new();
        for (beside, title) in [
            (Beside::Nothing, "nothing"),
            (Beside::Pause, "nothing, and a pause of 20 ms after each block"),
            (Beside::Exporter, "an exporter, again and again"),
            (Beside::Snapshot, "a snapshot of 8 MB in every tenth block"),
            (Beside::Archive, "the same, with the archive on"),
        ] {
            renew(Some(&template), &turn)?;
            let figures =
                self.ours.run(&Work::Blocks { dir: turn.clone(), rows: ROWS, blocks, beside }, Clock::Wall)?;
            let shown = |name: &str| Unit::Time.show(figures.get(name).copied().unwrap_or_default());
            let exports = digits(figures.get("exports").copied().unwrap_or_default());
            rows.push(vec![title.to_owned(), shown("p50"), shown("p99"), shown("longest"), exports]);
        }
        Ok(markdown(&["beside", "p50", "p99", "max", "exports meanwhile"], &rows))
    }
}
