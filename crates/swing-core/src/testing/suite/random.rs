//! Random calls, side by side on a store and on the model.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use super::driver::Driven;
use super::ops::Op;
use super::samples::*;
use crate::budget::Budget;
use crate::ids::{BundleId, Position, VatId};
use crate::roles::Bundle;
use crate::testing::model::ModelUnderTest;
use crate::testing::{Batch, Exports, Retention, StoreUnderTest, TestOptions};

/// How much to try, and from which seed: the same run makes the same calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RandomRun {
    /// What all choices are drawn from.
    pub seed: u64,
    /// How many stores.
    pub cases: u32,
    /// The most calls that one of them gets.
    pub calls: usize,
}

impl Default for RandomRun {
    /// As many cases as proptest runs by default, which `PROPTEST_CASES` sets.
    fn default() -> Self {
        Self { seed: 0x0005_1116_5701_0ae0, cases: Config::default().cases, calls: 60 }
    }
}

impl RandomRun {
    /// Few stores that live long.
    #[must_use]
    pub fn long() -> Self {
        let Self { seed, cases, .. } = Self::default();
        Self { seed: seed + 1, cases: (cases / 16).max(1), calls: 800 }
    }
}

/// Of all sections, near their borders, and such that UTF-8 and UTF-16 order them differently.
const KEYS: [&str; 12] =
    ["a", "ab", "b", "host", "host/", "é", "\u{ff5e}", "\u{1f600}", "activityhash", "local.a", "host.a", "host.b"];

fn kv() -> impl Strategy<Value = Op> {
    let key = prop::sample::select(&KEYS[..]);
    let value = prop::sample::select(&["", "1", "2", "line\nfeed"][..]);
    let op = prop_oneof![
        4 => (key.clone(), value).prop_map(|(key, value)| set(key, value)),
        2 => key.clone().prop_map(delete),
        2 => key.clone().prop_map(get),
        1 => key.clone().prop_map(has),
        2 => key.prop_map(next_key),
        1 => Just(next_key("")),
    ];
    (op, prop::bool::weighted(0.25)).prop_map(|(op, at_host)| if at_host { host(op) } else { op })
}

fn a_vat() -> impl Strategy<Value = VatId> {
    prop::sample::select(&["v1", "v10", "v2"][..]).prop_map(vat)
}

fn position() -> impl Strategy<Value = Position> {
    (0..12_u64).prop_map(at)
}

fn a_budget() -> impl Strategy<Value = Budget> {
    prop_oneof![1 => Just(Budget::Unlimited), 3 => (1..4_u64).prop_map(budget)]
}

fn transcripts() -> impl Strategy<Value = Op> {
    let text = prop::sample::select(&["", "a", "b", " c ", "line\nfeed"][..]);
    prop_oneof![
        4 => a_vat().prop_map(Op::InitTranscript),
        8 => (a_vat(), text).prop_map(|(vat, text)| Op::AddItem(vat, text.to_owned())),
        3 => a_vat().prop_map(Op::RolloverSpan),
        1 => a_vat().prop_map(Op::RolloverIncarnation),
        3 => a_vat().prop_map(|vat| Op::ReadSpan(vat, None)),
        3 => (a_vat(), position()).prop_map(|(vat, start)| Op::ReadSpan(vat, Some(start))),
        2 => a_vat().prop_map(Op::CurrentSpanBounds),
        1 => a_vat().prop_map(Op::StopUsingTranscript),
        1 => (a_vat(), a_budget()).prop_map(|(vat, units)| Op::DeleteVatTranscripts(vat, units)),
    ]
}

fn snapshots() -> impl Strategy<Value = Op> {
    let bytes = prop::sample::select(&["", "one", "two"][..]).prop_map(|text| text.as_bytes().to_vec());
    prop_oneof![
        5 => (a_vat(), position(), bytes).prop_map(|(vat, at, bytes)| Op::SaveSnapshot(vat, at, bytes)),
        1 => (a_vat(), position()).prop_map(|(vat, at)| Op::SaveBrokenSnapshot(vat, at, b"half".to_vec())),
        3 => a_vat().prop_map(Op::LoadSnapshot),
        2 => a_vat().prop_map(Op::SnapshotInfo),
        1 => a_vat().prop_map(Op::StopUsingLastSnapshot),
        2 => (a_vat(), a_budget()).prop_map(|(vat, units)| Op::DeleteVatSnapshots(vat, units)),
        1 => Just(Op::PruneUnusedSnapshots),
        1 => Just(Op::DeleteAllUnusedSnapshots),
    ]
}

fn bundles() -> impl Strategy<Value = Op> {
    let known = || prop::sample::select(vec![nested("1"), nested("2"), zipped(b"zip")]);
    let id = || known().prop_map(|(id, _): (BundleId, Bundle)| id);
    prop_oneof![
        4 => known().prop_map(|(id, bundle)| Op::AddBundle(id, bundle)),
        1 => (id(), known()).prop_map(|(id, (_, bundle))| Op::AddBundle(id, bundle)),
        1 => id().prop_map(Op::HasBundle),
        1 => id().prop_map(Op::GetBundle),
        2 => id().prop_map(Op::DeleteBundle),
    ]
}

