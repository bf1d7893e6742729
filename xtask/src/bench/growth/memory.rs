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

/// Items of a span where there are many short ones.
const FEW: u64 = 2;

/// What goes through a whole store, and is named after it in the tables.
const PARTS: [(&str, &str); 5] = [
    ("exportBytes", "export"),
    ("importBytes", "import"),
    ("verifyBytes", "verify"),
    ("replayBytes", "replay"),
    ("ownBytes", "replay, not mapped"),
];

impl Run {
    pub(super) fn memory(&self) -> Result<String> {
        let sizes: &[u64] = if self.large { &[25, 100, 400, 1600] } else { &[25, 100] };
        let mut items = Curve::new();
        for spans in sizes {
            let contents = Contents { rows: spans * 2_000, spans: *spans, items: SPAN, ..self.empty("whole") };
            items.push((VATS * spans * SPAN, self.peaks(contents)?));
        }
        let sizes: &[u64] = if self.large { &[1_000, 4_000, 16_000] } else { &[1_000, 4_000] };
        let mut spans = Curve::new();
        for each in sizes {
            let contents = Contents { rows: 1_000, spans: *each, items: FEW, ..self.empty("whole") };
            spans.push((VATS * each, self.peaks(contents)?));
        }
        self.plot_bytes("peak-memory.svg", "Peak memory over the size of the store", "items", lines(&items, &PARTS))?;
        Ok(format!("{}\n{}", table(&items, "items of 500 B", &PARTS), table(&spans, "spans of two items", &PARTS)))
    }

    /// The peaks of all parts on a store of so many vats with such contents each.
    fn peaks(&self, contents: Contents) -> Result<Figures> {
        let [store, dataset, turn] = ["whole", "dataset", "turn"].map(|name| self.stores.place(name));
        self.stores.clear()?;
        let (spans, items, mode) = (contents.spans, contents.items, "archival".to_owned());
        let contents = Contents { vats: VATS, item: ITEM, snapshot: SNAPSHOT, ..contents };
        self.stores.make(Making::Store(contents))?;
        self.stores.make(Making::Dataset { store: store.clone(), dataset: dataset.clone() })?;
        let works = [
            ("exportBytes", Work::FullExport { dir: store.clone(), mode: mode.clone() }),
            ("importBytes", Work::Import { dir: turn.clone(), dataset, mode }),
            ("verifyBytes", Work::Verify { dir: store.clone() }),
            ("replayBytes", Work::Replay { dir: store, vats: VATS, spans, items }),
        ];
        let mut figures = Figures::new();
        for (name, work) in works {
            renew(None, &turn)?;
            let measured = self.ours.run(&work, self.clock)?;
            figures.insert(name.to_owned(), measured.get("rss").copied().unwrap_or_default());
            figures.extend(measured.get("ownBytes").map(|own| ("ownBytes".to_owned(), *own)));
        }
        Ok(figures)
    }
}
