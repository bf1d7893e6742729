//! Putting an import in place as soon as nobody has the store open that it replaces.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use fs_err as fs;
use swing_core::Clock;
use swing_export::{May, PublishError, StagingError};
use swing_store::{ImportedStore, Store, StoreError};

/// How long one attempt waits by itself, at most.
const ATTEMPT: Duration = Duration::from_millis(100);

/// How long one attempt waits by itself when all of them may wait so long, so that the last one takes no longer either.
pub(crate) fn patience(wait: Option<Duration>) -> Duration {
    wait.map_or(ATTEMPT, |wait| wait.min(ATTEMPT))
}

/// Commits as often as it takes, until `clock` has gone on by `wait`; `None`: until nobody has it open. That there is
/// somebody to wait for is said once. Before the old store is replaced, `may` is asked.
pub(crate) fn commit(
    mut imported: ImportedStore,
    may: &mut May<'_>,
    wait: Option<Duration>,
    clock: &dyn Clock,
    say: &dyn Fn(&str),
) -> Result<Store, StoreError> {
    let began = clock.now();
    let mut is_said = false;
    loop {
        match imported.commit_if(may) {
            Err(PublishError {
                error: StoreError::Publish(StagingError::TargetInUse { path }),
                import: Some(again),
            }) if wait.is_none_or(|wait| clock.now().saturating_sub(began) < wait) => {
                if !is_said {
                    say(&notice(&path, &holders(&path)));
                }
                is_said = true;
                imported = again.into_import();
            }
            done => return Ok(done?),
        }
    }
}

fn notice(file: &Path, holders: &[u32]) -> String {
    let text = format!("waiting: {}", in_use(file, holders));
    text + "; the new store takes its place as soon as it is not (Ctrl-C gives the import up)"
}

/// What is said before there is anything to put in place.
pub(crate) fn foretell(file: &Path, holders: &[u32]) -> String {
    in_use(file, holders)
        + ": the new store is made meanwhile, and then waits until it is not (Ctrl-C gives the import up)"
}

fn in_use(file: &Path, holders: &[u32]) -> String {
    let mut text = format!("the store at {} is in use", file.display());
    for (at, pid) in holders.iter().enumerate() {
        let before = if at == 0 { " by process" } else { "," };
        let _ = write!(text, "{before} {pid}");
    }
    text
}

