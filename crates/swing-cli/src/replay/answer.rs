//! What our store answered, in the words of a trace.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use swing_core::roles::{Bundle, CrankHashes, SnapshotInfo, SnapshotSaved, SpanBounds};
use swing_core::session::ExportEntry;
use swing_core::{Cleanup, Digest, Incarnation};

use super::line::Batch;

/// An answer, as it came.
#[derive(Debug)]
pub(super) enum Answer {
    Nothing,
    /// The value of a key.
    Value(Option<Arc<str>>),
    Flag(bool),
    Key(Option<Arc<str>>),
    Hashes(CrankHashes),
    Activityhash(String),
    Bounds(SpanBounds),
    Items(Vec<String>),
    Incarnation(Incarnation),
    Cleanup(Cleanup),
    Saved(SnapshotSaved),
    Loaded {
        bytes: u64,
        hash: Digest,
    },
    Info(Option<SnapshotInfo>),
    Bundle(Bundle),
}

impl Answer {
    /// The JSON that a recorder would have written: long things as digests. Empty for nothing.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        match self {
            Self::Nothing => Ok(()),
            Self::Value(value) => serde_json::to_writer(out, &value.as_deref().map(|text| short(text.as_bytes()))),
            Self::Flag(flag) => serde_json::to_writer(out, flag),
            Self::Key(key) => serde_json::to_writer(out, &key.as_deref()),
            Self::Hashes(CrankHashes { crankhash, activityhash }) => {
                serde_json::to_writer(out, &[crankhash.to_string(), activityhash.to_string()])
            }
            Self::Activityhash(hash) => serde_json::to_writer(out, hash),
            Self::Bounds(SpanBounds { start, end, hash, incarnation }) => serde_json::to_writer(
                out,
                &Bounds {
                    start_pos: start.get(),
                    end_pos: end.get(),
                    hash: hash.to_string(),
                    incarnation: incarnation.get(),
                },
            ),
            Self::Items(items) => {
                let mut hasher = Sha256::new();
                for item in items {
                    hasher.update(item);
                    hasher.update("\n");
                }
                serde_json::to_writer(out, &(items.len(), beginning(hasher.into())))
            }
            Self::Incarnation(incarnation) => serde_json::to_writer(out, &incarnation.get()),
            Self::Cleanup(Cleanup { done, cleanups }) => {
                serde_json::to_writer(out, &Cleaned { done: *done, cleanups: *cleanups })
            }
            Self::Saved(saved) => serde_json::to_writer(
                out,
                &Saved { hash: saved.hash.to_string(), uncompressed_size: saved.uncompressed_size },
            ),
            Self::Loaded { bytes, hash } => serde_json::to_writer(out, &(bytes, hash.to_string())),
            Self::Info(info) => {
                let info = info.as_ref().map(|info| Info {
                    snap_pos: info.position.get(),
                    hash: info.hash.to_string(),
                    uncompressed_size: info.uncompressed_size,
                });
                serde_json::to_writer(out, &info)
            }
            Self::Bundle(bundle) => serde_json::to_writer(out, &short(sorted(bundle)?.as_bytes())),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bounds {
    start_pos: u64,
    end_pos: u64,
    hash: String,
    incarnation: u64,
}

#[derive(Serialize)]
struct Cleaned {
    done: bool,
    cleanups: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Saved {
    hash: String,
    uncompressed_size: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    snap_pos: u64,
    hash: String,
    uncompressed_size: Option<u64>,
}

/// The first 16 hex digits of the SHA-256 of some bytes.
fn short(bytes: &[u8]) -> String {
    beginning(Digest::of(bytes))
}

fn beginning(digest: Digest) -> String {
    let mut text = digest.to_string();
    text.truncate(16);
    text
}

/// The JSON of a bundle, with its keys sorted.
fn sorted(bundle: &Bundle) -> serde_json::Result<String> {
    match bundle {
        Bundle::NestedEvaluate(text) => {
            let mut value: Value = serde_json::from_str(text)?;
            value.sort_all_objects();
            serde_json::to_string(&value)
        }
        Bundle::EndoZip { sha512, zip } => {
            let fields = [
                ("endoZipBase64", STANDARD.encode(zip)),
                ("endoZipBase64Sha512", sha512.clone()),
                ("moduleFormat", "endoZipBase64".to_owned()),
            ];
            let fields = fields.map(|(key, value)| format!("{key:?}:{}", Value::from(value)));
            Ok(format!("{{{}}}", fields.join(",")))
        }
    }
}

/// What a recorder writes of a call of the export callback.
///
/// The digest is over what `JSON.stringify` makes of the pairs. For text without lone surrogates, and there is no other
/// here, serde writes the same: it escapes `"`, `\` and what is below U+0020, and nothing else.
pub(super) fn batch(entries: &[ExportEntry], buffer: &mut Vec<u8>) -> serde_json::Result<Batch<String>> {
    buffer.clear();
    buffer.push(b'[');
    for (at, entry) in entries.iter().enumerate() {
        if at > 0 {
            buffer.push(b',');
        }
        serde_json::to_writer(&mut *buffer, &(&*entry.key, entry.value.as_deref()))?;
    }
    buffer.push(b']');
    Ok(Batch { pairs: entries.len() as u64, digest: short(buffer) })
}

#[cfg(test)]
mod tests {
    use swing_core::Position;

