//! How much history an export carries.

use std::fmt;
use std::str::FromStr;

/// Which artifacts an exporter offers and an importer takes. Each mode includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum ArtifactMode {
    /// What a validator needs to go on: the current span and the snapshot in use of each vat, and all bundles.
    #[default]
    Operational,
    /// Also every span of each vat's current incarnation.
    Replay,
    /// Also every span of each vat that has a current one.
    Archival,
    /// Everything complete that is there; an export in this mode never fails for want of something.
    Debug,
}

impl ArtifactMode {
    /// All modes, smallest first.
    pub const ALL: [Self; 4] = [Self::Operational, Self::Replay, Self::Archival, Self::Debug];

    /// The word for it in manifests and options.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operational => "operational",
            Self::Replay => "replay",
            Self::Archival => "archival",
            Self::Debug => "debug",
        }
    }

    /// The completeness an import in this mode must reach: `debug` promises no more than `operational`.
    #[must_use]
    pub const fn completeness(self) -> Self {
        match self {
            Self::Debug => Self::Operational,
            other => other,
        }
    }
}

impl fmt::Display for ArtifactMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no artifact mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid artifact mode {0:?} (expected operational, replay, archival or debug)")]
pub struct UnknownMode(pub String);

impl FromStr for ArtifactMode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text).ok_or_else(|| UnknownMode(text.to_owned()))
    }
}
