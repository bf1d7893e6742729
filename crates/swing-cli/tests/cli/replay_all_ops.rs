//! A trace by hand: the worked example of the reference page, and every operation that the recorded kernel never calls.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use fs_err as fs;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::sandbox::{Sandbox, expected};

fn sha256(bytes: impl AsRef<[u8]>) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

fn short(bytes: impl AsRef<[u8]>) -> String {
    sha256(bytes)[..16].to_owned()
}

/// Leaves a blob beside the trace and answers its name.
fn blob(sandbox: &Sandbox, content: &str) -> String {
    let name = sha256(content);
    fs::create_dir_all(sandbox.path("blobs")).unwrap();
    let file = fs::File::create(sandbox.path("blobs").join(format!("{name}.gz"))).unwrap();
    let mut gzip = GzEncoder::new(file, Compression::default());
    gzip.write_all(content.as_bytes()).unwrap();
    gzip.finish().unwrap();
    name
}

const BUNDLE: &str = r#"{"moduleFormat":"nestedEvaluate","source":"1+1","sourceMap":"//m"}"#;
const BUNDLE_ID: &str = "b0-206e25f8fcb6f920cf1642e06ef7c956d85cd52331cf2afca02a809799ba301e";
const HEAP: &str = "7783d47a378f6c3ca8d1b29aa1b688ff6b14d26bd3bf8bae14785138db1eff0c";

fn replayed(sandbox: &Sandbox, lines: &[Value]) -> Value {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(sandbox.path("trace.jsonl"), text).unwrap();
    sandbox.json(&["replay", "trace.jsonl", "store"])
}

fn worked_example(sandbox: &Sandbox) -> Vec<Value> {
    let (heap, bundle) = (blob(sandbox, "snapshot-bytes"), blob(sandbox, BUNDLE));
    assert_eq!(heap, HEAP);
    let expected = expected("worked-example");
    let batch = &expected["callbackBatches"][0];
    vec![
        json!(["ho", "init", {"exportCallback": true}]),
        json!(["C<"]),
        json!(["Cs", "start"]),
        json!(["ks", "vat.names", "[\"alice\"]"]),
        json!(["ti", "v1"]),
        json!(["ta", "v1", "{\"d\":[\"initialize-worker\",{}]}"]),
        json!(["ta", "v1", "{\"d\":[\"startVat\"]}"]),
        json!(["ss", "v1", 2, heap, {"hash": HEAP, "uncompressedSize": 14}]),
        json!(["ta", "v1", "{\"d\":[\"save-snapshot\"]}"]),
        json!(["to", "v1", 0]),
        json!(["ta", "v1", "{\"d\":[\"load-snapshot\"]}"]),
        json!(["ba", BUNDLE_ID, bundle]),
        json!([
            "Ce",
            [
                "f232a9dc0f53713e007a3169f4237620ec33c47aaa11fd675fcfdd0ec33b1830",
                "794b989a714f87c3386b259979e4c92193dc209736985a3f7ac58f5a9d0c8d51"
            ]
        ]),
        json!(["C>"]),
        json!(["xe", batch.as_array().unwrap().len(), short(batch.to_string())]),
        json!(["hs", "host.height", "17"]),
        json!(["hc"]),
    ]
}

#[test]
fn the_worked_example_has_the_hashes_of_the_reference_page() {
    let sandbox = Sandbox::new();
    let done = replayed(&sandbox, &worked_example(&sandbox));
    assert_eq!((&done["mismatches"], &done["calls"], &done["blocks"]), (&json!(0), &json!(16), &json!(1)));
    sandbox.dataset("worked-example", "js", "archival", "dataset");
    let verified = sandbox.json(&["verify", "store", "--trusted", "dataset", "--height", "17"]);
    assert_eq!(verified["findings"], json!([]));
}

#[test]
fn every_operation_can_be_replayed() {
    let sandbox = Sandbox::new();
    let mut lines = worked_example(&sandbox);
    let failed = json!({"!": "whatever the original said"});
    let activityhash = "794b989a714f87c3386b259979e4c92193dc209736985a3f7ac58f5a9d0c8d51";
    let start = "43e6be43a3a34d60c0ebeb8498b5849b094fc20fc68483a7aeb3624fa10f79f6";
    lines.extend([
        json!(["##", "what the recorded kernel never calls"]),
        json!(["Ca", activityhash]),
        json!(["hg", "host.height", short("17")]),
        json!(["hh", "host.height", true]),
        json!(["hh", "vat.names", true]),
        json!(["hn", "b", "host.height"]),
        json!(["kn", "b", "vat.names"]),
        json!(["kn", "vat.names", null]),
        json!(["hs", "host.gone", "1"]),
        json!(["hd", "host.gone"]),
        json!(["hg", "host.gone", null]),
        json!(["kg", "host.height", failed]),
        json!(["hs", "kernel", "1", failed]),
        json!(["C>", failed]),
        json!(["Cs", "a", failed]),
        json!(["C<"]),
        json!(["C<", failed]),
        json!(["hc", failed]),
        json!(["Cs", "a"]),
        json!(["ks", "k", "v"]),
        json!(["Cr", "a"]),
        json!(["Cr", "a", failed]),
        json!(["kh", "k", false]),
        json!(["C>"]),
        json!(["tb", "v1", {"startPos": 3, "endPos": 4, "hash":
            "61cf6be48f4787ed0e075c28a03ceb259e3b836bd7d7efb012eb0734a7dd4a12", "incarnation": 0}]),
        json!(["tr", "v1", null, [1, short("{\"d\":[\"load-snapshot\"]}\n")]]),
        json!(["tr", "v1", 4, failed]),
        json!(["tb", "v2", failed]),
        json!(["ta", "v.2", "{}", failed]),
        json!(["tn", "v1", 1]),
        json!(["tb", "v1", {"startPos": 4, "endPos": 4, "hash": start, "incarnation": 1}]),
        json!(["sl", "v1", [14, HEAP]]),
        json!(["si", "v1", {"snapPos": 2, "hash": HEAP, "uncompressedSize": 14}]),
        json!(["si", "v2", null]),
        json!(["sx", "v1"]),
        json!(["si", "v1", null]),
        json!(["sl", "v1", failed]),
        json!(["tx", "v1"]),
        json!(["td", "v1", 0, failed]),
        json!(["td", "v1", 2, {"done": false, "cleanups": 2}]),
        json!(["td", "v1", null, {"done": true, "cleanups": 1}]),
        json!(["su"]),
        json!(["sd", "v1", null, {"done": true, "cleanups": 0}]),
        json!(["bh", BUNDLE_ID, true]),
        json!(["bg", BUNDLE_ID, short(BUNDLE)]),
        json!(["ba", BUNDLE_ID, blob(&sandbox, BUNDLE), failed]),
        json!(["ba", BUNDLE_ID, blob(&sandbox, "{\"moduleFormat\":\"getExport\"}"), failed]),
        json!(["bd", BUNDLE_ID]),
        json!(["bh", BUNDLE_ID, false]),
        json!(["bg", BUNDLE_ID, failed]),
        json!(["bh", "b9-00", failed]),
        json!(["hx"]),
        json!(["kg", "k", failed]),
        json!(["ho", "open"]),
        json!(["bh", BUNDLE_ID, true]),
    ]);
    let done = replayed(&sandbox, &lines);
    assert_eq!(done["mismatches"], 0, "{done}");
    assert_eq!(done["activityhash"], activityhash);
}