    use super::*;

    fn written(answer: &Answer) -> String {
        let mut out = Vec::new();
        answer.write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn answers_are_written_as_a_recorder_does() {
        let hash = Digest::of(b"");
        let bounds =
            SpanBounds { start: Position::ZERO, end: Position::new(3).unwrap(), hash, incarnation: Incarnation::ZERO };
        for (answer, text) in [
            (Answer::Nothing, String::new()),
            (Answer::Value(None), "null".to_owned()),
            // SHA-256 of "1" is 6b86b273ff34fce1…
            (Answer::Value(Some("1".into())), r#""6b86b273ff34fce1""#.to_owned()),
            (Answer::Key(Some("vat.\u{7f}\n\"".into())), "\"vat.\u{7f}\\n\\\"\"".to_owned()),
            (Answer::Bounds(bounds), format!(r#"{{"startPos":0,"endPos":3,"hash":"{hash}","incarnation":0}}"#)),
            (Answer::Items(vec!["{}".to_owned()]), format!(r#"[1,"{}"]"#, short(b"{}\n"))),
            (Answer::Cleanup(Cleanup { done: true, cleanups: 2 }), r#"{"done":true,"cleanups":2}"#.to_owned()),
            (Answer::Loaded { bytes: 0, hash }, format!(r#"[0,"{hash}"]"#)),
            (Answer::Info(None), "null".to_owned()),
        ] {
            assert_eq!(written(&answer), text, "{answer:?}");
        }
    }

    #[test]
    fn bundles_are_digested_with_sorted_keys() {
        let nested = Bundle::NestedEvaluate(r#"{"source":"1","moduleFormat":"nestedEvaluate"}"#.to_owned());
        assert_eq!(sorted(&nested).unwrap(), r#"{"moduleFormat":"nestedEvaluate","source":"1"}"#);
        let zip = Bundle::EndoZip { sha512: "ab".to_owned(), zip: b"zip".to_vec() };
        assert_eq!(
            sorted(&zip).unwrap(),
            r#"{"endoZipBase64":"emlw","endoZipBase64Sha512":"ab","moduleFormat":"endoZipBase64"}"#
        );
    }

    #[test]
    fn pairs_are_escaped_as_javascript_does() {
        // What `JSON.stringify` answers on node 20 for every character that one of the two might escape.
        let entry = |key: &str, value: Option<&str>| ExportEntry { key: key.into(), value: value.map(Into::into) };
        let odd = "\"\\/\u{8}\t\n\u{b}\u{c}\r\u{0}\u{1f} \u{7f}\u{80}\u{2028}\u{2029}\u{fffe}é😀<>&'";
        let js = "\"\\\"\\\\/\\b\\t\\n\\u000b\\f\\r\\u0000\\u001f \u{7f}\u{80}\u{2028}\u{2029}\u{fffe}é😀<>&'\"";
        let mut buffer = Vec::new();
        let made = batch(&[entry(odd, None), entry("k", Some(odd))], &mut buffer).unwrap();
        assert_eq!(String::from_utf8(buffer).unwrap(), format!("[[{js},null],[\"k\",{js}]]"));
        assert_eq!(made.pairs, 2);
        assert_eq!(batch(&[], &mut Vec::new()).unwrap().digest, short(b"[]"));
    }
}
