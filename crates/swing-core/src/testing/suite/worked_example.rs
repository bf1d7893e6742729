//! A short life of a store whose hashes are published, so that no mistake can be on both sides.
#![expect(missing_docs, reason = "the names of the cases say the rules")]

use super::driver::Driven;
use super::ops::{Answer, Op};
use super::samples::*;
use crate::roles::{Bundle, CrankHashes};
use crate::testing::{StoreUnderTest, TestOptions};

const CRANKHASH: &str = "f232a9dc0f53713e007a3169f4237620ec33c47aaa11fd675fcfdd0ec33b1830";
const ACTIVITYHASH: &str = "794b989a714f87c3386b259979e4c92193dc209736985a3f7ac58f5a9d0c8d51";
const BUNDLE: &str = "b0-206e25f8fcb6f920cf1642e06ef7c956d85cd52331cf2afca02a809799ba301e";
const BUNDLE_KEY: &str = "bundle.b0-206e25f8fcb6f920cf1642e06ef7c956d85cd52331cf2afca02a809799ba301e";
const BUNDLE_TEXT: &str = r#"{"moduleFormat":"nestedEvaluate","source":"1+1","sourceMap":"//m"}"#;
const SNAPSHOT: &str =
    r#"{"vatID":"v1","snapPos":2,"hash":"7783d47a378f6c3ca8d1b29aa1b688ff6b14d26bd3bf8bae14785138db1eff0c","inUse":1}"#;
const CLOSED: &str = r#"{"vatID":"v1","startPos":0,"endPos":3,"hash":"d561b4931977e3833c5a8567f95a1cf559505013963ed7a7020090bfdcb585c0","isCurrent":0,"incarnation":0}"#;
const CURRENT: &str = r#"{"vatID":"v1","startPos":3,"endPos":4,"hash":"61cf6be48f4787ed0e075c28a03ceb259e3b836bd7d7efb012eb0734a7dd4a12","isCurrent":1,"incarnation":0}"#;

pub fn the_worked_example_has_its_published_hashes<S: StoreUnderTest>() {
    let mut store = Driven::<S>::fresh(TestOptions::default());
    store.all([Op::StartCrank, savepoint("deliver"), set("vat.names", "[\"alice\"]"), init("v1")]);
    store.all([item("v1", r#"{"d":["initialize-worker",{}]}"#), item("v1", r#"{"d":["startVat"]}"#)]);
    store.all([save("v1", 2, "snapshot-bytes"), item("v1", r#"{"d":["save-snapshot"]}"#), roll_over("v1")]);
    store.ok(item("v1", r#"{"d":["load-snapshot"]}"#));
    store.ok(Op::AddBundle(bundle_id(BUNDLE), Bundle::NestedEvaluate(BUNDLE_TEXT.to_owned())));
    let hash = |text: &str| text.parse().expect("a digest");
    let hashes = CrankHashes { crankhash: hash(CRANKHASH), activityhash: hash(ACTIVITYHASH) };
    store.answers(Op::EmitCrankHashes, Answer::Hashes(hashes));
    store.all([Op::EndCrank, host(set("host.height", "17")), Op::Commit]);

    let expected = [
        ("kv.activityhash", ACTIVITYHASH),
        ("kv.vat.names", "[\"alice\"]"),
        ("snapshot.v1.2", SNAPSHOT),
        ("snapshot.v1.current", "snapshot.v1.2"),
        ("transcript.v1.0", CLOSED),
        ("transcript.v1.current", CURRENT),
        (BUNDLE_KEY, BUNDLE),
    ];
    assert_eq!(store.full_export(), records(expected));
    let mut by_key = expected;
    by_key.sort_unstable();
    assert_eq!(store.batches(), [batch(by_key.map(|(key, value)| (key, Some(value))))]);
}
