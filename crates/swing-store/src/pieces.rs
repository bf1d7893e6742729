//! The parts of a kernel's and a host's calls one by one, for a binding.
//!
//! Two things keep a binding from [`Store::kernel`] and [`Store::host`]. Its host's callback may not be called while the store
//! is borrowed, so what flushes export data comes in halves here, before and after. And the original lets a tool put
//! an object of its own in the place of the key-value store: what the kernel writes then goes through that object, which may
//! keep it from the store altogether, and is hashed and exported all the same. Whoever has no such needs calls the two
//! ends, where nothing can be forgotten.

use std::sync::Arc;

use swing_core::roles::{CrankHashes, KvStore};
use swing_core::session::ExportEntry;
use swing_kv::Section;

use crate::error::StoreError;
use crate::kernel::export_key;
use crate::store::{Store, with_parts};

/// Key-value pairs of every section, unguarded: nothing is hashed or exported.
pub struct UnguardedKv<'s> {
    store: &'s mut Store,
}

swing_core::opaque!(UnguardedKv<'_>);

impl KvStore for UnguardedKv<'_> {
    type Error = StoreError;

    fn get(&mut self, key: &str) -> Result<Option<Arc<str>>, StoreError> {
        Ok(self.store.kv.bind(&mut self.store.session).get(key)?)
    }

    fn has(&mut self, key: &str) -> Result<bool, StoreError> {
        Ok(self.store.kv.bind(&mut self.store.session).has(key)?)
    }

    fn get_next_key(&mut self, previous: &str) -> Result<Option<Arc<str>>, StoreError> {
        Ok(self.store.kv.bind(&mut self.store.session).get_next_key(previous)?)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        self.store.kv.bind(&mut self.store.session).set(key, value)?;
        if let Some(trace) = &mut self.store.trace {
            trace.set(key, value);
        }
        Ok(())
    }

    fn delete(&mut self, key: &str) -> Result<(), StoreError> {
        self.store.kv.bind(&mut self.store.session).delete(key)?;
        if let Some(trace) = &mut self.store.trace {
            trace.delete(key);
        }
        Ok(())
    }
}

/// Export data, for a host that is called between two of these calls and not from inside one.
impl Store {
    /// Records changes of export data from now on, without a callback: they are taken with [`Store::pending_exports`].
    ///
    /// # Errors
    /// [`StoreError::Session`] when what an earlier writer left for the host cannot be read.
    pub fn record_exports(&mut self) -> Result<(), StoreError> {
        Ok(self.session.record_exports()?)
    }

    /// What the host is to be given now: one batch, by key bytes, the last change of each key; empty when there is nothing. It stays
    /// queued until [`Store::exports_taken`].
    ///
    /// # Errors
    /// [`StoreError::Session`] inside a crank that has savepoints, and when the block can never be committed.
    pub fn pending_exports(&mut self) -> Result<&[ExportEntry], StoreError> {
        Ok(self.session.pending_exports()?)
    }

    /// Takes what is pending in the order in which it was changed, for a caller that wants each change as it happens, and so asks
    /// after each call. Of a key that has changed several times since, only the last change may be left, in the place of the first.
    ///
    /// # Errors
    /// As [`Store::pending_exports`] and [`Store::exports_taken`].
    pub fn take_exports_in_order(&mut self) -> Result<Vec<ExportEntry>, StoreError> {
        Ok(self.session.take_exports_in_order()?)
    }

    /// The host has taken what was pending.
    ///
    /// # Errors
    /// [`StoreError::Session`] when the database fails.
    pub fn exports_taken(&mut self) -> Result<(), StoreError> {
        Ok(self.session.exports_taken()?)
    }

    /// The first half of `end_crank`: savepoints are released, and the crank is still open.
    ///
    /// # Errors
    /// [`StoreError::OutsideCrank`], or a failure of the database.
    pub fn settle_crank(&mut self) -> Result<(), StoreError> {
        self.in_crank("endCrank")?;
        Ok(with_parts!(self, session, parts => session.release(parts))?)
    }

    /// The second half of `end_crank`, after the host has taken what is pending.
    ///
    /// # Errors
    /// [`StoreError::Session`] when what memory should not hold any longer cannot be written.
    pub fn leave_crank(&mut self) -> Result<(), StoreError> {
        self.crank.active = false;
        self.spill()
    }

    /// The first half of `commit`: what can fail for want of room fails here, before the host is told anything.
    ///
    /// # Errors
    /// [`StoreError::InCrank`], or a failure of the database.
    pub fn settle_block(&mut self) -> Result<(), StoreError> {
        self.between_cranks("commit")?;
        if self.session.is_open() || self.session.has_exports() {
            self.flush()?;
        }
        Ok(())
    }

    /// The second half of `commit`, after the host has taken what is pending: makes the block durable.
    ///
    /// # Errors
    /// [`StoreError::Commit`] says whether the block is known not to be committed or may be either.
    pub fn seal_block(&mut self) -> Result<(), StoreError> {
        self.between_cranks("commit")?;
        with_parts!(self, session, parts => session.commit(parts))?;
        if let Some(trace) = &mut self.trace {
            trace.flush();
        }
        Ok(())
    }
}

/// The key-value store with another object in its place.
impl Store {
    /// Key-value pairs of every section, neither hashed nor exported.
    pub fn unguarded_kv(&mut self) -> UnguardedKv<'_> {
        UnguardedKv { store: self }
    }

    /// Begins the block in which changes are [accounted](Store::account) for, so that what would refuse them does so before they are made.
    /// A read-only store has no block: what the kernel does over it stays in memory, and its hashes with it.
    ///
    /// # Errors
    /// [`StoreError::Session`] when the block cannot begin, or when changes of a read-only store would have to be exported.
    pub fn begin_accounting(&mut self) -> Result<(), StoreError> {
        if self.session.is_read_only() && !self.session.records_exports() {
            return Ok(());
        }
        Ok(self.session.begin()?)
    }

    /// Hashes and queues for export a change that the kernel made, wherever it went: a new value, or `None` for a
    /// deletion. Keys of the local section are neither hashed nor exported.
    ///
    /// # Errors
    /// [`StoreError::HostKeyFromKernel`] for a key of the host, else as [`Store::begin_accounting`].
    pub fn account(&mut self, key: &str, value: Option<&str>) -> Result<(), StoreError> {
        match Section::of(key) {
            Section::Host => return Err(StoreError::HostKeyFromKernel { key: key.to_owned() }),
            Section::Local => return Ok(()),
            Section::Consensus => {}
        }
        self.begin_accounting()?;
        match value {
            Some(value) => self.crank.add(key, value),
            None => self.crank.delete(key),
        }
        if self.session.records_exports() {
            self.session.note_export(export_key(key), value.map(Arc::from));
        }
        Ok(())
    }

    /// Ends the hash over the changes so far and chains it to `old`, the activityhash until now. The caller writes the
    /// new one to its key; its export record is queued here.
    ///
    /// # Errors
    /// As [`Store::begin_accounting`]; no hash is then used up.
    pub fn chain_crank_hash(&mut self, old: &str) -> Result<CrankHashes, StoreError> {
        self.begin_accounting()?;
        let hashes = self.crank.emit(old);
        self.session.note_export(export_key(crate::crank::ACTIVITYHASH), Some(hashes.activityhash.to_string().into()));
        Ok(hashes)
    }
}
