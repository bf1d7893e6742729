//! Compares answers with those that were recorded.

use anyhow::Result;
use serde_json::Value;
use serde_json::value::RawValue;

use super::answer::Answer;
use super::line::{Batch, Text};
use super::op::Op;
use crate::console::chain;

/// More are counted, but not shown.
const SHOWN: usize = 20;
/// The longest piece of an answer that is shown.
const EXCERPT: usize = 300;

/// An answer that is not the recorded one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The line of the trace.
    pub line: u64,
    /// What was called: two letters.
    pub op: &'static str,
    /// What was recorded.
    pub expected: String,
    /// What came.
    pub got: String,
}

/// What was found so far.
#[derive(Default)]
pub(super) struct Comparison {
    pub(super) mismatches: u64,
    /// The first of them.
    pub(super) shown: Vec<Mismatch>,
    text: Vec<u8>,
}

impl Comparison {
    /// Compares an answer.
    pub(super) fn answer(
        &mut self,
        line: u64,
        op: Op,
        recorded: Option<&RawValue>,
        got: &Result<Answer>,
    ) -> Result<()> {
        let recorded = recorded.map_or("", RawValue::get);
        let failed = fails(recorded);
        let got = match got {
            Err(_) if failed => return Ok(()),
            Err(error) => format!("an error: {}", chain(error)),
            Ok(answer) => {
                self.text.clear();
                answer.write(&mut self.text)?;
                if !failed && same(recorded, &self.text) {
                    return Ok(());
                }
                String::from_utf8_lossy(&self.text).into_owned()
            }
        };
        self.differs(line, op.letters(), recorded.to_owned(), got);
        Ok(())
    }

    /// Notes a failure that was not recorded as one; anything else is well.
    pub(super) fn failure(&mut self, line: u64, op: Op, recorded: Option<&RawValue>, got: &Result<Answer>) {
        let recorded = recorded.map_or("", RawValue::get);
        if let Err(error) = got
            && !fails(recorded)
        {
            self.differs(line, op.letters(), recorded.to_owned(), format!("an error: {}", chain(error)));
        }
    }

    /// Compares a call of the export callback; either side may be missing.
    pub(super) fn batch(&mut self, line: u64, recorded: Option<&Batch<Text<'_>>>, got: Option<&Batch<String>>) {
        let same = match (recorded, got) {
            (Some(recorded), Some(got)) => recorded.pairs == got.pairs && *recorded.digest == *got.digest,
            (None, None) => true,
            _ => false,
        };
        if same {
            return;
        }
        let shown = |pairs: u64, digest: &str| format!("a batch of {pairs} pairs ({digest})");
        let none = || "no call of the export callback".to_owned();
        let expected = recorded.map_or_else(none, |batch| shown(batch.pairs, &batch.digest));
        self.differs(line, "xe", expected, got.map_or_else(none, |batch| shown(batch.pairs, &batch.digest)));
    }

    fn differs(&mut self, line: u64, op: &'static str, expected: String, got: String) {
        self.mismatches += 1;
        if self.shown.len() < SHOWN {
            self.shown.push(Mismatch { line, op, expected: excerpt(expected), got: excerpt(got) });
        }
    }
}

/// Whether the recorded call threw. What it said is its own business.
fn fails(recorded: &str) -> bool {
    recorded.starts_with("{\"!\"")
}

/// As text in most cases; as JSON where a recorder lays it out in another way.
fn same(recorded: &str, got: &[u8]) -> bool {
    if recorded.as_bytes() == got {
        return true;
    }
    let nothing = |text: &[u8]| text.is_empty() || text == b"null";
    if nothing(recorded.as_bytes()) || nothing(got) {
        return nothing(recorded.as_bytes()) && nothing(got);
    }
    let recorded: Option<Value> = serde_json::from_str(recorded).ok();
    recorded.is_some() && recorded == serde_json::from_slice(got).ok()
}

fn excerpt(mut text: String) -> String {
    if text.is_empty() {
        return "nothing".to_owned();
    }
    if let Some((end, _)) = text.char_indices().nth(EXCERPT) {
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(recorded: Option<&str>, got: &Result<Answer>) -> Vec<Mismatch> {
        let recorded = recorded.map(|text| RawValue::from_string(text.to_owned()).unwrap());
        let mut comparison = Comparison::default();
        comparison.answer(7, Op::KernelHas, recorded.as_deref(), got).unwrap();
        assert_eq!(comparison.mismatches, comparison.shown.len() as u64);
        comparison.shown
    }

    #[test]
    fn answers_agree_or_are_shown_with_their_line() {
        assert_eq!(compared(Some("true"), &Ok(Answer::Flag(true))), []);
        assert_eq!(compared(None, &Ok(Answer::Nothing)), []);
        assert_eq!(compared(Some("null"), &Ok(Answer::Nothing)), []);
        assert_eq!(compared(Some(" [ 0, 1 ]"), &Ok(Answer::Flag(true))).len(), 1);
        let wrong = compared(Some("true"), &Ok(Answer::Flag(false)));
        assert_eq!(wrong, [Mismatch { line: 7, op: "kh", expected: "true".into(), got: "false".into() }]);
    }

    #[test]
    fn a_call_that_threw_must_fail_whatever_it_says() {
        let threw = Some(r#"{"!":"no such key"}"#);
        assert_eq!(compared(threw, &Err(anyhow::anyhow!("another message"))), []);
        assert_eq!(compared(threw, &Ok(Answer::Nothing))[0].got, "nothing");
        assert_eq!(compared(None, &Err(anyhow::anyhow!("full")))[0].got, "an error: full");
    }

    #[test]
    fn a_recorded_layout_does_not_matter_but_the_values_do() {
        let cleanup = Ok(Answer::Cleanup(swing_core::Cleanup { done: true, cleanups: 3 }));
        assert_eq!(compared(Some(r#"{"cleanups": 3, "done": true}"#), &cleanup), []);
        assert_eq!(compared(Some(r#"{"cleanups": 2, "done": true}"#), &cleanup).len(), 1);
    }

    #[test]
    fn of_many_mismatches_the_first_are_shown() {
        let mut comparison = Comparison::default();
        let got = Batch { pairs: 1, digest: "ab".to_owned() };
        (1..=50).for_each(|line| comparison.batch(line, None, Some(&got)));
        assert_eq!((comparison.mismatches, comparison.shown.len(), comparison.shown[0].line), (50, SHOWN, 1));
        comparison.batch(51, None, None);
        assert_eq!(comparison.mismatches, 50);
    }
}
