//! Hosts that stand between the kernel and the store.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};

use swing_core::roles::{HostStorage as _, KernelStorage as _, KvStore as _};
use swing_core::{ExportEntry, SessionError};
use swing_store::{History, Options, Store, StoreError};

type Batches = Arc<Mutex<Vec<Vec<ExportEntry>>>>;

/// A store whose callback hears the batches.
fn told() -> (Store, Batches) {
    let batches = Batches::default();
    let hears = Arc::clone(&batches);
    let callback = move |batch: &[ExportEntry]| {
        hears.lock().unwrap().push(batch.to_vec());
        Ok(())
    };
    let options = Options { export_callback: Some(Box::new(callback)), ..Options::default() };
    (Store::in_memory(options).unwrap(), batches)
}

/// A store that is asked for its batches.
fn asked() -> Store {
    let mut store = Store::in_memory(Options::default()).unwrap();
    store.record_exports().unwrap();
    store
}

/// What a crank changes; the second takes some of it back.
fn change(store: &mut Store, crank: u32) -> Result<(), StoreError> {
    let mut kernel = store.kernel();
    kernel.start_crank()?;
    kernel.establish_crank_savepoint("deliver")?;
    kernel.kv().set("b", &format!("{crank}"))?;
    kernel.kv().set("a", "x")?;
    kernel.kv().set("local.c", "y")?;
    if crank == 2 {
        kernel.rollback_crank("deliver")?;
        kernel.kv().delete("a")?;
    }
    kernel.emit_crank_hashes()?;
    Ok(())
}

fn pairs(batch: &[ExportEntry]) -> Vec<(&str, Option<&str>)> {
    batch.iter().map(|entry| (&*entry.key, entry.value.as_deref())).collect()
}

/// The key of a change that is accounted for by itself is the same text as the kernel's, in another place.
#[test]
fn the_last_of_changes_made_in_two_ways_is_told() {
    let (mut store, batches) = told();
    store.kernel().kv().set("a", "1").unwrap();
    store.unguarded_kv().set("a", "2").unwrap();
    store.account("a", Some("2")).unwrap();
    store.kernel().kv().set("a", "3").unwrap();
    store.host().commit().unwrap();
    let batches = batches.lock().unwrap();
    assert_eq!(batches.iter().map(|batch| pairs(batch)).collect::<Vec<_>>(), [[("kv.a", Some("3"))]]);
}

#[test]
fn halves_of_calls_give_the_batches_that_a_callback_is_given() {
    let (mut whole, batches) = told();
    let mut halves = asked();
    let mut taken = Vec::new();
    for crank in 1..=3 {
        for store in [&mut whole, &mut halves] {
            change(store, crank).unwrap();
        }
        whole.kernel().end_crank().unwrap();
        halves.settle_crank().unwrap();
        assert!(matches!(halves.settle_block(), Err(StoreError::InCrank { .. })), "it is still open");
        let pending = halves.pending_exports().unwrap().to_vec();
        assert_eq!(halves.pending_exports().unwrap(), pending, "it stays until it is taken");
        halves.exports_taken().unwrap();
        assert_eq!(halves.pending_exports().unwrap(), []);
        taken.push(pending);
        halves.leave_crank().unwrap();
    }
    for store in [&mut whole, &mut halves] {
        store.kernel().kv().set("outside", "z").unwrap();
    }
    whole.host().commit().unwrap();
    halves.settle_block().unwrap();
    taken.push(halves.pending_exports().unwrap().to_vec());
    halves.exports_taken().unwrap();
    halves.seal_block().unwrap();
    assert_eq!(*batches.lock().unwrap(), taken);
    assert_eq!(taken.iter().map(Vec::len).collect::<Vec<_>>(), [3, 2, 3, 1]);
    assert_eq!(whole.dump(History::All).unwrap(), halves.dump(History::All).unwrap());
}

#[test]
fn a_batch_that_was_not_taken_is_pending_in_the_next_block() {
    let mut store = asked();
    store.kernel().kv().set("a", "1").unwrap();
    store.settle_block().unwrap();
    store.seal_block().unwrap();
    store.settle_block().unwrap();
    assert_eq!(pairs(store.pending_exports().unwrap()), [("kv.a", Some("1"))]);
    store.exports_taken().unwrap();
    store.seal_block().unwrap();
    assert_eq!(store.pending_exports().unwrap(), []);
}

