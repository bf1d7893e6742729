//! Bundles. What a bundle is as an object is JavaScript's affair; here it is its stored text or its archive in base64.

use std::rc::Rc;

use swing_bundle::{decode_base64, encode_base64};
use swing_core::BundleId;
use swing_core::roles::{Bundle, BundleStore as _, KernelStorage as _};

use crate::cell::Cell;
use crate::error::{Answer, Failure, Kind};
use crate::js::{Body, Call, Value};

pub(crate) static FUNCTIONS: [(&str, Body<Rc<Cell>>); 8] = [
    ("addText", add_text),
    ("addZip", add_zip),
    ("hasBundle", has_bundle),
    ("getContent", get_content),
    ("deleteBundle", delete_bundle),
    ("getBundleIDs", bundle_ids),
    ("addRecord", add_record),
    ("populate", populate),
];

fn id(call: &Call) -> Answer<Result<BundleId, String>> {
    let text = call.argument(0, "bundleID").string()?;
    Ok(BundleId::parse(&text).map_err(|_| text))
}

fn known_id(call: &Call) -> Answer<BundleId> {
    id(call)?.map_err(|text| Failure::argument(format!("unsupported BundleID {text:?}")))
}

/// `addText(bundleID, json)`.
fn add_text(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let (id, text) = (known_id(call)?, call.argument(1, "bundle").string()?);
    cell.write()?.store.kernel().bundles().add_bundle(&id, &Bundle::NestedEvaluate(text))?;
    call.js.undefined()
}

/// `addZip(bundleID, sha512, base64)`.
fn add_zip(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let (id, sha512) = (known_id(call)?, call.argument(1, "endoZipBase64Sha512").string()?);
    let base64 = call.argument(2, "endoZipBase64").string()?;
    let zip = decode_base64(&base64).map_err(|_| Failure::argument(no_base64(&base64, &id)))?;
    cell.write()?.store.kernel().bundles().add_bundle(&id, &Bundle::EndoZip { sha512, zip })?;
    call.js.undefined()
}

/// What the original's decoder says of text that it refuses, with the bundle where it says `<unknown>`.
fn no_base64(text: &str, id: &BundleId) -> String {
    let data = text.split('=').next().unwrap_or_default();
    let strange = |char: &char| !(char.is_ascii_alphanumeric() || matches!(char, '+' | '/'));
    if let Some(char) = data.chars().find(strange) {
        return format!("Invalid base64 character {char} in string {id}");
    }
    // Each padding stands for two bits that the last characters have beyond whole bytes.
    let wanted = [0, 3, 2, 1][data.len() % 4];
    let padding = text[data.len()..].bytes().take(wanted).take_while(|byte| *byte == b'=').count();
    let at = data.len() + padding;
    if padding < wanted {
        return format!("Missing padding at offset {at} of string {id}");
    }
    let garbage: String = text[at..].chars().take(40).collect();
    format!("Base64 string has trailing garbage {garbage} in string {id}")
}

fn has_bundle(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let mut open = cell.read()?;
    let has = match id(call)? {
        Ok(id) => open.store.kernel().bundles().has_bundle(&id)?,
        // What is no ID is that of no bundle.
        Err(_) => false,
    };
    call.js.boolean(has)
}

/// The JSON text of a `b0-` bundle, the archive of a `b1-` one in base64.
fn get_content(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let mut open = cell.read()?;
    let id = id(call)?.map_err(|text| Failure::new(Kind::MISSING, format!("bundle {text:?} not found")))?;
    match open.store.kernel().bundles().get_bundle(&id)? {
        Bundle::NestedEvaluate(text) => call.js.string(&text),
        Bundle::EndoZip { zip, .. } => call.js.string(&encode_base64(&zip)),
    }
}

fn delete_bundle(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let mut open = cell.write()?;
    if let Ok(id) = id(call)? {
        open.store.kernel().bundles().delete_bundle(&id)?;
    }
    call.js.undefined()
}

fn bundle_ids(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let ids = cell.read()?.store.kernel().bundles().ids()?;
    call.js.strings(ids.iter().map(BundleId::as_str))
}

/// `addRecord(bundleID)`: of a bundle whose content is still to come.
fn add_record(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let id = known_id(call)?;
    cell.write()?.store.kernel().bundles().add_record(&id)?;
    call.js.undefined()
}

/// `populate(bundleID, artifact)`.
fn populate(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let (id, artifact) = (known_id(call)?, call.argument(1, "bundle artifact").bytes()?);
    cell.write()?.store.kernel().bundles().populate(&id, artifact)?;
    call.js.undefined()
}
