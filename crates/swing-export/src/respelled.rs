//! Records as other programs spell them, made canonical on their way in.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Read;
use std::rc::Rc;

use swing_core::records::RecordTextError;
use swing_core::{ExportKey, SnapshotRecord, SpanRecord, VatId};

use crate::source::{ExportSource, SourceError, SourceNames, SourceRecords};

/// A source whose metadata records may be spelled in other ways than ours, and may lack `snapshot.VAT.current`: the original reads
/// them by the names of their members and never looks at `.current`. Whatever says the same is handed on in the one
/// spelling that every store exports; what says something else is handed on as it is, to be refused.
///
/// For drop-in use. Where records are known to be a store's own, a different spelling is worth an error.
pub struct Respelled<'s>(pub &'s dyn ExportSource);

swing_core::opaque!(Respelled<'_>);

/// What has been said of each vat's snapshot in use.
#[derive(Default)]
struct InUse {
    name: Option<String>,
    has_current: bool,
}

impl ExportSource for Respelled<'_> {
    fn records(&self) -> Result<SourceRecords<'_>, SourceError> {
        let vats = Rc::new(RefCell::new(BTreeMap::<VatId, InUse>::new()));
        let seen = Rc::clone(&vats);
        let respelled = self.0.records()?.map(move |record| {
            let (key, value) = record?;
            let value = respell(&key, value, &mut seen.borrow_mut());
            Ok((key, value))
        });
        let missing = std::iter::once_with(move || {
            let vats = std::mem::take(&mut *vats.borrow_mut());
            vats.into_iter()
                .filter(|(_, in_use)| !in_use.has_current)
                .filter_map(|(vat, in_use)| Some(Ok((ExportKey::CurrentSnapshot(vat).to_string(), Some(in_use.name?)))))
        });
        Ok(Box::new(respelled.chain(missing.flatten())))
    }

    fn artifact_names(&self) -> Result<SourceNames<'_>, SourceError> {
        self.0.artifact_names()
    }

    fn artifact(&self, name: &str) -> Result<Box<dyn Read + '_>, SourceError> {
        self.0.artifact(name)
    }
}

fn respell(key: &str, value: Option<String>, vats: &mut BTreeMap<VatId, InUse>) -> Option<String> {
    match key.parse() {
        Ok(ExportKey::Snapshot { vat, .. }) => {
            let value = value.map(|text| canonical(SnapshotRecord::parse(&text).map(drop), text));
            let record = value.as_deref().and_then(|text| SnapshotRecord::parse(text).ok());
            match record {
                Some(record) if record.in_use => {
                    vats.entry(vat).or_default().name = Some(record.artifact().to_string());
                }
                // It was in use in an earlier word on the same key.
                _ if vats.get(&vat).is_some_and(|in_use| in_use.name.as_deref() == Some(key)) => {
                    vats.entry(vat).or_default().name = None;
                }
                _ => {}
            }
            value
        }
        Ok(ExportKey::CurrentSnapshot(vat)) => {
            vats.entry(vat).or_default().has_current = value.is_some();
            value
        }
        Ok(ExportKey::Span { .. } | ExportKey::CurrentSpan(_)) => {
            value.map(|text| canonical(SpanRecord::parse(&text).map(drop), text))
        }
        Ok(_) | Err(_) => value,
    }
}

fn canonical(parsed: Result<(), RecordTextError>, text: String) -> String {
    match parsed {
        Err(RecordTextError::Spelling { expected, .. }) => expected,
        Ok(()) | Err(_) => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Said(Vec<(&'static str, Option<&'static str>)>);

    impl ExportSource for Said {
        fn records(&self) -> Result<SourceRecords<'_>, SourceError> {
            Ok(Box::new(self.0.iter().map(|(key, value)| Ok(((*key).to_owned(), value.map(str::to_owned))))))
        }

        fn artifact_names(&self) -> Result<SourceNames<'_>, SourceError> {
            Ok(Box::new(std::iter::empty()))
        }

        fn artifact(&self, name: &str) -> Result<Box<dyn Read + '_>, SourceError> {
            Err(name.into())
        }
    }

    fn respelled(said: &[(&'static str, Option<&'static str>)]) -> Vec<(String, Option<String>)> {
        Respelled(&Said(said.to_vec())).records().unwrap().map(Result::unwrap).collect()
    }

    const HASH: &str = "43e6be43a3a34d60c0ebeb8498b5849b094fc20fc68483a7aeb3624fa10f79f6";
    const ODD: &str = r#"{ "hash": "43e6be43a3a34d60c0ebeb8498b5849b094fc20fc68483a7aeb3624fa10f79f6", "inUse":1,"snapPos":5,"vatID":"v1"}"#;

    fn plain() -> String {
        format!(r#"{{"vatID":"v1","snapPos":5,"hash":"{HASH}","inUse":1}}"#)
    }

    #[test]
    fn another_order_of_members_becomes_the_canonical_one() {
        let records = respelled(&[("snapshot.v1.5", Some(ODD)), ("snapshot.v1.current", Some("snapshot.v1.5"))]);
        assert_eq!(records[0].1, Some(plain()));
        let span = r#"{"startPos":0,"endPos":0,"vatID":"v1","hash":"43e6be43a3a34d60c0ebeb8498b5849b094fc20fc68483a7aeb3624fa10f79f6","incarnation":0,"isCurrent":1}"#;
        let records = respelled(&[("transcript.v1.current", Some(span))]);
        let expected =
            format!(r#"{{"vatID":"v1","startPos":0,"endPos":0,"hash":"{HASH}","isCurrent":1,"incarnation":0}}"#);
        assert_eq!(records[0].1, Some(expected));
    }

    #[test]
    fn a_missing_current_record_is_made_up_from_the_one_in_use() {
        let records = respelled(&[("snapshot.v1.5", Some(ODD))]);
        assert_eq!(records[1], ("snapshot.v1.current".to_owned(), Some("snapshot.v1.5".to_owned())));
    }

    #[test]
    fn a_current_record_that_is_there_is_handed_on_right_or_wrong() {
        let records = respelled(&[("snapshot.v1.current", Some("snapshot.v1.7")), ("snapshot.v1.5", Some(ODD))]);
        assert_eq!(records.len(), 2);
        assert_eq!(records[0].1.as_deref(), Some("snapshot.v1.7"));
    }

    #[test]
    fn a_snapshot_that_was_taken_back_needs_no_current_record() {
        assert_eq!(respelled(&[("snapshot.v1.5", Some(ODD)), ("snapshot.v1.5", None)]).len(), 2);
    }

    #[test]
    fn snapshots_that_are_not_in_use_say_nothing_about_the_one_that_is() {
        let unused = plain().replace("\"snapPos\":5", "\"snapPos\":3").replace("\"inUse\":1", "\"inUse\":0");
        let unused: &'static str = unused.leak();
        let current = Some(("snapshot.v1.current".to_owned(), Some("snapshot.v1.5".to_owned())));
        let said = [("snapshot.v1.5", Some(ODD)), ("snapshot.v1.3", Some(unused)), ("snapshot.v1.3", None)];
        for said in [&said[..2], &said[..]] {
            assert_eq!(respelled(said).get(said.len()).cloned(), current);
        }
        assert_eq!(respelled(&said[1..2]).len(), 1);
    }

    #[test]
    fn what_says_something_else_is_left_as_it_is() {
        for text in ["", "{}", r#"{"vatID":"v1","snapPos":"5","hash":"x","inUse":1}"#] {
            assert_eq!(respelled(&[("snapshot.v1.5", Some(text))])[0].1.as_deref(), Some(text));
        }
    }
}
