//! Random sequences of calls.
//!
//! They are put together from fragments (a crank, a crank with something rolled back, a stretch of a vat's life, the end of a
//! block), so that most calls make sense, with loose calls between them, so that some do not.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use swing_core::ArtifactMode;

use super::call::{Call, End, How, Options};
use super::duel::{Case, Game};
use super::specimens;
use super::words::{
    FAMILY, blob, budget, family, family_key, host_key, item, kernel_key, position, savepoint, value, vat,
};

/// Which calls a sequence is about, beside cranks and commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Focus {
    Kv,
    Transcripts,
    Snapshots,
    Bundles,
    All,
}

type Calls = BoxedStrategy<Call>;
type Fragment = BoxedStrategy<Vec<Call>>;

/// A case of about `calls` calls.
pub(crate) fn case(game: Game, focus: Focus, calls: usize) -> impl Strategy<Value = Case> {
    const CALLS_PER_FRAGMENT: usize = 3;
    let fixtures = vec![
        "archival",
        "pruned",
        "terminated",
        "half-deleted",
        "rollover-stop",
        "schema-1a",
        "unicode",
        "bundles",
        "no-snapshots-record",
        "pending-exports",
    ];
    let start = prop_oneof![3 => Just(None), 1 => select(fixtures).prop_map(Some)];
    let most = (calls / CALLS_PER_FRAGMENT).max(1);
    let fragments = vec(fragment(game, focus), most.div_ceil(2)..=most);
    (start, options(), fragments).prop_map(|(start, options, fragments)| Case {
        start,
        options,
        calls: fragments.into_iter().flatten().collect(),
    })
}

fn options() -> impl Strategy<Value = Options> {
    let often = prop::bool::weighted(0.8);
    (often, any::<bool>(), prop::bool::weighted(0.6), prop::bool::weighted(0.2), 0..3u8).prop_map(
        |(callback, keep_snapshots, keep_transcripts, archive, memory)| Options {
            callback,
            keep_snapshots,
            keep_transcripts,
            archive,
            memory,
        },
    )
}

fn fragment(game: Game, focus: Focus) -> Fragment {
    let vat_life = if matches!(focus, Focus::All | Focus::Transcripts | Focus::Snapshots) { 6 } else { 0 };
    let walks = if matches!(focus, Focus::All | Focus::Kv) { 1 } else { 0 };
    prop_oneof![
        6 => vec(loose(focus), 1..4),
        6 => crank(focus),
        4 => rolled_back(focus),
        vat_life => life(),
        walks => walk(),
        4 => block_end(),
        2 => reopening(game),
    ]
    .boxed()
}

/// Any call, wanted or not where it stands.
fn loose(focus: Focus) -> Calls {
    let cranks = prop_oneof![
        2 => Just(Call::StartCrank),
        2 => Just(Call::EndCrank),
        1 => savepoint().prop_map(Call::Savepoint),
        1 => savepoint().prop_map(Call::Rollback),
        2 => Just(Call::EmitHashes),
        1 => Just(Call::Activityhash),
        1 => Just(Call::Commit),
        1 => Just(Call::FailCallback),
        1 => any::<bool>().prop_map(Call::Dump),
        1 => select(ArtifactMode::ALL.as_slice()).prop_map(Call::Export),
    ];
    prop_oneof![1 => cranks, 3 => work(focus)].boxed()
}

fn work(focus: Focus) -> Calls {
    match focus {
        Focus::Kv => kv(),
        Focus::Transcripts => transcripts(),
        Focus::Snapshots => snapshots(),
        Focus::Bundles => bundles(),
        Focus::All => prop_oneof![5 => kv(), 4 => transcripts(), 2 => snapshots(), 1 => bundles()].boxed(),
    }
}