/// The processes that have a file open: those that may be looked into, on systems with a `/proc` where it is written.
pub(crate) fn holders(file: &Path) -> Vec<u32> {
    let is_file = |link: &Path| fs::read_link(link).is_ok_and(|to| to == file);
    let holds = |pid: &u32| {
        fs::read_dir(format!("/proc/{pid}/fd")).is_ok_and(|open| open.flatten().any(|link| is_file(&link.path())))
    };
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    processes.flatten().filter_map(|process| process.file_name().to_str()?.parse().ok()).filter(holds).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicU64, Ordering};

    use swing_core::ArtifactMode;
    use swing_core::roles::{HostStorage as _, KvStore as _};
    use swing_export::dataset::Dataset;
    use swing_export::{Exporter, ImportOptions};

    use super::*;

    /// A clock that goes on by a second each time somebody looks.
    struct Ticking(AtomicU64);

    impl Clock for Ticking {
        fn now(&self) -> Duration {
            Duration::from_secs(self.0.fetch_add(1, Ordering::SeqCst))
        }
    }

    /// A store, an import that is to take its place, and somebody who reads what is only in its log.
    struct Scene {
        dir: tempfile::TempDir,
        reader: RefCell<Option<Exporter>>,
        imported: Option<ImportedStore>,
        clock: Ticking,
        said: RefCell<Vec<String>>,
    }

    impl Scene {
        fn new() -> Self {
            let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
            let dir = tempfile::tempdir().unwrap();
            let file = dir.path().join("swingstore.sqlite");
            fs::copy(fixtures.join("archival/store/swingstore.sqlite"), &file).unwrap();
            let other = rusqlite::Connection::open(&file).unwrap();
            other
                .execute_batch("PRAGMA journal_mode = wal; UPDATE kvStore SET value = 'x' WHERE key = 'vat.names'")
                .unwrap();
            let reader = RefCell::new(Some(swing_store::exporter(dir.path(), ArtifactMode::Debug).unwrap()));
            let dataset = Dataset::open(fixtures.join("worked-example/dataset-js/operational")).unwrap();
            let how = ImportOptions { patience: Duration::ZERO, ..ImportOptions::default() };
            let options = swing_store::Options::default();
            let imported = Some(swing_store::import(&dataset, dir.path(), how, options, &mut |_| {}).unwrap());
            // Not at zero, so that it matters when the waiting began.
            Self { dir, reader, imported, clock: Ticking(AtomicU64::new(1000)), said: RefCell::default() }
        }

        fn commit(&mut self, wait: Option<u64>, say: &dyn Fn(&str)) -> Result<Store, StoreError> {
            let say = |line: &str| {
                self.said.borrow_mut().push(line.to_owned());
                say(line);
            };
            commit(self.imported.take().unwrap(), &mut || Ok(()), wait.map(Duration::from_secs), &self.clock, &say)
        }

        /// How many seconds the clock says have gone by since the first look at it.
        fn seconds(&self) -> u64 {
            self.clock.0.load(Ordering::SeqCst) - 1001
        }

        fn files(&self) -> Vec<PathBuf> {
            let mut names: Vec<_> =
                fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into()).collect();
            names.sort();
            names
        }
    }

    #[test]
    fn it_gives_up_at_the_first_refusal_when_the_time_is_over_and_at_none_before() {
        for wait in [0, 1, 5] {
            let mut scene = Scene::new();
            let done = scene.commit(Some(wait), &|_| {});
            assert!(matches!(done, Err(StoreError::Publish(StagingError::TargetInUse { .. }))), "{wait}");
            // The clock is looked at after each refusal, and it takes a look to see that a second has passed.
            assert_eq!(scene.seconds(), wait.max(1), "{wait}");
            let notices = usize::from(wait > 1);
            assert_eq!(scene.said.borrow().len(), notices, "however often it is tried it is said once: {wait}");
            scene.reader.take();
            let mut store = Store::open(scene.dir.path(), swing_store::Options::default()).unwrap();
            let height = store.host().kv().get(crate::height::HOST_HEIGHT).unwrap();
            assert_eq!(height.as_deref(), Some("5"), "the old store: {wait}");
            store.close().unwrap();
            assert_eq!(scene.files(), [PathBuf::from("swingstore.sqlite")], "and nothing staged: {wait}");
        }
    }

    #[test]
    fn it_says_who_is_reading_and_is_done_when_they_are_gone() {
        for wait in [None, Some(1000)] {
            let mut scene = Scene::new();
            let reader = scene.reader.take();
            let leaves = RefCell::new(reader);
            scene.commit(wait, &|_| drop(leaves.take())).unwrap().close().unwrap();
            let said = scene.said.take();
            let [line] = &said[..] else { panic!("{said:?}") };
            assert!(line.starts_with("waiting: the store at ") && line.contains("is in use"), "{line}");
            if cfg!(target_os = "linux") {
                assert!(line.contains(&format!("by process {}", std::process::id())), "{line}");
            }
            assert_eq!(scene.files(), [PathBuf::from("swingstore.sqlite")]);
        }
    }

    #[test]
    fn what_speaks_against_it_is_asked_when_nobody_has_it_open_and_nothing_is_replaced() {
        let mut scene = Scene::new();
        let leaves = RefCell::new(scene.reader.take());
        let asked = Cell::new(0);
        let mut may = || {
            asked.set(asked.get() + 1);
            assert!(leaves.borrow().is_none(), "not before");
            // It may look into the old store.
            let exporter = swing_store::exporter(scene.dir.path(), ArtifactMode::Debug)?;
            let height = exporter.host_kv(crate::height::HOST_HEIGHT)?.unwrap();
            exporter.close()?;
            Err(format!("the store has gone on to {height}").into())
        };
        let imported = scene.imported.take().unwrap();
        let error = commit(imported, &mut may, None, &scene.clock, &|_| drop(leaves.take())).err().unwrap();
        assert!(matches!(&error, StoreError::Publish(StagingError::Objected { .. })), "{error:?}");
        assert_eq!(swing_core::error_chain(&error), "nothing was replaced: the store has gone on to 5");
        assert_eq!(asked.get(), 1);
        let mut store = Store::open(scene.dir.path(), swing_store::Options::default()).unwrap();
        assert_eq!(store.host().kv().get("host.height").unwrap().as_deref(), Some("5"), "the old store");
        store.close().unwrap();
        assert_eq!(scene.files(), [PathBuf::from("swingstore.sqlite")], "and nothing staged");
    }

    #[test]
    fn an_attempt_waits_no_longer_than_all_of_them_may() {
        assert_eq!(patience(None), ATTEMPT);
        assert_eq!(patience(Some(Duration::from_secs(3600))), ATTEMPT, "or the one who waits is not told of it");
        assert_eq!(patience(Some(Duration::ZERO)), Duration::ZERO);
        assert_eq!(patience(Some(Duration::from_millis(7))), Duration::from_millis(7));
    }

    #[test]
    fn a_notice_names_those_who_are_known() {
        let say = |holders: &[u32]| notice(Path::new("s.sqlite"), holders);
        assert!(say(&[]).starts_with("waiting: the store at s.sqlite is in use; "));
        assert!(say(&[7, 12]).starts_with("waiting: the store at s.sqlite is in use by process 7, 12; "));
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
