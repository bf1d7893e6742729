//! Block after block, each timed by itself, with something going on beside.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result};
use swing_core::roles::{HostStorage as _, KernelStorage as _, KvStore as _, SnapStore as _, TranscriptStore as _};
use swing_core::{ArtifactMode, Position, VatId};
use swing_store::{Store, exporter};

use super::super::data::{Dice, item, kv_key, kv_value};
use super::super::heap::heap;
use super::super::stats::percentile;
use super::super::work::{Beside, Figures};
use super::timing::{Moment, figures, nanos, options};

/// Cranks of a block.
const CRANKS: u64 = 20;
/// After a block, where there is one; a validator's are of seconds.
const PAUSE: Duration = Duration::from_millis(20);

pub(super) fn measure(dir: &Path, rows: u64, blocks: u64, beside: Beside) -> Result<Figures> {
    let archive = dir.join("archive");
    let mut options = options();
    if beside == Beside::Archive {
        options.archive_snapshot = Some(Box::new(swing_archive::DirectoryArchive::open(&archive)?));
        options.archive_transcript = Some(Box::new(swing_archive::DirectoryArchive::open(&archive)?));
    }
    let mut store = Store::open(dir, options)?;
    let vat = VatId::parse("v900")?;
    store.kernel().transcripts().init_transcript(&vat)?;
    store.host().commit()?;
    let exporting = (beside == Beside::Exporter).then(|| Exporting::start(dir.to_owned()));
    let raw = if matches!(beside, Beside::Snapshot | Beside::Archive) { heap(8 << 20) } else { Vec::new() };
    let text = item(1, 1024);
    let mut dice = Dice::new(11);
    let mut times = Vec::new();
    for block in 0..blocks {
        let start = Moment::now();
        for crank in 0..CRANKS {
            let mut kernel = store.kernel();
            kernel.start_crank()?;
            kernel.establish_crank_savepoint("start")?;
            for i in 0..30 {
                let row = if i % 3 == 0 { dice.roll() % rows } else { i * 31 % rows };
                kernel.kv().get(&kv_key(row))?;
                kernel.kv().set(&kv_key(row), &kv_value(block * 1000 + crank * 30 + i))?;
            }
            kernel.transcripts().add_item(&vat, &text)?;
            kernel.emit_crank_hashes()?;
            kernel.end_crank()?;
            if block % 10 == 9 && crank == CRANKS / 2 {
                if !raw.is_empty() {
                    let position = Position::new((block + 1) * CRANKS).context("a position")?;
                    kernel.snapshots().save_snapshot_behind(&vat, position, &mut &raw[..])?;
                }
                kernel.transcripts().rollover_span(&vat)?;
            }
        }
        store.host().commit()?;
        times.push(nanos(start.elapsed()));
        if beside == Beside::Pause {
            std::thread::sleep(PAUSE);
        }
    }
    let exports = exporting.map(Exporting::stop).transpose()?.unwrap_or_default();
    store.close()?;
    Ok(figures([
        ("p50", percentile(&times, 0.5)),
        ("p99", percentile(&times, 0.99)),
        ("longest", percentile(&times, 1.0)),
        ("exports", exports as f64),
    ]))
}

/// A thread that exports the store again and again.
struct Exporting {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<u64>>,
}

impl Exporting {
    fn start(dir: PathBuf) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut exports = 0;
            while !stopped.load(Ordering::Relaxed) {
                let exporter = exporter(&dir, ArtifactMode::Operational)?;
                for record in exporter.export_data() {
                    record?;
                    if stopped.load(Ordering::Relaxed) {
                        break;
                    }
                }
                for name in exporter.artifact_names()? {
                    std::io::copy(&mut exporter.artifact(&name?)?, &mut std::io::sink())?;
                }
                exporter.close()?;
                exports += 1;
            }
            Ok(exports)
        });
        Self { stop, thread }
    }

    fn stop(self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow::anyhow!("the exporter's thread panicked"))?
    }
}
