//! The worked example of the format's description, to the last hash, and what a host sees of it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};

use swing_store::prelude::*;
use swing_store::{Store, exporter};

type Batches = Arc<Mutex<Vec<Vec<(String, Option<String>)>>>>;

fn recording(batches: &Batches) -> Options {
    let batches = Arc::clone(batches);
    Options {
        export_callback: Some(Box::new(move |batch| {
            let pairs = batch.iter().map(|entry| (entry.key.to_string(), entry.value.as_deref().map(str::to_owned)));
            batches.lock().unwrap().push(pairs.collect());
            Ok(())
        })),
        ..Options::default()
    }
}

fn work(store: &mut Store) {
    let vat = VatId::parse("v1").unwrap();
    let mut kernel = store.kernel();
    kernel.start_crank().unwrap();
    kernel.establish_crank_savepoint("deliver").unwrap();
    kernel.kv().set("vat.names", "[\"alice\"]").unwrap();
    kernel.transcripts().init_transcript(&vat).unwrap();
    kernel.transcripts().add_item(&vat, r#"{"d":["initialize-worker",{}]}"#).unwrap();
    kernel.transcripts().add_item(&vat, r#"{"d":["startVat"]}"#).unwrap();
    let position = Position::new(2).unwrap();
    let saved = kernel.snapshots().save_snapshot(&vat, position, &mut &b"snapshot-bytes"[..]).unwrap();
    assert_eq!(saved.hash.to_string(), "7783d47a378f6c3ca8d1b29aa1b688ff6b14d26bd3bf8bae14785138db1eff0c");
    assert_eq!(saved.uncompressed_size, 14);
    kernel.transcripts().add_item(&vat, r#"{"d":["save-snapshot"]}"#).unwrap();
    assert_eq!(kernel.transcripts().rollover_span(&vat).unwrap(), Incarnation::ZERO);
    kernel.transcripts().add_item(&vat, r#"{"d":["load-snapshot"]}"#).unwrap();
    let bundle = r#"{"moduleFormat":"nestedEvaluate","source":"1+1","sourceMap":"//m"}"#;
    let id = BundleId::parse("b0-206e25f8fcb6f920cf1642e06ef7c956d85cd52331cf2afca02a809799ba301e").unwrap();
    kernel.bundles().add_bundle(&id, &Bundle::NestedEvaluate(bundle.to_owned())).unwrap();
    let hashes = kernel.emit_crank_hashes().unwrap();
    assert_eq!(
        (hashes.crankhash.to_string().as_str(), hashes.activityhash.to_string().as_str()),
        (
            "f232a9dc0f53713e007a3169f4237620ec33c47aaa11fd675fcfdd0ec33b1830",
            "794b989a714f87c3386b259979e4c92193dc209736985a3f7ac58f5a9d0c8d51"
        )
    );
    kernel.end_crank().unwrap();
    let mut host = store.host();
    host.kv().set("host.height", "17").unwrap();
    host.commit().unwrap();
}

#[test]
fn the_worked_example_has_the_hashes_that_its_description_gives() {
    let dir = tempfile::tempdir().unwrap();
    let batches = Batches::default();
    let mut store = Store::init(dir.path(), recording(&batches)).unwrap();
    work(&mut store);
    let bounds = store.kernel().transcripts().current_span_bounds(&VatId::parse("v1").unwrap()).unwrap();
    assert_eq!((bounds.start.get(), bounds.end.get()), (3, 4));
    assert_eq!(bounds.hash.to_string(), "61cf6be48f4787ed0e075c28a03ceb259e3b836bd7d7efb012eb0734a7dd4a12");
    store.close().unwrap();

    let batches = batches.lock().unwrap();
    assert_eq!(batches.len(), 1, "one batch at the end of the crank, none at the commit");
    let keys: Vec<_> = batches[0].iter().map(|(key, _)| key.as_str()).collect();
    assert!(keys.is_sorted());
    let exporter = exporter(dir.path(), ArtifactMode::Operational).unwrap();
    let mut records: Vec<_> =
        exporter.export_data().map(Result::unwrap).map(|(key, value)| (key, Some(value))).collect();
    assert_eq!(records[0].0, "kv.activityhash");
    records.sort();
    assert_eq!(batches[0], records, "the batches folded are the export data");
    assert_eq!(exporter.host_kv("host.height").unwrap().as_deref(), Some("17"));
    let names: Vec<_> = exporter.artifact_names().unwrap().map(Result::unwrap).collect();
    assert_eq!(
        names,
        [
            "snapshot.v1.2",
            "transcript.v1.3.4",
            "bundle.b0-206e25f8fcb6f920cf1642e06ef7c956d85cd52331cf2afca02a809799ba301e"
        ]
    );
}

#[test]
fn a_clone_of_the_worked_example_exports_the_same_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("from"), dir.path().join("to"));
    let mut store = Store::init(&from, Options::default()).unwrap();
    work(&mut store);
    let source = exporter(&from, ArtifactMode::Archival).unwrap();
    let options = swing_export::ImportOptions { mode: ArtifactMode::Archival, ..Default::default() };
    let mut imported = swing_store::import(&source, &to, options, Options::default(), &mut |_| ()).unwrap();
    assert!(!swing_store::is_swing_store(&to), "nothing is in place before the commit");
    imported.host_kv().set("host.height", "17").unwrap();
    let report = imported.report();
    assert_eq!((report.taken, report.skipped), (4, 0), "two spans, a snapshot and a bundle");
    let mut clone = imported.commit().unwrap();
    assert!(swing_store::is_swing_store(&to));
    let data = |exporter: &swing_export::Exporter| exporter.export_data().map(Result::unwrap).collect::<Vec<_>>();
    assert_eq!(data(&exporter(&to, ArtifactMode::Archival).unwrap()), data(&source));

    // The handle that the import gave works on, on the file in its place.
    clone.kernel().kv().set("vat.names", "[]").unwrap();
    clone.host().commit().unwrap();
    clone.close().unwrap();
    let names: Vec<_> = fs_err::read_dir(&to).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["swingstore.sqlite"], "closed, it is one file");
    let mut again = Store::open(&to, Options::default()).unwrap();
    assert_eq!(again.kernel().kv().get("vat.names").unwrap().as_deref(), Some("[]"));
    assert_eq!(again.host().kv().get("host.height").unwrap().as_deref(), Some("17"));
}
