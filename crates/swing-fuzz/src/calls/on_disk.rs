//! The store that is compared with the model.

use std::rc::Rc;

use fs_err as fs;
use swing_core::ArtifactMode;
use swing_core::session::store_file;
use swing_core::testing::{Batch, Exports, Record, RecordingHost, Retention, StoreUnderTest, TestOptions};
use swing_export::{DigestVerdict, Exporter, digest_verdict, verify};
use swing_store::{
    Durability, Host, Kernel, Options, SUBSTORES, SnapshotRetention, Store, TranscriptRetention, exporter,
};

use crate::import::{exported_by, imported};
use crate::scratch;

thread_local! {
    /// The file of an empty store: making one takes longer than many a sequence of calls.
    static EMPTY: Vec<u8> = {
        let dir = scratch::directory();
        Store::init(dir.path(), Options::default()).and_then(Store::close).expect("an empty store");
        fs::read(store_file(dir.path())).expect("the file of an empty store")
    };
}

/// A store in a directory of its own, with this much memory for changes and for reading.
pub(super) struct OnDisk<const OVERLAY: usize, const CACHE: usize> {
    store: Store,
    dir: Rc<tempfile::TempDir>,
    host: RecordingHost,
    options: TestOptions,
    reopened: bool,
}

impl<const OVERLAY: usize, const CACHE: usize> OnDisk<OVERLAY, CACHE> {
    fn open(dir: Rc<tempfile::TempDir>, host: RecordingHost, options: TestOptions, reopened: bool) -> Self {
        let receiver = host.clone();
        let configured = Options {
            export_callback: match options.exports {
                Exports::Recorded => Some(Box::new(move |batch| Ok(receiver.receive(batch)?))),
                Exports::Ignored => None,
            },
            keep_snapshots: match options.keep_snapshots {
                Retention::Keep => SnapshotRetention::All,
                Retention::Drop => SnapshotRetention::InUse,
            },
            keep_transcripts: match options.keep_transcripts {
                Retention::Keep => TranscriptRetention::Keep,
                Retention::Drop => TranscriptRetention::Drop,
            },
            overlay_bytes: OVERLAY,
            cache_bytes: CACHE,
            durability: Durability::Full,
            ..Options::default()
        };
        let store = Store::open(dir.path(), configured).expect("a store that is opened");
        Self { store, dir, host, options, reopened }
    }

    /// Verifies everything, exports it, imports that, and compares.
    fn look_closely(exporter: &Exporter) {
        let report = verify(exporter.read(), SUBSTORES, None, &mut |_| {}).expect("a verification");
        assert_eq!(report.findings, []);
        let export = exported_by(exporter).expect("an export of a store that verifies");
        let again = imported(exporter, ArtifactMode::Debug).expect("an import of it");
        assert!(again == export, "an import that is exported otherwise than what it was made of");
    }
}

impl<const OVERLAY: usize, const CACHE: usize> StoreUnderTest for OnDisk<OVERLAY, CACHE> {
    type Kernel<'a> = Kernel<'a>;
    type Host<'a> = Host<'a>;

    fn fresh(options: TestOptions) -> Self {
        let dir = scratch::directory();
        EMPTY.with(|empty| fs::write(store_file(dir.path()), empty)).expect("room for a store");
        Self::open(Rc::new(dir), RecordingHost::default(), options, false)
    }

    fn kernel(&mut self) -> Kernel<'_> {
        self.store.kernel()
    }

    fn host(&mut self) -> Host<'_> {
        self.store.host()
    }

    fn reopen(self) -> Self {
        self.store.close().expect("a store that is closed");
        Self::open(self.dir, self.host, self.options, true)
    }

    fn exports(&mut self) -> Vec<Batch> {
        self.host.batches()
    }

    fn fail_next_callback(&mut self) {
        self.host.fail_next();
    }

    fn full_export(&mut self) -> Vec<Record> {
        let exporter = exporter(self.dir.path(), ArtifactMode::Debug).expect("an exporter");
        if std::mem::take(&mut self.reopened) {
            Self::look_closely(&exporter);
        }
        let (verdict, findings) = digest_verdict(exporter.read(), SUBSTORES).expect("a digest");
        assert!(matches!(verdict, DigestVerdict::Agrees { .. }), "{verdict:?} {findings:?}");
        exporter.export_data().map(|record| record.expect("a record")).collect()
    }
}
