//! A store under test and what has been seen of its exports.

use super::ops::{Answer, Op, Outcome, call};
use crate::testing::{Batch, Record, StoreUnderTest, TestOptions};

/// A store under test, driven by [`Op`]s.
pub struct Driven<S> {
    /// Taken only while it is being reopened.
    store: Option<S>,
    seen: usize,
}

crate::opaque!(Driven<S>);

impl<S: StoreUnderTest> Driven<S> {
    /// A new, empty store.
    #[must_use]
    pub fn fresh(options: TestOptions) -> Self {
        Self { store: Some(S::fresh(options)), seen: 0 }
    }

    fn store(&mut self) -> &mut S {
        self.store.as_mut().expect("reopening puts the store back, or the test has failed")
    }

    /// Makes a call.
    pub fn run(&mut self, op: &Op) -> Outcome {
        if *op == Op::Reopen {
            self.store = self.store.take().map(S::reopen);
            return Ok(Answer::Done);
        }
        call(self.store(), op)
    }

    /// Makes a call that must not fail.
    #[track_caller]
    pub fn ok(&mut self, op: Op) -> Answer {
        match self.run(&op) {
            Ok(answer) => answer,
            Err(refusal) => panic!("{op:?} failed: {}", refusal.0),
        }
    }

    /// Makes calls that must not fail.
    #[track_caller]
    pub fn all(&mut self, ops: impl IntoIterator<Item = Op>) {
        for op in ops {
            self.ok(op);
        }
    }

    /// Makes a call that must fail.
    #[track_caller]
    pub fn refused(&mut self, op: Op) {
        if let Ok(answer) = self.run(&op) {
            panic!("{op:?} should have failed but answered {answer:?}");
        }
    }

    /// Makes a call that must answer this.
    #[track_caller]
    pub fn answers(&mut self, op: Op, expected: Answer) {
        let shown = format!("{op:?}");
        assert_eq!(self.ok(op), expected, "{shown}");
    }

    /// The batches that the export callback took since this was asked last.
    pub fn batches(&mut self) -> Vec<Batch> {
        let batches = self.store().exports();
        let new = batches.get(self.seen..).unwrap_or_default().to_vec();
        self.seen = batches.len();
        new
    }

    /// All export records of the last commit.
    pub fn full_export(&mut self) -> Vec<Record> {
        self.store().full_export()
    }
}
