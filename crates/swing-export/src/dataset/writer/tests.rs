//! Writing datasets, to the end and not.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::dataset::{Dataset, Record, genesis_hash};

type Pair = (&'static str, Option<&'static str>);

const PAIRS: [Pair; 3] = [("bundle.b0-1", Some("b0-1")), ("kv.<a>", Some("1 & 2")), ("kv.b", None)];

fn ok<T>(records: impl IntoIterator<Item = T>) -> impl Iterator<Item = Result<T, Infallible>> {
    records.into_iter().map(Ok)
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs_err::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn text(folder: &Path, name: &str) -> String {
    fs_err::read_to_string(folder.join(name)).unwrap()
}

/// Writes the same small dataset and returns its manifest.
fn write_small(folder: &Path, dialect: Dialect) -> Manifest {
    let mut writer = DatasetWriter::create(folder, dialect).unwrap();
    assert_eq!(text(folder, MANIFEST_FILE_NAME), "", "claimed first");
    let summary = writer.export_data(ok(PAIRS)).unwrap();
    assert_eq!((summary.records, summary.genesis_hash.is_some()), (3, dialect == Dialect::Go));
    assert_eq!(writer.artifact("snapshot.v1.2", &mut &b"snapshot-bytes"[..]).unwrap(), 14);
    assert_eq!(writer.artifact("transcript.v1.0.0", &mut &b""[..]).unwrap(), 0);
    assert_eq!(text(folder, MANIFEST_FILE_NAME), "", "written last");
    writer.finish(17, Some(Mode::Replay)).unwrap()
}

#[test]
fn a_js_dataset_to_the_byte() {
    let dir = TempDir::new().unwrap();
    let folder = dir.path().join("some/new/folder");
    let manifest = write_small(&folder, Dialect::Js);
    let expected = ["export-data.jsonl", "export-manifest.json", "snapshot.v1.2", "transcript.v1.0.0"];
    assert_eq!(files(&folder), expected);
    let data = "[\"bundle.b0-1\",\"b0-1\"]\n[\"kv.<a>\",\"1 & 2\"]\n[\"kv.b\",null]\n";
    assert_eq!(text(&folder, EXPORT_DATA_FILE_NAME), data);
    assert_eq!(text(&folder, "snapshot.v1.2"), "snapshot-bytes");
    assert_eq!(text(&folder, MANIFEST_FILE_NAME), manifest.to_json(Dialect::Js));
    assert_eq!((manifest.block_height, manifest.artifact_mode), (Some(17), Some(Mode::Replay)));
}

#[test]
fn a_go_dataset_to_the_byte() {
    let dir = TempDir::new().unwrap();
    let manifest = write_small(dir.path(), Dialect::Go);
    let expected = ["0-snapshot.v1.2", "1-transcript.v1.0.0", "export-data.jsonl", "export-manifest.json"];
    assert_eq!(files(dir.path()), expected);
    let data = "[\"bundle.b0-1\",\"b0-1\"]\n[\"kv.\\u003ca\\u003e\",\"1 \\u0026 2\"]\n[\"kv.b\"]\n";
    assert_eq!(text(dir.path(), EXPORT_DATA_FILE_NAME), data);
    assert_eq!(text(dir.path(), MANIFEST_FILE_NAME), manifest.to_json(Dialect::Go));
    assert!(!text(dir.path(), MANIFEST_FILE_NAME).contains("replay"));
}

#[test]
fn both_dialects_read_back() {
    for dialect in [Dialect::Js, Dialect::Go] {
        let dir = TempDir::new().unwrap();
        write_small(dir.path(), dialect);
        let dataset = Dataset::open(dir.path()).unwrap();
        assert_eq!((dataset.dialect(), dataset.block_height()), (dialect, 17));
        let records: Vec<Record> = dataset.records().unwrap().collect::<Result<_, _>>().unwrap();
        let expected = PAIRS.map(|(key, value)| (key.to_owned(), value.map(str::to_owned)));
        assert_eq!(records, expected);
        assert_eq!(dataset.artifact_names().collect::<Vec<_>>(), ["snapshot.v1.2", "transcript.v1.0.0"]);
        let mut bytes = Vec::new();
        dataset.artifact("snapshot.v1.2").unwrap().read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, b"snapshot-bytes");
    }
}

#[test]
fn the_genesis_hash_is_that_of_the_go_file_whoever_wrote_it() {
    let hashes = [Dialect::Js, Dialect::Go].map(|dialect| {
        let dir = TempDir::new().unwrap();
        write_small(dir.path(), dialect);
        genesis_hash(Dataset::open(dir.path()).unwrap().records().unwrap()).unwrap()
    });
    let dir = TempDir::new().unwrap();
    let summary = DatasetWriter::create(dir.path(), Dialect::Go).unwrap().export_data(ok(PAIRS)).unwrap();
    assert_eq!(hashes[0], hashes[1]);
    assert_eq!(Some(&hashes[0]), summary.genesis_hash.as_ref());
    // `sha256sum` of the file in a_go_dataset_to_the_byte.
    assert_eq!(hashes[0], "sha256:7adb5e84372d4f7da08965cc230e39295ca50ef5c88e4f2fa8385c325ef7dd65");
}

