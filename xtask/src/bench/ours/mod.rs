//! Our side of every piece of work, in the optimised program's own process. What each measures is what its counterpart in
//! `xtask/node/bench-*.mjs` measures, in the same order of calls.

mod blocks;
mod deletion;
mod exports;
mod floor;
mod kv;
mod make;
mod memory;
mod raw_import;
mod replay;
mod serve;
mod session;
mod snapshot;
mod timing;
mod trace;
mod transcript;
mod vats;

pub(crate) use make::{Contents, Making};
pub(crate) use serve::{Request, serve};
pub(crate) use session::{SAMPLES, SLICES};
pub(crate) use timing::{CLOCK, open, used};
