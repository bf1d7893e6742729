//! What works need to be there before they start: how each is made, and when it may go.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use fs_err as fs;

use super::ours::{Contents, Making};
use super::plan::{Planned, SPAN, Scale};
use super::stores::Stores;

/// A store, dataset or heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Key-value pairs alone.
    Kv,
    /// Pairs, transcripts, snapshots, a bundle.
    Mixed,
    /// An archival export of it.
    Dataset,
    /// A vat of very many spans, and three others.
    Spans,
    /// Two of the kind.
    Halves,
    Heap2,
    Heap4,
    Heap20,
    Heap600,
    /// One that a worker has written: see [`Stores::real_heap`].
    RealHeap,
}

impl Need {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kv => "kv",
            Self::Mixed => "mixed",
            Self::Dataset => "dataset",
            Self::Spans => "spans",
            Self::Halves => "halves",
            Self::Heap2 => "heap-2",
            Self::Heap4 => "heap-4",
            Self::Heap20 => "heap-20",
            Self::Heap600 => "heap-600",
            Self::RealHeap => "heap-real",
        }
    }

    /// Makes it unless it is there.
    pub(crate) fn make(self, scale: Scale, stores: &Stores) -> Result<()> {
        let place = stores.place(self.name());
        if place.exists() {
            return Ok(());
        }
        let heap = |megabytes: usize| Making::Heap { file: place.clone(), length: megabytes << 20 };
        stores.make(match self {
            Self::Kv | Self::Mixed | Self::Spans | Self::Halves => Making::Store(self.contents(scale, place)),
            Self::Dataset => {
                Self::Mixed.make(scale, stores)?;
                Making::Dataset { store: stores.place(Self::Mixed.name()), dataset: place }
            }
            Self::Heap2 => heap(2),
            Self::Heap4 => heap(4),
            Self::Heap20 => heap(20),
            Self::Heap600 => heap(600),
            Self::RealHeap => {
                let from = stores.real_heap.clone().context("no real heap is known")?;
                Making::RealHeap { from, file: place }
            }
        })
    }

    fn contents(self, scale: Scale, dir: PathBuf) -> Contents {
        let spans = scale.of(500, 4_000, 40_000);
        let empty = Contents::empty(dir);
        match self {
            Self::Mixed => {
                let (vats, spans) = scale.mixed();
                let (rows, item) = (scale.of(20_000, 100_000, 1_000_000), scale.of(500, 500, 1000));
                let snapshot = scale.of(1 << 20, 4 << 20, 16 << 20);
                Contents { rows, vats, spans, items: SPAN, item, snapshot, ..empty }
            }
            Self::Spans => Contents { vats: 4, spans, other_spans: Some(spans / 100), items: 20, ..empty },
            Self::Halves => Contents { vats: 2, spans: spans / 2, items: 20, ..empty },
            _ => Contents { rows: scale.rows(), ..empty },
        }
    }
}

/// Removes what the works still to come do not need.
pub(crate) fn clear(done: &Planned, to_come: &[Planned], stores: &Stores) -> Result<()> {
    let mut gone = vec![stores.place("turn")];
    let still = |need: Need| to_come.iter().any(|work| work.needs.contains(&need));
    let is_needed = |need: Need| still(need) || (need == Need::Mixed && still(Need::Dataset));
    let with_source = done.needs.iter().copied().chain(done.needs.contains(&Need::Dataset).then_some(Need::Mixed));
    gone.extend(with_source.filter(|need| !is_needed(*need)).map(|need| stores.place(need.name())));
    for place in gone {
        if place.is_dir() {
            fs::remove_dir_all(place)?;
        } else if place.exists() {
            fs::remove_file(place)?;
        }
    }
    Ok(())
}
