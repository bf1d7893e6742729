//! Everything in a store as one object, for tests and for people.

use swing_bundle::encode_base64;
use swing_store::{Dump, DumpedSnapshot};

use crate::error::Answer;
use crate::js::{Js, Value};

pub(crate) fn show(js: Js, dump: &Dump) -> Answer<Value> {
    js.record([
        ("kvEntries", table(js, &dump.kv_entries, |value| js.string(value))),
        ("transcripts", table(js, &dump.transcripts, |items| table(js, items, |item| js.string(item)))),
        ("snapshots", table(js, &dump.snapshots, |all| snapshots(js, all))),
        (
            "bundles",
            table(js, &dump.bundles, |bytes| match bytes {
                Some(bytes) => js.string(&encode_base64(bytes)),
                None => js.null(),
            }),
        ),
    ])
}

/// An object with an entry for each of these.
fn table<'t, K: ToString + 't, T: 't>(
    js: Js,
    entries: impl IntoIterator<Item = (&'t K, &'t T)>,
    show: impl Fn(&'t T) -> Answer<Value>,
) -> Answer<Value> {
    let object = js.object()?;
    for (key, value) in entries {
        js.in_scope(|| js.define(object, &key.to_string(), show(value)?))?;
    }
    Ok(object)
}

/// A list as an object with numbers for keys, for JavaScript to make an array of.
fn snapshots(js: Js, all: &[DumpedSnapshot]) -> Answer<Value> {
    let list = js.object()?;
    for (index, one) in all.iter().enumerate() {
        js.in_scope(|| js.define(list, &index.to_string(), snapshot(js, one)?))?;
    }
    Ok(list)
}

fn snapshot(js: Js, snapshot: &DumpedSnapshot) -> Answer<Value> {
    js.record([
        ("snapPos", js.number(snapshot.position.get())),
        ("hash", js.string(&snapshot.hash.to_string())),
        ("compressedSnapshot", snapshot.compressed.as_ref().map_or_else(|| js.null(), |bytes| js.buffer(bytes))),
        ("inUse", js.number(u64::from(snapshot.in_use))),
    ])
}
