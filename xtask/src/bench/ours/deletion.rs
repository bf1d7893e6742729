//! A vat's transcript going away, some spans at a time or all at once.

use std::path::Path;

use anyhow::{Context as _, Result};
use swing_core::roles::{HostStorage as _, KernelStorage as _, TranscriptStore as _};
use swing_core::{Budget, VatId};

use super::super::work::Figures;
use super::timing::{Moment, figures, nanos, open};

pub(super) fn measure(dir: &Path, vat: &str, budget: Option<u64>, calls: u64) -> Result<Figures> {
    let mut store = open(dir)?;
    let vat = VatId::parse(vat)?;
    let budget = budget.map_or(Some(Budget::Unlimited), Budget::at_most).context("a budget of at least 1")?;
    let (mut all, mut longest) = (0.0, 0.0_f64);
    for _ in 0..calls {
        let start = Moment::now();
        store.kernel().transcripts().delete_vat_transcripts(&vat, budget)?;
        store.host().commit()?;
        let took = nanos(start.elapsed());
        (all, longest) = (all + took, longest.max(took));
    }
    // Its file has become no shorter. Looked at after each call it would be flushed more slowly.
    let wal = store.disk_usage()?.map_or(0, |usage| usage.wal);
    store.close()?;
    Ok(figures([("each", all / calls as f64), ("longest", longest), ("walBytes", wal as f64)]))
}
