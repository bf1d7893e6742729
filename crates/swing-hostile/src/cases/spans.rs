//! Records of spans, which have to make sense one after the other.

use super::list::dataset;
use crate::case::{Case, Edit};

const FIRST: &str = "transcript.v1.0";
const SECOND: &str = "transcript.v1.7";
const CURRENT: &str = "transcript.v1.current";
const EMPTY: &str = "43e6be43a3a34d60c0ebeb8498b5849b094fc20fc68483a7aeb3624fa10f79f6";

pub(super) fn cases() -> Vec<Case> {
    let types = "positions and incarnations are whole numbers that JavaScript counts exactly";
    let follow = "a vat's spans follow one another, and incarnations never fall";
    let within = |about: &str, why: &str, name: String, key: &str, from: &str, to: &str| {
        dataset(about, name, why, vec![Edit::InRecord(key.to_owned(), from.to_owned(), to.to_owned())])
    };
    let mut cases = Vec::new();
    for value in ["\"7\"", "7.0", "7.5", "-1", "1e300", "9007199254740992", "9007199254740993", "null", "[]", "true"] {
        cases.push(within(
            "I12",
            types,
            format!("a span's end {value}"),
            FIRST,
            "\"endPos\":7",
            &format!("\"endPos\":{value}"),
        ));
        cases.push(within(
            "I12",
            types,
            format!("a span's incarnation {value}"),
            FIRST,
            "\"incarnation\":0",
            &format!("\"incarnation\":{value}"),
        ));
    }
    for value in ["1", "true", "null", "\"0\"", "2", "0.0"] {
        cases.push(within(
            "I12",
            types,
            format!("a closed span's isCurrent {value}"),
            FIRST,
            "\"isCurrent\":0",
            &format!("\"isCurrent\":{value}"),
        ));
        cases.push(within(
            "I12",
            types,
            format!("a current span's isCurrent {value}, or 0 for 1"),
            CURRENT,
            "\"isCurrent\":1",
            &format!("\"isCurrent\":{}", value.replace('1', "0")),
        ));
    }
    for (name, key, from, to) in [
        ("a span that ends before it starts", SECOND, "\"endPos\":11", "\"endPos\":6"),
        ("a span that overlaps the next", FIRST, "\"endPos\":7", "\"endPos\":9"),
        ("a gap after a span", FIRST, "\"endPos\":7", "\"endPos\":6"),
        ("an incarnation that falls", FIRST, "\"incarnation\":0", "\"incarnation\":5"),
        ("an incarnation that jumps", CURRENT, "\"incarnation\":2", "\"incarnation\":99"),
        ("a negative incarnation", SECOND, "\"incarnation\":0", "\"incarnation\":-1"),
        ("an empty span with a hash", SECOND, "\"endPos\":11", "\"endPos\":7"),
        ("a current span that is empty, with a hash", CURRENT, "\"endPos\":23", "\"endPos\":21"),
        ("a span as long as there can be", CURRENT, "\"endPos\":23", "\"endPos\":9007199254740991"),
        ("a span of another vat", FIRST, "\"vatID\":\"v1\"", "\"vatID\":\"v3\""),
        ("a span with another start", FIRST, "\"startPos\":0", "\"startPos\":1"),
        ("a span's vat with a path in it", FIRST, "\"vatID\":\"v1\"", "\"vatID\":\"/../../evil\""),
        ("another hash of a span", FIRST, "49b2", "59b2"),
        ("a hash in capitals", FIRST, "\"49b25cc4", "\"49B25CC4"),
        ("white space in a span's record", FIRST, ",\"", ", \""),
        ("a span's record without its incarnation", FIRST, ",\"incarnation\":0", ""),
        ("a span's record with something more", FIRST, "}", ",\"extra\":null}"),
    ] {
        let about = if name.contains("vat") && name.contains("path") { "I17" } else { "I13" };
        cases.push(within(about, follow, name.to_owned(), key, from, to));
    }
    for (name, edits) in [
        ("no first span", vec![Edit::NoRecord(FIRST.to_owned()), Edit::NoArtifact("transcript.v1.0.7".to_owned())]),
        (
            "a span missing in the middle",
            vec![Edit::NoRecord(SECOND.to_owned()), Edit::NoArtifact("transcript.v1.7.11".to_owned())],
        ),
        (
            "no current span, and closed ones",
            vec![Edit::NoRecord(CURRENT.to_owned()), Edit::NoArtifact("transcript.v1.21.23".to_owned())],
        ),
        ("a second current span", vec![Edit::Record("transcript.v1.0.current".to_owned(), String::new())]),
        (
            "a span's record under the key with its end",
            vec![Edit::RecordKey(FIRST.to_owned(), "transcript.v1.0.7".to_owned())],
        ),
        (
            "a span's record under a key with a wrong end",
            vec![Edit::RecordKey(FIRST.to_owned(), "transcript.v1.0.8".to_owned())],
        ),
        (
            "a span's record under an alias of its key",
            vec![Edit::RecordKey(FIRST.to_owned(), "transcript.v1.00".to_owned())],
        ),
        ("a span's record under its vat alone", vec![Edit::RecordKey(FIRST.to_owned(), "transcript.v1".to_owned())]),
        (
            "a closed span's record as the current one",
            vec![Edit::RecordKey(FIRST.to_owned(), "transcript.v3.current".to_owned())],
        ),
        (
            "a current span's record as a closed one",
            vec![Edit::RecordKey(CURRENT.to_owned(), "transcript.v1.21".to_owned())],
        ),
        (
            "an empty closed span at the end",
            vec![
                Edit::InRecord(CURRENT.to_owned(), "\"endPos\":23".to_owned(), "\"endPos\":21".to_owned()),
                Edit::InRecord(
                    CURRENT.to_owned(),
                    "54b482c710e79c06a4b1da3383b4bf8f76b729a0d3d7a2add0ec9f176bf46419".to_owned(),
                    EMPTY.to_owned(),
                ),
                Edit::InRecord(CURRENT.to_owned(), "\"isCurrent\":1".to_owned(), "\"isCurrent\":0".to_owned()),
                Edit::RecordKey(CURRENT.to_owned(), "transcript.v1.21".to_owned()),
                Edit::NoArtifact("transcript.v1.21.23".to_owned()),
            ],
        ),
    ] {
        cases.push(dataset("I13", name, follow, edits));
    }
    cases
}
