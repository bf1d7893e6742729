//! The kernel's end: substores without host keys, cranks, and no way to commit.

use std::sync::Arc;

use swing_bundle::Bundles;
use swing_core::Session;
use swing_core::roles::{CrankHashes, KernelStorage, KvStore};
use swing_kv::{KvState, Section};
use swing_snap::Snapshots;
use swing_transcript::Transcripts;

use crate::crank::{ACTIVITYHASH, Crank};
use crate::error::StoreError;
use crate::store::{Store, with_parts};
use crate::trace::Trace;

/// The kernel's end of a [`Store`].
pub struct Kernel<'s> {
    store: &'s mut Store,
}

swing_core::opaque!(Kernel<'_>);

impl<'s> Kernel<'s> {
    pub(crate) fn new(store: &'s mut Store) -> Self {
        Self { store }
    }
}

impl KernelStorage for Kernel<'_> {
    type Error = StoreError;
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
        let Store { session, kv, crank, trace, .. } = &mut *self.store;
        KernelKv { session, kv, crank, trace: trace.as_mut() }
    }

    fn transcripts(&mut self) -> Transcripts<'_> {
        self.store.transcripts.bind(&mut self.store.session)
    }

    fn snapshots(&mut self) -> Snapshots<'_> {
        self.store.snapshots.bind(&mut self.store.session)
    }

    fn bundles(&mut self) -> Bundles<'_> {
        Bundles::new(&mut self.store.session)
    }

    fn start_crank(&mut self) -> Result<(), StoreError> {
        if self.store.crank.active {
            return Err(StoreError::AlreadyInCrank);
        }
        self.store.crank.start();
        Ok(())
    }

    fn establish_crank_savepoint(&mut self, name: &str) -> Result<(), StoreError> {
        self.store.in_crank("establishCrankSavepoint")?;
        Ok(with_parts!(self.store, session, parts => session.savepoint(name, parts))?)
    }

    fn rollback_crank(&mut self, name: &str) -> Result<(), StoreError> {
        self.store.in_crank("rollbackCrank")?;
        // The crankhash goes on: what was rolled back stays hashed.
        Ok(with_parts!(self.store, session, parts => session.rollback_to(name, parts))?)
    }

    fn emit_crank_hashes(&mut self) -> Result<CrankHashes, StoreError> {
        let Store { session, kv, crank, trace, .. } = &mut *self.store;
        let old = kv.bind(session).get(ACTIVITYHASH)?;
        // A write that fails must not have used up the crankhash.
        session.begin()?;
        let hashes = crank.emit(old.as_deref().unwrap_or_default());
        let activityhash = hashes.activityhash.to_shared();
        let mut kv = kv.bind(session);
        let record = Arc::clone(kv.set_shared(ACTIVITYHASH, Arc::clone(&activityhash))?.record());
        if let Some(trace) = trace {
            trace.set(ACTIVITYHASH, &activityhash);
        }
        session.note_export(record, Some(activityhash));
        Ok(hashes)
    }

    fn end_crank(&mut self) -> Result<(), StoreError> {
        self.store.settle_crank()?;
        self.store.hand_over()?;
        self.store.leave_crank()
    }

    fn activityhash(&mut self) -> Result<String, StoreError> {
        let Store { session, kv, .. } = &mut *self.store;
        Ok(kv.bind(session).get(ACTIVITYHASH)?.as_deref().unwrap_or_default().to_owned())
    }
}

/// The kernel's key-value store: local and consensus keys. Consensus changes are hashed and exported.
pub struct KernelKv<'s> {
    session: &'s mut Session,
    kv: &'s mut KvState,
    crank: &'s mut Crank,
    trace: Option<&'s mut Trace>,
}

swing_core::opaque!(KernelKv<'_>);

#[inline]
fn kernel_section(key: &str) -> Result<Section, StoreError> {
    match Section::of(key) {
        Section::Host => Err(StoreError::HostKeyFromKernel { key: key.to_owned() }),
        section => Ok(section),
    }
}

impl KvStore for KernelKv<'_> {
    type Error = StoreError;

    #[inline]
    fn get(&mut self, key: &str) -> Result<Option<Arc<str>>, StoreError> {
        kernel_section(key)?;
        Ok(self.kv.bind(self.session).get(key)?)
    }

    #[inline]
    fn has(&mut self, key: &str) -> Result<bool, StoreError> {
        kernel_section(key)?;
        Ok(self.kv.bind(self.session).has(key)?)
    }

    fn get_next_key(&mut self, previous: &str) -> Result<Option<Arc<str>>, StoreError> {
        kernel_section(previous)?;
        let mut kv = self.kv.bind(self.session);
        match kv.get_next_key(previous)? {
            Some(key) => match Section::Host.past() {
                Some(past) if Section::of(&key) == Section::Host => {
                    if kv.has(past)? {
                        Ok(Some(past.into()))
                    } else {
                        Ok(kv.get_next_key(past)?)
                    }
                }
                _ => Ok(Some(key)),
            },
            None => Ok(None),
        }
    }

    #[inline]
    fn set(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        let section = kernel_section(key)?;
        let shared: Arc<str> = value.into();
        let records = section == Section::Consensus && self.session.records_exports();
        let mut kv = self.kv.bind(self.session);
        let known = kv.set_shared(key, Arc::clone(&shared))?;
        let record = records.then(|| Arc::clone(known.record()));
        if let Some(trace) = &mut self.trace {
            trace.set(key, value);
        }
        if section == Section::Consensus {
            self.crank.add(key, value);
        }
        if let Some(record) = record {
            self.session.note_export(record, Some(shared));
        }
        Ok(())
    }

    #[inline]
    fn delete(&mut self, key: &str) -> Result<(), StoreError> {
        let section = kernel_section(key)?;
        let records = section == Section::Consensus && self.session.records_exports();
        let mut kv = self.kv.bind(self.session);
        let known = kv.delete_known(key)?;
        let record = records.then(|| Arc::clone(known.record()));
        if let Some(trace) = &mut self.trace {
            trace.delete(key);
        }
        if section == Section::Consensus {
            self.crank.delete(key);
        }
        if let Some(record) = record {
            self.session.note_export(record, None);
        }
        Ok(())
    }
}

pub(crate) fn export_key(key: &str) -> Arc<str> {
    ["kv.", key].concat().into()
}
