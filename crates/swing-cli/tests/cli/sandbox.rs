//! A directory to run the program in, with copies of fixtures: opening a store may write beside it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fs_err as fs;
use serde_json::Value;

/// The modes, least first.
pub(crate) const MODES: [&str; 4] = ["operational", "replay", "archival", "debug"];

/// The committed fixtures.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// The fixtures that have a store, by name.
pub(crate) fn stores() -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(fixtures())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().join("store").is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() >= 13, "{names:?}");
    names
}

/// The datasets of a fixture: dialect, mode.
pub(crate) fn datasets(name: &str) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for dialect in ["js", "go"] {
        let dir = fixtures().join(name).join(format!("dataset-{dialect}"));
        if dir.is_dir() {
            let modes = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
            found.extend(modes.map(|mode| (dialect, mode)));
        }
    }
    found.sort();
    found
}

/// What the reference exports from a fixture.
pub(crate) fn expected(name: &str) -> Value {
    serde_json::from_slice(&fs::read(fixtures().join(name).join("expected.json")).unwrap()).unwrap()
}

/// What the program did.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// The result, of a run with `--json` that went well.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts that nothing could be done: an error with these words, a hint, no result.
    pub(crate) fn refused(&self, words: &[&str]) {
        assert_eq!(self.code, 3, "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        assert!(self.stderr.starts_with("error: "), "{self:?}");
        assert!(self.stderr.contains("\nhint: "), "no hint: {self:?}");
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is not in {self:?}");
        }
    }
}

pub(crate) struct Sandbox {
    dir: tempfile::TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// One with a copy of a fixture's store, called `store`.
    pub(crate) fn with_store(name: &str) -> Self {
        let sandbox = Self::new();
        sandbox.store(name, "store");
        sandbox
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Copies a fixture's store.
    pub(crate) fn store(&self, name: &str, to: &str) {
        copy(&fixtures().join(name).join("store"), &self.path(to));
    }

    /// Copies a fixture's dataset.
    pub(crate) fn dataset(&self, name: &str, dialect: &str, mode: &str, to: &str) {
        copy(&fixtures().join(name).join(format!("dataset-{dialect}")).join(mode), &self.path(to));
    }

    /// Runs the program here.
    pub(crate) fn run(&self, args: &[&str]) -> Run {
        let output = self.command(args).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Run { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Runs it with `--json`, expecting all to be well.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let run = self.run(&[args, &["--json"]].concat());
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{args:?}: {run:?}");
        run.json()
    }

    /// Runs it where no file may become longer than so many blocks of 512 bytes (POSIX; 1024 in some shells).
    #[cfg(unix)]
    pub(crate) fn run_with_small_files(&self, blocks: u32, args: &[&str]) -> Run {
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_swing-store")]).args(args).stdin(Stdio::null());
        let output = shell.current_dir(self.dir.path()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Run { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_swing-store"));
        command.args(args).current_dir(self.dir.path()).stdin(Stdio::null());
        command
    }

    /// Everything here, to see that nothing changed.
    pub(crate) fn tree(&self) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        tree(self.dir.path())
    }
}

/// Changes a store's database as other software would.
pub(crate) fn alter(sandbox: &Sandbox, store: &str, sql: &str) {
    let database = rusqlite::Connection::open(sandbox.path(store).join("swingstore.sqlite")).unwrap();
    database.execute_batch(sql).unwrap();
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// All files below a directory with their content, and directories without.
pub(crate) fn tree(dir: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(tree(&path));
            found.insert(path, None);
        } else {
            let content = fs::read(&path).unwrap();
            found.insert(path, Some(content));
        }
    }
    found
}

/// The same, by name, of a directory without directories in it.
pub(crate) fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let named = |(path, content): (PathBuf, Option<Vec<u8>>)| {
        (path.file_name().unwrap().to_str().unwrap().to_owned(), content.unwrap())
    };
    tree(dir).into_iter().map(named).collect()
}
