//! Many vats: each crank is a delivery to another one.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use swing_core::VatId;
use swing_core::roles::{HostStorage as _, KernelStorage as _, KvStore as _, TranscriptStore as _};

use super::super::data::{Dice, item, kv_value};
use super::super::work::Figures;
use super::timing::{Moment, figures, nanos, open};

/// Cranks of a block.
const CRANKS: u64 = 20;

pub(super) fn measure(dir: &Path, vats: u64, cranks: u64) -> Result<Figures> {
    let mut store = open(dir)?;
    let ids = (1..=vats).map(|vat| VatId::parse(&format!("v{vat}"))).collect::<Result<Vec<_>, _>>()?;
    let (text, mut dice) = (item(1, 1024), Dice::new(5));
    let mut parts = [Duration::ZERO; 3];
    let start = Moment::now();
    for crank in 0..cranks {
        let at = dice.roll() % vats;
        let vat = &ids[at as usize];
        let mut kernel = store.kernel();
        kernel.start_crank()?;
        kernel.establish_crank_savepoint("start")?;
        let before = Moment::now();
        black_box(kernel.transcripts().current_span_bounds(vat)?);
        parts[0] += before.elapsed();
        kernel.kv().set(&format!("v{at}.t.endPosition"), &kv_value(crank))?;
        let before = Moment::now();
        kernel.transcripts().add_item(vat, &text)?;
        parts[1] += before.elapsed();
        if crank % 10 == 9 {
            let before = Moment::now();
            kernel.transcripts().rollover_span(vat)?;
            parts[2] += before.elapsed();
        }
        kernel.emit_crank_hashes()?;
        kernel.end_crank()?;
        if crank % CRANKS == CRANKS - 1 {
            store.host().commit()?;
        }
    }
    store.host().commit()?;
    let all = nanos(start.elapsed());
    store.close()?;
    let each = |time: Duration, count: u64| nanos(time) / count as f64;
    Ok(figures([
        ("bounds", each(parts[0], cranks)),
        ("addItem", each(parts[1], cranks)),
        ("rollover", each(parts[2], cranks / 10)),
        ("crank", all / cranks as f64),
    ]))
}
