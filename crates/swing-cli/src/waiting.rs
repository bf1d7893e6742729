//! Putting an import in place as soon as nobody reads the store that it replaces.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use fs_err as fs;
use swing_export::{PublishError, StagingError};
use swing_store::{ImportedStore, Store, StoreError};

/// How long one attempt waits by itself.
pub(crate) const ATTEMPT: Duration = Duration::from_millis(100);

/// Commits as often as it takes, for as long as `wait` says; `None`: until nobody is reading. That there is somebody to
/// wait for is said once.
pub(crate) fn commit(
    mut imported: ImportedStore,
    wait: Option<Duration>,
    say: &dyn Fn(&str),
) -> Result<Store, StoreError> {
    let began = Instant::now();
    let mut is_said = false;
    loop {
        match imported.commit() {
            Err(PublishError {
                error: StoreError::Publish(StagingError::TargetInUse { path }),
                import: Some(again),
            }) if wait.is_none_or(|wait| began.elapsed() < wait) => {
                if !is_said {
                    say(&notice(&path, &holders(&path)));
                }
                is_said = true;
                imported = *again;
            }
            done => return Ok(done?),
        }
    }
}

fn notice(file: &Path, holders: &[u32]) -> String {
    let mut text = format!("waiting: the store at {} is being read", file.display());
    for (at, pid) in holders.iter().enumerate() {
        let before = if at == 0 { " by process" } else { "," };
        let _ = write!(text, "{before} {pid}");
    }
    text + "; the new store takes its place as soon as it is not (Ctrl-C gives the import up)"
}

/// The processes that have a file open: those that may be looked into, on systems with a `/proc` where it is written.
fn holders(file: &Path) -> Vec<u32> {
    let is_file = |link: &Path| fs::read_link(link).is_ok_and(|to| to == file);
    let holds = |pid: &u32| {
        fs::read_dir(format!("/proc/{pid}/fd")).is_ok_and(|open| open.flatten().any(|link| is_file(&link.path())))
    };
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    processes.flatten().filter_map(|process| process.file_name().to_str()?.parse().ok()).filter(holds).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use swing_export::ImportOptions;
    use swing_export::dataset::Dataset;

    use super::*;

    #[test]
    fn however_often_it_is_tried_it_is_said_once() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
        let dir = tempfile::tempdir().unwrap();
        fs::copy(fixtures.join("archival/store/swingstore.sqlite"), dir.path().join("swingstore.sqlite")).unwrap();
        let dataset = Dataset::open(fixtures.join("worked-example/dataset-js/operational")).unwrap();
        let how = ImportOptions { patience: Duration::ZERO, ..ImportOptions::default() };
        let options = swing_store::Options::default();
        let imported = swing_store::import(&dataset, dir.path(), how, options, &mut |_| {}).unwrap();
        let writer = rusqlite::Connection::open(dir.path().join("swingstore.sqlite")).unwrap();
        writer.execute_batch("PRAGMA journal_mode = wal; BEGIN IMMEDIATE").unwrap();
        let said = Cell::new(0);
        let done = commit(imported, Some(Duration::from_millis(50)), &|_| said.set(said.get() + 1));
        assert!(matches!(done, Err(StoreError::Publish(StagingError::TargetInUse { .. }))));
        assert_eq!(said.get(), 1);
    }

    #[test]
    fn a_notice_names_those_who_are_known() {
        let say = |holders: &[u32]| notice(Path::new("s.sqlite"), holders);
        assert!(say(&[]).starts_with("waiting: the store at s.sqlite is being read; "));
        assert!(say(&[7, 12]).starts_with("waiting: the store at s.sqlite is being read by process 7, 12; "));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn whoever_has_a_file_open_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = fs::canonicalize(dir.path()).unwrap().join("s.sqlite");
        let open = fs::File::create(&path).unwrap();
        assert_eq!(holders(&path), [std::process::id()]);
        drop(open);
        assert_eq!(holders(&path), [0; 0]);
    }
}
