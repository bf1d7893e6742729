//! The suite itself.

const FILES: [(&str, &str); 8] = [
    ("kv", include_str!("kv.rs")),
    ("cranks", include_str!("cranks.rs")),
    ("exports", include_str!("exports.rs")),
    ("blocks", include_str!("blocks.rs")),
    ("transcripts", include_str!("transcripts.rs")),
    ("snapshots", include_str!("snapshots.rs")),
    ("bundles", include_str!("bundles.rs")),
    ("worked_example", include_str!("worked_example.rs")),
];

#[test]
fn every_case_is_in_the_list() {
    let list = include_str!("list.rs");
    for (file, source) in FILES {
        for line in source.lines() {
            let Some((name, _)) =
                line.strip_prefix("pub fn ").and_then(|rest| rest.split_once("<S: StoreUnderTest>()"))
            else {
                continue;
            };
            assert!(list.lines().any(|line| line.trim() == format!("{name},")), "{file}::{name} is in no list");
        }
    }
}
