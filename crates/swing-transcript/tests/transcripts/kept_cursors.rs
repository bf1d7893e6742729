//! Cursors that are kept while anything happens to their spans, and reads beside them, give what a model without any memory gives.

use proptest::prelude::*;
use swing_core::Budget;
use swing_core::roles::TranscriptStore as _;
use swing_transcript::{Retention, SpanCursor, TranscriptOptions};

use crate::common::{Store, at, kind, vat};
use crate::model::{Block, Model};

const VATS: [&str; 2] = ["v1", "v2"];
/// Few and short, so that a new transcript often is as the one before it.
const TEXTS: [&str; 2] = ["a", "bc"];

#[derive(Debug, Clone)]
enum Step {
    /// Begins where there is nothing.
    Add(usize, usize),
    Rollover(usize),
    Stop(usize),
    Delete(usize, Option<u64>),
    Savepoint,
    Rollback(usize),
    Flush,
    Commit,
    Invalidate,
    Read(usize, usize),
    Open(usize, usize),
    Clone(usize),
    Batch(usize, usize),
    Refuse(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let (vat, cursor) = (0..VATS.len(), 0..4_usize);
    prop_oneof![
        8 => (vat.clone(), 0..TEXTS.len()).prop_map(|(vat, text)| Step::Add(vat, text)),
        1 => vat.clone().prop_map(Step::Rollover),
        1 => vat.clone().prop_map(Step::Stop),
        3 => (vat.clone(), prop::option::of(1..3_u64)).prop_map(|(vat, budget)| Step::Delete(vat, budget)),
        1 => Just(Step::Savepoint),
        1 => (0..2_usize).prop_map(Step::Rollback),
        1 => Just(Step::Flush),
        1 => Just(Step::Commit),
        1 => Just(Step::Invalidate),
        8 => (vat.clone(), 0..3_usize).prop_map(|(vat, back)| Step::Read(vat, back)),
        6 => (vat, 0..2_usize).prop_map(|(vat, back)| Step::Open(vat, back)),
        1 => cursor.clone().prop_map(Step::Clone),
        12 => (cursor.clone(), 1..4_usize).prop_map(|(cursor, most)| Step::Batch(cursor, most)),
        1 => (cursor, 0..3_usize).prop_map(|(cursor, taken)| Step::Refuse(cursor, taken)),
    ]
}

/// A cursor, and what its span was when it was opened.
#[derive(Clone)]
struct Kept {
    cursor: SpanCursor,
    vat: &'static str,
    start: u64,
    items: Vec<String>,
    /// What it has answered.
    read: Vec<String>,
    /// The span has been there all the time.
    is_whole: bool,
    is_over: bool,
}

struct Run {
    store: Store,
    model: Model,
    marks: Vec<Block>,
    cursors: Vec<Kept>,
}

impl Run {
    fn new(keep: Retention) -> Self {
        let store = Store::new(TranscriptOptions { keep, archive: None });
        Self { store, model: Model::new(keep), marks: Vec::new(), cursors: Vec::new() }
    }

    /// What is there of a span.
    fn there(&self, vat: &str, start: u64) -> Option<&[String]> {
        let span = self.model.spans(vat).iter().find(|span| span.start == start)?;
        Some(if span.pruned { &[] } else { &span.items })
    }

    /// Whatever span it is in.
    fn item(&self, vat: &str, place: u64) -> Option<&String> {
        let mut spans = self.model.spans(vat).iter();
        let span = spans.find(|span| (span.start..span.end()).contains(&place) && !span.pruned)?;
        span.items.get(usize::try_from(place - span.start).ok()?)
    }

    fn act(&mut self, step: &Step) {
        let Self { store, model, .. } = self;
        match *step {
            Step::Add(name, text) => {
                if model.init(VATS[name]).is_ok() {
                    store.view().init_transcript(&vat(VATS[name])).unwrap();
                }
                let added = store.view().add_item(&vat(VATS[name]), TEXTS[text]);
                assert_eq!(added.map_err(|error| kind(&error)), model.add(VATS[name], TEXTS[text]));
            }
            Step::Rollover(name) => {
                let begun = store.view().rollover_span(&vat(VATS[name])).map(|number| number.get());
                assert_eq!(begun.map_err(|error| kind(&error)), model.rollover(VATS[name], 0));
            }
            Step::Stop(name) => {
                store.view().stop_using_transcript(&vat(VATS[name])).unwrap();
                model.stop(VATS[name]).unwrap();
            }
            Step::Delete(name, budget) => {
                let limit = budget.map_or(Budget::Unlimited, |budget| Budget::at_most(budget).unwrap());
                store.view().delete_vat_transcripts(&vat(VATS[name]), limit).unwrap();
                model.delete(VATS[name], budget.map_or(usize::MAX, |budget| budget as usize));
            }
            Step::Savepoint => {
                store.savepoint(&format!("t{}", self.marks.len()));
                self.marks.push(model.block.clone());
            }
            Step::Rollback(depth) if depth < self.marks.len() => {
                store.rollback(&format!("t{depth}"));
                model.block = self.marks[depth].clone();
                self.marks.truncate(depth);
            }
            Step::Rollback(_) => {}
            Step::Flush => store.flush(),
            Step::Commit => {
                store.release();
                self.marks.clear();
                store.commit();
            }
            Step::Invalidate => store.session.invalidate(),
            Step::Read(name, back) => self.read(VATS[name], back),
            Step::Open(name, back) => self.open(VATS[name], back),
            Step::Clone(number) => {
                let kept = self.cursors.get(number).cloned();
                self.cursors.extend(kept);
            }
            Step::Batch(number, most) => self.batch(number, most, usize::MAX),
            Step::Refuse(number, taken) => self.batch(number, 3, taken),
        }
        for number in 0..self.cursors.len() {
            let kept = &self.cursors[number];
            let is_there = self.there(kept.vat, kept.start).is_some_and(|there| there.starts_with(&kept.items));
            self.cursors[number].is_whole &= is_there;
        }
    }

