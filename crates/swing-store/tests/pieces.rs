//! Hosts that stand between the kernel and the store.

use std::sync::{Arc, Mutex};

use swing_core::roles::{HostStorage as _, KernelStorage as _, KvStore as _};
use swing_store::{Options, Store};

/// The key of a change that is accounted for by itself is the same text as the kernel's, in another place.
#[test]
fn the_last_of_changes_made_in_two_ways_is_told() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&told);
    let export_callback = Some(Box::new(move |batch: &[swing_core::ExportEntry]| {
        hears.lock().unwrap().extend(batch.to_vec());
        Ok(())
    }) as _);
    let mut store = Store::in_memory(Options { export_callback, ..Options::default() }).unwrap();
    store.kernel().kv().set("a", "1").unwrap();
    store.unguarded_kv().set("a", "2").unwrap();
    store.account("a", Some("2")).unwrap();
    store.kernel().kv().set("a", "3").unwrap();
    store.host().commit().unwrap();
    let told: Vec<_> = told.lock().unwrap().iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect();
    assert_eq!(told, [("kv.a".into(), Some("3".into()))]);
}
