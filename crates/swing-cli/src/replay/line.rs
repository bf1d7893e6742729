//! A line of a trace: `[op, …arguments, answer]`.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::op::Op;

/// A string, borrowed from the line unless it has escapes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// How a store was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Opening {
    Init,
    Open,
}

/// The options that a trace tells of; others do not change any answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Opened {
    pub(crate) keep_transcripts: bool,
    pub(crate) keep_snapshots: bool,
    pub(crate) export_callback: bool,
}

impl Default for Opened {
    fn default() -> Self {
        Self { keep_transcripts: true, keep_snapshots: false, export_callback: false }
    }
}

/// The arguments of a call, in one of the few forms that there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Arguments<'a> {
    None,
    /// A key, a vat, a bundle or a name.
    One(Text<'a>),
    /// A key and a value, a vat and an item, a bundle and a blob.
    Two(Text<'a>, Text<'a>),
    /// A vat and a start position or a budget.
    Number(Text<'a>, Option<u64>),
    /// A vat, a position and a blob.
    Snapshot(Text<'a>, u64, Text<'a>),
    Open(Opening, Opened),
}

/// A call of the export callback: the number of its pairs and the beginning of the digest over them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Batch<T> {
    pub(crate) pairs: u64,
    pub(crate) digest: T,
}

/// One line.
#[derive(Debug)]
pub(crate) enum Line<'a> {
    /// Somebody's mark; nothing was called.
    Mark,
    /// The export callback was called during the last call.
    Batch(Batch<Text<'a>>),
    /// A call, and what it answered, in JSON. Without an answer it returned nothing.
    Call(Op, Arguments<'a>, Option<&'a RawValue>),
}

impl<'a> Line<'a> {
    /// Parses a line without its line feed.
    pub(crate) fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Line<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(LineVisitor)
    }
}

struct LineVisitor;

impl<'de> Visitor<'de> for LineVisitor {
    type Value = Line<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array that begins with an operation")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut line: A) -> Result<Line<'de>, A::Error> {
        let letters: Text<'de> = line.next_element()?.ok_or_else(|| A::Error::custom("the line is empty"))?;
        match &*letters {
            "##" => {
                while line.next_element::<serde::de::IgnoredAny>()?.is_some() {}
                return Ok(Line::Mark);
            }
            "xe" => {
                let (pairs, digest) = (next(&mut line, &letters)?, next(&mut line, &letters)?);
                end(&mut line, &letters)?;
                return Ok(Line::Batch(Batch { pairs, digest }));
            }
            _ => {}
        }
        let op = Op::of(&letters).ok_or_else(|| A::Error::custom(format_args!("unknown operation {:?}", &*letters)))?;
        let arguments = arguments(op, &mut line)?;
        let answer = line.next_element::<&'de RawValue>()?;
        end(&mut line, &letters)?;
        Ok(Line::Call(op, arguments, answer))
    }
}

fn arguments<'de, A: SeqAccess<'de>>(op: Op, line: &mut A) -> Result<Arguments<'de>, A::Error> {
    let letters = op.letters();
    Ok(match op {
        Op::Open => {
            // The options may be missing.
            Arguments::Open(next(line, letters)?, line.next_element()?.unwrap_or_default())
        }
        Op::Commit
        | Op::Close
        | Op::StartCrank
        | Op::EndCrank
        | Op::EmitHashes
        | Op::Activityhash
        | Op::DeleteUnused => Arguments::None,
        Op::KernelSet | Op::HostSet | Op::AddItem | Op::AddBundle => {
            Arguments::Two(next(line, letters)?, next(line, letters)?)
        }
        Op::ReadSpan | Op::DeleteTranscripts | Op::DeleteSnapshots => {
            Arguments::Number(next(line, letters)?, next(line, letters)?)
        }
        Op::SaveSnapshot => Arguments::Snapshot(next(line, letters)?, next(line, letters)?, next(line, letters)?),
        _ => Arguments::One(next(line, letters)?),
    })
}

fn next<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(line: &mut A, letters: &str) -> Result<T, A::Error> {
    line.next_element()?.ok_or_else(|| A::Error::custom(format_args!("{letters:?} needs more arguments")))
}

fn end<'de, A: SeqAccess<'de>>(line: &mut A, letters: &str) -> Result<(), A::Error> {
    match line.next_element::<serde::de::IgnoredAny>()? {
        None => Ok(()),
        Some(_) => Err(A::Error::custom(format_args!("{letters:?} has more arguments than it takes"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Op, Arguments<'_>, Option<&str>) {
        match Line::parse(text) {
            Ok(Line::Call(op, arguments, answer)) => (op, arguments, answer.map(RawValue::get)),
            other => panic!("{text}: {other:?}"),
        }
    }

    fn text(text: &str) -> Text<'_> {
        Text(text.into())
    }

    #[test]
    fn calls_have_arguments_and_maybe_an_answer() {
        let none = Arguments::None;
        for (line, op, arguments, answer) in [
            (r#"["C<"]"#, Op::StartCrank, none.clone(), None),
            (r#"["Ce",["a","b"]]"#, Op::EmitHashes, none, Some(r#"["a","b"]"#)),
            (r#"["kg","k",null]"#, Op::KernelGet, Arguments::One(text("k")), Some("null")),
            (r#"["ks","k","\u007f\n\"é"]"#, Op::KernelSet, Arguments::Two(text("k"), text("\u{7f}\n\"é")), None),
            (
                r#"["ks","host.a","v",{"!":"no"}]"#,
                Op::KernelSet,
                Arguments::Two(text("host.a"), text("v")),
                Some(r#"{"!":"no"}"#),
            ),
            (r#"["tr","v1",null,[1,"x"]]"#, Op::ReadSpan, Arguments::Number(text("v1"), None), Some(r#"[1,"x"]"#)),
            (r#"["td","v1",5,{}]"#, Op::DeleteTranscripts, Arguments::Number(text("v1"), Some(5)), Some("{}")),
            (r#"["ho","init"]"#, Op::Open, Arguments::Open(Opening::Init, Opened::default()), None),
        ] {
            assert_eq!(parsed(line), (op, arguments, answer), "{line}");
        }
        let opened = Opened { keep_transcripts: false, keep_snapshots: true, export_callback: true };
        let line = r#"["ho","open",{"keepTranscripts":false,"keepSnapshots":true,"exportCallback":true,"more":1}]"#;
        assert_eq!(parsed(line).1, Arguments::Open(Opening::Open, opened));
    }

    #[test]
    fn a_string_without_escapes_is_not_copied() {
        let (_, Arguments::One(key), _) = parsed(r#"["kg","vat.names",null]"#) else { panic!() };
        assert!(matches!(key.0, Cow::Borrowed(_)));
    }

    #[test]
    fn lines_that_are_no_calls_are_told_from_calls() {
        assert!(matches!(Line::parse(r###"["##","block 1",7]"###), Ok(Line::Mark)));
        assert!(matches!(Line::parse(r#"["xe",3,"ab"]"#), Ok(Line::Batch(Batch { pairs: 3, .. }))));
        for bad in [
            "",
            "{}",
            "[]",
            r#"["zz"]"#,
            r#"["kg"]"#,
            r#"["kg",5,null]"#,
            r#"["kg","k",null,null]"#,
            r#"["xe",1]"#,
            r#"["ho","destroy"]"#,
            r#"["ss","v1",-1,"x",null]"#,
            r#"["kg","\ud800",null]"#,
        ] {
            assert!(Line::parse(bad).is_err(), "{bad}");
        }
    }
}
