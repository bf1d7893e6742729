//! `cargo bench -p swing-archive`: spans and snapshots archived, each durable when the call returns, listed and read.

use std::io::Read as _;

use divan::Bencher;
use divan::counter::BytesCount;
use flate2::Compression;
use flate2::write::GzEncoder;
use swing_archive::DirectoryArchive;
use swing_core::{ArtifactName, Digest, SnapshotArchive as _, TranscriptArchive as _};

fn main() {
    divan::main();
}

struct Archive {
    archive: DirectoryArchive,
    _dir: tempfile::TempDir,
}

impl Archive {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        Self { archive: DirectoryArchive::open(dir.path().join("archive")).expect("an archive"), _dir: dir }
    }

    fn span(&mut self, at: u64, items: &[u8]) -> ArtifactName {
        let name = name("transcript", &format!("{at}.{}", at + 200));
        self.archive.transcript(&name, &mut &*items).expect("an archived span");
        name
    }
}

fn name(kind: &str, rest: &str) -> ArtifactName {
    format!("{kind}.v1.{rest}").parse().expect("it is a name")
}

/// 200 items of so many bytes, and their lines' ends.
fn items(length: usize) -> Vec<u8> {
    let item = |i: usize| format!("{:length$}\n", format!(r#"{{"d":["message","o+{i}"]}}"#));
    (0..200).flat_map(|i| item(i).into_bytes()).collect()
}

/// The hash of their span: over the hash before and the item's, as hex text.
fn hash(items: &[u8]) -> Digest {
    let text = std::str::from_utf8(items).expect("it is text");
    let extend = |hash: Digest, item: &str| Digest::of(format!("{hash}{}", Digest::of(item.as_bytes())).as_bytes());
    text.lines().fold(Digest::of(b"start of transcript span"), extend)
}

#[divan::bench(args = [200, 2_048], sample_count = 20, sample_size = 1)]
fn archive_a_span_of_200_items(bencher: Bencher, length: usize) {
    let (mut archive, items, mut at) = (Archive::new(), items(length), 0);
    bencher.counter(BytesCount::new(items.len())).bench_local(|| {
        at += 200;
        archive.span(at, &items)
    });
}

#[divan::bench(args = [200, 2_048], sample_count = 20, sample_size = 1)]
fn read_and_verify_a_span_of_200_items(bencher: Bencher, length: usize) {
    let (mut archive, items) = (Archive::new(), items(length));
    let (name, hash) = (archive.span(0, &items), hash(&items));
    bencher.counter(BytesCount::new(items.len())).bench_local(|| {
        let mut read = Vec::new();
        archive.archive.open_span(&name, hash).expect("the span").read_to_end(&mut read).expect("it is sound");
        read
    });
}

#[divan::bench(args = [1, 4], sample_count = 10, sample_size = 1)]
fn archive_a_snapshot_of_mb(bencher: Bencher, megabytes: usize) {
    let (mut archive, mut at) = (Archive::new(), 0);
    let mut packed = GzEncoder::new(Vec::new(), Compression::none());
    std::io::Write::write_all(&mut packed, &vec![7; megabytes << 20]).expect("room");
    let gzip = packed.finish().expect("a gzip");
    bencher.counter(BytesCount::new(gzip.len())).bench_local(|| {
        at += 1;
        archive.archive.snapshot(&name("snapshot", &at.to_string()), &gzip).expect("an archived snapshot");
    });
}

#[divan::bench(args = [10, 1_000], sample_count = 20, sample_size = 1)]
fn list_archived_spans(bencher: Bencher, spans: u64) {
    let mut archive = Archive::new();
    (0..spans).for_each(|span| drop(archive.span(span * 200, b"item\n")));
    bencher.bench_local(|| archive.archive.list().expect("a list").len());
}
