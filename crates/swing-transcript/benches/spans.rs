//! `cargo bench -p swing-transcript`: items added and read, spans rolled over and deleted, in a file.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use swing_core::roles::TranscriptStore as _;
use swing_core::session::{Location, OpenOptions};
use swing_core::{Budget, Session, VatId};
use swing_transcript::{TABLES, TranscriptState, extend, initial_hash};

fn main() {
    divan::main();
}

struct Store {
    session: Session,
    state: TranscriptState,
    vat: VatId,
    _dir: tempfile::TempDir,
}

impl Store {
    /// A vat with so many closed spans of so many items of 2 KB, and an empty one.
    fn new(spans: usize, items: usize) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let file = Location::File(dir.path().join("swingstore.sqlite"));
        let session = Session::open(file, &OpenOptions::default(), TABLES).expect("a store");
        let vat = VatId::parse("v1").expect("a vat's ID");
        let mut store = Self { session, state: TranscriptState::default(), vat, _dir: dir };
        store.state.bind(&mut store.session).init_transcript(&store.vat).expect("a transcript");
        for _ in 0..spans {
            (0..items).for_each(|_| store.add(&item(2_048)));
            store.roll_over();
        }
        store.commit();
        store
    }

    fn add(&mut self, item: &str) {
        self.state.bind(&mut self.session).add_item(&self.vat, item).expect("room");
    }

    fn roll_over(&mut self) {
        self.state.bind(&mut self.session).rollover_span(&self.vat).expect("a span");
    }

    fn commit(&mut self) {
        self.session.commit(&mut [&mut self.state]).expect("a commit");
    }
}

fn item(length: usize) -> String {
    "x".repeat(length)
}

#[divan::bench(args = [200, 2_048, 60_000], sample_size = 10)]
fn extend_a_hash(bencher: Bencher, length: usize) {
    let (item, hash) = (item(length), initial_hash());
    bencher.counter(BytesCount::new(length)).bench_local(|| extend(hash, black_box(&item)));
}

/// 200 calls, and the commit outside.
#[divan::bench(args = [200, 2_048], sample_count = 30, sample_size = 1)]
fn add_200_items(bencher: Bencher, length: usize) {
    let (store, item) = (std::cell::RefCell::new(Store::new(0, 0)), item(length));
    bencher.with_inputs(|| store.borrow_mut().commit()).bench_local_values(|()| {
        let mut store = store.borrow_mut();
        (0..200).for_each(|_| store.add(&item));
    });
}

#[divan::bench(args = [1, 20, 200], sample_count = 30, sample_size = 1)]
fn add_items_and_commit(bencher: Bencher, items: usize) {
    let (mut store, item) = (Store::new(0, 0), item(2_048));
    bencher.bench_local(|| {
        (0..items).for_each(|_| store.add(&item));
        store.commit();
    });
}

#[divan::bench(sample_size = 500)]
fn current_span_bounds(bencher: Bencher) {
    let mut store = Store::new(1, 20);
    store.session.begin().expect("a transaction");
    bencher.bench_local(|| {
        let mut transcripts = store.state.bind(&mut store.session);
        black_box(transcripts.current_span_bounds(&store.vat).expect("a span"));
    });
}

/// Opened anew, so that all of it is hashed.
#[divan::bench(sample_count = 30, sample_size = 1)]
fn read_a_span_of_200_items_the_first_time(bencher: Bencher) {
    let store = std::cell::RefCell::new(Store::new(1, 200));
    let forget = || store.borrow_mut().state = TranscriptState::default();
    bencher.with_inputs(forget).bench_local_values(|()| {
        let store = &mut *store.borrow_mut();
        let mut transcripts = store.state.bind(&mut store.session);
        let first = swing_core::Position::ZERO;
        black_box(transcripts.read_span(&store.vat, Some(first)).expect("a span").count())
    });
}

#[divan::bench(sample_count = 30, sample_size = 1)]
fn delete_5_spans_of_20_items_and_commit(bencher: Bencher) {
    let mut store = Store::new(200, 20);
    let budget = Budget::at_most(5).expect("a budget");
    bencher.bench_local(|| {
        let mut transcripts = store.state.bind(&mut store.session);
        transcripts.delete_vat_transcripts(&store.vat, budget).expect("a deletion");
        store.commit();
    });
}