#[test]
fn changes_can_be_taken_in_the_order_in_which_they_were_made() {
    let mut store = asked();
    for key in ["c", "a", "b", "a"] {
        store.kernel().kv().set(key, "1").unwrap();
    }
    store.kernel().kv().delete("c").unwrap();
    let taken = store.take_exports_in_order().unwrap();
    let told = pairs(&taken);
    assert_eq!(told[1..3], [("kv.a", Some("1")), ("kv.b", Some("1"))]);
    // Of c both changes, or the last one in the place of the first: it depends on where a random hash puts the keys.
    match told.len() {
        3 => assert_eq!(told[0], ("kv.c", None)),
        _ => assert_eq!((told[0], &told[3..]), (("kv.c", Some("1")), &[("kv.c", None)][..])),
    }
    assert_eq!(store.take_exports_in_order().unwrap(), []);
}

#[test]
fn pairs_of_every_section_can_be_had_unguarded_and_are_no_export_data() {
    let (mut store, batches) = told();
    let quiet = {
        let mut kernel = store.kernel();
        kernel.start_crank().unwrap();
        kernel.emit_crank_hashes().unwrap().crankhash
    };
    let mut kv = store.unguarded_kv();
    for key in ["a", "host.b", "local.c"] {
        assert!(!kv.has(key).unwrap() && kv.get(key).unwrap().is_none());
        kv.set(key, "1").unwrap();
        assert!(kv.has(key).unwrap());
        assert_eq!(kv.get(key).unwrap().as_deref(), Some("1"));
    }
    assert_eq!(kv.get_next_key("b").unwrap().as_deref(), Some("host.b"));
    kv.delete("local.c").unwrap();
    assert_eq!(kv.get_next_key("host.b").unwrap(), None);
    assert_eq!(store.kernel().emit_crank_hashes().unwrap().crankhash, quiet, "nothing of it is hashed");
    store.kernel().end_crank().unwrap();
    store.host().commit().unwrap();
    let keys: Vec<_> = batches.lock().unwrap().iter().flatten().map(|entry| entry.key.to_string()).collect();
    assert_eq!(keys, ["kv.activityhash"]);
    assert_eq!(store.host().kv().get("host.b").unwrap().as_deref(), Some("1"));
}

/// What goes through an object in the place of the key-value store.
#[test]
fn changes_that_are_accounted_for_by_hand_are_hashed_and_exported_as_the_kernels_are() {
    let ((mut whole, theirs), (mut by_hand, ours)) = (told(), told());
    whole.kernel().start_crank().unwrap();
    whole.kernel().kv().set("a", "1").unwrap();
    whole.kernel().kv().set("local.c", "1").unwrap();
    whole.kernel().kv().delete("b").unwrap();
    let expected = whole.kernel().emit_crank_hashes().unwrap();
    whole.kernel().end_crank().unwrap();
    by_hand.kernel().start_crank().unwrap();
    by_hand.account("a", Some("1")).unwrap();
    by_hand.account("local.c", Some("1")).unwrap();
    by_hand.account("b", None).unwrap();
    assert!(matches!(by_hand.account("host.a", None), Err(StoreError::HostKeyFromKernel { .. })));
    let hashes = by_hand.chain_crank_hash("").unwrap();
    assert_eq!((hashes.crankhash, hashes.activityhash), (expected.crankhash, expected.activityhash));
    by_hand.kernel().end_crank().unwrap();
    assert_eq!(*ours.lock().unwrap(), *theirs.lock().unwrap());
    assert_eq!(by_hand.unguarded_kv().get("a").unwrap(), None, "writing it is the object's business");
}

#[test]
fn a_read_only_store_accounts_for_changes_that_went_elsewhere_and_keeps_none() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path(), Options::default()).unwrap();
    store.host().kv().set("host.height", "1").unwrap();
    store.host().commit().unwrap();
    store.close().unwrap();

    let mut reading = Store::open(dir.path(), Options { read_only: true, ..Options::default() }).unwrap();
    let mut plain = Store::in_memory(Options::default()).unwrap();
    for store in [&mut reading, &mut plain] {
        store.kernel().start_crank().unwrap();
        store.kernel().establish_crank_savepoint("s").unwrap();
        store.begin_accounting().unwrap();
        store.account("a", Some("1")).unwrap();
        store.kernel().rollback_crank("s").unwrap();
    }
    assert_eq!(reading.chain_crank_hash("").unwrap(), plain.chain_crank_hash("").unwrap());
    assert!(matches!(reading.kernel().kv().set("a", "1"), Err(StoreError::Kv(_))));
    reading.kernel().end_crank().unwrap();
    reading.host().commit().unwrap();

    reading.record_exports().unwrap();
    assert!(matches!(reading.begin_accounting(), Err(StoreError::Session(SessionError::ReadOnly))));
    assert!(matches!(reading.account("a", None), Err(StoreError::Session(SessionError::ReadOnly))));
    assert!(matches!(reading.chain_crank_hash(""), Err(StoreError::Session(SessionError::ReadOnly))));
    reading.close().unwrap();
}
