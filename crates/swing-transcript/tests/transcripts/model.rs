//! A transcriptStore as plain as can be: maps of spans with their items, copied whole at every savepoint.

use std::collections::BTreeMap;

use swing_core::Digest;
use swing_transcript::{Retention, extend, initial_hash};

/// A span and everything that was ever added to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModelSpan {
    pub(crate) start: u64,
    pub(crate) items: Vec<String>,
    pub(crate) pruned: bool,
    pub(crate) current: bool,
    pub(crate) incarnation: u64,
}

impl ModelSpan {
    fn empty(start: u64, incarnation: u64) -> Self {
        Self { start, items: Vec::new(), pruned: false, current: true, incarnation }
    }

    pub(crate) fn end(&self) -> u64 {
        self.start + self.items.len() as u64
    }

    pub(crate) fn hash(&self) -> Digest {
        self.items.iter().fold(initial_hash(), |hash, item| extend(hash, item))
    }

    fn key(&self, vat: &str) -> String {
        match self.current {
            true => format!("transcript.{vat}.current"),
            false => format!("transcript.{vat}.{}", self.start),
        }
    }

    fn record(&self, vat: &str) -> String {
        let (start, end, hash, incarnation) = (self.start, self.end(), self.hash(), self.incarnation);
        let current = u8::from(self.current);
        format!(
            r#"{{"vatID":"{vat}","startPos":{start},"endPos":{end},"hash":"{hash}","isCurrent":{current},"incarnation":{incarnation}}}"#
        )
    }

    pub(crate) fn artifact(&self, vat: &str) -> (String, Vec<u8>) {
        let bytes = self.items.iter().map(|item| format!("{item}\n")).collect::<String>();
        (format!("transcript.{vat}.{}.{}", self.start, self.end()), bytes.into_bytes())
    }
}

pub(crate) type Vats = BTreeMap<&'static str, Vec<ModelSpan>>;

/// Everything that a rollback brings back.
#[derive(Debug, Clone, Default)]
pub(crate) struct Block {
    pub(crate) vats: Vats,
    pub(crate) exports: BTreeMap<String, Option<String>>,
}

pub(crate) struct Model {
    pub(crate) keep: Retention,
    pub(crate) archive_fails: bool,
    pub(crate) archived: Vec<(String, Vec<u8>)>,
    pub(crate) block: Block,
}

type Outcome<T> = Result<T, &'static str>;

impl Model {
    pub(crate) fn new(keep: Retention) -> Self {
        Self { keep, archive_fails: false, archived: Vec::new(), block: Block::default() }
    }

    pub(crate) fn spans(&self, vat: &str) -> &[ModelSpan] {
        self.block.vats.get(vat).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn current(&self, vat: &str) -> Outcome<&ModelSpan> {
        self.spans(vat).iter().find(|span| span.current).ok_or("no current")
    }

    fn note(&mut self, vat: &'static str, span: &ModelSpan) {
        self.block.exports.insert(span.key(vat), Some(span.record(vat)));
    }

    pub(crate) fn init(&mut self, vat: &'static str) -> Outcome<()> {
        if self.spans(vat).iter().any(|span| span.start == 0 || span.current) {
            return Err("exists");
        }
        let span = ModelSpan::empty(0, 0);
        self.note(vat, &span);
        self.block.vats.entry(vat).or_default().push(span);
        Ok(())
    }

    pub(crate) fn add(&mut self, vat: &'static str, item: &str) -> Outcome<()> {
        self.current(vat)?;
        if item.contains('\n') {
            return Err("line feed");
        }
        let spans = self.block.vats.entry(vat).or_default();
        let span = spans.iter_mut().find(|span| span.current).ok_or("no current")?;
        span.items.push(item.to_owned());
        let span = span.clone();
        self.note(vat, &span);
        Ok(())
    }

    fn close(&mut self, vat: &'static str) -> Outcome<()> {
        if self.archive_fails {
            return Err("archive");
        }
        let spans = self.block.vats.entry(vat).or_default();
        let span = spans.iter_mut().find(|span| span.current).ok_or("no current")?;
        self.archived.push(span.artifact(vat));
        span.current = false;
        span.pruned = self.keep == Retention::Drop;
        let span = span.clone();
        self.note(vat, &span);
        Ok(())
    }

    pub(crate) fn rollover(&mut self, vat: &'static str, upgrade: u64) -> Outcome<u64> {
        let span = self.current(vat)?;
        if span.items.is_empty() {
            return Err("empty span");
        }
        let next = ModelSpan::empty(span.end(), span.incarnation + upgrade);
        self.close(vat)?;
        self.note(vat, &next);
        let incarnation = next.incarnation;
        self.block.vats.entry(vat).or_default().push(next);
        Ok(incarnation)
    }

    pub(crate) fn stop(&mut self, vat: &'static str) -> Outcome<()> {
        if self.current(vat).is_ok() {
            self.close(vat)?;
            self.block.exports.insert(format!("transcript.{vat}.current"), None);
        }
        Ok(())
    }

    /// Answers whether that was all, and how many.
    pub(crate) fn delete(&mut self, vat: &'static str, budget: usize) -> (bool, u64) {
        let spans = self.block.vats.entry(vat).or_default();
        let gone = spans.split_off(spans.len().saturating_sub(budget));
        let done = spans.is_empty();
        self.block.exports.extend(gone.iter().map(|span| (span.key(vat), None)));
        (done, gone.len() as u64)
    }

    /// The export data of the whole store.
    pub(crate) fn records(&self) -> Vec<(String, String)> {
        let of_vat = |(vat, spans): (&&'static str, &Vec<ModelSpan>)| {
            spans.iter().map(|span| (span.key(vat), span.record(vat))).collect::<Vec<_>>()
        };
        self.block.vats.iter().flat_map(of_vat).collect()
    }
}
