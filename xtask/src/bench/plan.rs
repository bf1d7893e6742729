//! Which works a run has, on what, and how large.

use std::path::PathBuf;

use anyhow::Result;

use super::making::Need;
use super::stores::{Stores, renew};
use super::work::Work;
use crate::shell::root;

/// How large everything is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// All rows of the table in less than two minutes.
    Quick,
    /// What the figures in the documentation are of.
    Full,
    /// Stores of the size of a chain's: needs half an hour and 20 GB of disk.
    Large,
}

impl Scale {
    pub(crate) fn of<T>(self, quick: T, full: T, large: T) -> T {
        match self {
            Self::Quick => quick,
            Self::Full => full,
            Self::Large => large,
        }
    }

    /// Key-value pairs of the store `kv`.
    pub(crate) fn rows(self) -> u64 {
        self.of(50_000, 200_000, 4_000_000)
    }

    /// Vats and the spans of each, of the store `mixed`.
    pub(crate) fn mixed(self) -> (u64, u64) {
        self.of((5, 10), (20, 25), (100, 250))
    }
}

/// Items of each span of the store `mixed`.
pub(crate) const SPAN: u64 = 200;

/// A piece of work of a run.
pub(crate) struct Planned {
    /// What rows refer to.
    pub(crate) name: &'static str,
    pub(crate) work: Work,
    /// The store that each turn gets a copy of.
    pub(crate) copy: Option<PathBuf>,
    /// What must be there.
    pub(crate) needs: Vec<Need>,
    /// At most so many rounds: some works are too long for more.
    pub(crate) rounds: usize,
}

impl Planned {
    /// Before a turn: gives it a fresh store, if it writes to one.
    pub(crate) fn renew(&self) -> Result<()> {
        if self.copy.is_some() || self.work.dir().ends_with("turn") {
            renew(self.copy.as_deref(), self.work.dir())?;
        }
        Ok(())
    }
}

/// The works called in `only`, or all, if it is empty. `snapshot` calls those of all sizes.
pub(crate) fn plan(scale: Scale, only: &[String], stores: &Stores, real_heap: bool) -> Vec<Planned> {
    let mut works = all(scale, stores);
    works.extend(snapshots(scale, stores, real_heap));
    works.push(floor(scale, stores));
    if !only.is_empty() {
        let is_called = |work: &Planned, name: &str| {
            work.name == name || work.name.strip_prefix(name).is_some_and(|rest| name == "snapshot" && !rest.is_empty())
        };
        works.retain(|work| only.iter().any(|name| is_called(work, name)));
    }
    works
}

fn planned(name: &'static str, work: Work, needs: &[Need]) -> Planned {
    Planned { name, work, copy: None, needs: needs.to_vec(), rounds: usize::MAX }
}

fn all(scale: Scale, stores: &Stores) -> Vec<Planned> {
    let place = |need: Need| stores.place(need.name());
    let (mixed, dataset) = (place(Need::Mixed), place(Need::Dataset));
    let dir = || stores.place("turn");
    let on_copy = |name, work, need: Need| Planned { copy: Some(place(need)), ..planned(name, work, &[need]) };
    // A store of 5 GB is gone through once.
    let whole = |name, work, needs: &[Need]| Planned {
        rounds: scale.of(usize::MAX, usize::MAX, 1),
        ..planned(name, work, needs)
    };
    let trace = root().join("fixtures/trace");
    let (rows, (vats, spans)) = (scale.rows(), scale.mixed());
    let delete = |budget, calls| Work::Deletion { dir: dir(), vat: "v1".to_owned(), budget, calls };
    let archival = || "archival".to_owned();
    vec![
        planned(
            "trace",
            Work::Trace { dir: dir(), trace: trace.join("trace.jsonl.gz"), blobs: trace.join("blobs") },
            &[],
        ),
        on_copy("kv", Work::Kv { dir: dir(), rows, hot: 1000, gets: scale.of(50_000, 200_000, 200_000) }, Need::Kv),
        planned("export-data", Work::ExportData { dir: place(Need::Kv) }, &[Need::Kv]),
        planned("transcript", Work::Transcript { dir: dir(), items: scale.of(2_000, 6_000, 6_000), reads: 300 }, &[]),
        on_copy("delete", delete(Some(5), scale.of(80, 400, 400)), Need::Spans),
        on_copy("delete-all", delete(None, 1), Need::Spans),
        on_copy("delete-half", delete(None, 1), Need::Halves),
        planned("open", Work::Opening { dir: mixed.clone(), rounds: 20 }, &[Need::Mixed]),
        planned("ready", Work::ExporterReady { dir: mixed.clone(), rounds: 20 }, &[Need::Mixed]),
        whole("export", Work::FullExport { dir: mixed.clone(), mode: archival() }, &[Need::Mixed]),
        whole("replay", Work::Replay { dir: mixed.clone(), vats, spans, items: SPAN }, &[Need::Mixed]),
        whole("verify", Work::Verify { dir: mixed.clone() }, &[Need::Mixed]),
        whole("import-floor", Work::ImportFloor { dir: dir(), store: mixed }, &[Need::Mixed]),
        whole("import", Work::Import { dir: dir(), dataset, mode: archival() }, &[Need::Dataset]),
    ]
}

/// Heaps of these sizes, and a real one if there is one.
fn snapshots(scale: Scale, stores: &Stores, real_heap: bool) -> Vec<Planned> {
    let works = [
        ("snapshot-2", Need::Heap2, 10, scale != Scale::Quick),
        ("snapshot-4", Need::Heap4, 2, scale == Scale::Quick),
        ("snapshot-20", Need::Heap20, 4, scale != Scale::Quick),
        ("snapshot-600", Need::Heap600, 1, scale == Scale::Large),
        ("snapshot-real", Need::RealHeap, 4, real_heap),
    ];
    let work = |(name, need, rounds, _): (&'static str, Need, u64, bool)| {
        let work = Work::Snapshot { dir: stores.place("turn"), heap: stores.place(need.name()), rounds };
        Planned { rounds: if need == Need::Heap600 { 2 } else { usize::MAX }, ..planned(name, work, &[need]) }
    };
    works.into_iter().filter(|(.., wanted)| *wanted).map(work).collect()
}

fn floor(scale: Scale, stores: &Stores) -> Planned {
    let heap = scale.of(Need::Heap4, Need::Heap20, Need::Heap20);
    let (dir, rows) = (stores.place("turn"), scale.rows().min(200_000));
    planned("floor", Work::Floor { dir, heap: stores.place(heap.name()), rows }, &[heap])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshot_calls_all_sizes_and_every_other_name_one_work() {
        let stores = Stores { folder: PathBuf::new(), program: PathBuf::new(), real_heap: None };
        let names = |only: &[&str]| -> Vec<_> {
            let only: Vec<_> = only.iter().map(|name| (*name).to_owned()).collect();
            plan(Scale::Large, &only, &stores, false).iter().map(|work| work.name).collect()
        };
        assert_eq!(names(&["snapshot"]), ["snapshot-2", "snapshot-20", "snapshot-600"]);
        assert_eq!(names(&["delete", "import", "snapshot-2"]), ["delete", "import", "snapshot-2"]);
        assert_eq!(names(&[]).len(), 18);
    }
}
