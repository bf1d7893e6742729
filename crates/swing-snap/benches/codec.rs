//! `cargo bench -p swing-snap`: snapshots hashed and packed, unpacked and verified, saved and loaded.
//!
//! The heap is made up, a mixture of slots and text. `--example codec_bench` compares levels and libraries on real ones.

use std::io::Read as _;
use std::sync::Arc;

use divan::Bencher;
use divan::counter::BytesCount;
use swing_core::roles::SnapStore as _;
use swing_core::session::{Location, OpenOptions};
use swing_core::{MonotonicClock, Position, Session, VatId};
use swing_snap::codec::{Expected, Level, Limits, ReadAhead, SnapshotReader, compress};
use swing_snap::{SnapOptions, SnapState, TABLES};

fn main() {
    divan::main();
}

const MB: usize = 1 << 20;

fn heap(length: usize) -> Vec<u8> {
    let mut heap = Vec::with_capacity(length + 64);
    let mut dice = 42_u64;
    while heap.len() < length {
        dice = dice * 48_271 % 2_147_483_647;
        let here = heap.len() as u64;
        heap.extend_from_slice(&(here + dice % 5 * 32).to_le_bytes());
        heap.extend_from_slice(&(dice as u32 % 4_096).to_le_bytes());
        heap.extend_from_slice(b"getAmountOf\0deposit\0");
    }
    heap.truncate(length);
    heap
}

#[divan::bench(args = [1, 4, 6, 9], sample_count = 10, sample_size = 1)]
fn compress_4_mb_at_level(bencher: Bencher, level: u8) {
    let (raw, level) = (heap(4 * MB), Level::new(level).expect("a level"));
    let pack = || compress(&mut &raw[..], level, Limits::default()).expect("a snapshot");
    bencher.counter(BytesCount::new(raw.len())).bench_local(pack);
}

#[divan::bench(args = [0, 1, 2], sample_count = 10, sample_size = 1)]
fn compress_8_mb_with_workers(bencher: Bencher, workers: usize) {
    let raw = heap(8 * MB);
    let limits = Limits { workers: Some(workers), ..Limits::default() };
    let pack = || compress(&mut &raw[..], Level::DEFAULT, limits).expect("a snapshot");
    bencher.counter(BytesCount::new(raw.len())).bench_local(pack);
}

#[divan::bench(args = [ReadAhead::Never, ReadAhead::Always], sample_count = 20, sample_size = 1)]
fn unpack_and_verify_8_mb(bencher: Bencher, ahead: ReadAhead) {
    let raw = heap(8 * MB);
    let packed = compress(&mut &raw[..], Level::DEFAULT, Limits::default()).expect("a snapshot");
    let expected = || Expected { hash: packed.hash, raw_len: Some(packed.raw_len) };
    let reader = || SnapshotReader::new(packed.gzip.clone(), expected(), ahead);
    let mut room = vec![0; 64 << 10];
    bencher
        .counter(BytesCount::new(raw.len()))
        .with_inputs(reader)
        .bench_local_values(|mut reader| while reader.read(&mut room).expect("it is sound") > 0 {});
}

struct Store {
    session: Session,
    state: SnapState,
    vat: VatId,
    _dir: tempfile::TempDir,
}

impl Store {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let file = Location::File(dir.path().join("swingstore.sqlite"));
        let session = Session::open(file, &OpenOptions::default(), TABLES).expect("a store");
        let state = SnapState::new(SnapOptions::new(Arc::new(MonotonicClock::default())));
        Self { session, state, vat: VatId::parse("v1").expect("a vat's ID"), _dir: dir }
    }

    fn save(&mut self, at: u64, raw: &[u8]) {
        let position = Position::new(at).expect("it is in range");
        self.state.bind(&mut self.session).save_snapshot(&self.vat, position, &mut &*raw).expect("a snapshot");
        self.session.commit(&mut [&mut self.state]).expect("a commit");
    }
}

#[divan::bench(args = [1, 8], sample_count = 10, sample_size = 1)]
fn save_and_commit_mb(bencher: Bencher, megabytes: usize) {
    let (mut store, raw, mut at) = (Store::new(), heap(megabytes * MB), 0);
    bencher.counter(BytesCount::new(raw.len())).bench_local(|| {
        at += 1;
        store.save(at, &raw);
    });
}

#[divan::bench(args = [1, 8], sample_count = 20, sample_size = 1)]
fn load_mb(bencher: Bencher, megabytes: usize) {
    let (mut store, raw) = (Store::new(), heap(megabytes * MB));
    store.save(1, &raw);
    let mut room = vec![0; 64 << 10];
    bencher.counter(BytesCount::new(raw.len())).bench_local(|| {
        let mut bytes = store.state.bind(&mut store.session).load_snapshot(&store.vat).expect("a snapshot");
        while bytes.read(&mut room).expect("it is sound") > 0 {}
    });
}
