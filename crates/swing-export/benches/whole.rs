//! `cargo bench -p swing-export`: a store of pairs and one transcript exported, imported, verified, repaired; records written and read.

use std::path::PathBuf;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use swing_core::roles::{KvStore as _, TranscriptStore as _};
use swing_core::session::{Location, OpenOptions};
use swing_core::substore::Substore;
use swing_core::{ArtifactMode, RowDigests, Session, VatId};
use swing_export::dataset::{Dialect, ExportDataReader, ExportDataWriter};
use swing_export::{Exporter, ImportOptions, Substores, Target, import, verify};
use swing_kv::{KvState, KvSubstore};
use swing_transcript::{TranscriptState, TranscriptSubstore};

fn main() {
    divan::main();
}

static SUBSTORES: Substores = &[&KvSubstore as &dyn Substore, &TranscriptSubstore];

const ROWS: usize = 20_000;
/// Closed spans of 50 items of 500 bytes.
const SPANS: usize = 40;

struct Made {
    file: PathBuf,
    dir: tempfile::TempDir,
}

impl Made {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("swingstore.sqlite");
        let tables: Vec<_> = SUBSTORES.iter().flat_map(|substore| substore.tables()).copied().collect();
        let options = OpenOptions { row_digests: RowDigests::Keep, ..OpenOptions::default() };
        let mut session = Session::open(Location::File(file.clone()), &options, &tables).expect("a store");
        let (mut kv, mut transcripts) = (KvState::default(), TranscriptState::default());
        for at in 0..ROWS {
            let (key, value) = (format!("v{}.vs.vom.o+d10/{at}", at % 50), format!("{at:0100}"));
            kv.bind(&mut session).set(&key, &value).expect("room");
        }
        let vat = VatId::parse("v1").expect("a vat's ID");
        let mut spans = transcripts.bind(&mut session);
        spans.init_transcript(&vat).expect("a transcript");
        for span in 0..SPANS {
            (0..50).for_each(|at| spans.add_item(&vat, &format!("{:0500}", span * 50 + at)).expect("room"));
            spans.rollover_span(&vat).expect("a span");
        }
        session.commit(&mut [&mut kv, &mut transcripts]).expect("a commit");
        session.close().expect("no failure");
        Self { file, dir }
    }

    fn exporter(&self) -> Exporter {
        Exporter::open(&self.file, SUBSTORES, ArtifactMode::Archival).expect("an exporter")
    }
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn export_all_records(bencher: Bencher) {
    let made = Made::new();
    let exporter = made.exporter();
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| exporter.export_data().filter_map(Result::ok).count());
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn export_all_artifacts(bencher: Bencher) {
    let made = Made::new();
    let exporter = made.exporter();
    let names: Vec<_> = exporter.artifact_names().expect("names").map(|name| name.expect("a name")).collect();
    bencher.counter(BytesCount::new(SPANS * 50 * 501)).bench_local(|| {
        let read = |name: &String| {
            let mut artifact = exporter.artifact(name).expect("an artifact");
            std::io::copy(&mut artifact, &mut std::io::sink()).expect("it can be read")
        };
        names.iter().map(read).sum::<u64>()
    });
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn import_into_a_file(bencher: Bencher) {
    let made = Made::new();
    let (exporter, target) = (made.exporter(), made.dir.path().join("imported/swingstore.sqlite"));
    let options = || ImportOptions { mode: ArtifactMode::Archival, ..ImportOptions::default() };
    bencher.counter(ItemsCount::new(ROWS)).with_inputs(options).bench_local_values(|options| {
        let imported = import(&exporter, Target::File(target.clone()), SUBSTORES, options, &mut |_| {});
        imported.expect("an import").publish(&mut []).expect("a new store").close().expect("no failure");
    });
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn verify_the_whole_store(bencher: Bencher) {
    let made = Made::new();
    let exporter = made.exporter();
    bencher.bench_local(|| {
        let report = verify(exporter.read(), SUBSTORES, None, &mut |_| {}).expect("a report");
        assert!(report.findings.is_empty(), "{:?}", report.findings);
    });
}

#[divan::bench(args = [Dialect::Js, Dialect::Go], sample_count = 20, sample_size = 1)]
fn write_and_read_export_data(bencher: Bencher, dialect: Dialect) {
    let value = "x".repeat(100);
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        let mut writer = ExportDataWriter::new(dialect, "records", Vec::new());
        for at in 0..ROWS {
            writer.write(&format!("kv.v1.o+d10/{at:06}"), Some(&value)).expect("room");
        }
        let (written, _) = writer.finish().expect("no failure");
        black_box(ExportDataReader::new("records", &written[..]).filter_map(Result::ok).count())
    });
}
