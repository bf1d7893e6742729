//! A host that knows how far it got is not given a store that knows less.

use std::path::Path;

use swing_store::StoreError;
use swing_store::prelude::*;

use crate::common::{alter, block, open};

#[test]
fn a_store_that_lost_blocks_is_not_opened_by_a_host_that_knows_better() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    block(&mut store, 1);
    block(&mut store, 2);
    store.close().unwrap();
    let at = |height| Options { committed_height: Some(height), ..Options::default() };
    // The store may be ahead: it commits before its host takes note.
    for height in [0, 1, 2] {
        Store::open(dir.path(), at(height)).unwrap().close().unwrap();
    }
    for read_only in [false, true] {
        let error = Store::open(dir.path(), Options { read_only, ..at(3) }).err().unwrap();
        assert!(matches!(error, StoreError::LostBlocks { committed: 3, found: 2 }), "{error}");
        assert!(error.to_string().contains("has lost the blocks since"), "{error}");
        // Without a log that could have them nothing is left beside it either.
        for side in ["-wal", "-shm"] {
            assert!(!dir.path().join(format!("swingstore.sqlite{side}")).exists(), "{side}, {read_only}");
        }
    }
    alter(dir.path(), "UPDATE kvStore SET value = 'two' WHERE key = 'host.height'");
    assert!(matches!(Store::open(dir.path(), at(1)), Err(StoreError::NoHeight { .. })));
    alter(dir.path(), "DELETE FROM kvStore WHERE key = 'host.height'");
    assert!(matches!(Store::open(dir.path(), at(1)), Err(StoreError::LostBlocks { found: 0, .. })));
    Store::open(dir.path(), at(0)).unwrap().close().unwrap();
    // Who erases a store does not ask what it has lost.
    Store::init(dir.path(), at(9)).unwrap();
}

/// A single bit of a write-ahead log: SQLite takes the log to end where its checksum is wrong, without an error.
#[test]
fn commits_lost_with_a_damaged_log_are_noticed_with_the_height_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    (1..=5).for_each(|height| block(&mut store, height));
    // What a crash would leave: the files as they are while the store is open.
    let copy = tempfile::tempdir().unwrap();
    for name in ["swingstore.sqlite", "swingstore.sqlite-wal"] {
        fs_err::copy(dir.path().join(name), copy.path().join(name)).unwrap();
    }
    let wal = copy.path().join("swingstore.sqlite-wal");
    let mut bytes = fs_err::read(&wal).unwrap();
    // Behind its last page there may be zeros.
    let last = bytes.iter().rposition(|&byte| byte != 0).unwrap();
    bytes[last] ^= 1;
    fs_err::write(&wal, &bytes).unwrap();
    // Also where a table is missing, which would be made, and into the log: over the lost blocks.
    for sql in ["", "DROP TABLE pendingExports"] {
        if !sql.is_empty() {
            bytes = with_more_in_its_log(copy.path(), sql);
        }
        let known = Options { committed_height: Some(5), ..Options::default() };
        let error = Store::open(copy.path(), known).err().unwrap();
        assert!(matches!(error, StoreError::LostBlocks { committed: 5, .. }), "{error}");
        // Nothing else may have the lost blocks.
        assert_eq!(fs_err::read(&wal).unwrap(), bytes, "{sql}");
    }
}

/// Changes the store in `dir` as other software would, and answers its log.
fn with_more_in_its_log(dir: &Path, sql: &str) -> Vec<u8> {
    let database = rusqlite::Connection::open(dir.join("swingstore.sqlite")).unwrap();
    database.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
    database.execute_batch(sql).unwrap();
    drop(database);
    fs_err::read(dir.join("swingstore.sqlite-wal")).unwrap()
}

#[test]
fn where_blocks_are_missing_and_no_store_is_none_is_created() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("store");
    let known = |height| Options { committed_height: Some(height), ..Options::default() };
    let error = Store::open(&dir, known(1)).err().unwrap();
    assert!(matches!(error, StoreError::LostBlocks { committed: 1, found: 0 }), "{error}");
    assert!(!dir.exists());
    Store::open(&dir, known(0)).unwrap().close().unwrap();
}

#[test]
fn a_store_without_pairs_has_no_height() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).close().unwrap();
    alter(dir.path(), "DROP TABLE kvStore");
    let known = |height| Options { committed_height: Some(height), ..Options::default() };
    assert!(matches!(Store::open(dir.path(), known(1)), Err(StoreError::LostBlocks { found: 0, .. })));
    Store::open(dir.path(), known(0)).unwrap().close().unwrap();
}
