//! Heap snapshots: saved, committed, loaded; and saved while the block goes on.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fs_err as fs;
use swing_core::roles::{HostStorage as _, KernelStorage as _, SnapStore as _};
use swing_core::{Position, VatId};
use swing_store::Store;

use super::super::work::Figures;
use super::timing::{Moment, figures, nanos, options};

pub(super) fn measure(dir: &Path, heap: &Path, rounds: u64) -> Result<Figures> {
    let mut store = Store::init(dir, options())?;
    let raw = fs::read(heap)?;
    let vat = VatId::parse("v1")?;
    let (mut save, mut commit, mut load) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let mut compressed = 0;
    let mut room = vec![0; 65_536];
    for round in 0..rounds {
        let position = Position::new(round).context("a position")?;
        let mut start = Moment::now();
        compressed = store.kernel().snapshots().save_snapshot(&vat, position, &mut &raw[..])?.compressed_size;
        save += start.elapsed();
        start = Moment::now();
        store.host().commit()?;
        commit += start.elapsed();
    }
    // Behind the last commit, not behind each: what a commit leaves to a thread is part of no load.
    for _ in 0..rounds {
        let start = Moment::now();
        let mut stream = store.kernel().snapshots().load_snapshot(&vat)?;
        let mut length = 0;
        loop {
            match stream.read(&mut room)? {
                0 => break,
                more => length += more,
            }
        }
        load += start.elapsed();
        ensure!(length == raw.len(), "a snapshot of another length");
    }
    let behind = behind(&mut store, &raw, rounds)?;
    store.close()?;
    let each = |time: Duration| nanos(time) / rounds as f64;
    Ok(figures([
        ("save", each(save)),
        ("commit", each(commit)),
        ("load", each(load)),
        ("compressedBytes", compressed as f64),
        ("rawBytes", raw.len() as f64),
        ("saveBehind", each(behind)),
    ]))
}

/// The calls that save a snapshot and do not wait for its packing. The commit does.
fn behind(store: &mut Store, raw: &[u8], rounds: u64) -> Result<Duration> {
    let vat = VatId::parse("v2")?;
    let mut save = Duration::ZERO;
    for round in 0..rounds {
        let position = Position::new(round).context("a position")?;
        let start = Moment::now();
        store.kernel().snapshots().save_snapshot_behind(&vat, position, &mut &*raw)?;
        save += start.elapsed();
        store.host().commit()?;
    }
    Ok(save)
}
