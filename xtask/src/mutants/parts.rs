//! What is mutated, and which tests are asked about it.

/// Some files that answer one question, and the tests nearest to them.
pub(super) struct Part {
    pub(super) name: &'static str,
    /// The crate, whose own tests are asked first.
    pub(super) package: &'static str,
    pub(super) files: &'static [&'static str],
    /// Only mutants of functions whose names have this in them.
    pub(super) functions: Option<&'static str>,
    /// Which tests of the crate to build: `--lib` where all are in it, which is a third faster.
    pub(super) targets: &'static str,
    /// Tests of the crate that take seconds, left to the second pass.
    pub(super) slow: &'static [&'static str],
}

const PLAIN: Part = Part { name: "", package: "", files: &[], functions: None, targets: "--tests", slow: &[] };

pub(super) const PARTS: &[Part] = &[
    Part {
        name: "overlay",
        package: "swing-core",
        files: &["crates/swing-core/src/overlay.rs", "crates/swing-core/src/overlay/**"],
        targets: "--lib",
        slow: &["session::", "testing::", "row_digest::"],
        ..PLAIN
    },
    Part {
        name: "session",
        package: "swing-core",
        files: &["crates/swing-core/src/session/**"],
        targets: "--lib",
        ..PLAIN
    },
    Part {
        name: "row-digest",
        package: "swing-core",
        files: &["crates/swing-core/src/row_digest/**"],
        targets: "--lib",
        ..PLAIN
    },
    Part {
        name: "kv",
        package: "swing-kv",
        files: &[
            "crates/swing-kv/src/ahead.rs",
            "crates/swing-kv/src/digesting.rs",
            "crates/swing-kv/src/entries.rs",
            "crates/swing-kv/src/error.rs",
            "crates/swing-kv/src/gaps.rs",
            "crates/swing-kv/src/key.rs",
            "crates/swing-kv/src/pairs.rs",
            "crates/swing-kv/src/section.rs",
            "crates/swing-kv/src/state.rs",
            "crates/swing-kv/src/view.rs",
            "crates/swing-kv/src/walk.rs",
        ],
        targets: "--lib",
        ..PLAIN
    },
    Part {
        name: "transcripts",
        package: "swing-transcript",
        files: &[
            "crates/swing-transcript/src/closing.rs",
            "crates/swing-transcript/src/cursor.rs",
            "crates/swing-transcript/src/deletion.rs",
            "crates/swing-transcript/src/emptying.rs",
            "crates/swing-transcript/src/hash.rs",
            "crates/swing-transcript/src/layers.rs",
            "crates/swing-transcript/src/listing.rs",
            "crates/swing-transcript/src/state.rs",
            "crates/swing-transcript/src/texts.rs",
            "crates/swing-transcript/src/unwritten.rs",
            "crates/swing-transcript/src/verified.rs",
            "crates/swing-transcript/src/view.rs",
            "crates/swing-transcript/src/walk.rs",
        ],
        slow: &["sequences::"],
        ..PLAIN
    },
    Part {
        name: "spans",
        package: "swing-transcript",
        files: &[
            "crates/swing-transcript/src/substore.rs",
            "crates/swing-transcript/src/substore/hashing.rs",
            "crates/swing-transcript/src/substore/import.rs",
            "crates/swing-transcript/src/substore/lines.rs",
            "crates/swing-transcript/src/substore/repair.rs",
            "crates/swing-transcript/src/substore/rows.rs",
        ],
        slow: &["sequences::"],
        ..PLAIN
    },
    Part {
        name: "snapshots",
        package: "swing-snap",
        files: &[
            "crates/swing-snap/src/bytes.rs",
            "crates/swing-snap/src/rows.rs",
            "crates/swing-snap/src/state.rs",
            "crates/swing-snap/src/snapshots.rs",
            "crates/swing-snap/src/snapshots/save.rs",
            "crates/swing-snap/src/snapshots/behind.rs",
            "crates/swing-snap/src/snapshots/delete.rs",
            "crates/swing-snap/src/substore.rs",
            "crates/swing-snap/src/substore/import.rs",
            "crates/swing-snap/src/substore/records.rs",
            "crates/swing-snap/src/substore/repair.rs",
        ],
        targets: "--lib",
        slow: &["codec::", "migration::"],
        ..PLAIN
    },
    Part {
        name: "store",
        package: "swing-store",
        files: &[
            "crates/swing-store/src/crank.rs",
            "crates/swing-store/src/host.rs",
            "crates/swing-store/src/import.rs",
            "crates/swing-store/src/kernel.rs",
            "crates/swing-store/src/pieces.rs",
            "crates/swing-store/src/store.rs",
            "crates/swing-store/src/substores.rs",
            "crates/swing-store/src/trace.rs",
        ],
        slow: &["damage::", "random_calls_get", "many_random_calls"],
        ..PLAIN
    },
    Part {
        name: "importer",
        package: "swing-export",
        files: &[
            "crates/swing-export/src/import.rs",
            "crates/swing-export/src/publish_error.rs",
            "crates/swing-export/src/staging.rs",
            "crates/swing-export/src/source.rs",
            "crates/swing-export/src/progress.rs",
            "crates/swing-export/src/ahead.rs",
            "crates/swing-export/src/respelled.rs",
            "crates/swing-export/src/exporter.rs",
            "crates/swing-export/src/repair.rs",
        ],
        ..PLAIN
    },
    Part {
        name: "dataset",
        package: "swing-export",
        files: &[
            "crates/swing-export/src/dataset/reader.rs",
            "crates/swing-export/src/dataset/records.rs",
            "crates/swing-export/src/dataset/folder.rs",
            "crates/swing-export/src/dataset/manifest.rs",
            "crates/swing-export/src/dataset/manifest/artifacts.rs",
            "crates/swing-export/src/dataset/manifest/parse.rs",
            "crates/swing-export/src/dataset/mode.rs",
            "crates/swing-export/src/dataset/dialect.rs",
            "crates/swing-export/src/dataset/file_name.rs",
            "crates/swing-export/src/dataset/genesis.rs",
            "crates/swing-export/src/dataset/export_data.rs",
        ],
        ..PLAIN
    },
    Part {
        name: "verify",
        package: "swing-export",
        files: &[
            "crates/swing-export/src/verify.rs",
            "crates/swing-export/src/verify/**",
            "crates/swing-export/src/compare.rs",
            "crates/swing-export/src/compare/**",
            "crates/swing-export/src/diff.rs",
            "crates/swing-export/src/diff/**",
        ],
        ..PLAIN
    },
    Part {
        name: "verify-snapshots",
        package: "swing-snap",
        files: &["crates/swing-snap/src/substore/verify.rs"],
        targets: "--lib",
        slow: &["codec::", "snapshots::", "migration::"],
        ..PLAIN
    },
    Part {
        name: "verify-transcripts",
        package: "swing-transcript",
        files: &["crates/swing-transcript/src/substore/verify.rs", "crates/swing-transcript/src/substore/orphans.rs"],
        slow: &["sequences::"],
        ..PLAIN
    },
    Part {
        name: "verify-bundles",
        package: "swing-bundle",
        files: &["crates/swing-bundle/src/substore.rs"],
        functions: Some("::verify"),
        slow: &["a_damaged_", "a_changed_", "a_graph_", "every_flipped_bit", "members_that_overlap"],
        ..PLAIN
    },
    Part {
        name: "verify-kv",
        package: "swing-kv",
        files: &["crates/swing-kv/src/substore.rs"],
        functions: Some("::verify|describe"),
        targets: "--lib",
        slow: &["tests::model::", "that_the_commit_could_not_write"],
    },
];

/// Who is asked about mutants that the nearest tests let pass: everything that rests on them, the rule about flushing included.
pub(super) const WIDE: &[&str] = &[
    "swing-core",
    "swing-kv",
    "swing-transcript",
    "swing-snap",
    "swing-bundle",
    "swing-export",
    "swing-store",
    "swing-cli",
    "swing-hostile",
    "swing-crash",
];

/// What takes long in a build that is not optimised and has nothing to do with any part.
pub(super) const WIDE_SLOW: &[&str] = &[
    "codec::",
    "a_damaged_map",
    "a_damaged_module",
    "a_changed_module",
    "a_graph_that_is_the_square",
    "damage::every_flipped_bit",
];
