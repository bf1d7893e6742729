//! `cargo bench -p swing-kv`: pairs read, walked and set, hot and cold, in a file of 100,000.

use divan::{Bencher, black_box};
use swing_core::Session;
use swing_core::roles::KvStore as _;
use swing_core::session::{Location, OpenOptions};
use swing_kv::{KvOptions, KvState, TABLES};

const ROWS: usize = 100_000;
const VALUE: &str = r##"{"body":"#{\"value\":\"+1234\",\"brand\":\"$0.Alleged: IST brand\"}","slots":["o+d12/34"]}"##;

fn main() {
    divan::main();
}

fn key(at: usize) -> String {
    format!("v{}.vs.vom.o+d{}/{at}", at % 60, at % 37)
}

/// A key far from the one before, and the same ones in each run.
fn far(at: &mut usize) -> String {
    *at = (*at + 7_919) % ROWS;
    key(*at)
}

struct Store {
    session: Session,
    state: KvState,
    _dir: tempfile::TempDir,
}

impl Store {
    fn new(cache_bytes: usize) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let file = Location::File(dir.path().join("swingstore.sqlite"));
        let session = Session::open(file, &OpenOptions::default(), TABLES).expect("a store");
        let mut store = Self { session, state: KvState::new(KvOptions { cache_bytes }), _dir: dir };
        (0..ROWS).for_each(|at| store.set(&key(at), VALUE));
        store.commit();
        store
    }

    fn get(&mut self, key: &str) {
        black_box(self.state.bind(&mut self.session).get(key).expect("a pair"));
    }

    fn set(&mut self, key: &str, value: &str) {
        self.state.bind(&mut self.session).set(key, value).expect("room");
    }

    fn commit(&mut self) {
        self.session.commit(&mut [&mut self.state]).expect("a commit");
    }
}

const CACHE: usize = 64 << 20;

#[divan::bench(sample_size = 500)]
fn get_hot(bencher: Bencher) {
    let mut store = Store::new(CACHE);
    let (keys, mut at) = ((0..100).map(|at| key(at * 997)).collect::<Vec<_>>(), 0);
    store.session.begin().expect("a transaction");
    keys.iter().for_each(|key| store.get(key));
    bencher.bench_local(|| {
        at = (at + 1) % keys.len();
        store.get(&keys[at]);
    });
}

#[divan::bench(sample_size = 500)]
fn get_without_a_cache(bencher: Bencher) {
    let (mut store, mut at) = (Store::new(0), 0);
    store.session.begin().expect("a transaction");
    bencher.with_inputs(|| far(&mut at)).bench_local_refs(|key| store.get(key));
}

#[divan::bench(sample_size = 500)]
fn get_of_an_absent_key(bencher: Bencher) {
    let (mut store, mut at) = (Store::new(CACHE), 0);
    store.session.begin().expect("a transaction");
    bencher.with_inputs(|| far(&mut at) + "!").bench_local_refs(|key| store.get(key));
}

#[divan::bench(sample_size = 500)]
fn get_next_key_walking(bencher: Bencher) {
    let mut store = Store::new(CACHE);
    store.session.begin().expect("a transaction");
    let mut last = String::from("v");
    bencher.bench_local(|| {
        let mut kv = store.state.bind(&mut store.session);
        last = kv.get_next_key(&last).expect("a key").as_deref().unwrap_or("v").to_owned();
    });
}

#[divan::bench(sample_size = 500)]
fn set_hot_the_call(bencher: Bencher) {
    let mut store = Store::new(CACHE);
    let (keys, mut at) = ((0..100).map(|at| key(at * 997)).collect::<Vec<_>>(), 0);
    bencher.bench_local(|| {
        at = (at + 1) % keys.len();
        store.set(&keys[at], "another");
    });
}

#[divan::bench(args = [1, 100, 1_000], sample_count = 30, sample_size = 1)]
fn commit_of_random_keys(bencher: Bencher, sets: usize) {
    let (mut store, mut at, mut number) = (Store::new(CACHE), 0, 0_u64);
    bencher.bench_local(|| {
        for _ in 0..sets {
            number += 1;
            store.set(&far(&mut at), &format!("{number:0100}"));
        }
        store.commit();
    });
}
