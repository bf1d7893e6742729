//! The most memory that going through a whole store takes, over the size of the store.

use anyhow::Result;

use super::super::ours::{Contents, Making};
use super::super::plan::SPAN;
use super::super::stores::renew;
use super::super::work::{Figures, Work};
use super::{Curve, Run, lines, table};

/// Vats of every store; their spans differ.
const VATS: u64 = 10;
/// Bytes of an item, and of a vat's snapshot.
const ITEM: usize = 500;
const SNAPSHOT: usize = 4 << 20;

impl Run {
    pub(super) fn memory(&self) -> Result<String> {
        let [store, dataset, turn] = ["whole", "dataset", "turn"].map(|name| self.stores.place(name));
        let sizes: &[u64] = if self.large { &[25, 100, 400, 1600] } else { &[25, 100] };
        let mut curve = Curve::new();
        for spans in sizes {
            self.stores.clear()?;
            let (rows, mode) = (spans * 2_000, "archival".to_owned());
            let contents = Contents { rows, vats: VATS, spans: *spans, items: SPAN, item: ITEM, ..self.empty("whole") };
            self.stores.make(Making::Store(Contents { snapshot: SNAPSHOT, ..contents }))?;
            self.stores.make(Making::Dataset { store: store.clone(), dataset: dataset.clone() })?;
            let works = [
                ("exportBytes", Work::FullExport { dir: store.clone(), mode: mode.clone() }),
                ("importBytes", Work::Import { dir: turn.clone(), dataset: dataset.clone(), mode }),
                ("verifyBytes", Work::Verify { dir: store.clone() }),
                ("replayBytes", Work::Replay { dir: store.clone(), vats: VATS, spans: *spans, items: SPAN }),
            ];
            let mut figures = Figures::new();
            for (name, work) in works {
                renew(None, &turn)?;
                let measured = self.ours.run(&work, self.clock)?;
                figures.insert(name.to_owned(), measured.get("rss").copied().unwrap_or_default());
                figures.extend(measured.get("ownBytes").map(|own| ("ownBytes".to_owned(), *own)));
            }
            curve.push((VATS * spans * SPAN, figures));
        }
        let named = [
            ("exportBytes", "export"),
            ("importBytes", "import"),
            ("verifyBytes", "verify"),
            ("replayBytes", "replay"),
            ("ownBytes", "replay, not mapped"),
        ];
        self.plot_bytes("peak-memory.svg", "Peak memory over the size of the store", "items", lines(&curve, &named))?;
        Ok(table(&curve, "items of 500 B", &named))
    }
}
