//! Random lives of a store, in memory and in a file, against a plain map with a whole copy per savepoint. Where the digest of
//! the rows is kept, it is at every commit that of the map.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use swing_core::roles::KvStore as _;
use swing_core::row_digest::{Kept, stored};
use swing_core::session::{CommitError, Creation, Location, OpenOptions, SessionError};
use swing_core::{RowDigests, Session};

use super::digest::{digest_of, witness_of};
use crate::pairs::Row;
use crate::{KvOptions, KvState, TABLES, commit_witness};

type Map = BTreeMap<String, String>;

#[derive(Debug, Clone)]
enum Step {
    Set(usize, String),
    Delete(usize),
    Get(usize),
    Has(usize),
    Next(usize),
    /// Walks from a key; deletes what it meets where the bits say so.
    Walk(usize, u32),
    /// Deletes the first key after this one, again and again.
    Clear(usize, usize),
    Entries,
    Savepoint,
    Rollback(usize),
    Release,
    Flush,
    Commit,
    /// Abandons what is not committed and opens the store anew.
    Reopen,
    /// Another connection sets or deletes a row, between blocks.
    Elsewhere(usize, Option<String>),
    /// Makes the digest anew, also in the middle of a block.
    Rebuild,
}

/// Among them: the empty key, keys that only a NUL tells apart, two whose UTF-16 order is the other way round, long
/// ones with a long common beginning, and all sections.
fn keys() -> Vec<String> {
    let long = "long.".repeat(200);
    let mut keys: Vec<String> = [
        "",
        "\0",
        "a",
        "a\0",
        "a.",
        "b",
        "\u{e9}",
        "\u{ffff}",
        "\u{10000}",
        "host.height",
        "activityhash",
        "local.x",
        "~",
    ]
    .map(str::to_owned)
    .into();
    keys.extend((0..4).map(|at| format!("{long}{at}")));
    keys.extend((0..24).map(|at| format!("v1.vs.{at:02}")));
    keys
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-z\u{10000}]{1,8}", (100..600usize).prop_map(|length| "x".repeat(length))]
}

fn step() -> impl Strategy<Value = Step> {
    let key = || 0..keys().len();
    prop_oneof![
        12 => (key(), value()).prop_map(|(key, value)| Step::Set(key, value)),
        6 => key().prop_map(Step::Delete),
        5 => key().prop_map(Step::Get),
        2 => key().prop_map(Step::Has),
        6 => key().prop_map(Step::Next),
        2 => (key(), prop_oneof![Just(0), any::<u32>()]).prop_map(|(key, deletes)| Step::Walk(key, deletes)),
        1 => (key(), 0..20usize).prop_map(|(key, times)| Step::Clear(key, times)),
        1 => Just(Step::Entries),
        3 => Just(Step::Savepoint),
        2 => (0..4usize).prop_map(Step::Rollback),
        1 => Just(Step::Release),
        2 => Just(Step::Flush),
        3 => Just(Step::Commit),
        1 => Just(Step::Reopen),
        3 => (key(), prop::option::of(value())).prop_map(|(key, value)| Step::Elsewhere(key, value)),
        1 => Just(Step::Rebuild),
    ]
}

struct Run {
    session: Session,
    state: KvState,
    options: KvOptions,
    file: Option<PathBuf>,
    row_digests: RowDigests,
    /// Nobody has written since who does not keep the digest.
    kept: bool,
    /// It was made anew in this block.
    rebuilt: bool,
    now: Map,
    committed: Map,
    marks: Vec<(String, Map)>,
}

fn open(file: Option<&Path>, row_digests: RowDigests) -> Session {
    let location = file.map_or(Location::Memory, |file| Location::File(file.to_owned()));
    let options = OpenOptions { creation: Creation::IfAbsent, row_digests, ..OpenOptions::default() };
    Session::open(location, &options, TABLES).unwrap()
}

impl Run {
    fn new(file: Option<PathBuf>, row_digests: RowDigests, cache_bytes: usize) -> Self {
        let options = KvOptions { cache_bytes };
        let (session, state) = (open(file.as_deref(), row_digests), KvState::new(options));
        let (now, committed) = (Map::new(), Map::new());
        let kept = row_digests == RowDigests::Keep;
        Self { session, state, options, file, row_digests, kept, rebuilt: false, now, committed, marks: Vec::new() }
    }

