//! Transcripts: items added and read, spans rolled over, hashes emitted.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use swing_core::VatId;
use swing_core::roles::{HostStorage as _, KernelStorage as _, KvStore as _, TranscriptStore as _};
use swing_store::Store;

use super::super::data::item;
use super::super::work::Figures;
use super::timing::{Moment, figures, nanos, options, timed};

pub(super) fn measure(dir: &Path, items: u64, reads: u64) -> Result<Figures> {
    let mut store = Store::init(dir, options())?;
    let texts: Vec<_> = (0..256).map(|i| item(i, 2048)).collect();
    let (v1, v2) = (VatId::parse("v1")?, VatId::parse("v2")?);
    let mut kernel = store.kernel();
    kernel.transcripts().init_transcript(&v1)?;
    kernel.transcripts().init_transcript(&v2)?;
    for text in &texts[..200] {
        kernel.transcripts().add_item(&v2, text)?;
    }
    store.host().commit()?;
    let (add, add_commit) = adding(&mut store, &v1, &texts, items)?;
    let emit = emitting(&mut store)?;
    store.host().commit()?;
    let mut kernel = store.kernel();
    let mut transcripts = kernel.transcripts();
    let mut length = 0;
    let mut read = |_| {
        for item in transcripts.read_span(&v2, None)? {
            length += item?.len();
        }
        Ok(())
    };
    timed(reads / 5, &mut read)?;
    let read_span = timed(reads, read)?;
    black_box(length);
    let read_lent = timed(reads, |_| {
        let mut length = 0;
        let mut cursor = transcripts.open_cursor(&v2, None)?;
        while cursor.remaining() > 0 {
            cursor.visit_batch(&transcripts, 256, 1 << 20, |item| {
                length += item.len();
                Ok::<_, swing_store::StoreError>(())
            })?;
        }
        black_box(length);
        Ok(())
    })?;
    let bounds = timed(items, |_| {
        black_box(transcripts.current_span_bounds(&v1)?);
        Ok(())
    })?;
    let mut rolls = Duration::ZERO;
    for _ in 0..100 {
        transcripts.add_item(&v1, &texts[0])?;
        let before = Moment::now();
        transcripts.rollover_span(&v1)?;
        rolls += before.elapsed();
    }
    store.host().commit()?;
    store.close()?;
    Ok(figures([
        ("addItem", add),
        ("addItemCommit", add_commit),
        ("emit", emit),
        ("readSpan", read_span),
        ("readSpanLent", read_lent),
        ("bounds", bounds),
        ("rollover", nanos(rolls) / 100.0),
    ]))
}

fn adding(store: &mut Store, vat: &VatId, texts: &[String], items: u64) -> Result<(f64, f64)> {
    let (mut calls, mut all) = (Duration::ZERO, Duration::ZERO);
    let blocks = (items + 200).div_ceil(200);
    for block in 0..blocks {
        let start = Moment::now();
        for crank in 0..50 {
            let mut kernel = store.kernel();
            kernel.start_crank()?;
            kernel.establish_crank_savepoint("start")?;
            let before = Moment::now();
            for i in 0..4 {
                kernel.transcripts().add_item(vat, &texts[(crank * 4 + i) % 256])?;
            }
            if block > 0 {
                calls += before.elapsed();
            }
            kernel.end_crank()?;
        }
        store.host().commit()?;
        if block > 0 {
            all += start.elapsed();
        }
    }
    let count = ((blocks - 1) * 200) as f64;
    Ok((nanos(calls) / count, nanos(all) / count))
}

fn emitting(store: &mut Store) -> Result<f64> {
    let (mut emits, cranks) = (Duration::ZERO, 40_i32);
    for crank in -5..cranks {
        let mut kernel = store.kernel();
        kernel.start_crank()?;
        kernel.establish_crank_savepoint("start")?;
        kernel.kv().set("a", &crank.to_string())?;
        let before = Moment::now();
        for _ in 0..100 {
            black_box(kernel.emit_crank_hashes()?);
        }
        if crank >= 0 {
            emits += before.elapsed();
        }
        kernel.end_crank()?;
    }
    Ok(nanos(emits) / f64::from(cranks * 100))
}
