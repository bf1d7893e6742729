//! How often each operation was called, and how long it took.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::op::Op;

/// Count and time of one operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct PerOp {
    /// Calls.
    pub count: u64,
    /// Time in all of them, in microseconds.
    pub total_us: f64,
    /// Time in each, in the mean, in microseconds.
    pub mean_us: f64,
}

/// Counts and times, by operation.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    counts: Vec<(u64, Duration)>,
}

impl Default for Tally {
    fn default() -> Self {
        Self { counts: vec![(0, Duration::ZERO); Op::ALL.len()] }
    }
}

impl Tally {
    pub(super) fn count(&mut self, op: Op, took: Duration) {
        let (count, total) = &mut self.counts[op as usize];
        *count += 1;
        *total += took;
    }

    /// Takes time back that was spent inside a call, but not by the store.
    pub(super) fn take_back(&mut self, op: Op, spent: Duration) {
        let (_, total) = &mut self.counts[op as usize];
        *total = total.saturating_sub(spent);
    }

    pub(super) fn calls_of(&self, op: Op) -> u64 {
        self.counts[op as usize].0
    }

    /// Seconds in all operations that `counts` says yes to.
    pub(super) fn seconds(&self, counts: impl Fn(Op) -> bool) -> f64 {
        let taken = Op::ALL.iter().zip(&self.counts).filter(|(op, _)| counts(**op));
        taken.map(|(_, (_, total))| total.as_secs_f64()).sum()
    }

    /// By the letters of the operation; those that were never called are left out.
    pub(super) fn per_op(&self) -> BTreeMap<&'static str, PerOp> {
        let called = Op::ALL.iter().zip(&self.counts).filter(|(_, (count, _))| *count > 0);
        let per_op = called.map(|(op, (count, total))| {
            let total_us = total.as_secs_f64() * 1e6;
            // Exact: no trace has 2^53 calls.
            let mean_us = total_us / *count as f64;
            (op.letters(), PerOp { count: *count, total_us: rounded(total_us), mean_us: rounded(mean_us) })
        });
        per_op.collect()
    }
}

/// To a nanosecond.
fn rounded(microseconds: f64) -> f64 {
    (microseconds * 1e3).round() / 1e3
}

/// What two readings of the clock, one after the other, are apart: it is in the time of every call.
pub(super) fn clock_cost() -> Duration {
    const READINGS: u32 = 10_000;
    let total: Duration = (0..READINGS).map(|_| Instant::now().elapsed()).sum();
    total / READINGS
}
