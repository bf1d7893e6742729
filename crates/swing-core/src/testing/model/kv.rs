//! The kvStore, as the kernel and as the host see it.

use std::ops::Bound;
use std::sync::Arc;

use super::state::State;
use super::store::{Model, ModelError, refuse};
use crate::roles::KvStore;

/// Who writes a key, and who gets to know.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    /// The kernel alone.
    Local,
    /// The host alone.
    Host,
    /// The kernel, and consensus knows of it.
    Consensus,
}

fn section(key: &str) -> Section {
    if key.starts_with("local.") {
        Section::Local
    } else if key.starts_with("host.") {
        Section::Host
    } else {
        Section::Consensus
    }
}

impl State {
    fn keys_after<'s>(&'s self, previous: &str) -> impl Iterator<Item = &'s String> {
        self.kv.range::<str, _>((Bound::Excluded(previous), Bound::Unbounded)).map(|(key, _)| key)
    }
}

/// The kernel's kvStore: everything but the host's section.
pub struct KernelKv<'m> {
    pub(super) model: &'m mut Model,
}

crate::opaque!(KernelKv<'_>);

impl KernelKv<'_> {
    fn not_the_hosts(key: &str) -> Result<(), ModelError> {
        if section(key) == Section::Host {
            refuse(format!("the kernel cannot use the host's key {key:?}"))
        } else {
            Ok(())
        }
    }
}

impl KvStore for KernelKv<'_> {
    type Error = ModelError;

    fn get(&mut self, key: &str) -> Result<Option<Arc<str>>, ModelError> {
        Self::not_the_hosts(key)?;
        Ok(self.model.now.kv.get(key).cloned())
    }

    fn has(&mut self, key: &str) -> Result<bool, ModelError> {
        Ok(self.get(key)?.is_some())
    }

    fn get_next_key(&mut self, previous: &str) -> Result<Option<Arc<str>>, ModelError> {
        Self::not_the_hosts(previous)?;
        let next = self.model.now.keys_after(previous).find(|key| section(key) != Section::Host);
        Ok(next.map(|key| key.as_str().into()))
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), ModelError> {
        Self::not_the_hosts(key)?;
        self.model.now.kv.insert(key.to_owned(), value.into());
        if section(key) == Section::Consensus {
            // Also when the key has this value already.
            self.model.hashed.push_str(&format!("add\n{key}\n{value}\n"));
            self.model.note(format!("kv.{key}"), Some(value.to_owned()));
        }
        Ok(())
    }

    fn delete(&mut self, key: &str) -> Result<(), ModelError> {
        Self::not_the_hosts(key)?;
        self.model.now.kv.remove(key);
        if section(key) == Section::Consensus {
            // Also when there is no such key.
            self.model.hashed.push_str(&format!("delete\n{key}\n"));
            self.model.note(format!("kv.{key}"), None);
        }
        Ok(())
    }
}

/// The host's kvStore: it reads everything and writes its own section, of which nobody else is told.
pub struct HostKv<'m> {
    pub(super) model: &'m mut Model,
}

crate::opaque!(HostKv<'_>);

impl HostKv<'_> {
    fn only_the_hosts(key: &str) -> Result<(), ModelError> {
        if section(key) == Section::Host { Ok(()) } else { refuse(format!("the host cannot write the key {key:?}")) }
    }
}

impl KvStore for HostKv<'_> {
    type Error = ModelError;

    fn get(&mut self, key: &str) -> Result<Option<Arc<str>>, ModelError> {
        Ok(self.model.now.kv.get(key).cloned())
    }

    fn has(&mut self, key: &str) -> Result<bool, ModelError> {
        Ok(self.model.now.kv.contains_key(key))
    }

    fn get_next_key(&mut self, previous: &str) -> Result<Option<Arc<str>>, ModelError> {
        Ok(self.model.now.keys_after(previous).next().map(|key| key.as_str().into()))
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), ModelError> {
        Self::only_the_hosts(key)?;
        self.model.now.kv.insert(key.to_owned(), value.into());
        Ok(())
    }

    fn delete(&mut self, key: &str) -> Result<(), ModelError> {
        Self::only_the_hosts(key)?;
        self.model.now.kv.remove(key);
        Ok(())
    }
}
