//! `cargo bench -p swing-bundle`: bundles checked against their IDs, told as objects, stored and fetched.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use swing_bundle::{Bundles, TABLES, b0_id, b1_id, canonical_zip, check_b0, check_b1, decode_base64, encode_base64};
use swing_core::roles::{Bundle, BundleStore as _};
use swing_core::{BundleId, Session};

fn main() {
    divan::main();
}

/// A zip with a compartment map, as bundle-source makes it.
const PACKAGES: &[u8] = include_bytes!("../tests/data/packages.zip");

/// A bundle of so many bytes of source.
fn nested(length: usize) -> String {
    format!(r#"{{"moduleFormat":"nestedEvaluate","source":"{}","sourceMap":""}}"#, "1+".repeat(length / 2))
}

#[divan::bench(args = [1 << 10, 1 << 20])]
fn check_a_b0(bencher: Bencher, length: usize) {
    let text = nested(length);
    let id = b0_id(&text);
    let check = || check_b0(&id, black_box(text.as_bytes())).expect("its own ID").len();
    bencher.counter(BytesCount::new(text.len())).bench_local(check);
}

#[divan::bench]
fn check_a_b1(bencher: Bencher) {
    let id = b1_id(PACKAGES).expect("a bundle");
    let check = || check_b1(&id, black_box(PACKAGES)).expect("its own ID");
    bencher.counter(BytesCount::new(PACKAGES.len())).bench_local(check);
}

#[divan::bench]
fn canonical_zip_of_a_b1(bencher: Bencher) {
    let make = || canonical_zip(black_box(PACKAGES)).expect("a bundle");
    bencher.counter(BytesCount::new(PACKAGES.len())).bench_local(make);
}

#[divan::bench(args = [1 << 10, 1 << 20])]
fn base64_there(bencher: Bencher, length: usize) {
    let bytes = vec![0x5a; length];
    bencher.counter(BytesCount::new(length)).bench_local(|| encode_base64(black_box(&bytes)));
}

#[divan::bench(args = [1 << 10, 1 << 20])]
fn base64_and_back(bencher: Bencher, length: usize) {
    let text = encode_base64(&vec![0x5a; length]);
    bencher.counter(BytesCount::new(length)).bench_local(|| decode_base64(black_box(&text)));
}

#[divan::bench(args = [1 << 10, 1 << 20], sample_count = 20, sample_size = 1)]
fn add_get_and_delete_a_b0_in_memory(bencher: Bencher, length: usize) {
    let text = nested(length);
    let id = BundleId::parse(&b0_id(&text)).expect("an ID");
    let bundle = Bundle::NestedEvaluate(text);
    let mut session = Session::in_memory(TABLES).expect("a session");
    bencher.bench_local(|| {
        let mut bundles = Bundles::new(&mut session);
        bundles.add_bundle(&id, &bundle).expect("a bundle");
        black_box(bundles.get_bundle(&id).expect("the bundle"));
        bundles.delete_bundle(&id).expect("it is there");
        session.commit(&mut []).expect("a commit");
    });
}
