//! Archives on a real file system.

use std::io::{self, Read};

use proptest::prelude::*;
use swing_core::{Digest, SnapshotArchive as _, TranscriptArchive as _};

use super::*;

fn name(text: &str) -> ArtifactName {
    text.parse().unwrap()
}

/// An archive two directories below one that is removed in the end.
fn archive() -> (tempfile::TempDir, DirectoryArchive) {
    let dir = tempfile::tempdir().unwrap();
    let archive = DirectoryArchive::open(dir.path().join("deep/archive")).unwrap();
    (dir, archive)
}

fn files(archive: &DirectoryArchive) -> Vec<String> {
    let mut files: Vec<_> =
        fs::read_dir(archive.dir()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    files
}

fn gunzip(archive: &DirectoryArchive, file: &str) -> Vec<u8> {
    let mut content = Vec::new();
    let gzip = fs::File::open(archive.dir().join(file)).unwrap();
    flate2::read::GzDecoder::new(gzip).read_to_end(&mut content).unwrap();
    content
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut gzip = Vec::new();
    flate2::bufread::GzEncoder::new(content, flate2::Compression::fast()).read_to_end(&mut gzip).unwrap();
    gzip
}

/// Gives some bytes and then fails.
struct Failing(&'static [u8]);

impl Read for Failing {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self.0.read(room)? {
            0 => Err(io::Error::other("the store failed")),
            len => Ok(len),
        }
    }
}

#[test]
fn spans_and_snapshots_land_under_their_names() {
    let (_dir, mut archive) = archive();
    archive.transcript(&name("transcript.v1.0.2"), &mut &b"zero\none\n"[..]).unwrap();
    archive.snapshot(&name("snapshot.v1.7"), &gzip(b"heap")).unwrap();
    assert_eq!(files(&archive), ["snapshot.v1.7.gz", "transcript.v1.0.2.gz"]);
    assert_eq!(gunzip(&archive, "transcript.v1.0.2.gz"), b"zero\none\n");
    let stored = fs::read(archive.dir().join("snapshot.v1.7.gz")).unwrap();
    assert_eq!(stored, gzip(b"heap"), "the store's own gzip, byte for byte");
}

#[test]
fn the_same_name_again_replaces_the_file() {
    let (_dir, mut archive) = archive();
    for content in ["first, and rather long", "second", "second"] {
        archive.transcript(&name("transcript.v1.0.1"), &mut format!("{content}\n").as_bytes()).unwrap();
        archive.snapshot(&name("snapshot.v1.0"), &gzip(content.as_bytes())).unwrap();
        assert_eq!(gunzip(&archive, "transcript.v1.0.1.gz"), format!("{content}\n").as_bytes());
        assert_eq!(gunzip(&archive, "snapshot.v1.0.gz"), content.as_bytes());
    }
    assert_eq!(files(&archive).len(), 2);
}

#[test]
fn a_source_that_fails_leaves_the_old_file_and_no_temporary_one() {
    let (_dir, mut archive) = archive();
    let span = name("transcript.v1.0.1");
    archive.transcript(&span, &mut &b"old\n"[..]).unwrap();
    let error = archive.transcript(&span, &mut Failing(b"new, but")).unwrap_err();
    assert_eq!(error.to_string(), "transcript.v1.0.1 could not be read from the store");
    assert_eq!(error.source().unwrap().to_string(), "the store failed");
    assert_eq!(files(&archive), ["transcript.v1.0.1.gz"]);
    assert_eq!(gunzip(&archive, "transcript.v1.0.1.gz"), b"old\n");
}

#[test]
fn an_interrupted_read_is_no_failure() {
    struct Interrupted(bool);
    impl Read for Interrupted {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            self.0 = !self.0;
            if self.0 { Err(io::ErrorKind::Interrupted.into()) } else { (&b""[..]).read(room) }
        }
    }
    let (_dir, mut archive) = archive();
    archive.transcript(&name("transcript.v1.3.3"), &mut Interrupted(false)).unwrap();
    assert_eq!(gunzip(&archive, "transcript.v1.3.3.gz"), b"");
}

#[test]
fn a_name_that_is_taken_by_a_directory_is_an_error_and_leaves_no_temporary_file() {
    let (_dir, mut archive) = archive();
    fs::create_dir_all(archive.dir().join("snapshot.v1.7.gz/occupied")).unwrap();
    let error = archive.snapshot(&name("snapshot.v1.7"), b"gzip").unwrap_err();
    assert!(error.to_string().starts_with("could not put in place ") && error.to_string().contains("snapshot.v1.7.gz"));
    assert_eq!(files(&archive), ["snapshot.v1.7.gz"]);
    assert_eq!(archive.list().unwrap(), []);
}

#[test]
fn a_place_that_is_a_file_is_no_archive() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "mine").unwrap();
    for place in [file.clone(), file.join("below")] {
        assert!(matches!(DirectoryArchive::open(&place), Err(DirectoryError::Io { .. })), "{place:?}");
        assert!(matches!(DirectoryArchive::existing(&place), Err(DirectoryError::Io { .. })), "{place:?}");
    }
    let mut archive = DirectoryArchive::open(dir.path().join("archive")).unwrap();
    fs::remove_dir(archive.dir()).unwrap();
    fs::rename(&file, archive.dir()).unwrap();
    let error = archive.snapshot(&name("snapshot.v1.7"), b"gzip").unwrap_err();
    assert!(error.to_string().starts_with("could not create a temporary file in "), "{error}");
    assert_eq!(fs::read_to_string(archive.dir()).unwrap(), "mine");
    assert!(archive.list().is_err());
}

