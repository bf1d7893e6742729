//! A replay: every span of every vat is read, as when all workers start again from nothing.

use std::hint::black_box;
use std::path::Path;

use anyhow::{Context as _, Result};
use swing_core::roles::{KernelStorage as _, TranscriptStore as _};
use swing_core::{Position, VatId};

use super::super::work::Figures;
use super::timing::{Moment, figures, nanos, open};

pub(super) fn measure(dir: &Path, vats: u64, spans: u64, items: u64) -> Result<Figures> {
    let mut store = open(dir)?;
    let (mut read, mut bytes) = (0_u64, 0);
    let start = Moment::now();
    for vat in 1..=vats {
        let vat = VatId::parse(&format!("v{vat}"))?;
        for span in 0..spans {
            let first = Position::new(span * items).context("a position")?;
            for item in store.kernel().transcripts().read_span(&vat, Some(first))? {
                bytes += black_box(item?).len();
                read += 1;
            }
        }
    }
    let all = nanos(start.elapsed());
    store.close()?;
    Ok(figures([("all", all), ("each", all / read as f64), ("bytes", bytes as f64)]))
}
