//! What a hash does not cover is found all the same, and told as damage.

use fs_err as fs;
use swing_export::DigestVerdict;

use crate::common::{block, judged, open};

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
        assert_eq!(verdict, DigestVerdict::Contradicts, "{text}");
        assert_eq!(findings.len(), 1, "{text}: {findings:?}");
        assert_eq!(findings[0].what, "kvStore");
        assert!(findings[0].problem.starts_with("its rows are damaged"), "{findings:?}");
    }
}
