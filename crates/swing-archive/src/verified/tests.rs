//! Content against its hash, through one decoder.

use std::io::{Seek as _, SeekFrom, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use swing_core::{ArtifactName, Digest};

use super::*;

/// The span hash, item by item, as the contract words it.
fn span_hash(items: &[Vec<u8>]) -> Digest {
    items.iter().fold(Digest::of(b"start of transcript span"), |hash, item| {
        Digest::of(format!("{hash}{}", Digest::of(item)).as_bytes())
    })
}

fn lines(items: &[Vec<u8>]) -> Vec<u8> {
    items.iter().flat_map(|item| [item, &b"\n"[..]].concat()).collect()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn open(gzip: &[u8], check: Check) -> ArchivedBytes {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(gzip).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    let name: ArtifactName = "transcript.v1.0.3".parse().unwrap();
    ArchivedBytes::new(name, File::from_parts(file, "unnamed"), check)
}

/// What is handed out, and how it ends.
fn read(mut bytes: ArchivedBytes) -> (Vec<u8>, Result<(), String>) {
    let mut out = Vec::new();
    let end = bytes.read_to_end(&mut out).map(drop).map_err(|error| error.to_string());
    let after = bytes.read(&mut [0; 10]);
    match &end {
        Ok(()) => assert_eq!(after.unwrap(), 0, "the end stays the end"),
        Err(_) => assert!(after.unwrap_err().to_string().ends_with("it has failed before")),
    }
    (out, end)
}

#[test]
fn known_hashes_of_the_contract() {
    let empty = "43e6be43a3a34d60c0ebeb8498b5849b094fc20fc68483a7aeb3624fa10f79f6".parse().unwrap();
    assert_eq!(read(open(&gzip(b""), Check::span(empty, 0))), (vec![], Ok(())));
    let zeroth = "92d0cf6ecd39b60b4e32dc65d4c6f343495928cb041f25b19e2825b17f4daa9a".parse().unwrap();
    assert_eq!(read(open(&gzip(b"zeroth\n"), Check::span(zeroth, 1))), (b"zeroth\n".to_vec(), Ok(())));
}

#[test]
fn wrong_content_is_told_and_its_last_block_withheld() {
    let items: Vec<_> = (0..3).map(|at| vec![b'a' + at; 100_000]).collect();
    let good = lines(&items);
    let check = || Check::span(span_hash(&items), 3);
    assert_eq!(read(open(&gzip(&good), check())), (good.clone(), Ok(())));
    let changed = |at: usize, to: u8| {
        let mut changed = good.clone();
        changed[at] = to;
        changed
    };
    for (content, told) in [
        (good[..good.len() - 1].to_vec(), "the last item is cut off"),
        (good[..200_002].to_vec(), "it has 2 items instead of 3"),
        ([&good[..], b"\n"].concat(), "it goes on after 3 items"),
        ([&good[..], b"x"].concat(), "it goes on after 3 items"),
        (changed(0, b'x'), "hash mismatch"),
        (changed(good.len() - 2, b'x'), "hash mismatch"),
        (changed(5, b'\n'), "it goes on after 3 items"),
        (vec![], "it has 0 items instead of 3"),
    ] {
        let (out, end) = read(open(&gzip(&content), check()));
        let error = end.unwrap_err();
        assert!(error.starts_with("archived transcript.v1.0.3: ") && error.contains(told), "{error}");
        assert!(out.len() <= content.len().saturating_sub(1) && content.starts_with(&out));
    }
}

#[test]
fn a_snapshot_is_checked_by_the_hash_of_all_of_it() {
    let raw = vec![7; 200_000];
    let two_members = [gzip(&raw[..150_000]), gzip(&raw[150_000..])].concat();
    assert_eq!(read(open(&two_members, Check::snapshot(Digest::of(&raw)))), (raw.clone(), Ok(())));
    let (out, end) = read(open(&two_members[..two_members.len() / 2], Check::snapshot(Digest::of(&raw))));
    assert!(end.unwrap_err().contains("the gzip is damaged") && raw.starts_with(&out));
    for bad in [&b""[..], b"x", b"not gzip at all, but long enough to be one", &[gzip(&raw), b"junk".to_vec()].concat()]
    {
        assert!(read(open(bad, Check::snapshot(Digest::of(&raw)))).1.is_err());
    }
    assert!(read(open(&gzip(&raw), Check::snapshot(Digest::of(b"other")))).1.unwrap_err().contains("hash mismatch"));
}

#[test]
fn an_endless_span_is_given_up_after_its_last_item() {
    let bomb = gzip(&vec![b'\n'; 50 << 20]);
    let (out, end) = read(open(&bomb, Check::span(span_hash(&[vec![], vec![]]), 2)));
    assert!(out.is_empty() && end.unwrap_err().contains("it goes on after 2 items"));
}

proptest! {
    #[test]
    fn any_items_come_back_and_no_damage_is_believed(
        items in prop::collection::vec(prop::collection::vec(any::<u8>().prop_filter("LF", |byte| *byte != b'\n'), 0..50), 0..8),
        at: prop::sample::Index, bit in 0..8u8,
    ) {
        let (content, check) = (lines(&items), || Check::span(span_hash(&items), items.len() as u64));
        let mut gzip = gzip(&content);
        prop_assert_eq!(read(open(&gzip, check())), (content.clone(), Ok(())));
        let at = at.index(gzip.len());
        gzip[at] ^= 1 << bit;
        let (out, end) = read(open(&gzip, check()));
        prop_assert!(end.is_err() || out == content);
    }
}
