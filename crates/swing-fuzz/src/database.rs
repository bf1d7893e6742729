//! Databases that are not as they were.

mod base;
mod damage;
mod work;

use std::path::Path;

use arbitrary::Unstructured;
use fs_err as fs;
use swing_core::ArtifactMode;
use swing_core::session::store_file;
use swing_export::{DigestVerdict, verify};
use swing_store::{History, Options, SUBSTORES, Store, exporter};

use self::base::Base;
use crate::import::{Export, exported, exported_by};
use crate::scratch;

/// Whatever has become of a store's files, opening, verifying, exporting, dumping and working on it end without a panic, with an
/// answer or an error.
///
/// A verification that finds nothing tells the truth: the store exports, in `operational` and in `debug` mode, and can be dumped;
/// and if its digest of the rows agrees, what it exports is to the byte what it was before the damage. (Of a store with a log,
/// what it was at a commit: SQLite drops the end of a damaged log without a word, which nothing in the store can tell.) And it
/// verifies again, with a digest, after a kernel has worked on it.
///
/// The input: which store; then choices of what is done to it: bytes of the file or of the log, pages, and rows by plain SQL.
pub fn corrupt_database(data: &[u8]) {
    let Some((&which, rest)) = data.split_first() else { return };
    base::with(which, |base| {
        let place = scratch::directory();
        base.write(place.path());
        // What cannot be decoded is the end of what is done.
        let _ = damage::inflict(place.path(), &mut Unstructured::new(rest));
        let clean = look(place.path(), base);
        let writable = is_of_a_known_version(place.path());
        let worked = work::on(place.path());
        if clean && writable {
            worked.expect("a kernel can work on what verifies");
            still_clean(place.path());
        }
    });
}

/// Whether it verifies.
fn look(dir: &Path, base: &Base) -> bool {
    let Ok(exporter) = exporter(dir, ArtifactMode::Debug) else { return false };
    let report = verify(exporter.read(), SUBSTORES, None, &mut |_| {});
    let export = exported_by(&exporter);
    let operational = exported(exporter.read(), ArtifactMode::Operational);
    let by_key = exporter.export_data_by_key().collect::<Result<Vec<_>, _>>();
    let Ok(report) = report else { return false };
    if !report.findings.is_empty() {
        return false;
    }
    let export = export.expect("what verifies can be exported");
    operational.expect("what verifies is complete for operational mode");
    assert_eq!(by_key.expect("what verifies can be exported by key").len(), export.record_count());
    if matches!(report.row_digests, DigestVerdict::Agrees { .. }) {
        assert!(base.exports.contains(&export), "what verifies is not what it was: {}", differing(&export, base));
    }
    drop(exporter);
    let options = Options { read_only: true, ..Options::default() };
    let mut store = Store::open(dir, options).expect("what verifies can be opened");
    store.dump(History::All).expect("what verifies can be dumped");
    true
}

/// Whether the header says that this SQLite may write to the file. A later version's it may only read, and so may we: there is
/// nothing wrong with what such a store says.
fn is_of_a_known_version(dir: &Path) -> bool {
    const WRITE_VERSION: usize = 18;
    let file = fs::read(store_file(dir)).unwrap_or_default();
    file.get(WRITE_VERSION).is_some_and(|version| *version <= 2)
}

fn still_clean(dir: &Path) {
    let exporter = exporter(dir, ArtifactMode::Debug).expect("an exporter");
    let report = verify(exporter.read(), SUBSTORES, None, &mut |_| {}).expect("a verification");
    assert_eq!(report.findings, [], "after a kernel has worked on a store that verified");
    assert!(matches!(report.row_digests, DigestVerdict::Agrees { .. }), "{:?}", report.row_digests);
}

fn differing(export: &Export, base: &Base) -> String {
    base.exports.iter().map(|known| export.differs_from(known)).collect::<Vec<_>>().join("; ")
}
