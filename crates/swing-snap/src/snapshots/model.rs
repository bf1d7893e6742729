//! Random calls, savepoints, commits, losses and foreign commits against a plain model, in which every snapshot is packed at
//! once.

use std::collections::BTreeMap;

use proptest::prelude::*;
use swing_core::roles::SnapStore as _;
use swing_core::row_digest::{Kept, RowDigests, scan, stored};
use swing_core::session::{Location, OpenOptions, Table};
use swing_core::substore::Substore as _;
use swing_core::{ArtifactMode, Budget, Digest, Session};

use super::*;
use crate::schema::{TABLES, TABLES_1A};
use crate::testing::{Failing, Store, options, position, vat};
use crate::{Extent, SnapOptions, SnapSubstore};

const VATS: [&str; 3] = ["v1", "v10", "v2"];

#[derive(Debug, Clone)]
enum Step {
    Save { vat: usize, at: u64, raw: u8 },
    SaveBehind { vat: usize, at: u64, raw: u8 },
    SaveFailing { vat: usize },
    Load { vat: usize },
    Info { vat: usize },
    Stop { vat: usize },
    Delete { vat: usize, budget: Option<u64> },
    DeleteUnused,
    Prune,
    DeleteByHash { vat: usize, raw: u8 },
    Savepoint,
    Rollback { depth: usize },
    Commit,
    Lose,
    Foreign { vat: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let vat = 0..VATS.len();
    prop_oneof![
        8 => (vat.clone(), 0..12u64, 0..4u8).prop_map(|(vat, at, raw)| Step::Save { vat, at, raw }),
        8 => (vat.clone(), 0..12u64, 0..4u8).prop_map(|(vat, at, raw)| Step::SaveBehind { vat, at, raw }),
        1 => vat.clone().prop_map(|vat| Step::SaveFailing { vat }),
        3 => vat.clone().prop_map(|vat| Step::Load { vat }),
        2 => vat.clone().prop_map(|vat| Step::Info { vat }),
        2 => vat.clone().prop_map(|vat| Step::Stop { vat }),
        3 => (vat.clone(), prop::option::weighted(0.8, 1..4u64)).prop_map(|(vat, budget)| Step::Delete { vat, budget }),
        1 => Just(Step::DeleteUnused),
        1 => Just(Step::Prune),
        1 => (vat.clone(), 0..4u8).prop_map(|(vat, raw)| Step::DeleteByHash { vat, raw }),
        4 => Just(Step::Savepoint),
        2 => (0..3usize).prop_map(|depth| Step::Rollback { depth }),
        3 => Just(Step::Commit),
        1 => Just(Step::Lose),
        1 => vat.prop_map(|vat| Step::Foreign { vat }),
    ]
}

fn heap(raw: u8) -> Vec<u8> {
    vec![raw; usize::from(raw) * 40]
}

#[derive(Debug, Clone)]
struct Row {
    raw: u8,
    in_use: bool,
    populated: bool,
}

/// The table, and the export data that a host has after a commit.
#[derive(Debug, Clone, Default)]
struct Model {
    rows: BTreeMap<(&'static str, u64), Row>,
    host: BTreeMap<String, String>,
}

impl Model {
    fn current(&self, vat: &str) -> Option<(u64, u8)> {
        self.rows.iter().find(|((of, _), row)| *of == vat && row.in_use).map(|((_, at), row)| (*at, row.raw))
    }

