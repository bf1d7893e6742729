//! Datasets, right and wrong.

use std::io::Write as _;
use std::process::Command;

use fs_err::os::unix::fs::symlink;
use tempfile::TempDir;

use super::*;

/// A folder with the given manifest and one-letter files `a`, `b`, `d`, next to a file outside.
fn folder(manifest: &str) -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    fs_err::write(dir.path().join("outside"), "secret").unwrap();
    let folder = dir.path().join("dataset");
    fs_err::create_dir_all(folder.join("sub")).unwrap();
    for name in ["a", "b", "sub/c"] {
        fs_err::write(folder.join(name), name).unwrap();
    }
    fs_err::write(folder.join("d"), "[\"kv.x\",\"y\"]\n").unwrap();
    fs_err::write(folder.join(MANIFEST_FILE_NAME), manifest).unwrap();
    (dir, folder)
}

#[test]
fn no_folder_or_no_manifest_is_no_dataset() {
    let dir = TempDir::new().unwrap();
    for folder in [dir.path().to_owned(), dir.path().join("nowhere")] {
        let error = Dataset::open(&folder).unwrap_err();
        assert!(
            matches!(&error, DatasetError::NoManifest { path } if *path == folder.join(MANIFEST_FILE_NAME)),
            "{error}"
        );
    }
}

#[test]
fn an_empty_manifest_is_an_aborted_export() {
    let (_dir, folder) = folder("");
    let error = Dataset::open(&folder).unwrap_err();
    let expected =
        format!("`{}/export-manifest.json` is empty: an export into this folder was aborted", folder.display());
    assert!(error.to_string().starts_with(&expected), "{error}");
}

#[test]
fn a_bad_manifest_is_named_with_the_reason() {
    for text in
        ["{", "[]", "{\"blockHeight\":\"1\"}", "{\"data\":\"../outside\"}", "{\"artifacts\":[[\"x\",\"/etc/passwd\"]]}"]
    {
        let (_dir, folder) = folder(text);
        let error = Dataset::open(&folder).unwrap_err();
        assert!(
            matches!(&error, DatasetError::BadManifest { path, .. } if *path == folder.join(MANIFEST_FILE_NAME)),
            "{error}"
        );
        assert!(std::error::Error::source(&error).is_some());
    }
}

#[test]
fn a_manifest_beyond_the_cap_is_refused_not_cut() {
    let (_dir, folder) = folder(&format!("{{}}{}", " ".repeat(MAX_MANIFEST_BYTES as usize - 2)));
    assert!(Dataset::open(&folder).is_ok());
    let path = folder.join(MANIFEST_FILE_NAME);
    let mut file = fs_err::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(b" ").unwrap();
    let error = Dataset::open(&folder).unwrap_err();
    assert!(matches!(error, DatasetError::BadManifest { source: ManifestError::TooLarge { .. }, .. }), "{error}");
}

