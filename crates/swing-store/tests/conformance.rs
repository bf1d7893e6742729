//! The store held to the conformance suite: as it is, and with so little memory that it spills after every crank.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::rc::Rc;

use swing_core::ArtifactMode;
use swing_core::testing::{Batch, Exports, Record, RecordingHost, Retention, StoreUnderTest, TestOptions};
use swing_export::{DigestVerdict, digest_verdict};
use swing_store::{Host, Kernel, Options, SUBSTORES, SnapshotRetention, Store, TranscriptRetention, exporter};

/// A store in a directory of its own.
struct OnDisk {
    store: Store,
    dir: Rc<tempfile::TempDir>,
    host: RecordingHost,
    options: TestOptions,
    overlay_bytes: usize,
}

impl OnDisk {
    fn open(dir: Rc<tempfile::TempDir>, host: RecordingHost, options: TestOptions, overlay_bytes: usize) -> Self {
        let store = Store::open(dir.path(), configured(&host, options, overlay_bytes)).unwrap();
        Self { store, dir, host, options, overlay_bytes }
    }
}

fn configured(host: &RecordingHost, options: TestOptions, overlay_bytes: usize) -> Options {
    let host = host.clone();
    Options {
        export_callback: match options.exports {
            Exports::Recorded => Some(Box::new(move |batch| Ok(host.receive(batch)?))),
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
        overlay_bytes,
        ..Options::default()
    }
}

impl StoreUnderTest for OnDisk {
    type Kernel<'a> = Kernel<'a>;
    type Host<'a> = Host<'a>;

    fn fresh(options: TestOptions) -> Self {
        let dir = Rc::new(tempfile::tempdir().unwrap());
        Self::open(dir, RecordingHost::default(), options, 32 << 20)
    }

    fn kernel(&mut self) -> Kernel<'_> {
        self.store.kernel()
    }

    fn host(&mut self) -> Host<'_> {
        self.store.host()
    }

    fn reopen(self) -> Self {
        self.store.close().unwrap();
        Self::open(self.dir, self.host, self.options, self.overlay_bytes)
    }

    fn exports(&mut self) -> Vec<Batch> {
        self.host.batches()
    }

    fn fail_next_callback(&mut self) {
        self.host.fail_next();
    }

    fn full_export(&mut self) -> Vec<Record> {
        let exporter = exporter(self.dir.path(), ArtifactMode::Debug).unwrap();
        // Whatever a case has done, the digest is that of the rows.
        let (verdict, findings) = digest_verdict(exporter.read(), SUBSTORES).unwrap();
        assert!(matches!(verdict, DigestVerdict::Agrees { .. }), "{verdict:?} {findings:?}");
        exporter.export_data().map(Result::unwrap).collect()
    }
}

/// The same store, writing everything to the open transaction after every crank.
struct Spilling(OnDisk);

impl StoreUnderTest for Spilling {
    type Kernel<'a> = Kernel<'a>;
    type Host<'a> = Host<'a>;

    fn fresh(options: TestOptions) -> Self {
        let dir = Rc::new(tempfile::tempdir().unwrap());
        Self(OnDisk::open(dir, RecordingHost::default(), options, 0))
    }

    fn kernel(&mut self) -> Kernel<'_> {
        self.0.kernel()
    }

    fn host(&mut self) -> Host<'_> {
        self.0.host()
    }

    fn reopen(self) -> Self {
        Self(self.0.reopen())
    }

    fn exports(&mut self) -> Vec<Batch> {
        self.0.exports()
    }

    fn fail_next_callback(&mut self) {
        self.0.fail_next_callback();
    }

    fn full_export(&mut self) -> Vec<Record> {
        self.0.full_export()
    }
}

mod on_disk {
    swing_core::conformance!(super::OnDisk);
}

mod spilling {
    swing_core::conformance!(super::Spilling);
}
