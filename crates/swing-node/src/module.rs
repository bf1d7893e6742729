//! What JavaScript finds in the native module: the few functions that everything begins with, and those that take the handle
//! of a store.

use std::path::Path;
use std::rc::Rc;

use napi::Env;
use napi::bindgen_prelude::{JsObjectValue as _, Object, Unknown};
use napi_derive::napi;

use crate::cell::Cell;
use crate::error::Answer;
use crate::js::{Body, Call, Functions, Js, Value};

const FUNCTIONS: [(&str, Body<()>); 4] = [
    ("open", crate::open::open),
    ("exporter", crate::exporter::exporter),
    ("importer", crate::importer::importer),
    ("isSwingStore", is_swing_store),
];

/// Everything that can be done with a store.
const ON_STORES: [(&str, &Functions<Rc<Cell>>); 10] = [
    ("hostKv", &crate::calls::HOST_KV),
    ("unguardedKv", &crate::calls::UNGUARDED_KV),
    ("importedKv", &crate::importer::HOST_KV),
    ("cranks", &crate::calls::CRANKS),
    ("store", &crate::store::FUNCTIONS),
    ("transcripts", &crate::transcripts::FUNCTIONS),
    ("snapshots", &crate::snapshots::FUNCTIONS),
    ("bundles", &crate::bundles::FUNCTIONS),
    ("tools", &crate::tools::FUNCTIONS),
    ("queries", &crate::query::FUNCTIONS),
];

// In a test build napi registers no module, and the compiler would take all of it for dead.
#[cfg(test)]
const _: fn(Object<'_>, Env) -> napi::Result<()> = module;

#[napi(module_exports)]
fn module(mut exports: Object<'_>, env: Env) -> napi::Result<()> {
    let js = Js::of(&env);
    let mut export = |name: &str, made: Answer<Value>| {
        let made = made.map_err(|failure| napi::Error::from_reason(failure.message))?;
        // SAFETY: the value was made just now in this environment.
        exports.set_named_property(name, unsafe { Unknown::from_raw_unchecked(env.raw(), made.raw()) })
    };
    for (name, body) in FUNCTIONS {
        export(name, js.function(name, (), body))?;
    }
    for (name, functions) in ON_STORES {
        export(name, js.functions_of_handles(functions))?;
    }
    export("answers", js.functions_of_handles(&crate::query::ON_ANSWERS))?;
    export("spans", js.functions_of_handles(&crate::transcripts::ON_SPANS))
}

fn is_swing_store(_: &(), call: &Call) -> Answer<Value> {
    let dir = call.argument(0, "dirPath").string()?;
    call.js.boolean(swing_store::is_swing_store(Path::new(&dir)))
}
