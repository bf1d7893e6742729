//! What tools ask of one substore of an open store: records and artifacts as an export has them.

use std::rc::Rc;

use swing_core::ArtifactMode;
use swing_core::substore::Substore;
use swing_store::SUBSTORES;

use crate::cell::Cell;
use crate::error::{Answer, Failure, Kind};
use crate::js::{Body, Call, Value};

/// All of them take the substore's tag first.
pub(crate) static FUNCTIONS: [(&str, Body<Rc<Cell>>); 4] = [
    ("exportRecords", export_records),
    ("artifactNames", artifact_names),
    ("artifact", artifact),
    ("checkComplete", check_complete),
];

fn substore(call: &Call) -> Answer<&'static dyn Substore> {
    let tag = call.argument(0, "tag").string()?;
    let found = SUBSTORES.iter().copied().find(|substore| substore.tag() == tag);
    found.ok_or_else(|| Failure::new(Kind::INTERNAL, format!("there is no substore {tag:?}")))
}

fn mode(call: &Call) -> Answer<ArtifactMode> {
    let mode = call.argument(1, "artifactMode").string()?;
    mode.parse().map_err(|_| Failure::argument(format!("invalid artifactMode {mode:?}")))
}

/// `exportRecords(tag)`: all of them.
fn export_records(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let records = cell.read()?.store.export_records(substore(call)?)?;
    call.js.pairs(records.iter().map(|(key, value)| (&**key, Some(&**value))))
}

/// `artifactNames(tag, artifactMode)`.
fn artifact_names(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let names = cell.read()?.store.artifact_names(substore(call)?, mode(call)?)?;
    call.js.strings(names.iter().map(String::as_str))
}

/// `artifact(tag, name)`: all its bytes.
fn artifact(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let name = call.argument(1, "artifact name").string()?;
    call.js.buffer(&cell.read()?.store.artifact(substore(call)?, &name)?)
}

/// `checkComplete(tag, artifactMode)`.
fn check_complete(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    cell.read()?.store.check_complete(substore(call)?, mode(call)?)?;
    call.js.undefined()
}