#[test]
fn only_go_may_leave_the_height_out() {
    let (_dir, folder_of_js) = folder(r#"{"artifactMode":"operational","artifacts":[]}"#);
    let error = Dataset::open(&folder_of_js).unwrap_err();
    assert!(matches!(error, DatasetError::NoBlockHeight { .. }), "{error}");
    let (_dir, folder_of_go) = folder(r#"{"data":"d","artifacts":null}"#);
    assert_eq!(Dataset::open(&folder_of_go).unwrap().block_height(), 0);
}

#[test]
fn every_file_named_must_be_there() {
    for (text, missing) in
        [(r#"{"data":"nothing"}"#, "nothing"), (r#"{"data":"d","artifacts":[["x","a"],["y","sub/gone"]]}"#, "sub/gone")]
    {
        let (_dir, folder) = folder(text);
        let error = Dataset::open(&folder).unwrap_err();
        assert!(matches!(&error, DatasetError::MissingFile { path } if *path == folder.join(missing)), "{error}");
        assert!(error.to_string().contains(&*folder.join(missing).to_string_lossy()), "{error}");
    }
}

#[test]
fn a_file_removed_after_opening_is_missing() {
    let (_dir, folder) = folder(r#"{"data":"d","artifacts":[["x","a"]]}"#);
    let dataset = Dataset::open(&folder).unwrap();
    fs_err::remove_file(folder.join("a")).unwrap();
    let error = dataset.artifact("x").err().unwrap();
    assert!(matches!(&error, DatasetError::MissingFile { path } if *path == folder.join("a")), "{error}");
}

#[test]
fn links_may_stay_inside_but_not_lead_out() {
    let (dir, folder) = folder(r#"{"artifacts":[["x","link"]]}"#);
    let link = folder.join("link");
    symlink("sub/c", &link).unwrap();
    let inside = Dataset::open(&folder).unwrap().artifact("x").unwrap();
    assert_eq!(io::read_to_string(inside).unwrap(), "sub/c");

    let sibling = dir.path().join("dataset-2");
    fs_err::create_dir(&sibling).unwrap();
    fs_err::write(sibling.join("f"), "secret").unwrap();
    for target in ["../outside", "../dataset-2/f", "/etc/passwd"] {
        fs_err::remove_file(&link).unwrap();
        symlink(target, &link).unwrap();
        let error = Dataset::open(&folder).unwrap_err();
        assert!(matches!(&error, DatasetError::LeadsOutside { path, .. } if *path == link), "{error}");
    }

    for (target, name) in [("nowhere", "a dangling link"), ("link", "a loop")] {
        fs_err::remove_file(&link).unwrap();
        symlink(target, &link).unwrap();
        assert!(Dataset::open(&folder).is_err(), "{name}");
    }
}

#[test]
fn a_linked_folder_inside_may_not_lead_out() {
    let (dir, folder) = folder(r#"{"artifacts":[["x","away/outside"]]}"#);
    symlink(dir.path(), folder.join("away")).unwrap();
    let error = Dataset::open(&folder).unwrap_err();
    assert!(matches!(error, DatasetError::LeadsOutside { .. }), "{error}");
}

#[test]
fn the_dataset_folder_itself_may_be_a_link_and_the_manifest_may_not_lead_out() {
    let (dir, folder) = folder(r#"{"data":"d"}"#);
    let link = dir.path().join("link");
    symlink(&folder, &link).unwrap();
    assert_eq!(Dataset::open(&link).unwrap().records().unwrap().count(), 1);

    fs_err::rename(folder.join(MANIFEST_FILE_NAME), dir.path().join("manifest")).unwrap();
    symlink("../manifest", folder.join(MANIFEST_FILE_NAME)).unwrap();
    assert!(matches!(Dataset::open(&folder), Err(DatasetError::LeadsOutside { .. })));
}

#[test]
fn only_regular_files_are_opened() {
    let (_dir, folder) = folder(r#"{"artifacts":[["x","odd"]]}"#);
    let odd = folder.join("odd");
    fs_err::create_dir(&odd).unwrap();
    assert!(matches!(Dataset::open(&folder), Err(DatasetError::NotAFile { .. })));
    fs_err::remove_dir(&odd).unwrap();
    // A pipe would keep whoever opens it waiting.
    assert!(Command::new("mkfifo").arg(&odd).status().unwrap().success());
    assert!(matches!(Dataset::open(&folder), Err(DatasetError::NotAFile { .. })));
}

#[test]
fn what_is_not_in_it_is_said_to_be_missing() {
    let (_dir, folder) = folder(r#"{"blockHeight":17,"artifacts":[["x","a"]]}"#);
    let dataset = Dataset::open(&folder).unwrap();
    assert!(matches!(dataset.records(), Err(DatasetError::NoExportData { .. })));
    for name in ["a", "y", "", "x "] {
        assert!(matches!(dataset.artifact(name), Err(DatasetError::UnknownArtifact { .. })), "{name}");
    }
}

#[test]
fn bad_export_data_is_named_with_its_line() {
    let (_dir, folder) = folder(r#"{"data":"d"}"#);
    fs_err::write(folder.join("d"), "[\"a\"]\n[1]\n").unwrap();
    let error = Dataset::open(&folder).unwrap().records().unwrap().nth(1).unwrap().unwrap_err();
    assert!(error.to_string().starts_with(&format!("`{}/d` line 2: ", folder.display())), "{error}");
}

#[test]
fn the_height_is_checked_if_one_is_expected() {
    let (_dir, folder) = folder(r#"{"blockHeight":17}"#);
    let dataset = Dataset::open(&folder).unwrap();
    assert!(dataset.check_block_height(None).is_ok());
    assert!(dataset.check_block_height(Some(17)).is_ok());
    for other in [0, 18] {
        let error = dataset.check_block_height(Some(other)).unwrap_err();
        assert!(error.to_string().ends_with(&format!("is of block height 17, not {other}")), "{error}");
    }
}

#[test]
fn the_mode_asked_for_must_be_there() {
    let (_dir, folder) = folder(r#"{"blockHeight":17,"artifactMode":"replay","artifacts":[["x","a"]],"data":"d"}"#);
    let dataset = Dataset::open(&folder).unwrap();
    assert!(dataset.check_mode(Mode::Operational).is_ok());
    let error = dataset.check_mode(Mode::Archival).unwrap_err();
    assert!(error.to_string().ends_with("has too few artifacts: asked for archival, it has replay"), "{error}");
}

#[test]
fn a_full_import_needs_data_artifacts_and_mode() {
    use Mode::*;
    let table = [
        (r#"{"blockHeight":1,"artifactMode":"replay","artifacts":[["x","a"]],"data":"d"}"#, None, Ok(Replay)),
        (
            r#"{"blockHeight":1,"artifactMode":"replay","artifacts":[["x","a"]],"data":"d"}"#,
            Some(Operational),
            Ok(Operational),
        ),
        (r#"{"blockHeight":1,"artifactMode":"replay","artifacts":[["x","a"]],"data":"d"}"#, Some(Debug), Ok(Debug)),
        (
            r#"{"blockHeight":1,"artifactMode":"replay","artifacts":[["x","a"]],"data":"d"}"#,
            Some(Archival),
            Err("too few"),
        ),
        (r#"{"blockHeight":1,"data":"d","artifacts":[["x","a"]]}"#, None, Ok(Operational)),
        (r#"{"blockHeight":1,"data":"d","artifacts":[["x","a"]]}"#, Some(Archival), Ok(Archival)),
        (r#"{"blockHeight":1,"data":"d","artifacts":[["x","a"]]}"#, Some(NoArtifacts), Err("no artifacts")),
        (r#"{"blockHeight":1,"data":"d","artifacts":null}"#, None, Err("no artifacts")),
        (r#"{"blockHeight":1,"artifactMode":"none","artifacts":[],"data":"d"}"#, None, Err("no artifacts")),
        (r#"{"blockHeight":1,"artifacts":[["x","a"]]}"#, None, Err("no export data")),
    ];
    for (text, asked, expected) in table {
        let (_dir, folder) = folder(text);
        match (Dataset::open(&folder).unwrap().check_import(asked), expected) {
            (Ok(mode), Ok(expected)) => assert_eq!(mode, expected, "{text}"),
            (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{text}: {error}"),
            (got, _) => panic!("{text} asked {asked:?}: {got:?}"),
        }
    }
}

#[test]
fn a_link_that_leads_to_itself_is_an_error_and_nothing_missing() {
    let (dir, folder) = folder("{\"artifacts\":[[\"x\",\"loop\"]]}");
    symlink("loop", folder.join("loop")).unwrap();
    let error = Dataset::open(&folder).unwrap_err();
    assert!(matches!(error, DatasetError::Io { .. }), "{error}");
    symlink("itself", dir.path().join("itself")).unwrap();
    let error = Dataset::open(dir.path().join("itself")).unwrap_err();
    assert!(matches!(error, DatasetError::Io { .. }), "{error}");
}

#[test]
fn what_the_manifest_lacks_is_told_with_the_manifests_name() {
    let (_dir, folder) = folder("{\"blockHeight\":1,\"artifactMode\":\"replay\",\"artifacts\":[]}");
    let dataset = Dataset::open(&folder).unwrap();
    let told = [
        dataset.records().err().unwrap(),
        dataset.artifact("x").err().unwrap(),
        dataset.check_mode(Mode::Archival).unwrap_err(),
        dataset.check_block_height(Some(2)).unwrap_err(),
        dataset.check_import(None).unwrap_err(),
    ];
    let manifest = folder.join(MANIFEST_FILE_NAME).display().to_string();
    for error in told {
        assert!(error.to_string().contains(&manifest), "{error}");
    }
}
