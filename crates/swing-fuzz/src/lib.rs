//! What must hold of a swing-store whatever bytes it is given.
//!
//! There is one function for each fuzz target, `fn(&[u8])`, which panics when something does not hold. What that is stands with
//! each; common to all is that nothing panics and that whatever is accepted is written again as it came. The functions are
//! ordinary code: libFuzzer calls them (`fuzz/`, through `cargo xtask fuzz`), and so do the tests of this crate, with the inputs
//! of `fixtures/fuzz` and everything that was ever found. It rests on one decision: an oracle says as exactly as it can *which*
//! inputs are accepted, by a few plain lines of its own, and not only that those that are come out as they went in. It knows
//! nothing of how libFuzzer finds its inputs; [`seeds`] only gives it something to begin with.

mod archive;
mod bundles;
mod calls;
mod database;
mod import;
mod lines;
mod manifest;
mod names;
mod records;
mod scratch;
pub mod seeds;
mod session;
mod snapshots;
mod source;
mod targets;
mod zips;

pub use archive::archive_reader;
pub use bundles::bundle_b0;
pub use calls::api_sequence;
pub use database::corrupt_database;
pub use import::import_whole;
pub use lines::transcript_lines;
pub use manifest::manifest;
pub use names::artifact_name;
pub use records::export_record;
pub use snapshots::snapshot_stream;
pub use targets::{TARGETS, Target};
pub use zips::bundle_b1;
