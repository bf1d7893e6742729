//! Sound stores, made once, to be damaged.

use std::path::{Path, PathBuf};

use fs_err as fs;
use swing_core::ArtifactMode;
use swing_export::dataset::Dataset;
use swing_store::prelude::*;
use swing_store::{exporter, import};

use crate::import::{Export, exported_by, options};
use crate::scratch;

/// The files of a store.
pub(super) struct Base {
    files: Vec<(String, Vec<u8>)>,
    /// What it exports, at each commit that its files could be taken for.
    pub(super) exports: Vec<Export>,
}

impl Base {
    fn read(dir: &Path, exports: Vec<Export>) -> Self {
        let files = ["swingstore.sqlite", "swingstore.sqlite-wal"].iter().filter_map(|name| {
            let bytes = fs::read(dir.join(name)).ok()?;
            Some(((*name).to_owned(), bytes))
        });
        Self { files: files.collect(), exports }
    }

    pub(super) fn write(&self, dir: &Path) {
        for (name, bytes) in &self.files {
            fs::write(dir.join(name), bytes).expect("room for a store");
        }
    }
}

/// The fixtures that stores are imported from, with a digest of their rows.
const IMPORTED: [&str; 3] =
    ["archival/dataset-js/debug", "bundles/dataset-js/operational", "unicode/dataset-js/archival"];
/// Stores as the original has left them, without one.
const FOREIGN: [&str; 3] = ["pruned/store", "schema-1a/store", "pending-exports/store"];

/// Lends the store that a byte chooses.
pub(super) fn with(which: u8, work: impl FnOnce(&Base)) {
    thread_local! {
        static BASES: Vec<Base> = made();
    }
    BASES.with(|bases| work(&bases[usize::from(which) % bases.len()]));
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

fn made() -> Vec<Base> {
    let mut bases = Vec::new();
    for dataset in IMPORTED {
        let place = scratch::directory();
        let dataset = Dataset::open(fixtures().join(dataset)).expect("a fixture");
        let imported = import(&dataset, place.path(), options(ArtifactMode::Debug), Options::default(), &mut |_| {});
        imported
            .and_then(|imported| Ok(imported.commit()?))
            .and_then(|store| store.close())
            .expect("a fixture is imported");
        bases.push(Base::read(place.path(), vec![export(place.path())]));
        if bases.len() == 1 {
            bases.push(with_log(place.path()));
        }
    }
    for store in FOREIGN {
        let place = scratch::directory();
        let store = fixtures().join(store);
        fs::copy(store.join("swingstore.sqlite"), place.path().join("swingstore.sqlite")).expect("a fixture");
        bases.push(Base::read(place.path(), Vec::new()));
    }
    bases
}

fn export(dir: &Path) -> Export {
    exported_by(&exporter(dir, ArtifactMode::Debug).expect("an exporter")).expect("an export")
}

/// The store with two blocks in its log.
fn with_log(dir: &Path) -> Base {
    let mut exports = vec![export(dir)];
    let mut store = Store::open(dir, Options::default()).expect("a store");
    for height in [1000, 1001] {
        let mut kernel = store.kernel();
        kernel.kv().set("vat.names", &height.to_string()).expect("a pair");
        let vat = VatId::parse("logged").expect("a vat ID");
        if height == 1000 {
            kernel.transcripts().init_transcript(&vat).expect("a transcript");
        }
        kernel.transcripts().add_item(&vat, "item").expect("an item");
        let position = Position::new(height).expect("a position");
        kernel.snapshots().save_snapshot(&vat, position, &mut &b"heap"[..]).expect("a snapshot");
        store.host().kv().set("host.height", &height.to_string()).expect("a height");
        store.host().commit().expect("a commit");
        exports.push(export(dir));
    }
    // Before it is closed, which would empty the log.
    Base::read(dir, exports)
}
