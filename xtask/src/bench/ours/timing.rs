//! Clocks, figures, and a store opened as every work opens it.

use std::hint::black_box;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::Result;
use swing_store::{Options, Store};

use super::super::work::Figures;

/// A moment by the clock that the run counts with: the wall's, or that of the processor's time which this process has had,
/// all its threads together. The latter is of use where others use the machine too.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Moment {
    Wall(Instant),
    Processor(Duration),
}

impl Moment {
    pub(crate) fn now() -> Self {
        static PROCESSOR: OnceLock<bool> = OnceLock::new();
        if *PROCESSOR.get_or_init(|| std::env::var_os(CLOCK).is_some_and(|clock| clock == "cpu")) {
            Self::Processor(processor_time())
        } else {
            Self::Wall(Instant::now())
        }
    }

    /// By the processor's clock, whichever the run counts with.
    pub(crate) fn of_processor() -> Self {
        Self::Processor(processor_time())
    }

    pub(crate) fn elapsed(self) -> Duration {
        match self {
            Self::Wall(start) => start.elapsed(),
            Self::Processor(start) => processor_time().saturating_sub(start),
        }
    }
}

fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Names the clock to the processes that work: `cpu`, or anything else for the wall's.
pub(crate) const CLOCK: &str = "BENCH_CLOCK";

/// Nanoseconds of it.
pub(crate) fn nanos(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}

/// Takes a result as somebody who uses it would.
pub(crate) fn seen<T>(result: T) {
    black_box(result);
}

/// The same, for where more may go wrong.
pub(crate) fn used<T>(result: T) -> Result<()> {
    seen(result);
    Ok(())
}

/// Nanoseconds per call of `work(i)`, for i below `count`.
pub(crate) fn timed(count: u64, mut work: impl FnMut(u64) -> Result<()>) -> Result<f64> {
    let start = Moment::now();
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
