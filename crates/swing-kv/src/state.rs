//! What is kept in memory between calls.

use std::num::NonZeroI64;
use std::sync::Arc;

use swing_core::session::{Part, PartId, Session, SessionError, Writer};

use crate::ahead::ReadAhead;
use crate::digesting::{self, Change};
use crate::gaps::Gaps;
use crate::key::{Key, Keys};
use crate::pairs::{Pairs, RowId};
use crate::view::Kv;
use crate::walk::Walk;

pub(crate) const UPSERT: &str =
    "INSERT INTO kvStore (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
/// The row with this id, if it is that of the key.
pub(crate) const UPDATE: &str = "UPDATE kvStore SET value = ?1 WHERE rowid = ?2 AND key = ?3";
pub(crate) const DELETE: &str = "DELETE FROM kvStore WHERE key = ?1";

/// What a [`KvState`] may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KvOptions {
    /// How much memory the read cache may hold, roughly. 0: none.
    pub cache_bytes: usize,
}

impl Default for KvOptions {
    fn default() -> Self {
        Self { cache_bytes: 64 << 20 }
    }
}

/// The state of a key-value store: what the block has changed and not written yet, and what the table is known to say.
///
/// It belongs to one [`Session`], which it is bound to for every use and whose [`Part`] it is: uncommitted changes
/// follow the session's savepoints, go to the table when it is flushed or committed, and are lost with this state.
/// While it lives nobody else writes `kvStore` through that session; other connections may, between blocks.
pub struct KvState {
    pub(crate) id: PartId,
    /// Of the table only ever what it says, so that rolling changes back does not concern that.
    pub(crate) pairs: Pairs,
    /// Likewise.
    pub(crate) gaps: Gaps,
    pub(crate) ahead: ReadAhead,
    pub(crate) walk: Walk,
    pub(crate) keys: Keys,
    /// Of the session, when `pairs`, `gaps` and `walk` were last right.
    generation: u64,
}

swing_core::opaque!(KvState);

impl Default for KvState {
    fn default() -> Self {
        Self::new(KvOptions::default())
    }
}

impl KvState {
    /// A state that knows nothing yet.
    #[must_use]
    pub fn new(options: KvOptions) -> Self {
        Self {
            id: PartId::default(),
            pairs: Pairs::new(options.cache_bytes),
            gaps: Gaps::new(options.cache_bytes > 0),
            ahead: ReadAhead::new(options.cache_bytes > 0),
            walk: Walk::default(),
            keys: Keys::default(),
            generation: 0,
        }
    }

    /// The store itself. `session` must be the same one each time.
    pub fn bind<'a>(&'a mut self, session: &'a mut Session) -> Kv<'a> {
        Kv { state: self, session }
    }

    /// Forgets what the table said if another connection has written since.
    #[inline]
    pub(crate) fn keep_up_with(&mut self, session: &mut Session) -> Result<(), SessionError> {
        if session.generation_of_block() == Some(self.generation) { Ok(()) } else { self.look_for_others(session) }
    }

    #[inline(never)]
    fn look_for_others(&mut self, session: &mut Session) -> Result<(), SessionError> {
        let generation = session.generation()?;
        self.forget_if_overtaken(generation);
        Ok(())
    }

    fn forget_if_overtaken(&mut self, generation: u64) {
        if self.generation != generation {
            self.generation = generation;
            self.pairs.forget_rows();
            self.gaps.clear();
            self.walk.forget();
        }
    }

    #[inline]
    pub(crate) fn put(&mut self, key: &str, value: Arc<str>) -> &Key {
        self.walk.changes(key);
        let Self { pairs, keys, .. } = self;
        pairs.changes.put_at(key, value, |key| keys.make(key))
    }

    #[inline]
    pub(crate) fn delete(&mut self, key: &str) -> &Key {
        self.walk.deletes();
        let Self { pairs, keys, .. } = self;
        pairs.changes.delete_at(key, |key| keys.make(key))
    }
}

/// Writes changes. `ids` has the rows' ids, where they are known, of these and others; from now on those of new rows, too.
fn write(changes: &[Change<'_>], ids: &mut [RowId], writer: &mut Writer<'_>) -> Result<(), SessionError> {
    let (mut known, mut others) = (Vec::new(), Vec::new());
    for change in changes {
        match (change.after, ids[change.place]) {
            (Some(value), Some(id)) => known.push(((value, id.get(), change.key), change)),
            (Some(_), None) => others.push(change),
            (None, _) => {}
        }
    }
    writer.run_each(UPDATE, known, |change, ran| {
        // Of another key, or of none: that would be a mistake of ours. The key is searched for then, as if no id were known.
        if ran.changed == 0 {
            ids[change.place] = None;
            others.push(change);
        }
    })?;
    let others = others.into_iter().map(|change| ((change.key, change.after), change));
    writer.run_each(UPSERT, others, |change, ran| {
        if change.adds {
            ids[change.place] = NonZeroI64::new(ran.inserted);
        }
    })?;
    writer.run_all(DELETE, changes.iter().filter(|change| change.after.is_none()).map(|change| [change.key]))
}

/// The same, of changes of which nothing else is known.
fn write_all(changes: &[(&str, Option<&str>)], writer: &mut Writer<'_>) -> Result<(), SessionError> {
    writer.run_all(UPSERT, changes.iter().filter(|(_, value)| value.is_some()).copied())?;
    writer.run_all(DELETE, changes.iter().filter(|(_, value)| value.is_none()).map(|(key, _)| [*key]))
}

impl Part for KvState {
    fn id(&self) -> PartId {
        self.id
    }

    fn mark(&mut self) {
        self.pairs.changes.mark();
    }

    fn rollback_to(&mut self, depth: usize) {
        self.pairs.changes.rollback_to(depth);
        self.walk.rolled_back();
    }

    fn release(&mut self) {
        self.pairs.changes.release();
    }

    fn flush(&mut self, writer: &mut Writer<'_>) -> Result<(), SessionError> {
        self.walk.forget();
        self.forget_if_overtaken(writer.generation());
        let mut ids = Vec::new();
        // Settled afterwards: should a row fail, what was changed is still all there to be read.
        if writer.keeps_row_digests() {
            let Pairs { changes, old, .. } = &mut self.pairs;
            let real;
            (real, ids) = digesting::real(changes, digesting::Known { old, gaps: &mut self.gaps }, writer)?;
            self.gaps.fill(real.iter().filter(|change| change.adds).map(|change| change.key));
            write(&real, &mut ids, writer)?;
            if digesting::tells(&self.pairs.changes) {
                let witness = digesting::commit_witness(writer.read())?;
                writer.set_digest_witness(witness);
            }
        } else {
            let changes = self.pairs.changes.sorted();
            let changes = changes.map(|change| (change.key.as_str(), change.value.map(|value| &**value)));
            let changes: Vec<_> = changes.collect();
            self.gaps.fill(changes.iter().filter(|(_, value)| value.is_some()).map(|(key, _)| *key));
            write_all(&changes, writer)?;
        }
        self.pairs.settle(&ids);
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.pairs.changes.bytes()
    }
}
