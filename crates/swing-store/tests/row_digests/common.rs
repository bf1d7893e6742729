//! A store with something of everything in it, and what the digest says of it.

use std::path::Path;

use swing_core::ArtifactMode;
use swing_core::substore::Finding;
use swing_export::{DigestVerdict, digest_verdict};
use swing_store::prelude::*;
use swing_store::{RowDigests, SUBSTORES, exporter};

pub(crate) fn vat(name: &str) -> VatId {
    VatId::parse(name).unwrap()
}

pub(crate) fn position(at: u64) -> Position {
    Position::new(at).unwrap()
}

/// A bundle and its ID.
pub(crate) fn bundle(source: &str) -> (BundleId, Bundle) {
    let text = format!(r#"{{"moduleFormat":"nestedEvaluate","source":"{source}","sourceMap":"//m"}}"#);
    let id = BundleId::parse(&format!("b0-{}", swing_core::Digest::of(text.as_bytes()))).unwrap();
    (id, Bundle::NestedEvaluate(text))
}

pub(crate) fn options(row_digests: RowDigests) -> Options {
    Options { row_digests, ..Options::default() }
}

pub(crate) fn open(dir: &Path) -> Store {
    Store::open(dir, Options::default()).unwrap()
}

/// A block of a kernel: a crank with a bit of everything, and the host's height.
pub(crate) fn block(store: &mut Store, height: u64) {
    let v1 = vat("v1");
    let mut kernel = store.kernel();
    kernel.start_crank().unwrap();
    kernel.kv().set(&format!("key{height}"), &format!("value {height}")).unwrap();
    kernel.kv().set("local.note", &height.to_string()).unwrap();
    if kernel.transcripts().current_span_bounds(&v1).is_err() {
        kernel.transcripts().init_transcript(&v1).unwrap();
    }
    kernel.transcripts().add_item(&v1, &format!("item {height}")).unwrap();
    kernel.snapshots().save_snapshot(&v1, position(height), &mut &vec![b'h'; 5000][..]).unwrap();
    kernel.transcripts().rollover_span(&v1).unwrap();
    let (id, content) = bundle(&height.to_string());
    kernel.bundles().add_bundle(&id, &content).unwrap();
    kernel.emit_crank_hashes().unwrap();
    kernel.end_crank().unwrap();
    store.host().kv().set("host.height", &height.to_string()).unwrap();
    store.host().commit().unwrap();
}

/// What the digest says of the store in `dir`, and what is wrong.
pub(crate) fn judged(dir: &Path) -> (DigestVerdict, Vec<Finding>) {
    let exporter = exporter(dir, ArtifactMode::Debug).unwrap();
    digest_verdict(exporter.read(), SUBSTORES).unwrap()
}

#[track_caller]
pub(crate) fn assert_agrees(dir: &Path) {
    let (verdict, findings) = judged(dir);
    assert!(matches!(verdict, DigestVerdict::Agrees { .. }), "{verdict:?} {findings:?}");
    assert_eq!(findings, []);
}

/// Changes the store's database as other software would.
pub(crate) fn alter(dir: &Path, sql: &str) {
    let database = rusqlite::Connection::open(dir.join("swingstore.sqlite")).unwrap();
    database.execute_batch(sql).unwrap();
}
