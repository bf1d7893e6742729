//! Real stores that the reference made, against what it exports from them.

use std::path::{Path, PathBuf};

use fs_err as fs;
use serde_json::Value;
use swing_core::session::{Creation, Location, OpenOptions};
use swing_core::substore::{Limits, Offered, Substore as _};
use swing_core::{ArtifactMode, Digest, Session};

use crate::testing::{Store, options};
use crate::{SnapState, SnapSubstore, TABLES, migration};

fn fixtures() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let fixtures: Vec<_> = entries.filter(|path| path.join("expected.json").is_file()).collect();
    assert!(fixtures.len() > 10, "the fixtures are not where they were");
    fixtures
}

/// A copy of the fixture's store: opening one may write.
fn open(fixture: &Path) -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(fixture.join("store")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), dir.path().join(entry.file_name())).unwrap();
    }
    let existing = OpenOptions { creation: Creation::Never, ..OpenOptions::default() };
    let file = Location::File(dir.path().join("swingstore.sqlite"));
    let session = Session::open(file, &existing, TABLES).unwrap();
    (dir, Store { session, state: SnapState::new(options()) })
}

fn expected(fixture: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(fixture.join("expected.json")).unwrap()).unwrap()
}

/// The snapshot records that the reference exports.
fn expected_records(fixture: &Path) -> Vec<(String, String)> {
    let data: Vec<(String, String)> = serde_json::from_value(expected(fixture)["exportData"].clone()).unwrap();
    data.into_iter().filter(|(key, _)| key.starts_with("snapshot.")).collect()
}

/// The snapshots that the reference exports in this mode with size and hash, or `None` where it refuses.
fn expected_artifacts(fixture: &Path, mode: ArtifactMode) -> Option<Vec<(String, u64, String)>> {
    let listed = expected(fixture)["artifacts"][mode.as_str()].clone();
    let artifacts: Vec<(String, u64, String)> = serde_json::from_value(listed).ok()?;
    Some(artifacts.into_iter().filter(|(name, ..)| name.starts_with("snapshot.")).collect())
}

fn artifacts(store: &Store, mode: ArtifactMode) -> Vec<(String, u64, String)> {
    let (substore, db) = (SnapSubstore::default(), store.session.read());
    let artifact = |name: String| {
        let mut raw = Vec::new();
        substore.artifact(db, &name).unwrap().read_to_end(&mut raw).unwrap();
        (name, raw.len() as u64, Digest::of(&raw).to_string())
    };
    substore.artifact_names(db, mode).map(|name| artifact(name.unwrap())).collect()
}

#[test]
fn exports_are_those_of_the_reference() {
    let mut compared = 0;
    for fixture in fixtures() {
        let (_dir, store) = open(&fixture);
        let records: Vec<_> = SnapSubstore::default().records(store.session.read()).collect::<Result<_, _>>().unwrap();
        assert_eq!(records, expected_records(&fixture), "{fixture:?}");
        for mode in ArtifactMode::ALL {
            let Some(expected) = expected_artifacts(&fixture, mode) else { continue };
            compared += expected.len();
            assert_eq!(artifacts(&store, mode), expected, "{fixture:?} {mode}");
            assert_eq!(SnapSubstore::default().gaps(store.session.read(), mode).unwrap(), []);
        }
        SnapSubstore::default()
            .verify(store.session.read(), &mut |finding| panic!("{fixture:?}: {finding:?}"))
            .unwrap();
    }
    assert!(compared > 10, "{compared}");
}

#[test]
fn exports_can_be_imported() {
    for fixture in fixtures() {
        let (_dir, source) = open(&fixture);
        let mut target = Store::new(TABLES, options());
        let substore = SnapSubstore::default();
        let mut import = substore.import(ArtifactMode::Debug, Limits::default());
        let mut writer = target.session.write().unwrap();
        for (key, value) in expected_records(&fixture) {
            import.record(&mut writer, &key, Some(&value)).unwrap();
        }
        import.records_done(&mut writer).unwrap();
        for name in substore.artifact_names(source.session.read(), ArtifactMode::Debug) {
            let name = name.unwrap();
            let mut raw = substore.artifact(source.session.read(), &name).unwrap();
            assert_eq!(import.artifact(&mut writer, &name, &mut raw).unwrap(), Offered::Taken);
        }
        assert_eq!(target.records(), source.records());
        assert_eq!(artifacts(&target, ArtifactMode::Debug), artifacts(&source, ArtifactMode::Debug));
    }
}

#[test]
fn a_store_from_before_august_2023_migrates_and_loses_nothing() {
    let mut migrated = 0;
    for fixture in fixtures() {
        let (_dir, mut store) = open(&fixture);
        let rows = store.rows();
        let plan = migration::plan(store.session.read()).unwrap();
        migrated += plan.steps.len();
        migration::execute(&mut store.session.write().unwrap(), &plan).unwrap();
        let Store { session, state } = &mut store;
        session.commit(&mut [state]).unwrap();
        assert_eq!(migration::Schema::of(store.session.read()).unwrap(), migration::Schema::CURRENT);
        assert_eq!(store.rows(), rows);
        assert_eq!(store.session.read().integrity_check(10).unwrap(), [""; 0]);
    }
    assert_eq!(migrated, 1, "one fixture is of the older schema");
}
