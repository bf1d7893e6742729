//! The archive gets every closed span, whole, before anything changes.

use std::io::Read;
use std::sync::{Arc, Mutex};

use swing_core::roles::TranscriptStore as _;
use swing_core::{ArchiveError, ArtifactName, TranscriptArchive};
use swing_transcript::{Retention, TranscriptOptions, TranscriptState};

use crate::common::{Store, kind, vat};

/// What an archive does with what it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Keep,
    FailBefore,
    FailAfter,
    /// Ignores that it could not read.
    Swallow,
}

pub(crate) type Kept = Arc<Mutex<(Mood, Vec<(String, Vec<u8>)>)>>;

struct Shelf(Kept);

impl TranscriptArchive for Shelf {
    fn transcript(&mut self, name: &ArtifactName, artifact: &mut dyn Read) -> Result<(), ArchiveError> {
        let mut shelf = self.0.lock().unwrap();
        let mut bytes = Vec::new();
        match shelf.0 {
            Mood::FailBefore => return Err("no room".into()),
            Mood::FailAfter => {
                artifact.read_to_end(&mut bytes)?;
                return Err("no room".into());
            }
            Mood::Swallow => drop(artifact.read_to_end(&mut bytes)),
            Mood::Keep => drop(artifact.read_to_end(&mut bytes)?),
        }
        shelf.1.push((name.to_string(), bytes));
        Ok(())
    }
}

pub(crate) fn archiving(keep: Retention) -> (TranscriptOptions, Kept) {
    let kept = Kept::new(Mutex::new((Mood::Keep, Vec::new())));
    (archiving_on(keep, &kept), kept)
}

pub(crate) fn archiving_on(keep: Retention, kept: &Kept) -> TranscriptOptions {
    TranscriptOptions { keep, archive: Some(Box::new(Shelf(kept.clone()))) }
}

#[test]
fn closed_spans_are_archived_whole() {
    for keep in [Retention::Keep, Retention::Drop] {
        let mut store = Store::of(&[("v1", "ab")]);
        let (options, kept) = archiving(keep);
        store.state = TranscriptState::new(options);
        store.add("v1", &["c"]);
        store.view().rollover_span(&vat("v1")).unwrap();
        store.add("v1", &["d"]);
        store.view().rollover_incarnation(&vat("v1")).unwrap();
        store.view().stop_using_transcript(&vat("v1")).unwrap();
        let expected = [("transcript.v1.0.3", "a\nb\nc\n"), ("transcript.v1.3.4", "d\n"), ("transcript.v1.4.4", "")]
            .map(|(name, bytes)| (name.to_owned(), bytes.as_bytes().to_vec()));
        assert_eq!(kept.lock().unwrap().1, expected);
    }
}

#[test]
fn a_failing_archive_leaves_the_span_open() {
    for mood in [Mood::FailBefore, Mood::FailAfter] {
        let mut store = Store::of(&[("v1", "ab")]);
        let (options, kept) = archiving(Retention::Drop);
        store.state = TranscriptState::new(options);
        kept.lock().unwrap().0 = mood;
        let error = store.view().rollover_span(&vat("v1")).unwrap_err();
        assert_eq!(error.to_string(), "could not archive transcript.v1.0.2");
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "no room");
        assert_eq!(kind(&store.view().stop_using_transcript(&vat("v1")).unwrap_err()), "archive");
        assert_eq!(store.spans("v1"), [(0, 2, true, 0)]);
        assert_eq!(store.items("v1", None).unwrap(), ["a", "b"]);
        assert_eq!(store.commit(), []);
    }
}

#[test]
fn a_span_that_is_not_whole_is_not_archived_and_not_closed() {
    for mood in [Mood::Keep, Mood::Swallow] {
        for (sql, why) in [
            ("DELETE FROM transcriptItems WHERE position = 0", "incomplete"),
            ("UPDATE transcriptItems SET item = 'x' WHERE position = 0", "hash"),
            ("UPDATE transcriptItems SET item = 'x' || char(10) || 'y' WHERE position = 0", "line feed"),
            ("UPDATE transcriptItems SET item = x'ff' WHERE position = 0", "session"),
        ] {
            let mut store = Store::of(&[("v1", "ab")]);
            store.damage(sql);
            let (options, kept) = archiving(Retention::Drop);
            kept.lock().unwrap().0 = mood;
            store.state = TranscriptState::new(options);
            assert_eq!(kind(&store.view().rollover_span(&vat("v1")).unwrap_err()), why);
            assert_eq!(store.spans("v1"), [(0, 2, true, 0)]);
        }
    }
}