fn kv() -> Calls {
    let kernel = || Just(End::Kernel);
    let host = || Just(End::Host);
    prop_oneof![
        3 => (kernel(), kernel_key()).prop_map(|(end, key)| Call::Get(end, key)),
        2 => (kernel(), kernel_key()).prop_map(|(end, key)| Call::Has(end, key)),
        4 => (kernel(), kernel_key()).prop_map(|(end, key)| Call::NextKey(end, key)),
        8 => (kernel(), kernel_key(), value()).prop_map(|(end, key, value)| Call::Set(end, key, value)),
        4 => (kernel(), kernel_key()).prop_map(|(end, key)| Call::Delete(end, key)),
        1 => (host(), prop_oneof![host_key(), kernel_key()]).prop_map(|(end, key)| Call::Get(end, key)),
        1 => (host(), prop_oneof![host_key(), kernel_key()]).prop_map(|(end, key)| Call::Has(end, key)),
        1 => (host(), prop_oneof![host_key(), kernel_key()]).prop_map(|(end, key)| Call::NextKey(end, key)),
        2 => (host(), host_key(), value()).prop_map(|(end, key, value)| Call::Set(end, key, value)),
        1 => (host(), host_key()).prop_map(|(end, key)| Call::Delete(end, key)),
    ]
    .boxed()
}

fn transcripts() -> Calls {
    prop_oneof![
        2 => vat().prop_map(Call::InitTranscript),
        8 => (vat(), item()).prop_map(|(vat, item)| Call::AddItem(vat, item)),
        2 => vat().prop_map(Call::Bounds),
        2 => (vat(), start()).prop_map(|(vat, start)| Call::ReadSpan(vat, start)),
        2 => vat().prop_map(Call::RolloverSpan),
        1 => vat().prop_map(Call::RolloverIncarnation),
        1 => vat().prop_map(Call::StopTranscript),
        2 => (vat(), budget()).prop_map(|(vat, budget)| Call::DeleteTranscripts(vat, budget)),
    ]
    .boxed()
}

/// Of the span to be read.
fn start() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![3 => Just(None), 1 => Just(Some(0)), 1 => position().prop_map(Some)]
}

fn snapshots() -> Calls {
    prop_oneof![
        6 => (vat(), position(), blob()).prop_map(|(vat, position, blob)| Call::SaveSnapshot(vat, position, blob)),
        1 => (vat(), position(), blob()).prop_map(|(vat, position, blob)| Call::SaveBroken(vat, position, blob)),
        2 => vat().prop_map(Call::LoadSnapshot),
        2 => vat().prop_map(Call::SnapshotInfo),
        1 => vat().prop_map(Call::StopSnapshot),
        2 => (vat(), budget()).prop_map(|(vat, budget)| Call::DeleteSnapshots(vat, budget)),
        1 => Just(Call::DeleteUnused),
    ]
    .boxed()
}

fn bundles() -> Calls {
    let all = specimens::all();
    // Mostly one of the first few, so that they meet.
    let any = move || prop_oneof![4 => select(&all[2..4]), 3 => select(all)];
    prop_oneof![
        4 => any().prop_map(|bundle| Call::AddBundle(bundle.clone(), bundle)),
        1 => (any(), any()).prop_map(|(named, given)| Call::AddBundle(named, given)),
        2 => any().prop_filter("an ID", has_id).prop_map(Call::HasBundle),
        2 => any().prop_filter("an ID", has_id).prop_map(Call::GetBundle),
        2 => any().prop_filter("an ID", has_id).prop_map(Call::DeleteBundle),
    ]
    .boxed()
}

/// Our calls take parsed IDs. Only when adding must both refuse a text that is none.
fn has_id(bundle: &std::sync::Arc<specimens::Specimen>) -> bool {
    !bundle.id.starts_with("b2-")
}

fn enclosed(before: Vec<Call>, inside: Vec<Vec<Call>>, after: Vec<Call>) -> Vec<Call> {
    before.into_iter().chain(inside.into_iter().flatten()).chain(after).collect()
}

fn crank(focus: Focus) -> Fragment {
    (vec(work(focus), 0..6), any::<bool>())
        .prop_map(|(body, emit)| {
            let end = if emit { vec![Call::EmitHashes, Call::EndCrank] } else { vec![Call::EndCrank] };
            enclosed(vec![Call::StartCrank], vec![body], end)
        })
        .boxed()
}

