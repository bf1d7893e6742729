//! The list of all targets.

/// A fuzz target.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, which is also that of its folder in `fixtures/fuzz`.
    pub name: &'static str,
    /// Panics when something does not hold.
    pub run: fn(&[u8]),
    /// Inputs of more bytes find nothing that shorter ones do not, and cost more.
    pub longest: usize,
}

swing_core::opaque!(Target);

macro_rules! targets {
    ($($name:ident: $longest:expr,)+) => {
        /// All targets, the quickest first.
        pub static TARGETS: &[Target] =
            &[$(Target { name: stringify!($name), run: crate::$name, longest: $longest }),+];
    };
}

targets! {
    artifact_name: 512,
    export_record: 2048,
    manifest: 4096,
    bundle_b0: 4096,
    bundle_b1: 8192,
    transcript_lines: 4096,
    snapshot_stream: 4096,
    archive_reader: 4096,
    import_whole: 16384,
    corrupt_database: 4096,
    api_sequence: 4096,
}
