//! The host's end: its own keys, and the commit.

use std::sync::Arc;

use swing_core::Session;
use swing_core::roles::{HostStorage, KvStore};
use swing_kv::{KvState, Section};

use crate::error::StoreError;
use crate::store::Store;
use crate::trace::Trace;

/// The host's end of a [`Store`].
pub struct Host<'s> {
    store: &'s mut Store,
}

swing_core::opaque!(Host<'_>);

impl<'s> Host<'s> {
    pub(crate) fn new(store: &'s mut Store) -> Self {
        Self { store }
    }
}

impl HostStorage for Host<'_> {
    type Error = StoreError;
    type Kv<'a>
        = HostKv<'a>
    where
        Self: 'a;

    fn kv(&mut self) -> HostKv<'_> {
        let Store { session, kv, trace, .. } = &mut *self.store;
        HostKv { session, kv, trace: trace.as_mut() }
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.store.commit()
    }
}

/// The host's key-value store: it reads everything and writes `host.*`, which is neither hashed nor exported.
pub struct HostKv<'s> {
    pub(crate) session: &'s mut Session,
    pub(crate) kv: &'s mut KvState,
    pub(crate) trace: Option<&'s mut Trace>,
}

swing_core::opaque!(HostKv<'_>);

fn host_section(key: &str) -> Result<(), StoreError> {
    match Section::of(key) {
        Section::Host => Ok(()),
        _ => Err(StoreError::KernelKeyFromHost { key: key.to_owned() }),
    }
}

impl KvStore for HostKv<'_> {
    type Error = StoreError;

    fn get(&mut self, key: &str) -> Result<Option<Arc<str>>, StoreError> {
        Ok(self.kv.bind(self.session).get(key)?)
    }

    fn has(&mut self, key: &str) -> Result<bool, StoreError> {
        Ok(self.kv.bind(self.session).has(key)?)
    }

    fn get_next_key(&mut self, previous: &str) -> Result<Option<Arc<str>>, StoreError> {
        Ok(self.kv.bind(self.session).get_next_key(previous)?)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        host_section(key)?;
        self.kv.bind(self.session).set(key, value)?;
        if let Some(trace) = &mut self.trace {
            trace.set(key, value);
        }
        Ok(())
    }

    fn delete(&mut self, key: &str) -> Result<(), StoreError> {
        host_section(key)?;
        self.kv.bind(self.session).delete(key)?;
        if let Some(trace) = &mut self.trace {
            trace.delete(key);
        }
        Ok(())
    }
}
