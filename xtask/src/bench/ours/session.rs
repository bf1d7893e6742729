//! A long session of small blocks: does a late one cost more than an early one, and does memory stay within bounds?
//!
//! The store is small, so that its caches are full soon, and whatever grows after that is a leak.

use std::path::Path;

use anyhow::{Context as _, Result};
use swing_core::roles::{HostStorage as _, KernelStorage as _, KvStore as _, SnapStore as _, TranscriptStore as _};
use swing_core::{Position, VatId};
use swing_store::Store;

use super::super::data::{Dice, item, kv_key, kv_value};
use super::super::heap::heap;
use super::super::stats::{percentile, slope};
use super::super::work::Figures;
use super::memory::{live, resident};
use super::timing::{Moment, figures, nanos, open};

/// Cranks of a block, and sets of a crank.
const CRANKS: u64 = 10;
const SETS: u64 = 10;
/// Keys that most sets are of.
const HOT: u64 = 500;
/// How often memory is looked at.
pub(crate) const SAMPLES: u64 = 50;
/// Into how many parts the session is cut for the medians of its blocks.
pub(crate) const SLICES: u64 = 10;

pub(super) fn measure(dir: &Path, rows: u64, blocks: u64) -> Result<Figures> {
    let mut store = open(dir)?;
    let vats = [VatId::parse("v901")?, VatId::parse("v902")?];
    for vat in &vats {
        store.kernel().transcripts().init_transcript(vat)?;
    }
    store.host().commit()?;
    let mut going = Going { rows, vats, dice: Dice::new(3), text: item(1, 512), raw: heap(64 << 10) };
    // All that this keeps is there from the beginning, so as not to be taken for the store's.
    let mut times = vec![1.0; usize::try_from(blocks)?];
    let mut samples = vec![[1.0; 3]; usize::try_from(SAMPLES)?];
    let (every, mut seen) = ((blocks / SAMPLES).max(1), 0);
    for block in 0..blocks {
        let start = Moment::now();
        going.block(&mut store, block)?;
        times[block as usize] = nanos(start.elapsed());
        if block % every == every - 1 && seen < samples.len() {
            samples[seen] = [((block + 1) * CRANKS) as f64, resident(), live()];
            seen += 1;
        }
    }
    store.close()?;
    Ok(told(&times, &samples[..seen]))
}

struct Going {
    rows: u64,
    vats: [VatId; 2],
    dice: Dice,
    text: String,
    raw: Vec<u8>,
}

impl Going {
    fn block(&mut self, store: &mut Store, block: u64) -> Result<()> {
        let vat = &self.vats[(block % 2) as usize];
        for crank in 0..CRANKS {
            let mut kernel = store.kernel();
            kernel.start_crank()?;
            kernel.establish_crank_savepoint("start")?;
            for i in 0..SETS {
                // Most of what a kernel sets it sets again and again.
                let among = if i < SETS - 2 { HOT } else { self.rows };
                let key = kv_key(self.dice.roll() % among);
                kernel.kv().get(&key)?;
                if i == 0 {
                    kernel.kv().delete(&key)?;
                } else {
                    kernel.kv().set(&key, &kv_value(block * 100 + crank * 10 + i))?;
                }
            }
            kernel.transcripts().add_item(vat, &self.text)?;
            if (block * CRANKS + crank) % 50 == 49 {
                kernel.rollback_crank("start")?;
            }
            kernel.emit_crank_hashes()?;
            kernel.end_crank()?;
        }
        if block % 100 >= 98 {
            store.kernel().transcripts().rollover_span(vat)?;
        }
        if block % 1000 >= 998 {
            let position = Position::new((block + 1) * CRANKS).context("a position")?;
            store.kernel().snapshots().save_snapshot(vat, position, &mut &self.raw[..])?;
        }
        Ok(store.host().commit()?)
    }
}

/// Blocks at both ends, medians in between, and memory over the cranks.
fn told(times: &[f64], samples: &[[f64; 3]]) -> Figures {
    let end = times.len().div_ceil(4).min(2_000);
    let (first, last) = (&times[..end], &times[times.len() - end..]);
    let mut measured = figures([
        ("ends", end as f64),
        ("firstP50", percentile(first, 0.5)),
        ("firstP99", percentile(first, 0.99)),
        ("firstLongest", percentile(first, 1.0)),
        ("lastP50", percentile(last, 0.5)),
        ("lastP99", percentile(last, 0.99)),
        ("lastLongest", percentile(last, 1.0)),
    ]);
    for (slice, times) in times.chunks(times.len().div_ceil(SLICES as usize)).enumerate() {
        measured.insert(format!("slice{slice}"), percentile(times, 0.5));
    }
    for (at, [cranks, resident, live]) in samples.iter().enumerate() {
        measured.insert(format!("cranks{at}"), *cranks);
        measured.insert(format!("resident{at}Bytes"), *resident);
        measured.insert(format!("live{at}Bytes"), *live);
    }
    // The first half fills caches.
    let late = &samples[samples.len() / 2..];
    let thousand = |of: usize| slope(&late.iter().map(|sample| (sample[0] / 1e3, sample[of])).collect::<Vec<_>>());
    measured.extend(figures([("residentSlope", thousand(1)), ("liveSlope", thousand(2))]));
    measured
}