/// Savepoints in savepoints, some of it rolled back.
fn rolled_back(focus: Focus) -> Fragment {
    let body = || vec(work(focus), 0..4);
    (savepoint(), savepoint(), savepoint(), (body(), body(), body(), body()), any::<bool>())
        .prop_map(|(first, second, back, (a, b, c, d), twice)| {
            let again = if twice { vec![Call::Rollback(back.clone())] } else { vec![] };
            let inside = vec![
                a,
                vec![Call::Savepoint(first)],
                b,
                vec![Call::Savepoint(second)],
                c,
                vec![Call::Rollback(back)],
                d,
                again,
            ];
            enclosed(vec![Call::StartCrank], inside, vec![Call::EmitHashes, Call::EndCrank])
        })
        .boxed()
}

/// A family of keys is committed, and in a later crank somebody goes through it as a kernel goes through a collection:
/// from key to key, or asking for the first one and deleting it; with changes on the way.
fn walk() -> Fragment {
    let there = vec(prop::bool::weighted(0.9), FAMILY);
    let change = || prop::option::weighted(0.3, (family_key(), prop::option::of(value())));
    (there, vec(change(), FAMILY), any::<bool>(), any::<bool>(), change())
        .prop_map(|(there, between, sweep, back, after)| {
            let change = |(key, value): (String, Option<String>)| match value {
                Some(value) => Call::Set(End::Kernel, key, value),
                None => Call::Delete(End::Kernel, key),
            };
            let next = |at| Call::NextKey(End::Kernel, family(at));
            let there = (1..).zip(there).filter(|(_, there)| *there);
            let mut before: Vec<_> = there.map(|(at, _)| Call::Set(End::Kernel, family(at), String::new())).collect();
            before.extend([Call::EndCrank, Call::Commit, Call::StartCrank, Call::Savepoint("walk".to_owned())]);
            let steps = between.into_iter().enumerate().flat_map(|(at, between)| {
                let step = match sweep {
                    true => vec![next(0), Call::Delete(End::Kernel, family(at + 1))],
                    false => vec![next(at)],
                };
                step.into_iter().chain(between.map(change))
            });
            let steps: Vec<_> = steps.collect();
            let end = if back { vec![Call::Rollback("walk".to_owned())] } else { vec![] };
            let after = after.map(change).into_iter().collect();
            enclosed(before, vec![steps, end, vec![next(0)], after], vec![next(0), next(FAMILY), Call::EndCrank])
        })
        .boxed()
}

/// A vat begins or goes on, and may be upgraded or stopped.
fn life() -> Fragment {
    let more = || vec(item(), 0..4);
    (vat(), more(), position(), blob(), more(), 0..5u8)
        .prop_map(|(vat, items, position, blob, later, end)| {
            let added = |items: Vec<String>| items.into_iter().map(|item| Call::AddItem(vat.clone(), item)).collect();
            let end = match end {
                0 => vec![Call::StopSnapshot(vat.clone()), Call::RolloverIncarnation(vat.clone())],
                1 => vec![Call::StopSnapshot(vat.clone()), Call::StopTranscript(vat.clone())],
                _ => vec![],
            };
            let snapshot = vec![Call::SaveSnapshot(vat.clone(), position, blob), Call::RolloverSpan(vat.clone())];
            enclosed(vec![Call::InitTranscript(vat.clone())], vec![added(items), snapshot, added(later)], end)
        })
        .boxed()
}

fn block_end() -> Fragment {
    let height = (1..1000u32).prop_map(|height| Call::Set(End::Host, "host.height".to_owned(), height.to_string()));
    height.prop_map(|height| vec![height, Call::Commit]).boxed()
}

fn reopening(game: Game) -> Fragment {
    let how = prop_oneof![8 => Just(How::Open), 1 => Just(How::Init)];
    let open = || (how.clone(), options()).prop_map(|(how, options)| Call::Open(how, options));
    let kill = u32::from(game == Game::Turns);
    prop_oneof![
        3 => open().prop_map(|open| vec![Call::Commit, open]),
        1 => open().prop_map(|open| vec![open]),
        kill => options().prop_map(|options| vec![Call::Kill(options)]),
    ]
    .boxed()
}
