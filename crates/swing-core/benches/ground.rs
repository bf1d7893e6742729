//! `cargo bench -p swing-core`: the overlay, names and records, hashes, the digest of rows.

use std::sync::Arc;

use divan::{Bencher, black_box, counter::BytesCount};
use swing_core::row_digest::Cell;
use swing_core::session::PENDING_EXPORTS;
use swing_core::{ArtifactName, Digest, Incarnation, Overlay, Position, RowDigest, Session, SpanRecord, VatId};

fn main() {
    divan::main();
}

type Pairs = Overlay<Arc<str>, Arc<str>>;

fn keys(count: usize) -> Vec<Arc<str>> {
    // A step that shares no factor with any count: neighbours do not come one after the other.
    (0..count).map(|i| format!("v{}.vs.vom.o+d10/{}", i % 50 + 1, i * 7919 % 1_000_003).into()).collect()
}

fn filled(keys: &[Arc<str>]) -> Pairs {
    let mut overlay = Pairs::default();
    keys.iter().for_each(|key| overlay.put(Arc::clone(key), "value".into()));
    overlay
}

#[divan::bench(args = [1_000, 100_000], sample_size = 500)]
fn overlay_find(bencher: Bencher, count: usize) {
    let keys = keys(count);
    let (overlay, mut at) = (filled(&keys), 0);
    bencher.bench_local(|| {
        at = (at + 1) % count;
        black_box(overlay.find(&*keys[at]));
    });
}

#[divan::bench(args = [1_000, 100_000], sample_size = 500)]
fn overlay_put_over(bencher: Bencher, count: usize) {
    let keys = keys(count);
    let (mut overlay, mut at, value) = (filled(&keys), 0, Arc::<str>::from("another"));
    bencher.bench_local(|| {
        at = (at + 1) % count;
        overlay.put(Arc::clone(&keys[at]), Arc::clone(&value));
    });
}

#[divan::bench(args = [10, 1_000])]
fn overlay_mark_put_roll_back(bencher: Bencher, puts: usize) {
    let (keys, value) = (keys(puts), Arc::<str>::from("value"));
    let mut overlay = Pairs::default();
    bencher.bench_local(|| {
        overlay.mark();
        keys.iter().for_each(|key| overlay.put(Arc::clone(key), Arc::clone(&value)));
        overlay.rollback_to(0);
    });
}

#[divan::bench(sample_size = 500)]
fn artifact_name_parse() -> ArtifactName {
    black_box("transcript.v113.204800.205000").parse().expect("it is a name")
}

fn record() -> SpanRecord {
    let vat = VatId::parse("v113").expect("it is a vat's ID");
    let position = |at| Position::new(at).expect("it is in range");
    let incarnation = Incarnation::new(3).expect("it is in range");
    let (start, end, hash) = (position(204_800), position(205_000), Digest::of(b"items"));
    SpanRecord { vat, start, end, hash, is_current: true, incarnation }
}

#[divan::bench(sample_size = 500)]
fn span_record_to_json(bencher: Bencher) {
    let record = record();
    bencher.bench_local(|| black_box(&record).to_json());
}

#[divan::bench(sample_size = 500)]
fn span_record_parse(bencher: Bencher) {
    let text = record().to_json();
    bencher.bench_local(|| SpanRecord::parse(black_box(&text)).expect("it is a record"));
}

#[divan::bench(args = [64, 2_048, 65_536])]
fn digest_of(bencher: Bencher, length: usize) {
    let bytes = vec![7_u8; length];
    bencher.counter(BytesCount::new(length)).bench_local(|| Digest::of(black_box(&bytes)));
}

#[divan::bench(sample_size = 500)]
fn row_digest_add_a_pair(bencher: Bencher) {
    let (mut digest, mut scratch) = (RowDigest::default(), Vec::new());
    let value = "x".repeat(100);
    bencher.bench_local(|| digest.add(&[Cell::from("v1.vs.vom.o+d10/77"), Cell::from(&*value)], &mut scratch));
}

#[divan::bench(args = [0, 1_000])]
fn session_commit_in_memory(bencher: Bencher, exports: usize) {
    let keys: Vec<_> = keys(exports).iter().map(|key| format!("kv.{key}")).collect();
    let mut session = Session::in_memory(&[PENDING_EXPORTS]).expect("a session");
    session.record_exports().expect("a log of exports");
    bencher.bench_local(|| {
        session.begin().expect("a transaction");
        keys.iter().for_each(|key| session.note_export(&**key, Some("value".into())));
        black_box(session.take_exports_in_order().expect("the exports"));
        session.commit(&mut []).expect("a commit");
    });
}
