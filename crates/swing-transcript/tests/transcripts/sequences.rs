//! Any sequence of calls, with savepoints, commits and crashes, gives what the model gives.

use std::collections::BTreeMap;

use proptest::prelude::*;
use swing_core::roles::TranscriptStore as _;
use swing_core::{ArtifactMode, Budget};
use swing_transcript::{History, Retention};

use crate::archiving::{Kept, Mood, archiving, archiving_on};
use crate::common::{Store, at, kind, vat};
use crate::model::{Block, Model, ModelSpan};

const VATS: [&str; 3] = ["v1", "v10", "v2"];
const TEXTS: [&str; 6] = ["", "a", " \r\t", "é\u{2028}", "two\nlines", "zeroth"];

#[derive(Debug, Clone)]
enum Step {
    Init(usize),
    Add(usize, usize),
    Rollover(usize, bool),
    Stop(usize),
    Delete(usize, Option<u64>),
    Archive(bool),
    Savepoint,
    Rollback(usize),
    EndCrank,
    Flush,
    Commit,
    /// Commits, closes and opens again.
    Reopen,
    /// Closes without committing and opens again.
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    let vat = 0..VATS.len();
    prop_oneof![
        4 => vat.clone().prop_map(Step::Init),
        20 => (vat.clone(), 0..TEXTS.len()).prop_map(|(vat, text)| Step::Add(vat, text)),
        8 => (vat.clone(), any::<bool>()).prop_map(|(vat, upgrade)| Step::Rollover(vat, upgrade)),
        2 => vat.clone().prop_map(Step::Stop),
        3 => (vat, prop::option::of(1..4u64)).prop_map(|(vat, budget)| Step::Delete(vat, budget)),
        1 => prop::bool::weighted(0.3).prop_map(Step::Archive),
        4 => Just(Step::Savepoint),
        3 => (0..4usize).prop_map(Step::Rollback),
        2 => Just(Step::EndCrank),
        2 => Just(Step::Flush),
        2 => Just(Step::Commit),
        1 => Just(Step::Reopen),
        1 => Just(Step::Crash),
    ]
}

struct Run {
    store: Store,
    kept: Kept,
    model: Model,
    marks: Vec<Block>,
    /// What the host has been told, folded.
    host: BTreeMap<String, String>,
    committed: (Vec<u8>, Block, BTreeMap<String, String>),
}

impl Run {
    fn new(keep: Retention) -> Self {
        let (options, kept) = archiving(keep);
        let store = Store::new(options);
        let committed = (store.session.serialize().unwrap(), Block::default(), BTreeMap::new());
        Self { store, kept, model: Model::new(keep), marks: Vec::new(), host: BTreeMap::new(), committed }
    }

    fn open(&mut self) {
        let (image, block, host) = self.committed.clone();
        let keep = self.model.keep;
        self.store = Store::from_image(Some(image), archiving_on(keep, &self.kept));
        (self.model.block, self.host) = (block, host);
        self.marks.clear();
    }

    fn hand_over(&mut self) {
        let batch = self.store.hand_over();
        let expected: Vec<_> = std::mem::take(&mut self.model.block.exports).into_iter().collect();
        assert_eq!(batch, expected);
        for (key, value) in batch {
            match value {
                Some(value) => drop(self.host.insert(key, value)),
                None => drop(self.host.remove(&key)),
            }
        }
    }

    fn commit(&mut self) {
        self.store.release();
        self.marks.clear();
        self.hand_over();
        self.store.commit();
        self.committed = (self.store.session.serialize().unwrap(), self.model.block.clone(), self.host.clone());
        self.check_committed();
    }

    fn act(&mut self, step: &Step) {
        let Self { store, model, .. } = self;
        match *step {
            Step::Init(at) => same(store.view().init_transcript(&vat(VATS[at])), model.init(VATS[at])),
            Step::Add(at, text) => {
                same(store.view().add_item(&vat(VATS[at]), TEXTS[text]), model.add(VATS[at], TEXTS[text]));
            }
            Step::Rollover(at, false) => {
                let incarnation = store.view().rollover_span(&vat(VATS[at])).map(|number| number.get());
                same(incarnation, model.rollover(VATS[at], 0));
            }
            Step::Rollover(at, true) => {
                let incarnation = store.view().rollover_incarnation(&vat(VATS[at])).map(|number| number.get());
                same(incarnation, model.rollover(VATS[at], 1));
            }
            Step::Stop(at) => same(store.view().stop_using_transcript(&vat(VATS[at])), model.stop(VATS[at])),
            Step::Delete(at, budget) => {
                let limit = budget.map_or(Budget::Unlimited, |budget| Budget::at_most(budget).unwrap());
                let cleanup = store.view().delete_vat_transcripts(&vat(VATS[at]), limit).unwrap();
                let expected = model.delete(VATS[at], budget.map_or(usize::MAX, |budget| budget as usize));
                assert_eq!((cleanup.done, cleanup.cleanups), expected);
            }
            Step::Archive(fails) => {
                model.archive_fails = fails;
                self.kept.lock().unwrap().0 = if fails { Mood::FailAfter } else { Mood::Keep };
            }
            Step::Savepoint => {
                store.savepoint(&format!("t{}", self.marks.len()));
                self.marks.push(model.block.clone());
            }
            Step::Rollback(depth) => {
                if depth < self.marks.len() {
                    store.rollback(&format!("t{depth}"));
                    model.block = self.marks[depth].clone();
                    self.marks.truncate(depth);
                }
            }
            Step::EndCrank => {
                store.release();
                self.marks.clear();
                self.hand_over();
            }
            Step::Flush => store.flush(),
            Step::Commit => self.commit(),
            Step::Reopen => {
                self.commit();
                self.open();
            }
            Step::Crash => self.open(),
        }
    }

