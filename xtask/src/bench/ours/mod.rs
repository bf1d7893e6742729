//! Our side of every piece of work, in the optimised program's own process. What each measures is what its counterpart in
//! `xtask/node/bench-*.mjs` measures, in the same order of calls.

mod blocks;
mod deletion;
mod exports;
mod floor;
mod kv;
mod make;
mod serve;
mod snapshot;
mod timing;
mod trace;
mod transcript;

pub(crate) use make::{Contents, Making};
pub(crate) use serve::{Request, serve};
pub(crate) use timing::{CLOCK, open, used};
