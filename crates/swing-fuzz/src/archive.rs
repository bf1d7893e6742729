//! An archive of gzip files.

use std::io::Read as _;

use fs_err as fs;
use swing_archive::{DirectoryArchive, Unverified};
use swing_core::{ArtifactName, Digest, Position, SnapshotArchive as _, TranscriptArchive as _, VatId};

use crate::lines::hash_of_lines;
use crate::scratch;
use crate::snapshots::{gzip_of, other_decoder};
use crate::source::Chunks;

/// What is put into an archive comes out of it as it was. A file that was changed is read to its end if and only if another
/// decoder reads it, and its content has the hash that the reader brings and, of a span, as many items; then it is that content.
/// Else the reader fails, goes on failing, and has not handed out all of it. An archive lists what it has and nothing else.
///
/// The input: whether it is a snapshot or a span; how the source gives it; what becomes of the file; then its content, or the file.
pub fn archive_reader(data: &[u8]) {
    let [what, how, damage, payload @ ..] = data else { return };
    thread_local! {
        static PLACE: tempfile::TempDir = scratch::directory();
    }
    PLACE.with(|place| {
        let mut archive = DirectoryArchive::open(place.path()).expect("an archive");
        let name = name_of(*what, payload);
        let path = place.path().join(format!("{name}.gz"));
        fill(&mut archive, &name, payload, *how);
        let listed = archive.list().expect("a list");
        assert_eq!(listed.iter().map(|file| &file.name).collect::<Vec<_>>(), [&name]);

        let written = fs::read(&path).expect("what was written");
        assert!(other_decoder(&written).is_ok_and(|out| out == payload), "another decoder reads something else");
        let file = changed(written, payload, *how, *damage);
        fs::write(&path, &file).expect("a place to write to");
        read(&archive, &name, &file, payload);
        fs::remove_file(&path).expect("what was there");
    });
}

fn name_of(what: u8, payload: &[u8]) -> ArtifactName {
    let vat = VatId::parse(["v1", "é b", "-", "CON"][usize::from(what >> 1 & 3)]).expect("a vat ID");
    let position = |value: u64| Position::new(value).unwrap_or(Position::MAX);
    let start = u64::from(what >> 5);
    if what & 1 == 0 {
        return ArtifactName::Snapshot { vat, position: position(start) };
    }
    let items = payload.split_inclusive(|byte| *byte == b'\n').count() as u64;
    let items = match what >> 3 & 3 {
        1 => items + 1,
        2 => items.saturating_sub(1),
        _ => items,
    };
    ArtifactName::Span { vat, start: position(start), end: position(start + items) }
}

fn fill(archive: &mut DirectoryArchive, name: &ArtifactName, payload: &[u8], how: u8) {
    let filled = match name {
        ArtifactName::Span { .. } => archive.transcript(name, &mut Chunks::new(payload, how)),
        _ => archive.snapshot(name, &gzip_of(payload)),
    };
    filled.expect("an archive takes what it is given");
}

fn changed(mut file: Vec<u8>, payload: &[u8], how: u8, damage: u8) -> Vec<u8> {
    let at = (usize::from(damage) * 131 + usize::from(how)) % file.len();
    match damage & 7 {
        0 => {}
        1 => file[at] ^= 1 << (how & 7),
        2 => file.truncate(at),
        3 => file.push(how),
        4 => file.extend(gzip_of(payload)),
        5 => file = gzip_of(&payload[..at.min(payload.len())]),
        // The file itself, as it is.
        _ => file = payload.to_vec(),
    }
    file
}

fn read(archive: &DirectoryArchive, name: &ArtifactName, file: &[u8], payload: &[u8]) {
    let content = other_decoder(file).ok();
    let (opened, right) = match name {
        ArtifactName::Span { start, end, .. } => {
            let items = end.get() - start.get();
            let hash = |bytes: &[u8]| span_hash(bytes, items);
            // Also of one that goes on after its last item, or whose end is missing.
            let counted =
                payload.split_inclusive(|byte| *byte == b'\n').take(items as usize).collect::<Vec<_>>().concat();
            let known = hash(payload).or_else(|| hash(&counted)).unwrap_or(Digest::of(payload));
            (archive.open_span(name, known), content.as_deref().is_some_and(|content| hash(content) == Some(known)))
        }
        _ => {
            let right = content.as_deref().is_some_and(|content| content == payload);
            (archive.open_snapshot(name, Digest::of(payload)), right)
        }
    };
    let mut reader = opened.expect("a file that is there");
    let mut out = Vec::new();
    let read = reader.read_to_end(&mut out);
    assert_eq!(read.is_ok(), right, "{read:?}");
    if let Err(error) = read {
        assert!(error.get_ref().is_some_and(|inner| inner.is::<Unverified>()), "{error}");
        assert!(reader.read(&mut [0; 8]).is_err(), "a reader that failed must not look finished");
        assert!(out.is_empty() || content.is_none_or(|content| out.len() < content.len()));
    } else {
        assert_eq!(Some(out), content);
    }
}

/// As [`hash_of_lines`], for items of any bytes: an archive does not ask whether they are text.
fn span_hash(bytes: &[u8], items: u64) -> Option<Digest> {
    if std::str::from_utf8(bytes).is_ok() {
        return hash_of_lines(bytes, items);
    }
    let (mut hash, mut found) = (swing_transcript::initial_hash(), 0);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let item = Digest::of(line.strip_suffix(b"\n")?);
        hash = Digest::of(format!("{hash}{item}").as_bytes());
        found += 1;
    }
    (found == items).then_some(hash)
}