    fn next(&mut self, key: &str) -> Result<Option<String>, TestCaseError> {
        let next = self.state.bind(&mut self.session).get_next_key(key).unwrap().map(|key| key.to_string());
        let above = (std::ops::Bound::Excluded(key.to_owned()), std::ops::Bound::Unbounded);
        prop_assert_eq!(next.as_ref(), self.now.range(above).next().map(|(key, _)| key), "after {:?}", key);
        Ok(next)
    }

    fn delete(&mut self, key: &str) {
        self.state.bind(&mut self.session).delete(key).unwrap();
        self.now.remove(key);
    }

    /// The rows as another reader of the table has them.
    fn rows(&self) -> Map {
        const ROWS: &str = "SELECT key, value FROM kvStore";
        self.session.read().all(ROWS, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().into_iter().collect()
    }

    fn step(&mut self, keys: &[String], step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Set(key, value) => {
                self.state.bind(&mut self.session).set(&keys[key], &value).unwrap();
                self.now.insert(keys[key].clone(), value);
            }
            Step::Delete(key) => self.delete(&keys[key]),
            Step::Get(key) => {
                let value = self.state.bind(&mut self.session).get(&keys[key]).unwrap();
                prop_assert_eq!(value.as_deref(), self.now.get(&keys[key]).map(String::as_str));
            }
            Step::Has(key) => {
                let has = self.state.bind(&mut self.session).has(&keys[key]).unwrap();
                prop_assert_eq!(has, self.now.contains_key(&keys[key]));
            }
            Step::Next(key) => drop(self.next(&keys[key])?),
            Step::Walk(key, deletes) => {
                let mut at = keys[key].clone();
                for step in 0.. {
                    let Some(next) = self.next(&at)? else { break };
                    if deletes >> (step % 32) & 1 == 1 {
                        self.delete(&next);
                    }
                    at = next;
                }
            }
            Step::Clear(key, times) => {
                for _ in 0..times {
                    let Some(next) = self.next(&keys[key])? else { break };
                    self.delete(&next);
                }
            }
            Step::Entries => {
                let all: Result<Vec<_>, _> = self.state.bind(&mut self.session).entries().collect();
                let all: Vec<_> = all.unwrap().iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
                prop_assert_eq!(all, self.now.clone().into_iter().collect::<Vec<_>>());
            }
            Step::Savepoint => {
                let name = format!("t{}", self.marks.len());
                self.session.savepoint(&name, &mut [&mut self.state]).unwrap();
                self.marks.push((name, self.now.clone()));
            }
            Step::Rollback(depth) => {
                let depth = depth.min(self.marks.len());
                let rolled = self.session.rollback_to(&format!("t{depth}"), &mut [&mut self.state]);
                if let Some((_, map)) = self.marks.get(depth) {
                    rolled.unwrap();
                    self.now = map.clone();
                    self.marks.truncate(depth);
                } else {
                    let unknown = matches!(rolled, Err(SessionError::NoSuchSavepoint { .. }));
                    prop_assert!(unknown, "depth {depth}");
                }
            }
            Step::Release => {
                self.session.release(&mut [&mut self.state]).unwrap();
                self.marks.clear();
            }
            Step::Flush => {
                self.session.flush(&mut [&mut self.state]).unwrap();
                if self.marks.is_empty() {
                    prop_assert_eq!(&self.rows(), &self.now);
                    self.check_ids()?;
                }
            }
            Step::Commit => {
                let done = self.session.commit(&mut [&mut self.state]);
                if self.marks.is_empty() {
                    done.unwrap();
                    self.committed = self.now.clone();
                    prop_assert_eq!(&self.rows(), &self.now);
                    self.kept |= std::mem::take(&mut self.rebuilt);
                    self.check_digest()?;
                    self.check_ids()?;
                } else {
                    let refused = matches!(done, Err(CommitError::InCrank { .. }));
                    prop_assert!(refused, "a commit inside a crank");
                }
            }
            Step::Reopen => self.reopen(),
            Step::Elsewhere(key, value) => self.elsewhere(&keys[key], value),
            Step::Rebuild => {
                if self.row_digests == RowDigests::Keep && self.marks.is_empty() {
                    let witness = commit_witness(self.session.read()).unwrap();
                    self.session.build_row_digests(TABLES, witness).unwrap();
                    self.rebuilt = true;
                }
            }
        }
        Ok(())
    }