#[test]
fn looking_at_an_archive_that_is_not_there_creates_nothing() {
    let dir = tempfile::tempdir().unwrap();
    assert!(DirectoryArchive::existing(dir.path().join("archive")).is_err());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    let archive = DirectoryArchive::existing(dir.path()).unwrap();
    assert_eq!(archive.list().unwrap(), []);
}

#[test]
fn each_kind_has_its_own_call() {
    let (_dir, mut archive) = archive();
    let (snapshot, span, bundle) = (name("snapshot.v1.7"), name("transcript.v1.0.2"), name("bundle.b0-00"));
    for wrong in [&span, &bundle] {
        assert!(archive.snapshot(wrong, b"gzip").unwrap_err().to_string().ends_with("is not a snapshot"));
        assert!(archive.open_snapshot(wrong, Digest::of(b"")).is_err());
    }
    for wrong in [&snapshot, &bundle] {
        let error = archive.transcript(wrong, &mut &b""[..]).unwrap_err();
        assert!(error.to_string().ends_with("is not a transcript span"));
        assert!(archive.open_span(wrong, Digest::of(b"")).is_err());
    }
    assert_eq!(files(&archive), [""; 0]);
}

#[test]
fn nothing_but_a_plain_file_name_is_one() {
    for good in ["snapshot.v1.7.gz", "transcript. .0.1.gz", "snapshot.ü.7.gz", "snapshot.-.7.gz", ".gz", "..gz"] {
        assert!(is_plain(good), "{good}");
    }
    for bad in ["", ".", "..", "/", "a/b", "a/", "/a", "./a", "../a", "snapshot.v1/../../etc.7.gz", "a/."] {
        assert!(!is_plain(bad), "{bad}");
    }
}

#[test]
fn a_list_has_what_is_there_in_order_and_passes_over_the_rest() {
    let (_dir, mut archive) = archive();
    for span in ["transcript.v2.0.1", "transcript.v1.100.101", "transcript.v1.20.21"] {
        archive.transcript(&name(span), &mut &b"x\n"[..]).unwrap();
    }
    for snapshot in ["snapshot.v1.10", "snapshot.v1.9"] {
        archive.snapshot(&name(snapshot), b"12345").unwrap();
    }
    for stranger in [
        "snapshot.v1.7.AbCdEf.gz.tmp",
        "snapshot.v1.7",
        "snapshot.v1.07.gz",
        "snapshot.v1.gz",
        "bundle.b0-00.gz",
        "transcript.v1.2.1.gz",
        "notes.txt",
    ] {
        fs::write(archive.dir().join(stranger), "").unwrap();
    }
    let list = archive.list().unwrap();
    assert_eq!(
        list.iter().map(|file| file.name.to_string()).collect::<Vec<_>>(),
        ["snapshot.v1.9", "snapshot.v1.10", "transcript.v1.20.21", "transcript.v1.100.101", "transcript.v2.0.1"]
    );
    assert_eq!(list[0].compressed_size, 5);
}

#[test]
fn what_is_there_is_read_and_verified() {
    let (_dir, mut archive) = archive();
    archive.snapshot(&name("snapshot.v1.7"), &gzip(b"heap")).unwrap();
    let read = |hash| {
        let mut raw = Vec::new();
        archive.open_snapshot(&name("snapshot.v1.7"), hash).unwrap().read_to_end(&mut raw).map(|_| raw)
    };
    assert_eq!(read(Digest::of(b"heap")).unwrap(), b"heap");
    let error = read(Digest::of(b"another")).unwrap_err();
    assert!(error.get_ref().unwrap().is::<crate::Unverified>());
    assert!(error.to_string().starts_with("archived snapshot.v1.7: hash mismatch (expected "), "{error}");
    let error = archive.open_snapshot(&name("snapshot.v1.8"), Digest::of(b"")).unwrap_err();
    assert!(error.to_string().starts_with("could not open ") && error.to_string().ends_with("snapshot.v1.8.gz"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]
    /// Whatever a vat is called, its files are in the directory and found there again.
    #[test]
    fn no_vat_id_leaves_the_directory(vats in prop::collection::vec("\\PC{1,8}|[.]{1,2}|\\.\\./\\.\\./x|v[0-9]", 1..6)) {
        let (dir, mut archive) = archive();
        let mut expected = Vec::new();
        for vat in vats {
            let Ok(name) = format!("snapshot.{vat}.3").parse::<ArtifactName>() else { continue };
            archive.snapshot(&name, vat.as_bytes()).unwrap();
            expected.push(name);
        }
        expected.sort();
        expected.dedup();
        prop_assert_eq!(archive.list().unwrap().into_iter().map(|file| file.name).collect::<Vec<_>>(), expected.clone());
        prop_assert_eq!(files(&archive).len(), expected.len());
        prop_assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
