//! Files of an archive.

use super::list::{dataset, hex, text};
use crate::case::{Bytes, Case, Edit, Input};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (kind, file) in [("snapshot", "snapshot.v1.20.gz"), ("span", "transcript.v1.0.7.gz")] {
        let name = || file.to_owned();
        for (what, edits) in [
            ("cut short", vec![Edit::Cut(name(), 1)]),
            ("cut in the middle", vec![Edit::Cut(name(), 60)]),
            ("emptied", vec![Edit::Artifact(name(), text(""))]),
            ("gone", vec![Edit::NoArtifact(name())]),
            ("with junk after it", vec![Edit::Append(name(), text("junk"))]),
            ("with zeros after it", vec![Edit::Append(name(), Bytes::Times("\0".to_owned(), 512))]),
            (
                "with an empty member after it",
                vec![Edit::Append(name(), hex("1f8b08000000000000ff03000000000000000000"))],
            ),
            (
                "with a member of one byte after it",
                vec![Edit::Append(
                    name(),
                    hex("1f8b08000000000002ff4b04004 3beb7e801000000".replace(' ', "").as_str()),
                )],
            ),
            ("with junk before it", vec![Edit::Prepend(name(), text("junk"))]),
            ("that is no gzip", vec![Edit::Artifact(name(), text("plain text"))]),
            ("with a flipped bit in its header", vec![Edit::Flip(name(), 3)]),
            ("with a flipped bit in its time", vec![Edit::Flip(name(), 33)]),
            ("with a flipped bit at its beginning", vec![Edit::Flip(name(), 90)]),
            ("with a flipped bit in it", vec![Edit::Flip(name(), 333)]),
            ("under another name", vec![Edit::Rename(name(), format!("x{file}"))]),
        ] {
            let why = "what an archive hands out is what its hash says";
            cases.push(Case {
                input: Input::Archive,
                ..dataset("archive", format!("an archived {kind} {what}"), why, edits)
            });
        }
    }
    cases
}
