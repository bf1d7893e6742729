//! Words that several subcommands take as values.

use clap::ValueEnum;
use clap::builder::RangedU64ValueParser;
use swing_export::dataset::Mode;

/// Which artifacts, each word including those before it.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum ArtifactMode {
    /// No artifacts.
    None,
    /// What a node needs to go on: current spans, snapshots in use, bundles.
    Operational,
    /// Also what replaying each vat's current incarnation needs.
    Replay,
    /// Also the older incarnations of every vat that is alive.
    Archival,
    /// Every complete span and snapshot there is, whatever else is missing.
    Debug,
}

impl From<ArtifactMode> for Mode {
    fn from(mode: ArtifactMode) -> Self {
        match mode {
            ArtifactMode::None => Self::NoArtifacts,
            ArtifactMode::Operational => Self::Operational,
            ArtifactMode::Replay => Self::Replay,
            ArtifactMode::Archival => Self::Archival,
            ArtifactMode::Debug => Self::Debug,
        }
    }
}

/// A block height: what JavaScript counts exactly.
pub(super) fn height() -> RangedU64ValueParser {
    RangedU64ValueParser::new().range(..=swing_core::Position::MAX.get())
}