    /// Whichever rows are known by an id, the table has them by that.
    fn check_ids(&mut self) -> Result<(), TestCaseError> {
        self.state.keep_up_with(&mut self.session).unwrap();
        for (key, row) in self.state.pairs.rows() {
            let Some(Row { value, id: Some(id) }) = row else { continue };
            let sql = "SELECT key, value FROM kvStore WHERE rowid = ?1";
            let found = self.session.read().one(sql, [id.get()], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
            prop_assert_eq!(found, Some((key.as_str().to_owned(), value.to_string())));
        }
        Ok(())
    }

    /// After a commit: what the file says of its rows.
    fn check_digest(&self) -> Result<(), TestCaseError> {
        if self.row_digests == RowDigests::Keep {
            let stored = stored::load(self.session.read(), TABLES).unwrap().unwrap();
            prop_assert_eq!(stored.kept == Kept::UpToDate, self.kept);
            if self.kept {
                prop_assert_eq!(stored.of(&TABLES[0]), Some(&digest_of(&self.now)));
                prop_assert_eq!(stored.witness, witness_of(&self.now));
            }
        }
        Ok(())
    }

    fn reopen(&mut self) {
        let Some(file) = &self.file else { return };
        // The writer's lock must be free before the next one takes it.
        std::mem::replace(&mut self.session, Session::in_memory(TABLES).unwrap()).close().unwrap();
        (self.session, self.state) = (open(Some(file), self.row_digests), KvState::new(self.options));
        self.now = self.committed.clone();
        self.rebuilt = false;
        self.marks.clear();
    }

    fn elsewhere(&mut self, key: &str, value: Option<String>) {
        let Some(file) = self.file.as_ref().filter(|_| !self.session.is_open()) else { return };
        let other = rusqlite::Connection::open(file).unwrap();
        let written = match value {
            Some(value) => {
                self.now.insert(key.to_owned(), value.clone());
                other.execute("REPLACE INTO kvStore (key, value) VALUES (?1, ?2)", [key, &*value])
            }
            None => {
                self.now.remove(key);
                other.execute("DELETE FROM kvStore WHERE key = ?1", [key])
            }
        };
        self.kept &= written.unwrap() == 0;
        self.committed = self.now.clone();
    }
}

fn live(
    file: Option<PathBuf>,
    row_digests: RowDigests,
    cache_bytes: usize,
    steps: Vec<Step>,
) -> Result<(), TestCaseError> {
    let keys = keys();
    let mut run = Run::new(file, row_digests, cache_bytes);
    for step in steps {
        run.step(&keys, step)?;
    }
    for key in &keys {
        let value = run.state.bind(&mut run.session).get(key).unwrap();
        prop_assert_eq!(value.as_deref(), run.now.get(key).map(String::as_str));
        run.next(key)?;
    }
    Ok(())
}

fn cache() -> impl Strategy<Value = usize> {
    prop_oneof![Just(0), Just(2_000), Just(8_000), Just(KvOptions::default().cache_bytes)]
}

/// Kept or not, the table is written in two ways.
fn row_digests() -> impl Strategy<Value = RowDigests> {
    prop_oneof![Just(RowDigests::Keep), Just(RowDigests::Ignore)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn in_memory_it_answers_as_a_map(digests in row_digests(), cache in cache(), steps in prop::collection::vec(step(), 0..120)) {
        live(None, digests, cache, steps)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn in_a_file_that_others_write_too_it_answers_as_a_map(
        digests in row_digests(), cache in cache(), steps in prop::collection::vec(step(), 0..120),
    ) {
        let dir = tempfile::tempdir().unwrap();
        live(Some(dir.path().join("swingstore.sqlite")), digests, cache, steps)?;
    }
}