    fn text(vat: &str, at: u64, row: &Row) -> String {
        let (hash, in_use) = (Digest::of(&heap(row.raw)), u8::from(row.in_use));
        format!(r#"{{"vatID":"{vat}","snapPos":{at},"hash":"{hash}","inUse":{in_use}}}"#)
    }

    fn stop(&mut self, vat: &'static str, keep: Retention) {
        if let Some((at, _)) = self.current(vat) {
            let row = self.rows.get_mut(&(vat, at)).unwrap();
            (row.in_use, row.populated) = (false, keep == Retention::All);
            self.host.insert(format!("snapshot.{vat}.{at}"), Self::text(vat, at, row));
            self.host.remove(&format!("snapshot.{vat}.current"));
        }
    }

    fn save(&mut self, vat: &'static str, at: u64, raw: u8, keep: Retention) {
        self.stop(vat, keep);
        let row = Row { raw, in_use: true, populated: true };
        self.host.insert(format!("snapshot.{vat}.{at}"), Self::text(vat, at, &row));
        self.host.insert(format!("snapshot.{vat}.current"), format!("snapshot.{vat}.{at}"));
        self.rows.insert((vat, at), row);
    }

    fn delete(&mut self, vat: &'static str, budget: Option<u64>) -> (bool, u64) {
        let most = budget.unwrap_or(u64::MAX) as usize;
        let doomed: Vec<_> = self.rows.keys().rev().filter(|(of, _)| *of == vat).take(most).copied().collect();
        let mut current = budget.is_none();
        for key in &doomed {
            current |= self.rows.remove(key).unwrap().in_use;
            self.host.remove(&format!("snapshot.{vat}.{}", key.1));
        }
        if current {
            self.host.remove(&format!("snapshot.{vat}.current"));
        }
        (!self.rows.keys().any(|(of, _)| *of == vat), doomed.len() as u64)
    }

    /// In the order of an export.
    fn records(&self) -> Vec<String> {
        let record = |((vat, at), row): (&(&'static str, u64), &Row)| {
            let name = format!("snapshot.{vat}.{at}");
            let current = row.in_use.then(|| format!("snapshot.{vat}.current={name}"));
            [Some(format!("{name}={}", Self::text(vat, *at, row))), current].into_iter().flatten().collect::<Vec<_>>()
        };
        let (in_use, unused): (Vec<_>, Vec<_>) = self.rows.iter().partition(|(_, row)| row.in_use);
        in_use.into_iter().chain(unused).flat_map(record).collect()
    }
}

struct World {
    store: Store,
    location: Location,
    keep: Retention,
    tables: &'static [Table],
    host: BTreeMap<String, String>,
    now: Model,
    committed: Model,
    marks: Vec<Model>,
}

impl World {
    fn open(location: &Location, tables: &[Table], keep: Retention) -> Store {
        let open = OpenOptions { row_digests: RowDigests::Keep, ..OpenOptions::default() };
        let mut session = Session::open(location.clone(), &open, tables).unwrap();
        session.record_exports().unwrap();
        Store { session, state: SnapState::new(SnapOptions { keep, ..options() }) }
    }

    fn take(&mut self, step: Step) {
        let keep = self.keep;
        match step {
            Step::Save { vat, at, raw } => {
                self.store.save(VATS[vat], at, &heap(raw));
                self.now.save(VATS[vat], at, raw, keep);
            }
            Step::SaveBehind { vat: of, at, raw } => {
                let mut source = &heap(raw)[..];
                let saved = self.store.snapshots().save_snapshot_behind(&vat(VATS[of]), position(at), &mut source);
                let saved = saved.unwrap();
                assert_eq!((saved.hash, saved.uncompressed_size), (Digest::of(&heap(raw)), heap(raw).len() as u64));
                self.now.save(VATS[of], at, raw, keep);
            }
            Step::SaveFailing { vat: of } => {
                let saved = self.store.snapshots().save_snapshot(&vat(VATS[of]), position(3), &mut Failing(1000));
                assert!(saved.is_err());
                let saved =
                    self.store.snapshots().save_snapshot_behind(&vat(VATS[of]), position(3), &mut Failing(1000));
                assert!(saved.is_err());
            }
            Step::Load { vat: of } => self.check_load(VATS[of]),
            Step::Info { vat: of } => self.check_info(VATS[of]),
            Step::Stop { vat: of } => {
                self.store.snapshots().stop_using_last_snapshot(&vat(VATS[of])).unwrap();
                self.now.stop(VATS[of], keep);
            }
            Step::Delete { vat: of, budget } => {
                let given = budget.map_or(Budget::Unlimited, |units| Budget::at_most(units).unwrap());
                let cleanup = self.store.snapshots().delete_vat_snapshots(&vat(VATS[of]), given).unwrap();
                assert_eq!((cleanup.done, cleanup.cleanups), self.now.delete(VATS[of], budget));
            }
            Step::DeleteUnused => {
                self.store.snapshots().delete_all_unused_snapshots().unwrap();
                self.now.rows.retain(|_, row| row.in_use);
            }
            Step::Prune => {
                let pruned = self.store.snapshots().prune_unused_snapshots().unwrap();
                let unused = self.now.rows.values_mut().filter(|row| !row.in_use && row.populated);
                assert_eq!(pruned, unused.map(|row| row.populated = false).count() as u64);
            }
            Step::DeleteByHash { vat: of, raw } => {
                let hash = Digest::of(&heap(raw));
                let mut snapshots = self.store.snapshots();
                assert_eq!(
                    snapshots.has_hash(&vat(VATS[of]), &hash).unwrap(),
                    self.now.rows.iter().any(|((vat, _), row)| *vat == VATS[of] && row.raw == raw)
                );
                snapshots.delete_snapshot_by_hash(&vat(VATS[of]), &hash).unwrap();
                self.now.rows.retain(|(vat, _), row| *vat != VATS[of] || row.raw != raw);
            }
            Step::Savepoint => {
                let Store { session, state } = &mut self.store;
                session.savepoint(&format!("t{}", self.marks.len()), &mut [state]).unwrap();
                self.marks.push(self.now.clone());
            }
            Step::Rollback { depth } => {
                let Store { session, state } = &mut self.store;
                let rolled = session.rollback_to(&format!("t{depth}"), &mut [state]);
                assert_eq!(rolled.is_ok(), depth < self.marks.len());
                if let Some(model) = self.marks.get(depth) {
                    self.now = model.clone();
                    self.marks.truncate(depth);
                }
            }
            Step::Commit => self.commit(),
            Step::Lose => {
                let tables = self.tables;
                // The lock is the old session's until it is dropped.
                self.store.session = Session::in_memory(tables).unwrap();
                self.store = Self::open(&self.location, tables, keep);
                self.now = self.committed.clone();
                self.marks.clear();
            }
            Step::Foreign { vat } => {
                self.commit();
                let other = rusqlite::Connection::open(self.location.path().unwrap()).unwrap();
                let sql = "UPDATE snapshots SET inUse = NULL WHERE vatID = ?1";
                other.execute(sql, [VATS[vat]]).unwrap();
                if let Some((at, _)) = self.now.current(VATS[vat]) {
                    self.now.rows.get_mut(&(VATS[vat], at)).unwrap().in_use = false;
                }
                self.committed = self.now.clone();
            }
        }
    }

    fn commit(&mut self) {
        let Store { session, state } = &mut self.store;
        session.release(&mut [state]).unwrap();
        for change in self.store.exports() {
            match change.split_once('=') {
                Some((key, value)) => self.host.insert(key.to_owned(), value.to_owned()),
                None => self.host.remove(&change),
            };
        }
        let Store { session, state } = &mut self.store;
        session.commit(&mut [state]).unwrap();
        self.marks.clear();
        self.committed = self.now.clone();
        assert_eq!(self.host, self.now.host);
        self.check_file();
    }

    /// What a commit must never lack, and the digest of the rows that it is of.
    fn check_file(&self) {
        const LACKING: &str = "SELECT count(*) FROM snapshots
            WHERE compressedSize IS NULL OR (inUse = 1 AND compressedSnapshot IS NULL)";
        let session = &self.store.session;
        assert_eq!(session.read().one(LACKING, [], |row| row.get::<_, u64>(0)).unwrap(), Some(0));
        let stored = stored::load(session.read(), self.tables).unwrap().unwrap();
        // Who wrote without keeping it has said so.
        if stored.kept == Kept::UpToDate {
            let table = &self.tables[0];
            assert!(stored.of(table) == Some(&scan(session.read(), table).unwrap()), "the digest is of other rows");
        }
    }

    fn check_load(&mut self, name: &str) {
        assert_eq!(self.store.load(name).ok(), self.now.current(name).map(|(_, raw)| heap(raw)));
    }

    fn check_info(&mut self, name: &str) {
        let model = self.now.current(name);
        let info = self.store.snapshots().snapshot_info(&vat(name)).unwrap();
        assert!(info.iter().all(|info| info.compressed_size.is_some()));
        let info = info.map(|info| (info.position.get(), info.hash));
        assert_eq!(info, model.map(|(at, raw)| (at, Digest::of(&heap(raw)))));
    }

    /// What can be seen without having anything put in place that was put off.
    fn glance(&self) {
        assert_eq!(self.store.records(), self.now.records());
    }

    fn check(&mut self) {
        assert_eq!(self.store.records(), self.now.records());
        let rows = self.store.snapshots().list_all().unwrap();
        assert_eq!(rows.len(), self.now.rows.len());
        for (row, ((vat, at), model)) in rows.iter().zip(&self.now.rows) {
            assert_eq!((row.vat.as_str(), row.position, row.in_use), (*vat, position(*at), model.in_use));
            assert_eq!(row.uncompressed_size, Some(heap(model.raw).len() as u64));
        }
        for name in VATS {
            self.check_info(name);
            self.check_load(name);
        }
        let dump = self.store.snapshots().dump(Extent::All).unwrap();
        let populated = dump.values().flatten().map(|one| one.compressed.is_some());
        assert!(populated.eq(self.now.rows.values().map(|row| row.populated)));

        let (substore, db) = (SnapSubstore::default(), self.store.session.read());
        assert_eq!(
            substore.artifact_names(db, ArtifactMode::Debug).count(),
            self.now.rows.values().filter(|row| row.populated).count()
        );
        assert_eq!(substore.gaps(db, ArtifactMode::Operational).unwrap(), []);
        substore.verify(db, &mut |finding| panic!("{finding:?}")).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]
    #[test]
    fn any_sequence_of_calls_does_what_the_model_does(
        steps in prop::collection::vec((step(), prop::bool::weighted(0.3)), 1..40), all: bool, older: bool,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let location = Location::File(dir.path().join("swingstore.sqlite"));
        let keep = if all { Retention::All } else { Retention::InUse };
        let tables = if older { TABLES_1A } else { TABLES };
        let (now, committed) = (Model::default(), Model::default());
        let store = World::open(&location, tables, keep);
        let mut world = World { store, location, keep, tables, host: BTreeMap::new(), now, committed, marks: vec![] };
        for (step, closely) in steps {
            world.take(step);
            if closely {
                world.check();
            } else {
                world.glance();
            }
        }
        world.check();
        world.commit();
        world.check();
    }
}
