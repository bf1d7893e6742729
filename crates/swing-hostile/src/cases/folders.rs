//! Datasets on disk: the manifest, and where its files lie.

use serde_json::json;

use super::list::dataset;
use crate::case::{Bytes, Case, Edit, Input};

const SPAN: &str = "transcript.v1.0.7";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: &str, why: &str, edits: Vec<Edit>| {
        cases.push(Case { input: Input::Folder, ..dataset("folder", name, why, edits) });
    };
    add("a dataset as it is on disk", "so that what is refused below is refused for its own reason", vec![]);
    let inside = "a dataset's files lie in its folder";
    for file in [
        "../outside",
        "/etc/passwd",
        "..",
        ".",
        "",
        "a/../../outside",
        "sub/../transcript",
        "\\\\server\\x",
        "export-manifest.json/",
        "a\0b",
    ] {
        add(&format!("an artifact's file {file:?}"), inside, vec![Edit::FileName(SPAN.to_owned(), file.to_owned())]);
    }
    for target in ["/etc/passwd", "../store", "export-manifest.json", "/dev/zero", "artifact0", "loop"] {
        add(
            &format!("an artifact's file that is a link to {target}"),
            inside,
            vec![Edit::FileName(SPAN.to_owned(), "loop".to_owned()), Edit::Link(SPAN.to_owned(), target.to_owned())],
        );
    }
    let form = "a manifest has the form that the chain's tools write";
    for text in [
        "",
        " ",
        "null",
        "[]",
        "1",
        "{",
        "{}",
        "{\"blockHeight\":5}",
        "{\"blockHeight\":5,\"data\":\"export-data.jsonl\"}",
        "{\"blockHeight\":5,\"data\":\"export-data.jsonl\",\"artifacts\":null}",
        "{\"blockHeight\":5,\"data\":\"export-data.jsonl\",\"artifacts\":[]}",
        "{\"blockHeight\":5,\"data\":\"../export-data.jsonl\",\"artifacts\":[[\"a\",\"b\"]]}",
        "{\"blockHeight\":5,\"data\":\"absent\",\"artifacts\":[[\"a\",\"b\"]]}",
        "{\"blockHeight\":5,\"data\":7,\"artifacts\":[[\"a\",\"b\"]]}",
        "{\"blockHeight\":5,\"blockHeight\":6,\"data\":\"export-data.jsonl\",\"artifacts\":[[\"a\",\"b\"]]}",
        "\u{feff}{\"blockHeight\":5,\"data\":\"export-data.jsonl\",\"artifacts\":[[\"a\",\"b\"]]}",
    ] {
        add(&format!("the manifest {text:?}"), form, vec![Edit::Manifest(Bytes::Text(text.to_owned()))]);
    }
    add("a manifest nested deeply", form, vec![Edit::Manifest(Bytes::Times("[".to_owned(), 100_000))]);
    for (field, value) in [
        ("blockHeight", json!("5")),
        ("blockHeight", json!(-1)),
        ("blockHeight", json!(1.5)),
        ("blockHeight", json!(9_007_199_254_740_992_u64)),
        ("blockHeight", json!(null)),
        ("artifactMode", json!("operational")),
        ("artifactMode", json!("replay")),
        ("artifactMode", json!("everything")),
        ("artifactMode", json!(3)),
        ("artifactMode", json!("none")),
        ("artifacts", json!("x")),
        ("artifacts", json!({"a": "b"})),
        ("data", json!("")),
        ("data", json!("/dev/zero")),
        ("data", json!(".")),
        ("surprise", json!(true)),
    ] {
        add(&format!("the manifest's {field} {value}"), form, vec![Edit::Field(field.to_owned(), value)]);
    }
    cases
}
