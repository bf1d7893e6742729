//! The session against real files. `raw` connections stand for the original implementation, which knows nothing of
//! our locks and states.

mod beside;
mod blocks;
mod checkpoints;
mod digesting;
mod exports;
mod log_writes;
mod opening;
mod poison;
mod querying;
mod reading;
mod refusing;
mod savepoints;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fs_err as fs;
use rusqlite::Connection;
use tempfile::TempDir;

use super::{
    Creation, Digested, Location, OpenError, OpenOptions, Part, Ran, Reader, Session, SessionError, Table, Writer,
    store_file,
};
use crate::PartId;
use crate::digest::Digest;
use crate::overlay::{Found, Overlay};

pub(super) const KV: Table = Table {
    name: "kvStore",
    columns: &["key", "value"],
    create: "CREATE TABLE IF NOT EXISTS kvStore (key TEXT, value TEXT, PRIMARY KEY (key));",
    digested: Digested::Rows,
};

const SET: &str = "INSERT INTO kvStore (key, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value";

/// A directory with a store in it, or with what a test puts there.
struct Scratch {
    dir: TempDir,
}

impl Scratch {
    /// An empty directory.
    fn empty() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// A store with `a` = `1`, committed and closed.
    fn with_store() -> Self {
        let scratch = Self::empty();
        let mut session = scratch.open();
        set(&mut session, "a", "1").unwrap();
        session.commit(&mut []).unwrap();
        session.close().unwrap();
        scratch
    }

    fn path(&self) -> PathBuf {
        store_file(self.dir.path())
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        PathBuf::from(format!("{}{suffix}", self.path().display()))
    }

    fn try_open(&self, options: &OpenOptions) -> Result<Session, OpenError> {
        Session::open(Location::File(self.path()), options, &[KV])
    }

    fn open(&self) -> Session {
        self.try_open(&OpenOptions::default()).unwrap()
    }

    fn open_read_only(&self) -> Session {
        self.try_open(&read_only()).unwrap()
    }

    /// The other implementation's connection.
    fn raw(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    /// What another process that opens the store now finds committed.
    fn committed(&self, key: &str) -> Option<String> {
        let sql = "SELECT max(value) FROM kvStore WHERE key = ?1";
        self.raw().query_row(sql, [key], |row| row.get(0)).unwrap()
    }

    /// Every file and the digest of what is in it.
    fn listing(&self) -> BTreeMap<String, Digest> {
        listing(self.dir.path())
    }
}

fn listing(dir: &Path) -> BTreeMap<String, Digest> {
    let look = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.unwrap();
        let bytes = if entry.file_type().unwrap().is_file() { fs::read(entry.path()) } else { Ok(Vec::new()) };
        match bytes {
            Ok(bytes) => Some((entry.file_name().into_string().unwrap(), Digest::of(&bytes))),
            // It went between being listed and being read.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => panic!("{error}"),
        }
    };
    fs::read_dir(dir).unwrap().filter_map(look).collect()
}

/// Waits for what happens a moment later: the pool's threads may be the last to let go of a connection.
fn soon(condition: impl Fn() -> bool) -> bool {
    (0..500).any(|_| {
        condition() || {
            std::thread::sleep(std::time::Duration::from_millis(10));
            false
        }
    })
}

fn names(scratch: &Scratch) -> Vec<String> {
    scratch.listing().into_keys().collect()
}

fn read_only() -> OpenOptions {
    OpenOptions { read_only: true, ..OpenOptions::default() }
}

fn creation(creation: Creation) -> OpenOptions {
    OpenOptions { creation, ..OpenOptions::default() }
}

fn set(session: &mut Session, key: &str, value: &str) -> Result<usize, SessionError> {
    session.write()?.run(SET, [key, value])
}

fn get(reader: Reader<'_>, key: &str) -> Option<String> {
    reader.one("SELECT value FROM kvStore WHERE key = ?1", [key], |row| row.get(0)).unwrap()
}

/// A substore's state, at its smallest.
#[derive(Default)]
struct Memory {
    id: PartId,
    overlay: Overlay<Arc<str>, Arc<str>>,
}

impl Memory {
    fn put(&mut self, key: &str, value: &str) {
        self.overlay.put(key.into(), value.into());
    }

    fn get(&self, session: &Session, key: &str) -> Option<String> {
        match self.overlay.find(key) {
            Found::Value(value) => Some(value.to_string()),
            Found::Deleted => None,
            Found::Unknown => get(session.read(), key),
        }
    }
}

impl Part for Memory {
    fn id(&self) -> PartId {
        self.id
    }

    fn mark(&mut self) {
        self.overlay.mark();
    }

    fn rollback_to(&mut self, depth: usize) {
        self.overlay.rollback_to(depth);
    }

    fn release(&mut self) {
        self.overlay.release();
    }

    fn flush(&mut self, writer: &mut Writer<'_>) -> Result<(), SessionError> {
        for (key, value) in self.overlay.drain() {
            match value {
                Some(value) => writer.run(SET, [&*key, &*value])?,
                None => writer.run("DELETE FROM kvStore WHERE key = ?1", [&*key])?,
            };
        }
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.overlay.bytes()
    }
}
