//! Cranks, their savepoints and their hashes: the kernel's end.

use super::bundles::Bundles;
use super::kv::KernelKv;
use super::snapshots::Snapshots;
use super::store::{Model, ModelError, refuse};
use super::transcripts::Transcripts;
use crate::digest::Digest;
use crate::roles::{CrankHashes, KernelStorage};

const ACTIVITYHASH: &str = "activityhash";

/// The kernel's end of a [`Model`].
pub struct Kernel<'m> {
    pub(super) model: &'m mut Model,
}

crate::opaque!(Kernel<'_>);

impl Kernel<'_> {
    fn expect_crank(&self, call: &str) -> Result<(), ModelError> {
        if self.model.in_crank { Ok(()) } else { refuse(format!("{call} outside of crank")) }
    }
}

impl KernelStorage for Kernel<'_> {
    type Error = ModelError;
    type Kv<'a>
        = KernelKv<'a>
    where
        Self: 'a;
    type Transcripts<'a>
        = Transcripts<'a>
    where
        Self: 'a;
    type Snapshots<'a>
        = Snapshots<'a>
    where
        Self: 'a;
    type Bundles<'a>
        = Bundles<'a>
    where
        Self: 'a;

    fn kv(&mut self) -> KernelKv<'_> {
        KernelKv { model: self.model }
    }

    fn transcripts(&mut self) -> Transcripts<'_> {
        Transcripts { model: self.model }
    }

    fn snapshots(&mut self) -> Snapshots<'_> {
        Snapshots { model: self.model }
    }

    fn bundles(&mut self) -> Bundles<'_> {
        Bundles { model: self.model }
    }

    fn start_crank(&mut self) -> Result<(), ModelError> {
        if self.model.in_crank {
            return refuse("startCrank while already in a crank");
        }
        self.model.in_crank = true;
        // What was written since the last emit stays exported, but drops out of the hash.
        self.model.hashed.clear();
        Ok(())
    }

    fn establish_crank_savepoint(&mut self, name: &str) -> Result<(), ModelError> {
        self.expect_crank("establishCrankSavepoint")?;
        let now = self.model.now.clone();
        self.model.savepoints.push((name.to_owned(), now));
        Ok(())
    }

    fn rollback_crank(&mut self, name: &str) -> Result<(), ModelError> {
        self.expect_crank("rollbackCrank")?;
        let Some(first) = self.model.savepoints.iter().position(|(known, _)| known == name) else {
            return refuse(format!("no such savepoint as \"{name}\""));
        };
        self.model.now = self.model.savepoints[first].1.clone();
        self.model.savepoints.truncate(first);
        // `hashed` goes on: what was rolled back stays hashed.
        Ok(())
    }

    fn emit_crank_hashes(&mut self) -> Result<CrankHashes, ModelError> {
        let crankhash = Digest::of(std::mem::take(&mut self.model.hashed).as_bytes());
        let old = self.activityhash()?;
        let activityhash = Digest::of(format!("activityhash\n{old}\n{crankhash}\n").as_bytes());
        // Past the kernel's own kvStore: stored and exported, but not hashed.
        self.model.now.kv.insert(ACTIVITYHASH.to_owned(), activityhash.to_string().into());
        self.model.note("kv.activityhash", Some(activityhash.to_string()));
        Ok(CrankHashes { crankhash, activityhash })
    }

    fn end_crank(&mut self) -> Result<(), ModelError> {
        self.expect_crank("endCrank")?;
        self.model.savepoints.clear();
        // If the callback fails the crank is still open, without its savepoints.
        self.model.flush()?;
        self.model.in_crank = false;
        Ok(())
    }

    fn activityhash(&mut self) -> Result<String, ModelError> {
        Ok(self.model.now.kv.get(ACTIVITYHASH).map(ToString::to_string).unwrap_or_default())
    }
}
