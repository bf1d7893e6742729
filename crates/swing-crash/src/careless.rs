//! A host that goes on after every error, as one that has forgotten to look would.
//!
//! It makes all calls of its blocks, whatever they answer, and asks for each commit. The model is given exactly the
//! calls that succeeded. So a commit that succeeds must hold all of those and nothing else, one that is said not to
//! have happened must have left the block before, and only one whose outcome is said to be unknown may have done either.

use anyhow::Result;
use swing_core::roles::HostStorage as _;
use swing_core::session::CommitError;
use swing_core::testing::model::Model;
use swing_core::testing::suite::Op;
use swing_store::{Store, StoreError};

use crate::dump::Dump;
use crate::stage::{Keeping, on_model, on_store};
use crate::workload::{Plan, Size};

/// A model that has seen what its store has committed.
pub(crate) struct Careless {
    plan: Plan,
    model: Model,
    /// What a store may hold now, after its process has ended.
    allowed: Vec<Dump>,
    /// Whether a commit's outcome was unknown; what follows is then refused and changes nothing of what may be there.
    unknown: bool,
    /// Where the store and the model have parted; wrong if it is ever committed.
    diverged: Option<String>,
    /// What is wrong already.
    pub(crate) wrong: Option<String>,
    /// Calls that failed, and commits.
    pub(crate) refused: u64,
    /// Commits that succeeded.
    pub(crate) committed: u64,
    /// Another store was put in the place of this one.
    pub(crate) imported: bool,
}

impl Careless {
    /// At the height `played`, as a store that was made without faults.
    pub(crate) fn at(seed: u64, size: Size, played: u64) -> Result<Self> {
        let mut plan = Plan::new(seed, size);
        let mut model = Keeping::of_seed(seed).model();
        for _ in 0..played {
            let (_, ops) = plan.next_block();
            for op in ops.iter().chain([&Op::Commit]) {
                on_model(&mut model, op)
                    .map_err(|refusal| anyhow::anyhow!("the model refuses {op:?}: {}", refusal.0))?;
            }
        }
        let allowed = vec![Dump::of_model(&model)];
        Ok(Self {
            plan,
            model,
            allowed,
            unknown: false,
            diverged: None,
            wrong: None,
            refused: 0,
            committed: 0,
            imported: false,
        })
    }

    /// The store was erased: what was there may still be, or nothing is.
    pub(crate) fn begin_anew(&mut self, seed: u64, size: Size) -> Result<()> {
        let anew = Self::at(seed, size, 0)?;
        *self = Self { wrong: self.wrong.take(), ..anew };
        Ok(())
    }

    /// Plays so many blocks.
    pub(crate) fn blocks(&mut self, store: &mut Store, count: u64) {
        for _ in 0..count {
            let (height, ops) = self.plan.next_block();
            for op in &ops {
                self.call(store, height, op);
            }
            self.commit(store);
        }
    }

    /// Plays a block and does not ask for its commit.
    pub(crate) fn unfinished_block(&mut self, store: &mut Store) {
        let (height, ops) = self.plan.next_block();
        for op in &ops {
            self.call(store, height, op);
        }
    }

    fn call(&mut self, store: &mut Store, height: u64, op: &Op) {
        match on_store(store, op) {
            Ok(_) => {
                if let Err(refusal) = on_model(&mut self.model, op) {
                    // After a failure that nothing can be committed after, it does not matter what else succeeds.
                    let said = format!("block {height}: {op:?} succeeds and should not: {}", refusal.0);
                    self.diverged.get_or_insert(said);
                }
            }
            Err(_) => self.refused += 1,
        }
    }

    fn commit(&mut self, store: &mut Store) {
        let outcome = store.host().commit();
        let before = Dump::of_model(&self.model);
        match outcome {
            Ok(()) => {
                self.committed += 1;
                if self.wrong.is_none() {
                    self.wrong = self.diverged.take();
                }
                match on_model(&mut self.model, &Op::Commit) {
                    Ok(_) => self.allowed = vec![Dump::of_model(&self.model)],
                    Err(refusal) => {
                        self.wrong.get_or_insert(format!("a commit succeeds and should not: {}", refusal.0));
                    }
                }
            }
            Err(error) => {
                self.refused += 1;
                if self.unknown {
                    return;
                }
                self.allowed = vec![before];
                if matches!(error, StoreError::Commit(CommitError::Unknown { .. })) {
                    self.unknown = true;
                    // Whether a model commits is up to it; what it would have committed is what the store may hold.
                    if on_model(&mut self.model, &Op::Commit).is_ok() {
                        self.allowed.push(Dump::of_model(&self.model));
                    }
                }
            }
        }
    }

    /// Says what is wrong with what was found when the store was opened again.
    pub(crate) fn judge(&self, found: &Dump) -> Option<String> {
        if self.wrong.is_some() {
            return self.wrong.clone();
        }
        if self.allowed.contains(found) {
            return None;
        }
        let expected = self.allowed.last()?;
        Some(format!("{} (height {}, expected {})", found.difference(expected), found.height(), expected.height()))
    }
}