#[test]
fn without_data_and_artifacts_there_is_just_a_manifest() {
    for (dialect, expected) in [
        (Dialect::Js, "{\n  \"blockHeight\": 0,\n  \"artifactMode\": \"none\",\n  \"artifacts\": []\n}"),
        (Dialect::Go, "{\n  \"artifacts\": null\n}"),
    ] {
        let dir = TempDir::new().unwrap();
        let writer = DatasetWriter::create(dir.path(), dialect).unwrap();
        writer.finish(0, Some(Mode::NoArtifacts)).unwrap();
        assert_eq!(files(dir.path()), [MANIFEST_FILE_NAME]);
        assert_eq!(text(dir.path(), MANIFEST_FILE_NAME), expected);
        assert_eq!(Dataset::open(dir.path()).unwrap().block_height(), 0);
    }
}

#[test]
fn a_folder_with_a_manifest_is_left_alone() {
    let dir = TempDir::new().unwrap();
    drop(DatasetWriter::create(dir.path(), Dialect::Js).unwrap());
    let error = DatasetWriter::create(dir.path(), Dialect::Js).unwrap_err();
    assert!(matches!(&error, DatasetError::AbortedExport { path } if *path == dir.path().join(MANIFEST_FILE_NAME)));
    assert!(error.to_string().contains("aborted"), "{error}");

    fs_err::write(dir.path().join(MANIFEST_FILE_NAME), "{}").unwrap();
    let error = DatasetWriter::create(dir.path(), Dialect::Js).unwrap_err();
    assert!(matches!(&error, DatasetError::ManifestExists { path } if *path == dir.path().join(MANIFEST_FILE_NAME)));
    assert_eq!(text(dir.path(), MANIFEST_FILE_NAME), "{}");
}

#[test]
fn existing_files_are_not_overwritten() {
    for name in [EXPORT_DATA_FILE_NAME, "snapshot.v1.2", MANIFEST_TMP_FILE_NAME] {
        let dir = TempDir::new().unwrap();
        fs_err::write(dir.path().join(name), "precious").unwrap();
        let mut writer = DatasetWriter::create(dir.path(), Dialect::Js).unwrap();
        let done = writer
            .export_data(ok(PAIRS))
            .and_then(|_| writer.artifact("snapshot.v1.2", &mut &b"x"[..]))
            .and_then(|_| writer.finish(1, None));
        let DatasetError::Io { path, source, .. } = done.unwrap_err() else { panic!("{name}") };
        assert_eq!(path, dir.path().join(name));
        assert!(source.to_string().contains(name), "{source}");
        assert_eq!(text(dir.path(), name), "precious");
        assert_eq!(text(dir.path(), MANIFEST_FILE_NAME), "");
    }
}

struct FailsAfter(&'static [u8]);

impl Read for FailsAfter {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() { Err(io::Error::other("hash mismatch")) } else { self.0.read(buffer) }
    }
}

#[test]
fn after_any_failure_the_export_stays_aborted() {
    type Step = fn(&mut DatasetWriter) -> Result<(), DatasetError>;
    let steps: [(&str, Step); 9] = [
        ("cannot get the bytes for", |w| w.artifact("bundle.b0-1", &mut FailsAfter(b"half")).map(drop)),
        ("cannot get the records for", |w| w.export_data([Ok(PAIRS[0]), Err("store is gone")]).map(drop)),
        ("comes after", |w| w.export_data(ok([PAIRS[1], PAIRS[0]])).map(drop)),
        ("needs a key", |w| w.export_data(ok([("", Some("1"))])).map(drop)),
        ("already written", |w| w.export_data(ok(PAIRS)).and_then(|_| w.export_data(ok(PAIRS))).map(drop)),
        ("bad manifest", |w| w.artifact("", &mut &b""[..]).map(drop)),
        ("bad manifest", |w| w.artifact("UNTRUSTED-EXPORT-DATA", &mut &b""[..]).map(drop)),
        ("bad manifest", |w| w.artifact("a", &mut &b""[..]).and_then(|_| w.artifact("a", &mut &b""[..])).map(drop)),
        // Too long a file name.
        ("cannot create", |w| w.artifact(&"a".repeat(300), &mut &b""[..]).map(drop)),
    ];
    for (expected, step) in steps {
        let dir = TempDir::new().unwrap();
        let mut writer = DatasetWriter::create(dir.path(), Dialect::Go).unwrap();
        let error = step(&mut writer).expect_err(expected);
        assert!(error.to_string().contains(expected), "{error}");
        let error = writer.artifact("fine", &mut &b"x"[..]).unwrap_err();
        assert!(matches!(error, DatasetError::FailedEarlier { .. }), "{error}");
        let error = writer.finish(1, None).unwrap_err();
        assert!(matches!(error, DatasetError::FailedEarlier { .. }), "{error}");
        assert_eq!(text(dir.path(), MANIFEST_FILE_NAME), "");
        assert!(matches!(Dataset::open(dir.path()), Err(DatasetError::AbortedExport { .. })));
    }
}

