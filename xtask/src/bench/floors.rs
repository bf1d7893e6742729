//! Ours against what the machine can do at best, and what that is.

use super::report::Measured;
use super::table::{Unit, digits, markdown};

/// What is good enough.
enum Goal {
    /// At most so much, whatever the floor is.
    Most(f64),
    /// At most so many times the floor.
    Times(f64),
    None,
}

impl Goal {
    fn show(&self) -> String {
        match self {
            Self::Most(most) => format!("≤ {}", Unit::Time.show(*most)),
            Self::Times(times) => format!("≤ {times} ×"),
            Self::None => String::new(),
        }
    }

    fn verdict(&self, floor: f64, ours: f64) -> &'static str {
        let most = match self {
            Self::Most(most) => *most,
            Self::Times(times) => times * floor,
            Self::None => return "",
        };
        if ours <= most { "reached" } else { "missed" }
    }
}

/// Megabytes that a core has to verify in a second.
const VERIFIED: f64 = 300.0;

/// The heaps that are saved and loaded, and what rows call them.
const HEAPS: [(&str, &str); 5] = [
    ("snapshot-2", "2 MB"),
    ("snapshot-4", "4 MB"),
    ("snapshot-20", "20 MB"),
    ("snapshot-600", "600 MB"),
    ("snapshot-real", "a real heap"),
];

impl Measured {
    fn floor(&self, figure: &str) -> Option<f64> {
        self.ours("floor", figure)
    }

    /// The work, its floor, what it costs here, and the goal.
    pub(crate) fn against_the_floor(&self) -> String {
        let mut rows = Vec::new();
        let mut row = |title: &str, floor: Option<f64>, ours: Option<f64>, goal: Goal| {
            let (Some(floor), Some(ours)) = (floor, ours) else { return };
            let (shown, ratio) = ([floor, ours].map(|time| Unit::Time.show(time)), digits(ours / floor));
            let [floor_shown, ours_shown] = shown;
            let verdict = goal.verdict(floor, ours).to_owned();
            rows.push(vec![title.to_owned(), floor_shown, ours_shown, ratio, goal.show(), verdict]);
        };
        row("get from the cache (HashMap)", self.floor("hashMapGet"), self.ours("kv", "get"), Goal::Most(150.0));
        let block = self
            .ours("kv", "setRandomCommit")
            .zip(self.ours("kv", "setRandom"))
            .map(|(all, call)| (all - call) * 1000.0);
        row("a block's commit, 1000 random rows (raw SQL)", self.floor("block"), block, Goal::Times(1.3));
        let hash = self.floor("hashPerByte");
        // One hash cannot be shared by cores, and while one of them hashes the others pack or unpack without it.
        let shared = |both: Option<f64>, bytes: Option<f64>| Some(hash?.max(both?) * bytes?);
        for (work, size) in HEAPS {
            let bytes = self.ours(work, "rawBytes");
            let (save, load) = (self.ours(work, "save"), self.ours(work, "load"));
            let (deflate, inflate) = (self.floor("hashAndDeflatePerByte"), self.floor("hashAndInflatePerByte"));
            let title = format!("saveSnapshot, {size} (hash and deflate, on all cores)");
            row(&title, shared(deflate, bytes), save, Goal::Times(1.25));
            let behind = self.ours(work, "saveBehind");
            row(
                "… behind the block, the call (hash)",
                hash.zip(bytes).map(|(hash, bytes)| hash * bytes),
                behind,
                Goal::None,
            );
            let title = format!("loadSnapshot, {size} (hash and inflate, on all cores)");
            row(&title, shared(inflate, bytes), load, Goal::Times(1.25));
        }
        row("export data, a record (raw SELECT)", self.floor("readRow"), self.ours("export-data", "each"), Goal::None);
        let raw = self.ours("import-floor", "insert");
        row("import (raw insertion in order, and a flush)", raw, self.ours("import", "all"), Goal::Times(1.67));
        let verified = self.ours("verify", "megabyte");
        let floor = self.floor("hashPerByte").map(|hash| hash * 1e6);
        row("verify, a MB, on one core (SHA-256)", floor, verified, Goal::Most(1e9 / VERIFIED));
        row("open", Some(1e7), self.ours("open", "open"), Goal::Most(1e7));
        row("exporter ready", Some(1e7), self.ours("ready", "ready"), Goal::Most(1e7));
        markdown(&["work", "floor", "ours", "ratio", "goal", ""], &rows)
    }

    /// What the machine and SQLite do by themselves, measured in the same run.
    pub(crate) fn machine(&self) -> String {
        let per_second = |figure: &str| {
            let each = self.floor(figure)?;
            Some(format!("{}/s", Unit::Bytes.show(1e9 / each)))
        };
        let time = |figure: &str| self.floor(figure).map(|time| Unit::Time.show(time));
        let rows = [
            ("memory, copied", per_second("memcpyPerByte")),
            ("SHA-256, one core", per_second("hashPerByte")),
            ("gzip at the level of snapshots, one core", per_second("deflatePerByte")),
            ("gunzip, one core", per_second("inflatePerByte")),
            ("4 KiB written and flushed", time("flush")),
            ("a pair inserted in order, raw SQL", time("insertSorted")),
            ("a pair read in order, raw SQL", time("readRow")),
        ];
        let shown = rows.into_iter().filter_map(|(title, figure)| Some(vec![title.to_owned(), figure?]));
        markdown(&["the machine", ""], &shown.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::super::work::Figures;
    use super::*;

    #[test]
    fn goals_are_held_to_the_floor_of_the_same_run() {
        let figures = |named: &[(&str, f64)]| named.iter().map(|(n, f)| ((*n).to_owned(), *f)).collect::<Figures>();
        let mut measured = Measured::default();
        measured.add("import-floor", "ours", figures(&[("insert", 1e9)]));
        measured.add("import", "ours", figures(&[("all", 1.6e9)]));
        measured.add("floor", "ours", figures(&[("hashPerByte", 0.5)]));
        measured.add("verify", "ours", figures(&[("megabyte", 4e6)]));
        let table = measured.against_the_floor();
        let line = |title: &str| table.lines().find(|line| line.contains(title)).unwrap_or_default();
        assert!(line("import").contains("≤ 1.67 ×") && line("import").contains("reached"), "{table}");
        assert!(line("verify").contains("≤ 3.33 ms") && line("verify").contains("missed"), "{table}");
        assert!(measured.machine().contains("2.00 GB/s"), "{}", measured.machine());
    }
}
