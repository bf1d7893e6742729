//! How much history a dataset's artifacts hold.

use std::fmt;
use std::str::FromStr;

use super::error::shorten;

/// How much a dataset's artifacts cover, least first; each covers all before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// `none`: export data only. The JavaScript exporter writes it into a manifest when asked for no artifacts.
    NoArtifacts,
    /// `operational`: what a node needs to run on.
    Operational,
    /// `replay`: also what replaying each vat's current incarnation needs.
    Replay,
    /// `archival`: also all older incarnations.
    Archival,
    /// `debug`: everything there was.
    Debug,
}

impl Mode {
    /// Every mode, least first.
    pub const ALL: [Mode; 5] = [Mode::NoArtifacts, Mode::Operational, Mode::Replay, Mode::Archival, Mode::Debug];

    /// Returns the word that stands for the mode in a manifest and on a command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::NoArtifacts => "none",
            Mode::Operational => "operational",
            Mode::Replay => "replay",
            Mode::Archival => "archival",
            Mode::Debug => "debug",
        }
    }

    /// Tells whether a manifest that says `has` holds enough for an import in mode `self`.
    ///
    /// A manifest that says nothing, or `debug`, is taken to hold enough. An import in `debug` mode takes whatever there
    /// is and insists on the operational part only, so `operational` is enough for it (`import-kernel-db.js` has it so).
    #[must_use]
    pub fn is_covered_by(self, has: Option<Mode>) -> bool {
        let needed = if self == Mode::Debug { Mode::Operational } else { self };
        has.is_none_or(|has| has >= needed)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(word: &str) -> Result<Self, UnknownMode> {
        let known = Mode::ALL.into_iter().find(|mode| mode.as_str() == word);
        known.ok_or_else(|| UnknownMode { word: shorten(word) })
    }
}

/// A word that names no [`Mode`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown artifact mode {word:?} (known: none, operational, replay, archival, debug)")]
pub struct UnknownMode {
    /// The word, cut short if it was long.
    pub word: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip_and_are_ordered() {
        for mode in Mode::ALL {
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        assert!(Mode::ALL.is_sorted());
        for word in ["", "Operational", "all", "operational "] {
            assert!(word.parse::<Mode>().is_err(), "{word:?}");
        }
    }

    #[test]
    fn a_manifest_covers_what_the_js_importer_lets_it_cover() {
        use Mode::*;
        // One row for each manifest, one column for each mode asked for: operational, replay, archival, debug.
        let table = [
            (None, [true, true, true, true]),
            (Some(NoArtifacts), [false, false, false, false]),
            (Some(Operational), [true, false, false, true]),
            (Some(Replay), [true, true, false, true]),
            (Some(Archival), [true, true, true, true]),
            (Some(Debug), [true, true, true, true]),
        ];
        for (has, row) in table {
            for (asked, expected) in [Operational, Replay, Archival, Debug].into_iter().zip(row) {
                assert_eq!(asked.is_covered_by(has), expected, "{asked} from {has:?}");
            }
            assert!(NoArtifacts.is_covered_by(has), "none from {has:?}");
        }
    }
}
