//! Which works a run has, on what, and how large.

use std::path::PathBuf;

use anyhow::Result;

use super::ours::{Contents, Making};
use super::stores::Stores;
use super::work::Work;
use crate::shell::root;

/// How large everything is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// All rows of the table in less than two minutes.
    Quick,
    /// What the figures in the documentation are of.
    Full,
    /// Stores of the size of a chain's: needs half an hour and 30 GB of disk.
    Large,
}

impl Scale {
    fn of<T>(self, quick: T, full: T, large: T) -> T {
        match self {
            Self::Quick => quick,
            Self::Full => full,
            Self::Large => large,
        }
    }
}

/// A piece of work of a run.
pub(crate) struct Planned {
    /// What rows refer to.
    pub(crate) name: &'static str,
    pub(crate) work: Work,
    /// The store that each turn gets a copy of.
    pub(crate) copy: Option<PathBuf>,
}

/// Makes what is needed for the works called in `only` (all, if it is empty) and answers them.
pub(crate) fn plan(scale: Scale, only: &[String], stores: &Stores) -> Result<Vec<Planned>> {
    let (kv, mixed) = (stores.place("kv"), stores.place("mixed"));
    let (spans, halves) = (stores.place("spans"), stores.place("halves"));
    let (dataset, heap, turn) = (stores.place("dataset"), stores.place("heap"), stores.place("turn"));
    let rows = scale.of(50_000, 200_000, 4_000_000);
    let trace = root().join("fixtures/trace");
    let planned = |name, work| Planned { name, work, copy: None };
    let on_copy = |name, work, copy: &PathBuf| Planned { name, work, copy: Some(copy.clone()) };
    let dir = || turn.clone();
    let gets = scale.of(50_000, 200_000, 200_000);
    let delete = |budget, calls| Work::Deletion { dir: dir(), vat: "v1".to_owned(), budget, calls };
    let archival = || "archival".to_owned();
    let mut works = vec![
        planned("trace", Work::Trace { dir: dir(), trace: trace.join("trace.jsonl.gz"), blobs: trace.join("blobs") }),
        on_copy("kv", Work::Kv { dir: dir(), rows, hot: 1000, gets }, &kv),
        planned("transcript", Work::Transcript { dir: dir(), items: scale.of(2_000, 6_000, 6_000), reads: 300 }),
        planned("snapshot", Work::Snapshot { dir: dir(), heap: heap.clone(), rounds: scale.of(2, 4, 4) }),
        planned("export-data", Work::ExportData { dir: kv.clone() }),
        planned("export", Work::FullExport { dir: mixed.clone(), mode: archival() }),
        planned("import", Work::Import { dir: dir(), dataset: dataset.clone(), mode: archival() }),
        on_copy("delete", delete(Some(5), scale.of(40, 100, 100)), &spans),
        on_copy("delete-all", delete(None, 1), &spans),
        on_copy("delete-half", delete(None, 1), &halves),
        planned("open", Work::Opening { dir: mixed.clone(), rounds: 20 }),
        planned("ready", Work::ExporterReady { dir: mixed.clone(), rounds: 20 }),
        planned("verify", Work::Verify { dir: mixed.clone() }),
        planned("floor", Work::Floor { dir: dir(), heap: heap.clone(), rows: rows.min(200_000) }),
    ];
    if !only.is_empty() {
        works.retain(|work| only.iter().any(|name| name == work.name));
    }
    let wanted = |names: &[&str]| works.iter().any(|work| names.contains(&work.name));
    let empty = Contents {
        dir: PathBuf::new(),
        rows: 0,
        vats: 0,
        spans: 0,
        other_spans: None,
        items: 0,
        item: 400,
        snapshot: 0,
    };
    if wanted(&["kv", "export-data"]) {
        stores.make(Making::Store(Contents { dir: kv, rows, ..empty.clone() }))?;
    }
    if wanted(&["export", "import", "open", "ready", "verify"]) {
        let (vats, spans) = scale.of((5, 10), (20, 25), (100, 500));
        let snapshot = scale.of(1 << 20, 4 << 20, 16 << 20);
        let rows = scale.of(20_000, 100_000, 1_000_000);
        let contents =
            Contents { dir: mixed.clone(), rows, vats, spans, other_spans: None, items: 200, item: 500, snapshot };
        stores.make(Making::Store(contents))?;
    }
    if wanted(&["import"]) {
        stores.make(Making::Dataset { store: mixed, dataset })?;
    }
    let number = scale.of(500, 4_000, 40_000);
    if wanted(&["delete", "delete-all"]) {
        let other_spans = Some(number / 100);
        stores.make(Making::Store(Contents {
            dir: spans,
            vats: 4,
            spans: number,
            other_spans,
            items: 20,
            ..empty.clone()
        }))?;
    }
    if wanted(&["delete-half"]) {
        stores.make(Making::Store(Contents { dir: halves, vats: 2, spans: number / 2, items: 20, ..empty }))?;
    }
    if wanted(&["snapshot", "floor"]) {
        stores.make(Making::Heap { file: heap, length: scale.of(4 << 20, 20 << 20, 20 << 20) })?;
    }
    Ok(works)
}
