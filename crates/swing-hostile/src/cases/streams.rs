//! The bytes of transcripts and snapshots.

use super::list::{ARCHIVAL, dataset, hex, text};
use crate::case::{Bytes, Case, Edit};

const SPAN: &str = "transcript.v1.0.7";
const CURRENT: &str = "transcript.v2.104.107";
const SNAPSHOT: &str = "snapshot.v1.20";

/// All artifacts of the fixture together.
const HONEST: u64 = 15_450;

fn edit(about: &str, name: &str, why: &str, edits: Vec<Edit>) -> Case {
    dataset(about, name, why, edits)
}

pub(super) fn cases() -> Vec<Case> {
    let exact = "bytes are taken as they are: trimmed ones would not be exported again as they came";
    let ends = "a span ends where its record says";
    let mut cases = Vec::new();
    let span = || SPAN.to_owned();
    // What may follow the last line, or stand at its end.
    for (name, bytes) in [
        ("a trailing space", text(" ")),
        ("a trailing line feed", text("\n")),
        ("a trailing tab", text("\t")),
        ("a trailing carriage return", text("\r")),
        ("a trailing CR LF", text("\r\n")),
        ("a trailing NUL", hex("00")),
        ("a trailing byte order mark", hex("efbbbf")),
        ("a trailing U+2028", hex("e280a8")),
        ("a trailing U+00A0", hex("c2a0")),
        ("a trailing U+3000", hex("e38080")),
        ("a mebibyte of trailing spaces", Bytes::Times(" ".to_owned(), 1 << 20)),
        ("a second line without end", text("{}")),
        ("one more item", text("{\"d\":[]}\n")),
    ] {
        cases.push(edit("I5", name, exact, vec![Edit::Append(span(), bytes)]));
    }
    for (name, bytes) in [
        ("a leading byte order mark", hex("efbbbf")),
        ("a leading line feed", text("\n")),
        ("a leading space", text(" ")),
    ] {
        cases.push(edit("I5", name, exact, vec![Edit::Prepend(span(), bytes)]));
    }
    cases.push(edit("I5", "a last line without line feed", exact, vec![Edit::Cut(span(), 1)]));
    for (name, count) in [("half a last line", 5), ("an item too few", 40), ("no items at all", 1 << 20)] {
        cases.push(edit("I3", name, ends, vec![Edit::Cut(span(), count)]));
    }
    for (name, from, to) in [
        ("CR LF for LF", text("\n"), text("\r\n")),
        ("spaces before every LF", text("\n"), text(" \n")),
        ("byte FF in an item", text("d"), hex("ff")),
        ("an overlong slash", text("d"), hex("c0af")),
        ("an encoded surrogate", text("d"), hex("eda080")),
        ("a replacement character in an item", text("d"), hex("efbfbd")),
        ("a NUL in an item", text("d"), hex("00")),
        ("no line feeds", text("\n"), text(" ")),
        ("every line feed doubled", text("\n"), text("\n\n")),
        ("another letter", text("d"), text("e")),
    ] {
        let about =
            if name.contains("byte FF") || name.contains("encoded") || name.contains("overlong") { "I7" } else { "I5" };
        cases.push(edit(about, name, exact, vec![Edit::Replace(span(), from, to)]));
    }
    for bit in [0, 8, 77, 301, 640] {
        cases.push(edit(
            "E2",
            &format!("bit {bit} of a span"),
            "a span must have the hash of its record",
            vec![Edit::Flip(span(), bit)],
        ));
        cases.push(edit(
            "E2",
            &format!("bit {bit} of a current span"),
            "a span must have the hash of its record",
            vec![Edit::Flip(CURRENT.to_owned(), bit)],
        ));
    }
    // Without end.
    let long = |about: &str, name: &str, why: &str, edits: Vec<Edit>, at: u64| Case {
        provable_at: Some(at),
        ..dataset(about, name, why, edits)
    };
    let more = Edit::Append(span(), Bytes::Times("{\"d\":[\"x\"]}\n".to_owned(), 300_000));
    cases.push(long("I3", "300,000 lines more than the record says", ends, vec![more], HONEST));
    let current = Edit::Append(CURRENT.to_owned(), Bytes::Times("x\n".to_owned(), 1 << 30));
    cases.push(long("I3", "a current span without end", ends, vec![current], HONEST));
    let line = Edit::Artifact(span(), Bytes::Times("x".to_owned(), 1 << 40));
    cases.push(long("I4", "a line without end", "an item has a limit", vec![line], HONEST + (1 << 20) + 1));
    let heap = Edit::Artifact(SNAPSHOT.to_owned(), Bytes::Times("x".to_owned(), 1 << 40));
    cases.push(long("I4", "a snapshot without end", "an artifact has a limit", vec![heap], HONEST + (16 << 20) + 1));
    let lines = Edit::Artifact(span(), Bytes::Times("\n".to_owned(), 1 << 40));
    cases.push(long("I3", "empty lines without end", ends, vec![lines], HONEST));
    // Snapshots.
    let hash = "a snapshot must have the hash of its record";
    let snapshot = || SNAPSHOT.to_owned();
    for (name, edits) in [
        ("an empty snapshot", vec![Edit::Artifact(snapshot(), text(""))]),
        ("a snapshot cut short", vec![Edit::Cut(snapshot(), 1)]),
        ("a snapshot with a byte more", vec![Edit::Append(snapshot(), hex("00"))]),
        ("a snapshot with a byte before it", vec![Edit::Prepend(snapshot(), hex("00"))]),
        (
            "a gzip in place of a snapshot",
            vec![Edit::Artifact(snapshot(), hex("1f8b0800000000000003030000000000000000"))],
        ),
        (
            "another vat's snapshot",
            vec![Edit::NoArtifact(snapshot()), Edit::Copy("snapshot.v2.103".to_owned(), snapshot())],
        ),
        ("a flipped bit at the beginning of a snapshot", vec![Edit::Flip(snapshot(), 0)]),
        ("a flipped bit in a snapshot", vec![Edit::Flip(snapshot(), 1234)]),
        ("a snapshot and zeros", vec![Edit::Append(snapshot(), Bytes::Times("\0".to_owned(), 4 << 20))]),
    ] {
        cases.push(edit("E3", name, hash, edits));
    }
    for (name, gone) in [("no snapshot", SNAPSHOT), ("no current span", CURRENT), ("no closed span", SPAN)] {
        cases.push(edit(
            "I13",
            name,
            "an import is complete for its mode, or it is none",
            vec![Edit::NoArtifact(gone.to_owned())],
        ));
    }
    for (name, of, after) in [
        ("a source that fails at once, in a snapshot", SNAPSHOT, 0),
        ("a source that fails in a snapshot", SNAPSHOT, 10),
        ("a source that fails at once, in a span", SPAN, 0),
        ("a source that fails in a span", SPAN, 10),
        ("a source that fails in a current span", CURRENT, 3),
    ] {
        cases.push(edit("I2", name, "an error of the source is the import's", vec![Edit::Fails(of.to_owned(), after)]));
    }
    let swapped = vec![
        Edit::Rename(span(), "aside".to_owned()),
        Edit::Rename("transcript.v10.0.3".to_owned(), span()),
        Edit::Rename("aside".to_owned(), "transcript.v10.0.3".to_owned()),
    ];
    cases.push(edit("E2", "two spans with their names exchanged", "a span must have the hash of its record", swapped));
    // A vat that has no current span any more, in the mode that the reference fails in.
    let terminated =
        dataset("I15", "a terminated vat's artifact in replay mode", "it is not needed, and skipped", vec![]);
    cases.push(Case { base: "terminated/dataset-js/debug".to_owned(), mode: "replay".to_owned(), ..terminated });
    debug_assert!(cases.iter().all(|case| case.base == ARCHIVAL || case.about == "I15"));
    cases
}
