//! Both dialects' texts, against what Node and Go write.

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;
use crate::dataset::{ExportDataReader, GenesisHash, Manifest, Mode};

/// Strings that hold every character up to U+2100, every boundary of UTF-8, and what JSON and HTML care about.
fn awkward_strings() -> Vec<String> {
    let mut strings: Vec<String> = (0..=0x2100).filter_map(char::from_u32).map(|c| format!("a{c}b")).collect();
    let edges = ['\u{d7ff}', '\u{e000}', '\u{feff}', '\u{fffd}', '\u{ffff}', '\u{10000}', '\u{1f980}', '\u{10ffff}'];
    strings.extend(edges.map(String::from));
    strings
        .extend(["", "<a href=\"x\">&amp;</a>", "\\\"/\\u2028", "{\"d\":[\"startVat\"]}", "\r\n"].map(str::to_owned));
    strings.push((0..=0x2100).filter_map(char::from_u32).collect());
    strings
}

fn digest(text: &str) -> String {
    format!("{:x}", Sha256::digest(text))
}

/// The digest is of what Node 20 writes for the same strings: `JSON.stringify([key, value]) + "\n"` and the same with null.
#[test]
fn js_lines_are_what_node_writes() {
    let lines = |s: &String| {
        let key = format!("k{s}");
        Dialect::Js.record_line(&key, Some(s)) + &Dialect::Js.record_line(&key, None)
    };
    let ours: String = awkward_strings().iter().map(lines).collect();
    assert_eq!(digest(&ours), "f6a9e3d6f61d90676efecf82bcef75b173fbb290aaf499f3d731f54028846d1b");
}

#[test]
fn go_lines_mean_what_was_written() {
    for s in awkward_strings() {
        let (key, value): (String, String) = serde_json::from_str(&Dialect::Go.record_line("k", Some(&s))).unwrap();
        assert_eq!((key.as_str(), value), ("k", s));
    }
}

/// The digest is of what Node 20 writes: `JSON.stringify` of both objects with two spaces, each followed by `\0|\0`.
#[test]
fn js_manifest_is_what_node_writes() {
    let names: Vec<String> = awkward_strings().into_iter().step_by(97).collect();
    let full = Manifest {
        block_height: Some(17),
        artifact_mode: Some(Mode::Replay),
        data: Some("export-data.jsonl".to_owned()),
        artifacts: names.iter().map(|name| (name.clone(), name.clone())).collect(),
    };
    let bare = Manifest { block_height: Some(17), ..Manifest::default() };
    let ours: String = [full, bare].map(|manifest| manifest.to_json(Dialect::Js) + "\0|\0").concat();
    assert_eq!(digest(&ours), "41f457bf663d81f25c64150d92ef90303ade16996db4cfaef1edf9c71f6cc887");
}

/// The digests are of what a program built with Go 1.24 and 1.27 wrote, in the way the chain's does: records that marshal
/// themselves by default, in an encoder told not to escape HTML; the manifest by `MarshalIndent`.
#[test]
fn go_text_is_what_go_writes() {
    let strings = awkward_strings();
    let mut hash = GenesisHash::default();
    for s in &strings {
        let key = format!("k{s}");
        hash.add(&key, Some(s));
        hash.add(&key, None);
    }
    assert_eq!(hash.finish(), "sha256:2a277ca4d4c8c3a4bbcdaeed5de3de0a2616c73cdde09b4486aca1e0c1cbf12b");

    let manifest = Manifest {
        block_height: Some(17),
        artifact_mode: None,
        data: Some("export-data.jsonl".to_owned()),
        artifacts: strings.into_iter().map(|name| (name, "0".to_owned())).collect(),
    };
    let digest = format!("{:x}", Sha256::digest(manifest.to_json(Dialect::Go)));
    assert_eq!(digest, "5cdf4d3d9d95f9dac3edea6307d087cc1acb9e633d9c5cb4a57f2645f097e0c9");
}

#[test]
fn lines_of_both_dialects() {
    // (key, value, JavaScript, Go)
    let table: [(&str, Option<&str>, &str, &str); 9] = [
        ("kv.a", Some("b"), r#"["kv.a","b"]"#, r#"["kv.a","b"]"#),
        ("kv.a", Some(""), r#"["kv.a",""]"#, r#"["kv.a",""]"#),
        ("kv.a", None, r#"["kv.a",null]"#, r#"["kv.a"]"#),
        ("<k>", Some("a&b"), r#"["<k>","a&b"]"#, r#"["\u003ck\u003e","a\u0026b"]"#),
        ("k", Some("\u{2028}\u{2029}"), "[\"k\",\"\u{2028}\u{2029}\"]", r#"["k","\u2028\u2029"]"#),
        ("k", Some("\"\\/\n\r\t"), r#"["k","\"\\/\n\r\t"]"#, r#"["k","\"\\/\n\r\t"]"#),
        // Go since 1.22.
        ("k", Some("\u{8}\u{c}\0\u{1f}"), r#"["k","\b\f\u0000\u001f"]"#, r#"["k","\b\f\u0000\u001f"]"#),
        ("k", Some("\u{7f}é🦀\u{2027}"), "[\"k\",\"\u{7f}é🦀\u{2027}\"]", "[\"k\",\"\u{7f}é🦀\u{2027}\"]"),
        ("&", None, r#"["&",null]"#, r#"["\u0026"]"#),
    ];
    for (key, value, js, go) in table {
        assert_eq!(Dialect::Js.record_line(key, value), format!("{js}\n"));
        assert_eq!(Dialect::Go.record_line(key, value), format!("{go}\n"));
    }
}

fn text() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        4 => any::<char>(),
        2 => prop::char::range('\0', '\u{7f}'),
        1 => prop::sample::select(vec!['<', '>', '&', '"', '\\', '\u{2027}', '\u{2028}', '\u{2029}', '\u{202a}', '\n']),
    ];
    prop::collection::vec(character, 0..12).prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn records_round_trip_in_both_dialects(pairs in prop::collection::vec((text(), prop::option::of(text())), 0..20)) {
        let pairs: Vec<_> = pairs.into_iter().filter(|(key, _)| !key.is_empty()).collect();
        for dialect in [Dialect::Js, Dialect::Go] {
            let lines: String = pairs.iter().map(|(key, value)| dialect.record_line(key, value.as_deref())).collect();
            prop_assert_eq!(lines.matches('\n').count(), pairs.len());
            let read: Result<Vec<_>, _> = ExportDataReader::new("lines", lines.as_bytes()).collect();
            prop_assert_eq!(&read.unwrap(), &pairs);
        }
    }
}