fn cranks() -> impl Strategy<Value = Op> {
    let name = || prop::sample::select(&["s", "t"][..]);
    prop_oneof![
        5 => Just(Op::StartCrank),
        4 => name().prop_map(savepoint),
        3 => name().prop_map(rollback),
        2 => Just(Op::EmitCrankHashes),
        5 => Just(Op::EndCrank),
        1 => Just(Op::Activityhash),
        4 => Just(Op::Commit),
        1 => Just(Op::Reopen),
        1 => Just(Op::FailNextCallback),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![4 => kv(), 5 => transcripts(), 3 => snapshots(), 1 => bundles(), 6 => cranks()]
}

fn options() -> impl Strategy<Value = TestOptions> {
    let retention = || prop::sample::select(vec![Retention::Keep, Retention::Drop]);
    let exports = prop_oneof![5 => Just(Exports::Recorded), 1 => Just(Exports::Ignored)];
    (exports, retention(), retention()).prop_map(|(exports, keep_snapshots, keep_transcripts)| TestOptions {
        exports,
        keep_snapshots,
        keep_transcripts,
    })
}

/// What a host makes of its batches: it commits them and abandons them together with the store.
#[derive(Default)]
struct Folded {
    committed: BTreeMap<String, String>,
    now: BTreeMap<String, String>,
    /// Records of unused snapshots were dropped without a word to the host, so it may know of more of them.
    silent: bool,
}

impl Folded {
    fn take(&mut self, batches: &[Batch]) {
        for (key, value) in batches.iter().flatten() {
            match value {
                Some(value) => self.now.insert(key.clone(), value.clone()),
                None => self.now.remove(key),
            };
        }
    }

    /// Whether the committed records are those of `export`.
    fn equals(&self, export: &[(String, String)]) -> bool {
        let vanishes = |key: &str, value: &str| self.silent && key.starts_with("snapshot.") && value.ends_with(":0}");
        let without = |records: &BTreeMap<String, String>| {
            let mut records = records.clone();
            records.retain(|key, value| !vanishes(key, value));
            records
        };
        without(&self.committed) == without(&export.iter().cloned().collect())
    }
}

/// Makes the same calls on a store and on the model, and compares every answer, every batch and, at each commit, all export
/// records.
///
/// # Errors
/// What the two differ in.
pub fn calls_get_the_models_answers<S: StoreUnderTest>(options: TestOptions, ops: &[Op]) -> Result<(), String> {
    run::<S>(options, ops).map_err(|difference| difference.to_string())
}

fn run<S: StoreUnderTest>(options: TestOptions, ops: &[Op]) -> Result<(), TestCaseError> {
    let (mut model, mut store) = (Driven::<ModelUnderTest>::fresh(options), Driven::<S>::fresh(options));
    let mut folded = Folded::default();
    for (at, op) in ops.iter().enumerate() {
        let (expected, found) = (model.run(op), store.run(op));
        // What an error says is the store's own affair.
        let same = match (&expected, &found) {
            (Ok(expected), Ok(found)) => expected == found,
            (Err(_), Err(_)) => true,
            _ => false,
        };
        prop_assert!(same, "call {at}, {op:?}: the model says {expected:?}, the store {found:?}");

        let batches = store.batches();
        prop_assert_eq!(&model.batches(), &batches, "batches after call {}, {:?}", at, op);
        let in_order = |batch: &Batch| !batch.is_empty() && batch.is_sorted_by(|a, b| a.0 < b.0);
        prop_assert!(batches.iter().all(in_order), "a batch that is empty or not in order: {batches:?}");
        folded.take(&batches);

        match (op, found.is_ok()) {
            (Op::DeleteAllUnusedSnapshots, true) => folded.silent = true,
            (Op::Commit, true) => folded.committed = folded.now.clone(),
            (Op::Reopen, _) => folded.now = folded.committed.clone(),
            _ => continue,
        }
        let export = store.full_export();
        prop_assert_eq!(&model.full_export(), &export, "full export after call {}, {:?}", at, op);
        if options.exports == Exports::Recorded {
            prop_assert!(folded.equals(&export), "after call {at} the batches add up to {:?}", folded.committed);
        }
    }
    Ok(())
}

/// Makes random calls on a store and on the model, with rollbacks, failing callbacks, commits and reopening, and
/// compares every answer, every batch and, at each commit, all export records; these must also be what the batches add
/// up to.
///
/// # Panics
/// When the store answers otherwise than the model, with the shortest calls that show it.
pub fn random_calls_get_the_models_answers<S: StoreUnderTest>(how: RandomRun) {
    // Its own bound is four times the cases, which for a few long ones is next to nothing.
    let config = Config { cases: how.cases, max_shrink_iters: 10_000, failure_persistence: None, ..Config::default() };
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&how.seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let ops = prop::collection::vec(op(), 1..=how.calls);
    let verdict = runner.run(&(options(), ops), |(options, ops)| run::<S>(options, &ops));
    match verdict {
        Ok(()) => {}
        Err(TestError::Fail(reason, (options, ops))) => panic!("{reason}\n{options:?}\n{ops:#?}"),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}
