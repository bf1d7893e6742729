//! What JavaScript finds in the native module: the few functions that everything begins with.

use std::path::Path;

use napi::Env;
use napi::bindgen_prelude::{JsObjectValue as _, Object, Unknown};
use napi_derive::napi;

use crate::error::Answer;
use crate::js::{Body, Call, Js, Value};

const FUNCTIONS: [(&str, Body<()>); 4] = [
    ("open", crate::open::open),
    ("exporter", crate::exporter::exporter),
    ("importer", crate::importer::importer),
    ("isSwingStore", is_swing_store),
];

// In a test build napi registers no module, and the compiler would take all of it for dead.
#[cfg(test)]
const _: fn(Object<'_>, Env) -> napi::Result<()> = module;

#[napi(module_exports)]
fn module(mut exports: Object<'_>, env: Env) -> napi::Result<()> {
    let js = Js::of(&env);
    for (name, body) in FUNCTIONS {
        let function = js.function(name, (), body).map_err(|failure| napi::Error::from_reason(failure.message))?;
        // SAFETY: the function was made just now in this environment.
        let function = unsafe { Unknown::from_raw_unchecked(env.raw(), function.raw()) };
        exports.set_named_property(name, function)?;
    }
    Ok(())
}

fn is_swing_store(_: &(), call: &Call) -> Answer<Value> {
    let dir = call.argument(0, "dirPath").string()?;
    call.js.boolean(swing_store::is_swing_store(Path::new(&dir)))
}
