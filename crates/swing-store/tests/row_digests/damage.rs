//! What a hash does not cover is found all the same, and told as damage. The same at length, with a real kernel's store, is
//! `cargo xtask damage`.

use std::path::Path;

use fs_err as fs;
use swing_core::substore::Finding;
use swing_export::{DigestVerdict, verify};
use swing_store::prelude::*;
use swing_store::{SUBSTORES, exporter};

use crate::common::{alter, block, judged, open, vat};

/// Numbers that look random, the same ones each time (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }
}

/// Everything that the tables say, by plain SQL; `None` when that cannot be read.
fn content(file: &Path) -> Option<String> {
    let database = rusqlite::Connection::open_with_flags(file, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
    let mut said = String::new();
    for table in ["kvStore", "transcriptItems", "transcriptSpans", "snapshots", "bundles", "pendingExports"] {
        let mut rows = database.prepare(&format!("SELECT * FROM {table} NOT INDEXED")).ok()?;
        let columns = rows.column_count();
        let mut rows = rows.query([]).ok()?;
        // More than there are: a damaged tree may lead in a circle.
        for _ in 0..10_000 {
            let Some(row) = rows.next().ok()? else { break };
            for column in 0..columns {
                said += &format!("{:?},", row.get_ref(column).ok()?);
            }
        }
    }
    Some(said)
}

fn findings(dir: &Path) -> Option<Vec<Finding>> {
    let exporter = exporter(dir, ArtifactMode::Debug).ok()?;
    Some(verify(exporter.read(), SUBSTORES, None, &mut |_| {}).ok()?.findings)
}

/// Whether a verification complains, or cannot even be done.
fn is_found(dir: &Path) -> bool {
    findings(dir).is_none_or(|found| !found.is_empty())
}

#[test]
fn every_flipped_bit_that_changes_what_a_store_says_is_found_without_trusted_data() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    (1..12).for_each(|height| block(&mut store, height));
    // So that a flip seldom hits free space.
    for at in 0..2000 {
        store.kernel().kv().set(&format!("filler{at}"), &format!("{at}").repeat(20)).unwrap();
    }
    store.host().commit().unwrap();
    store.close().unwrap();
    let file = dir.path().join("swingstore.sqlite");
    let (sound, truth) = (fs::read(&file).unwrap(), content(&file));
    assert!(truth.is_some());
    assert_eq!(findings(dir.path()), Some(vec![]));
    let (mut random, mut changed) = (Random(7), 0);
    for _ in 0..400 {
        let bit = random.below(sound.len() * 8);
        let mut damaged = sound.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        fs::write(&file, damaged).unwrap();
        if content(&file) != truth {
            changed += 1;
            assert!(is_found(dir.path()), "bit {bit}");
        }
    }
    assert!(changed >= 150, "{changed}");
}

/// Changes one byte of the file where `text` stands, as long as it is.
fn replace(dir: &std::path::Path, text: &str, with: &str) {
    assert_eq!(text.len(), with.len());
    let file = dir.join("swingstore.sqlite");
    let mut bytes = fs::read(&file).unwrap();
    let found: Vec<_> = bytes.windows(text.len()).enumerate().filter(|(_, at)| *at == text.as_bytes()).collect();
    let places: Vec<_> = found.into_iter().map(|(at, _)| at).collect();
    assert!(!places.is_empty(), "{text}");
    for at in places {
        bytes[at..at + text.len()].copy_from_slice(with.as_bytes());
    }
    fs::write(&file, bytes).unwrap();
}

#[test]
fn a_changed_value_is_damage_also_in_what_tells_one_block_from_another() {
    for (text, with) in [("value 3", "value 7"), ("host.height4", "host.height8"), ("local.note4", "local.note3")] {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        (1..5).for_each(|height| block(&mut store, height));
        store.close().unwrap();
        replace(dir.path(), text, with);
        let (verdict, findings) = judged(dir.path());
        assert_eq!(verdict, DigestVerdict::Contradicts { by_damage: true }, "{text}");
        assert_eq!(findings.len(), 1, "{text}: {findings:?}");
        assert_eq!(findings[0].what, "kvStore");
        assert!(findings[0].problem.starts_with("its rows are damaged"), "{findings:?}");
    }
}

/// Where the next span is to begin there is a row already, and it is none that could be read.
#[test]
fn a_row_that_is_no_utf8_keeps_no_span_from_being_written_in_its_place() {
    let (dir, v1) = (tempfile::tempdir().unwrap(), vat("v1"));
    let mut store = open(dir.path());
    store.kernel().transcripts().init_transcript(&v1).unwrap();
    store.kernel().transcripts().add_item(&v1, "a").unwrap();
    store.host().commit().unwrap();
    store.close().unwrap();
    let damage = "INSERT INTO transcriptSpans VALUES ('v1', 1, 9, CAST(x'61ff' AS TEXT), NULL, 0)";
    alter(dir.path(), damage);
    let mut store = open(dir.path());
    store.build_row_digests().unwrap();
    store.host().commit().unwrap();
    store.kernel().transcripts().rollover_span(&v1).unwrap();
    store.host().commit().unwrap();
    store.close().unwrap();
    assert_eq!(judged(dir.path()).1, [], "and the digest has taken it off");
}
