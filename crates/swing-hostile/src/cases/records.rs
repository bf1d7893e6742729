//! Export data: snapshots, bundles, pairs, and lines that are no records. It is trusted, so this is robustness; but a faulty
//! exporter's mistakes would be everybody's state.

use super::list::{BUNDLES, dataset, hex, text};
use crate::case::{Bytes, Case, Edit};

const SNAPSHOT: &str = "snapshot.v1.20";
const BUNDLE: &str = "bundle.b0-3583ec9352d473e022e415e3d2be9fca50ab28526ff8b603479c0239921ea80b";
const HASH: &str = "\"e9a65ac90e90d66e37b8c2779d8d6d9f2bbb79de59fd21963db0490559db3a4e\"";

fn in_record(about: &str, name: String, key: &str, from: &str, to: &str) -> Case {
    let why = "a record has the types, and the one spelling, that exporters write";
    dataset(about, name, why, vec![Edit::InRecord(key.to_owned(), from.to_owned(), to.to_owned())])
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for value in [
        "\"20\"",
        "20.5",
        "20.0",
        "2e1",
        "-1",
        "-0",
        "1e300",
        "9007199254740992",
        "9007199254740993",
        "18446744073709551616",
        "null",
        "true",
        "[20]",
        "{}",
        "21",
    ] {
        cases.push(in_record("I12", format!("a snapshot's position {value}"), SNAPSHOT, ":20,", &format!(":{value},")));
    }
    for value in ["1.0", "2", "-1", "true", "\"1\"", "\"false\"", "null", "0"] {
        cases.push(in_record("I12", format!("a snapshot's inUse {value}"), SNAPSHOT, ":1}", &format!(":{value}}}")));
    }
    for value in ["123", "null", "\"\"", "\"e9a6\"", &HASH.to_uppercase(), "[\"e9a6\"]"] {
        cases.push(in_record("I12", format!("a snapshot's hash {value}"), SNAPSHOT, HASH, value));
    }
    for value in
        ["7", "null", "\"\"", "\"v2\"", "\"/../../evil\"", "\"v1\\u0000\"", "\"v1.0\"", "[\"v1\"]", "\"\\ud800\""]
    {
        cases.push(in_record("I12", format!("a snapshot's vat {value}"), SNAPSHOT, "\"v1\"", value));
    }
    for (name, from, to) in [
        ("white space in a record", ",\"", ", \""),
        ("a member too many in a record", "}", ",\"extra\":1}"),
        ("a member too few in a record", ",\"inUse\":1", ""),
        ("a member twice in a record", "}", ",\"inUse\":1}"),
        ("a record that is no JSON", "}", ""),
        ("a record with more after it", "}", "}{}"),
        ("members of a record in another order", "\"vatID\":\"v1\",\"snapPos\":20", "\"snapPos\":20,\"vatID\":\"v1\""),
    ] {
        cases.push(in_record("I12", name.to_owned(), SNAPSHOT, from, to));
    }
    let agree = "a record's key is that of its metadata, and `.current` names what is in use";
    let key = |to: &str| {
        dataset(
            "I11",
            format!("a snapshot's record under {to:?}"),
            agree,
            vec![Edit::RecordKey(SNAPSHOT.to_owned(), to.to_owned())],
        )
    };
    for to in [
        "snapshot.v1.5",
        "snapshot.v2.20",
        "snapshot.v1.20.0",
        "snapshot.v1.020",
        "snapshot.v1",
        "snapshot.",
        "snapshot",
        "snapshot.v1.20x",
        "snapshot.v9.current",
        "transcript.v1.20",
    ] {
        cases.push(key(to));
    }
    for (name, edit) in [
        ("no .current of a snapshot in use", Edit::NoRecord("snapshot.v1.current".to_owned())),
        ("a .current that names nothing", Edit::Record("snapshot.v1.current".to_owned(), "snapshot.v1.999".to_owned())),
        (
            "a .current that names an unused snapshot",
            Edit::Record("snapshot.v1.current".to_owned(), "snapshot.v1.6".to_owned()),
        ),
        (
            "a .current of another vat's snapshot",
            Edit::Record("snapshot.v1.current".to_owned(), "snapshot.v2.103".to_owned()),
        ),
        ("an empty .current", Edit::Record("snapshot.v1.current".to_owned(), String::new())),
        (
            "a .current of a vat without snapshots",
            Edit::Record("snapshot.v10.current".to_owned(), "snapshot.v10.2".to_owned()),
        ),
        ("two snapshots in use", Edit::InRecord("snapshot.v1.6".to_owned(), ":0}".to_owned(), ":1}".to_owned())),
    ] {
        cases.push(dataset("I11", name, agree, vec![edit]));
    }
    for (name, edit) in [
        ("a bundle's record with another ID", Edit::Record(BUNDLE.to_owned(), "b0-".to_owned())),
        ("an empty bundle's record", Edit::Record(BUNDLE.to_owned(), String::new())),
        ("a bundle's record under an alias", Edit::RecordKey(BUNDLE.to_owned(), BUNDLE.to_uppercase())),
        ("a bundle's record of an unknown kind", Edit::Record("bundle.b9-00".to_owned(), "b9-00".to_owned())),
        (
            "a bundle of which there is only a record",
            Edit::Record(format!("bundle.b0-{}", "0".repeat(64)), format!("b0-{}", "0".repeat(64))),
        ),
    ] {
        let base = BUNDLES.to_owned();
        cases.push(Case {
            base,
            mode: "operational".to_owned(),
            ..dataset("I12", name, "a bundle's record is its ID, and its artifact must come", vec![edit])
        });
    }
    cases.extend(pairs());
    cases.extend(lines());
    cases
}

