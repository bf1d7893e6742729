//! A kernel at work on a store of which nothing is known.

use std::io::Read as _;
use std::path::Path;

use anyhow::Result;
use swing_store::prelude::*;
use swing_store::{History, SUBSTORES};

/// Reads everything, changes a little of each kind, and commits it with a digest of all rows. Nothing is asked of the other
/// answers, but that there are some.
pub(super) fn on(dir: &Path) -> Result<()> {
    let mut store = Store::open(dir, Options::default())?;
    let _ = store.dump(History::Current);
    for vat in ["v1", "v2", "logged"] {
        let vat = VatId::parse(vat).expect("a vat ID");
        let _ = read(&mut store, &vat);
        let _ = write(&mut store, &vat);
    }
    let committed = finish(&mut store);
    let closed = store.close();
    // A repair of it with its own records, in a mode that takes everything.
    if let Ok(exporter) = swing_store::exporter(dir, ArtifactMode::Debug) {
        let _ = swing_export::gaps(exporter.read(), SUBSTORES, ArtifactMode::Archival);
        if let Ok(mut store) = Store::in_memory(Options::default()) {
            let _ = store.repair_metadata(&exporter);
        }
    }
    committed.and(closed.map_err(Into::into))
}

fn finish(store: &mut Store) -> Result<()> {
    store.host().commit()?;
    store.build_row_digests()?;
    Ok(store.host().commit()?)
}

fn read(store: &mut Store, vat: &VatId) -> Result<()> {
    let mut kernel = store.kernel();
    let mut key = String::new();
    for _ in 0..1000 {
        let Some(next) = kernel.kv().get_next_key(&key)? else { break };
        assert!(*next > *key, "the next key is not after the last");
        kernel.kv().get(&next)?;
        key = next.to_string();
    }
    let _ = kernel.transcripts().current_span_bounds(vat);
    if let Ok(items) = kernel.transcripts().read_span(vat, None) {
        items.take(10_000).for_each(drop);
    }
    if let Ok(snapshot) = kernel.snapshots().load_snapshot(vat) {
        let _ = snapshot.take(1 << 20).read_to_end(&mut Vec::new());
    }
    let _ = kernel.snapshots().snapshot_info(vat);
    Ok(())
}

fn write(store: &mut Store, vat: &VatId) -> Result<()> {
    let mut kernel = store.kernel();
    kernel.start_crank()?;
    kernel.establish_crank_savepoint("s")?;
    let _ = kernel.kv().set("a", "1");
    let _ = kernel.kv().delete("vat.names");
    let _ = kernel.transcripts().add_item(vat, "item");
    let _ = kernel.transcripts().rollover_span(vat);
    let position = Position::new(70_000).unwrap_or_default();
    let _ = kernel.snapshots().save_snapshot(vat, position, &mut &b"heap"[..]);
    let _ = kernel.rollback_crank("s");
    let _ = kernel.transcripts().add_item(vat, "item");
    let _ = kernel.snapshots().save_snapshot(vat, position, &mut &b"heap"[..]);
    let _ = kernel.snapshots().delete_vat_snapshots(vat, Budget::at_most(1).unwrap_or(Budget::Unlimited));
    let _ = kernel.transcripts().delete_vat_transcripts(vat, Budget::at_most(1).unwrap_or(Budget::Unlimited));
    let _ = kernel.emit_crank_hashes();
    kernel.end_crank()?;
    Ok(())
}
