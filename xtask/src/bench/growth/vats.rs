//! What a crank costs as the store has more vats.

use anyhow::Result;

use super::super::ours::{Contents, Making};
use super::super::stores::renew;
use super::super::work::Work;
use super::{Curve, Run, lines, table};

impl Run {
    pub(super) fn vats(&self) -> Result<String> {
        let (template, turn) = (self.stores.place("vats"), self.stores.place("turn"));
        let sizes: &[u64] = if self.large { &[10, 100, 1_000, 10_000] } else { &[10, 100, 1_000] };
        let mut curve = Curve::new();
        for vats in sizes {
            self.stores.clear()?;
            let contents = Contents { vats: *vats, spans: 2, items: 20, ..self.empty("vats") };
            self.stores.make(Making::Store(contents))?;
            renew(Some(&template), &turn)?;
            let mut figures = self.ours.run(&Work::Opening { dir: template.clone(), rounds: 10 }, self.clock)?;
            figures.extend(self.ours.run(&Work::ExporterReady { dir: template.clone(), rounds: 10 }, self.clock)?);
            figures.extend(self.ours.run(&Work::Vats { dir: turn.clone(), vats: *vats, cranks: 20_000 }, self.clock)?);
            curve.push((*vats, figures));
        }
        let named = [
            ("bounds", "getCurrentSpanBounds"),
            ("addItem", "addItem 1 KB"),
            ("rollover", "rolloverSpan"),
            ("crank", "a crank, with its share of the block"),
            ("open", "open"),
            ("ready", "exporter ready"),
        ];
        self.plot("vats.svg", "Cost of a call over the number of vats", "vats", lines(&curve, &named))?;
        Ok(table(&curve, "vats", &named))
    }
}