    /// What any reader would see, at any time.
    fn check(&mut self) {
        for name in VATS {
            let expected = self.model.spans(name).to_vec();
            let spans = self.store.view().spans(&vat(name)).unwrap();
            let flat = spans.iter().map(|s| (s.start.get(), s.end.get(), s.hash, s.is_current, s.incarnation.get()));
            let model = expected.iter().map(|s| (s.start, s.end(), s.hash(), s.current, s.incarnation));
            assert_eq!(flat.collect::<Vec<_>>(), model.collect::<Vec<_>>());
            let bounds =
                self.store.view().current_span_bounds(&vat(name)).map(|bounds| (bounds.start.get(), bounds.end.get()));
            same(bounds, self.model.current(name).map(|span| (span.start, span.end())));
            for span in &expected {
                self.check_items(name, span);
            }
            let full: Vec<_> = self.store.view().full_transcript(&vat(name)).unwrap().map(Result::unwrap).collect();
            assert_eq!(full, kept_items(&expected).collect::<Vec<_>>());
        }
        for history in [History::Current, History::All] {
            let shown = |spans: &[ModelSpan]| -> Vec<_> {
                let spans: Vec<_> = spans.iter().filter(|s| s.current || history == History::All).cloned().collect();
                kept_items(&spans).collect()
            };
            let dump = self.store.view().dump(history).unwrap();
            let dump: Vec<_> =
                dump.into_iter().map(|(vat, items)| (vat.to_string(), items.into_iter().collect())).collect();
            let vats = self.model.block.vats.iter().map(|(vat, spans)| ((*vat).to_owned(), shown(spans)));
            assert_eq!(dump, vats.filter(|(_, items)| !items.is_empty()).collect::<Vec<(_, Vec<_>)>>());
        }
        assert_eq!(self.kept.lock().unwrap().1, self.model.archived);
        assert_eq!(self.store.session.has_exports(), !self.model.block.exports.is_empty());
    }

    fn check_items(&mut self, name: &str, span: &ModelSpan) {
        let expected = if span.pruned && !span.items.is_empty() { Err("incomplete") } else { Ok(span.items.clone()) };
        same(self.store.items(name, Some(span.start)), expected.clone());
        let mut cursor = self.store.view().open_cursor(&vat(name), Some(at(span.start))).unwrap();
        let mut items = Vec::new();
        let by_cursor = loop {
            match cursor.next_batch(&self.store.view(), 2, 3) {
                Ok(batch) if batch.is_empty() => break Ok(items),
                Ok(batch) => items.extend(batch),
                Err(error) => break Err(error),
            }
        };
        same(by_cursor, expected);
    }

    /// What tools see of a commit.
    fn check_committed(&mut self) {
        let records = self.store.records();
        assert_eq!(records, self.model.records());
        assert_eq!(records.iter().cloned().collect::<BTreeMap<_, _>>(), self.host);
        assert_eq!(self.store.findings(), [""; 0]);
        let (records, artifacts) = self.store.export(ArtifactMode::Debug);
        for mode in ArtifactMode::ALL {
            let (copy, _) = Store::import(mode, &records, &artifacts).unwrap();
            assert_eq!(copy.records(), self.model.records());
            assert_eq!(copy.findings(), [""; 0]);
            assert_eq!(copy.gaps(mode).is_empty(), self.store.gaps(mode).is_empty());
            if mode == ArtifactMode::Debug {
                assert_eq!(copy.export(mode), (records.clone(), artifacts.clone()));
            }
        }
    }
}

fn kept_items(spans: &[ModelSpan]) -> impl Iterator<Item = (swing_core::Position, String)> {
    spans.iter().filter(|span| !span.pruned).flat_map(|span| {
        let start = span.start;
        span.items.iter().enumerate().map(move |(number, item)| (at(start + number as u64), item.clone()))
    })
}

fn same<T: PartialEq + std::fmt::Debug>(
    actual: Result<T, swing_transcript::TranscriptError>,
    expected: Result<T, &'static str>,
) {
    assert_eq!(actual.map_err(|error| kind(&error)), expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn every_answer_is_the_models(keep in prop::bool::ANY, steps in prop::collection::vec(step(), 1..60)) {
        let mut run = Run::new(if keep { Retention::Keep } else { Retention::Drop });
        VATS.iter().enumerate().for_each(|(number, _)| run.act(&Step::Init(number)));
        for step in &steps {
            run.act(step);
            run.check();
        }
        run.commit();
        run.check();
    }
}
