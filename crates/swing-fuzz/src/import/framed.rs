//! A dataset as one run of bytes: the lines, then names and contents by turns, with marks between.

use swing_core::{ArtifactName, Digest, SnapshotRecord, SpanRecord};
use swing_export::dataset::{Dialect, ExportDataReader};

use super::offer::Offer;
use crate::lines::hash_of_lines;
use crate::source::After;

/// Stands in no text.
pub(crate) const MARK: &[u8] = &[0xff, 0xfe, 0xff];

pub(super) fn offer(data: &[u8], more: u8) -> Offer {
    let mut pieces = split(data).into_iter();
    let lines = pieces.next().unwrap_or_default().to_vec();
    let mut artifacts = Vec::new();
    while let (Some(name), Some(content)) = (pieces.next(), pieces.next()) {
        artifacts.push((String::from_utf8_lossy(name).into_owned(), content.to_vec()));
    }
    let odd = (more & 0xe0 == 0xe0).then(|| {
        let after = [After::Failure, After::Endless(b'\n')][usize::from(more >> 4 & 1)];
        (usize::from(more & 7), after)
    });
    let mut offer = Offer { lines, artifacts, how: more >> 1, odd, ..Offer::default() };
    if more & 1 == 1 {
        vouch(&mut offer);
    }
    offer
}

fn split(data: &[u8]) -> Vec<&[u8]> {
    let (mut pieces, mut from, mut at) = (Vec::new(), 0, 0);
    while at < data.len() {
        if data[at..].starts_with(MARK) {
            pieces.push(&data[from..at]);
            at += MARK.len();
            from = at;
        } else {
            at += 1;
        }
    }
    pieces.push(&data[from..]);
    pieces
}

/// Gives records the hashes of what is offered, so that a change of content is not the end of it.
fn vouch(offer: &mut Offer) {
    let mut lines = Vec::new();
    for record in ExportDataReader::new("fuzz", &offer.lines[..]) {
        let Ok((key, mut value)) = record else { return };
        if let Some(text) = &mut value {
            if let Ok(mut span) = SpanRecord::parse(text) {
                let name = span.artifact().to_string();
                let items = span.end.get() - span.start.get();
                let content = offer.artifacts.iter().find(|(offered, _)| *offered == name);
                if let Some(hash) = content.and_then(|(_, content)| hash_of_lines(content, items)) {
                    span.hash = hash;
                    *text = span.to_json();
                }
            } else if let Ok(mut snapshot) = SnapshotRecord::parse(text) {
                let name = snapshot.artifact();
                let is_it = |offered: &str| offered.parse::<ArtifactName>().is_ok_and(|offered| offered == name);
                if let Some((_, content)) = offer.artifacts.iter().find(|(offered, _)| is_it(offered)) {
                    snapshot.hash = Digest::of(content);
                    *text = snapshot.to_json();
                }
            }
        }
        lines.extend(Dialect::Js.record_line(&key, value.as_deref()).into_bytes());
    }
    offer.lines = lines;
}
