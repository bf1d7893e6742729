//! Clocks, figures, and a store opened as every work opens it.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use swing_store::{Options, Store};

use super::super::work::Figures;

/// Nanoseconds of it.
pub(crate) fn nanos(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}

/// Nanoseconds per call of `work(i)`, for i below `count`.
pub(crate) fn timed(count: u64, mut work: impl FnMut(u64) -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    for i in 0..count {
        work(i)?;
    }
    Ok(nanos(start.elapsed()) / count as f64)
}

/// Figures by name.
pub(crate) fn figures<const N: usize>(named: [(&str, f64); N]) -> Figures {
    named.into_iter().map(|(name, figure)| (name.to_owned(), figure)).collect()
}

/// What a validator runs with, and a callback that looks at what it is given.
pub(crate) fn options() -> Options {
    let callback = |batch: &[swing_core::session::ExportEntry]| {
        black_box(batch.len());
        Ok(())
    };
    Options { export_callback: Some(Box::new(callback)), ..Options::default() }
}

/// Opens the store in `dir`, or makes one.
pub(crate) fn open(dir: &Path) -> Result<Store> {
    Ok(Store::open(dir, options())?)
}
