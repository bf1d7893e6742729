//! A replay: every span of every vat is read, as when all workers start again from nothing.
//!
//! The store maps its file, up to 1 GB of it, and pages of it that were looked at count as resident although the system may drop them at any
//! time: what is the process's own is told besides, as seen after each vat.

use std::hint::black_box;
use std::path::Path;

use anyhow::{Context as _, Result};
use swing_core::roles::{KernelStorage as _, TranscriptStore as _};
use swing_core::{Position, VatId};

use super::super::work::Figures;
use super::memory::resident;
use super::timing::{Moment, figures, nanos, open};

pub(super) fn measure(dir: &Path, vats: u64, spans: u64, items: u64) -> Result<Figures> {
    let mut store = open(dir)?;
    let (mut read, mut bytes, mut own) = (0_u64, 0, 0.0_f64);
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
        own = own.max(resident());
    }
    let all = nanos(start.elapsed());
    store.close()?;
    Ok(figures([("all", all), ("each", all / read as f64), ("bytes", bytes as f64), ("ownBytes", own)]))
}