    /// The last span but so many, as often as it takes to be held.
    fn read(&mut self, name: &str, back: usize) {
        let Some(span) = self.model.spans(name).iter().rev().nth(back).cloned() else { return };
        let expected = if span.pruned && !span.items.is_empty() { Err("incomplete") } else { Ok(span.items) };
        for _ in 0..=back {
            let items = self.store.items(name, Some(span.start));
            assert_eq!(items.map_err(|error| kind(&error)), expected);
        }
    }

    fn open(&mut self, name: &'static str, back: usize) {
        let Some(span) = self.model.spans(name).iter().rev().nth(back).cloned() else { return };
        let cursor = self.store.view().open_cursor(&vat(name), Some(at(span.start))).unwrap();
        let (start, items) = (span.start, span.items);
        let kept = Kept { cursor, vat: name, start, items, read: Vec::new(), is_whole: !span.pruned, is_over: false };
        self.cursors.push(kept);
    }

    fn batch(&mut self, number: usize, most: usize, refuse_after: usize) {
        let Some(mut kept) = self.cursors.get(number).cloned() else { return };
        // Not a clone, which may hold less.
        std::mem::swap(&mut kept.cursor, &mut self.cursors[number].cursor);
        let mut batch = Vec::new();
        let outcome = kept.cursor.visit_batch(&self.store.view(), most, usize::MAX, |item| {
            if batch.len() == refuse_after {
                return Err(swing_transcript::TranscriptError::LineFeed { vat: vat(kept.vat), position: at(0) });
            }
            batch.push(item.to_owned());
            Ok(())
        });
        let outcome = outcome.map_err(|error| kind(&error));
        if kept.is_over {
            assert_eq!((outcome, batch.len(), kept.cursor.remaining()), (Ok(()), 0, 0), "it goes on after its end");
            std::mem::swap(&mut kept.cursor, &mut self.cursors[number].cursor);
            return;
        }
        let left = kept.items.len() - kept.read.len();
        let from = kept.read.len();
        kept.read.extend(batch.iter().cloned());
        match outcome {
            Ok(()) if left <= most => {
                assert_eq!(kept.read, kept.items, "it ends well with others than it had to answer");
                let stands = |(place, item): (u64, &String)| self.item(kept.vat, place) == Some(item);
                assert!((kept.start + from as u64..).zip(&batch).all(stands), "they are gone: {batch:?}");
                kept.is_over = true;
            }
            Ok(()) => {
                assert!(!batch.is_empty());
                kept.is_over = batch.len() >= left;
            }
            Err("line feed") if refuse_after <= batch.len() => kept.is_over = true,
            Err(error) => {
                assert!(["incomplete", "hash"].contains(&error), "{error}");
                assert!(!kept.is_whole, "its span is there: {error}");
                kept.is_over = true;
            }
        }
        let left = if kept.is_over { 0 } else { kept.items.len() - kept.read.len() };
        if kept.is_over || kept.is_whole {
            assert_eq!(kept.cursor.remaining(), left as u64);
        }
        if !kept.is_over && kept.cursor.remaining() != left as u64 {
            // There are gaps in what it reads: what it answers is not good, and it must say so in the end.
            assert!(kept.cursor.remaining() < left as u64);
            let rest = kept.cursor.next_batch(&self.store.view(), usize::MAX, usize::MAX);
            assert!(rest.is_err());
            kept.is_over = true;
        }
        self.cursors[number] = kept;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn a_kept_cursor_answers_its_span_or_an_error(keep in any::<bool>(), steps in prop::collection::vec(step(), 1..80)) {
        let mut run = Run::new(if keep { Retention::Keep } else { Retention::Drop });
        steps.iter().for_each(|step| run.act(step));
        for name in VATS {
            (0..3).for_each(|back| run.read(name, back));
        }
        for number in 0..run.cursors.len() {
            run.batch(number, usize::MAX, usize::MAX);
        }
    }
}
