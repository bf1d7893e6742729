//! What both sides have in common: they take calls, and their stores are exported and imported.

use std::path::Path;

use anyhow::Result;
use serde_json::Value;
use swing_core::ArtifactMode;

use super::answer::Answer;
use super::call::{Call, Place};

/// An implementation with at most one store open.
///
/// An error is one of the game and ends it; what an implementation says of a call is an [`Answer`], failures included.
pub(crate) trait Player {
    /// Makes a call. [`Call::Open`] closes the store that is open.
    fn call(&mut self, place: &Place, call: &Call) -> Result<Answer>;

    /// Closes the store, abandoning what is not committed. Nothing happens if none is open.
    fn close(&mut self) -> Result<()>;

    /// Leaves the store as if this process had been killed.
    fn kill(&mut self, place: &Place) -> Result<()>;

    /// Imports the last commit of the store in `from`, exported in mode `offered`, into a new store in `to`.
    fn import(&mut self, from: &Path, offered: ArtifactMode, to: &Path, taken: ArtifactMode) -> Result<Answer>;

    /// Imports a dataset into a new store in `to`.
    fn import_dataset(&mut self, dataset: &Path, to: &Path, taken: ArtifactMode) -> Result<Answer>;

    /// Exports the last commit of the store in `dir`.
    fn export(&mut self, dir: &Path, mode: ArtifactMode) -> Result<Answer> {
        let place = Place { dir: dir.to_owned(), archive: dir.to_owned() };
        self.call(&place, &Call::Export(mode))
    }

    /// Everything in the open store.
    fn dump(&mut self, place: &Place, historical: bool) -> Result<Value> {
        self.call(place, &Call::Dump(historical))?.value("dump")
    }
}