fn pairs() -> Vec<Case> {
    let own = "an export has consensus keys and no others";
    let mut cases: Vec<_> = [
        "kv.host.height",
        "kv.host.",
        "kv.local.note",
        "kv.local.",
        "kv",
        "host.height",
        "local.x",
        "activityhash",
        "",
        ".",
        "kvx.a",
        "kv\u{feff}.a",
    ]
    .iter()
    .map(|key| {
        dataset("I14", format!("a pair under {key:?}"), own, vec![Edit::Record((*key).to_owned(), "1".to_owned())])
    })
    .collect();
    let taken = "any other text is a key, the empty one and those that look like others included";
    for key in [
        "kv.",
        "kv.hostile",
        "kv.local",
        "kv.host",
        "kv.kv.host.x",
        "kv.__proto__",
        "kv.constructor",
        "kv.\u{0}",
        "kv.\u{10ffff}",
        "kv. ",
    ] {
        cases.push(dataset(
            "I14",
            format!("a pair under {key:?}"),
            taken,
            vec![Edit::Record(key.to_owned(), "1".to_owned())],
        ));
    }
    cases
}

fn lines() -> Vec<Case> {
    let why = "a line is a list of a key and maybe a text, as exporters write it";
    let mut cases: Vec<_> = [
        "null",
        "1",
        "\"kv.a\"",
        "{}",
        "[]",
        "[1,\"2\"]",
        "[\"kv.a\",1]",
        "[\"kv.a\",{}]",
        "[\"kv.a\",\"1\",\"2\"]",
        "[[\"kv.a\"]]",
        "[\"kv.a\",\"1\"]]",
        "[\"kv.a\",\"1\",]",
        "[\"kv.a\" \"1\"]",
        "['kv.a','1']",
        "[\"kv.a\",\"1\"",
        "[\"kv.a\",true]",
        "[null,\"1\"]",
        "[\"kv.a\",\"\\x\"]",
        "[\"kv.a\",\"\\ud800\"]",
        "[\"kv.\\udc00\",\"1\"]",
        "// a comment",
        "[\"kv.a\",\"1\"] []",
    ]
    .iter()
    .map(|line| dataset("I14", format!("the line {line}"), why, vec![Edit::RawLine(text(*line))]))
    .collect();
    for (name, line) in [
        ("a line with a byte order mark", hex("efbbbf5b226b762e61222c2231225d")),
        ("a line that is not UTF-8", hex("5b226b762e61222c22ff225d")),
        ("a line with a raw control character", hex("5b226b762e61222c2201225d")),
        ("a line with a NUL", hex("5b226b762e61222c2231225d00")),
    ] {
        cases.push(dataset("I14", name, why, vec![Edit::RawLine(line)]));
    }
    // Within Bytes::Text a repetition is written out on the line, so these stay moderate.
    cases.push(dataset("I14", "a line nested deeply", why, vec![Edit::RawLine(Bytes::Times("[".to_owned(), 100_000))]));
    let benign = "the last word on a key counts, and a deletion of what is not there is none";
    for line in [
        "[\"kv.vat.names\",\"again\"]",
        "[\"kv.absent\"]",
        "[\"kv.absent\",null]",
        "[\"kv.vat.names\",null]",
        " [\"kv.a\",\"1\"] ",
        "[ \"kv.a\" , \"1\" ]",
        "[\"k\\u0076.a\",\"1\"]",
    ] {
        cases.push(dataset("I14", format!("the line {line}"), benign, vec![Edit::RawLine(text(line))]));
    }
    cases.push(dataset(
        "I14",
        "no export data at all",
        "an empty store has nothing to import",
        vec![Edit::OnlyLines(Vec::new())],
    ));
    cases.push(dataset(
        "I14",
        "artifacts without their records",
        "an artifact is what a record vouches for",
        vec![Edit::OnlyLines(vec!["[\"kv.a\",\"1\"]".to_owned()])],
    ));
    cases.push(dataset(
        "I14",
        "a value of a thousand bytes",
        "any length that fits into a row will do",
        vec![Edit::Record("kv.large".to_owned(), "x".repeat(1000))],
    ));
    cases
}