#[test]
fn after_a_panic_in_a_source_the_export_stays_aborted() {
    struct Panics;
    impl Read for Panics {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            panic!("a source of somebody else's");
        }
    }
    let dir = TempDir::new().unwrap();
    let mut writer = DatasetWriter::create(dir.path(), Dialect::Js).unwrap();
    let caught = catch_unwind(AssertUnwindSafe(|| writer.artifact("a", &mut Panics)));
    assert!(caught.is_err());
    assert!(matches!(writer.finish(1, None), Err(DatasetError::FailedEarlier { .. })));
    assert_eq!(text(dir.path(), MANIFEST_FILE_NAME), "");
}

#[test]
fn a_height_beyond_javascript_is_refused() {
    let dir = TempDir::new().unwrap();
    let writer = DatasetWriter::create(dir.path(), Dialect::Js).unwrap();
    let error = writer.finish(1 << 53, None).unwrap_err();
    assert!(matches!(error, DatasetError::BadManifest { source: ManifestError::HeightTooLarge { .. }, .. }));
    assert_eq!(files(dir.path()), [MANIFEST_FILE_NAME]);
}

#[test]
fn js_artifact_names_must_be_file_names() {
    let names = [
        "",
        ".",
        "..",
        "../evil",
        "/evil",
        "a/b",
        "a\\b",
        "a\nb",
        "a\0b",
        "UNTRUSTED-EXPORT-DATA",
        "export-manifest.json",
        "export-data.jsonl",
        "export-manifest.json.tmp",
    ];
    for name in names {
        let dir = TempDir::new().unwrap();
        let mut writer = DatasetWriter::create(dir.path().join("d"), Dialect::Js).unwrap();
        let error = writer.artifact(name, &mut &b"x"[..]).expect_err(name);
        assert!(matches!(error, DatasetError::BadManifest { .. }), "{name:?}: {error}");
        assert_eq!(files(dir.path()), ["d"]);
        assert_eq!(files(&dir.path().join("d")), [MANIFEST_FILE_NAME]);
    }
}

#[test]
fn go_takes_any_artifact_name() {
    let dir = TempDir::new().unwrap();
    let mut writer = DatasetWriter::create(dir.path().join("d"), Dialect::Go).unwrap();
    let names = ["../evil", "a/b", "a\\b", "é", "é!", "export-manifest.json"];
    for name in names {
        writer.artifact(name, &mut name.as_bytes()).unwrap();
    }
    writer.finish(5, None).unwrap();
    let dataset = Dataset::open(dir.path().join("d")).unwrap();
    for name in names {
        let bytes = io::read_to_string(dataset.artifact(name).unwrap()).unwrap();
        assert_eq!(bytes, name);
    }
    assert!(files(&dir.path().join("d")).contains(&"0-..-evil".to_owned()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_dataset_reads_back_identical(
        pairs in prop::collection::btree_map(".{1,9}", prop::option::of(".{0,9}"), 0..9),
        artifacts in prop::collection::btree_map("[a-z.0-9]{3,9}", prop::collection::vec(any::<u8>(), 0..99), 0..5),
        height in 0_u64..1 << 53,
    ) {
        for dialect in [Dialect::Js, Dialect::Go] {
            let dir = TempDir::new().unwrap();
            let mut writer = DatasetWriter::create(dir.path(), dialect).unwrap();
            writer.export_data(ok(&pairs).map(|pair| pair.map(|(key, value)| (key, value.as_ref())))).unwrap();
            for (name, bytes) in &artifacts {
                writer.artifact(name, &mut &bytes[..]).unwrap();
            }
            let written = writer.finish(height, None).unwrap();

            let dataset = Dataset::open(dir.path()).unwrap();
            prop_assert_eq!(dataset.block_height(), height);
            prop_assert_eq!(&dataset.manifest().artifacts, &written.artifacts);
            let records: Vec<Record> = dataset.records().unwrap().collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(records, pairs.clone().into_iter().collect::<Vec<_>>());
            for (name, expected) in &artifacts {
                let mut bytes = Vec::new();
                dataset.artifact(name).unwrap().read_to_end(&mut bytes).unwrap();
                prop_assert_eq!(&bytes, expected);
            }
        }
    }
}
