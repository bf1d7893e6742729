//! The content of bundles: what an ID promises, and whether bytes keep it.
//!
//! There are two kinds, told apart by the ID. A `b0-` bundle is the JSON text of an object with the module format
//! `nestedEvaluate`; its ID is the SHA-256 of that text. A `b1-` bundle is a zip file of precompiled modules
//! (`endoZipBase64`); its ID is the SHA-512 of the compartment map in it, which has the SHA-512 of every module. The ID
//! does not bind the zip file's other bytes, so one `b1-` ID has many stored forms; see
//! [`canonical_zip`](crate::canonical_zip).
//!
//! A bundle arrives as an object, from `addBundle` ([`from_object`]), or as an artifact of an import ([`from_artifact`]).
//! The first is trusted to be whole, as in the reference: only its format and ID are checked, and a `b1-` bundle's zip
//! file is stored unread. The second is trusted in nothing. Every function here is pure.

use std::borrow::Cow;

use sha2::{Digest, Sha256, Sha512};

use crate::base64::{decode_base64, encode_base64};
use crate::compartment_map::CompartmentMap;
use crate::error::{ArchiveFault, ContentError};
use crate::graph;
use crate::json::{self, JsString, Json, Object, decode_text};
use crate::zip::Zip;

pub(crate) const MAP_PATH: &str = "compartment-map.json";

const NESTED_EVALUATE: &str = "nestedEvaluate";
const ENDO_ZIP_BASE64: &str = "endoZipBase64";
const ENDO_ZIP_BASE64_SHA512: &str = "endoZipBase64Sha512";

/// The form in which the store keeps a bundle. SQLite tells the two apart, and so must who writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored<'a> {
    /// A `b0-` bundle's JSON, a value of type TEXT.
    Text(Cow<'a, str>),
    /// A `b1-` bundle's zip file, a value of type BLOB.
    Zip(Cow<'a, [u8]>),
}

impl Stored<'_> {
    /// The bytes, which are also the bundle's artifact.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Zip(zip) => zip,
        }
    }
}

enum Kind {
    B0,
    B1,
}

impl Kind {
    fn of(id: &str) -> Result<Self, ContentError> {
        if id.starts_with("b0-") {
            Ok(Self::B0)
        } else if id.starts_with("b1-") {
            Ok(Self::B1)
        } else {
            Err(ContentError::UnsupportedId { id: id.to_owned() })
        }
    }
}

/// The ID of the bundle with this JSON text, of the module format `nestedEvaluate`.
pub fn b0_id(json_text: &str) -> String {
    format!("b0-{:x}", Sha256::digest(json_text))
}

/// The ID of the bundle with this zip file: of its compartment map, whatever else is in it.
///
/// # Errors
///
/// If these bytes are not a zip file, or have no compartment map.
pub fn b1_id(zip: &[u8]) -> Result<String, ArchiveFault> {
    Ok(b1_id_of_map(map_bytes(&Zip::read(zip)?)?))
}

fn b1_id_of_map(map: &[u8]) -> String {
    format!("b1-{:x}", Sha512::digest(map))
}

pub(crate) fn map_bytes<'a>(zip: &Zip<'a>) -> Result<&'a [u8], ArchiveFault> {
    zip.get(MAP_PATH).ok_or_else(|| ArchiveFault::NoFile { path: MAP_PATH.to_owned() })
}

/// What the store keeps of a bundle that `addBundle` was given, as the text that `JSON.stringify` makes of it.
///
/// The order of the members is the caller's, and a `b0-` bundle may have more of them than the reference knows; the ID
/// covers both. The modules of a `b1-` bundle are not looked at.
///
/// # Errors
///
/// If the module format or the ID is wrong, if a member that is needed is missing, if the text is not canonical JSON.
pub fn from_object<'a>(id: &str, json_text: &'a str) -> Result<Stored<'a>, ContentError> {
    let kind = Kind::of(id)?;
    let object = parse_object(id, json_text)?;
    match kind {
        Kind::B0 => {
            expect_format(id, &object, NESTED_EVALUATE)?;
            expect_id(id, b0_id(json_text))?;
            expect_same(id, json_text, &object.stringify())?;
            Ok(Stored::Text(Cow::Borrowed(json_text)))
        }
        Kind::B1 => {
            expect_format(id, &object, ENDO_ZIP_BASE64)?;
            expect_id(id, format!("b1-{}", string_member(id, &object, ENDO_ZIP_BASE64_SHA512)?))?;
            let encoded = string_member(id, &object, ENDO_ZIP_BASE64)?;
            // A lone surrogate becomes a character that base64 does not have.
            let zip = decode_base64(&encoded.to_text());
            let zip = zip.map_err(|source| ContentError::Base64 { id: id.to_owned(), source })?;
            Ok(Stored::Zip(Cow::Owned(zip)))
        }
    }
}

/// What the store keeps of a bundle that came as an artifact, all of it checked against the ID.
///
/// # Errors
///
/// Those of [`check_b0`] and [`check_b1`].
pub fn from_artifact<'a>(id: &str, bytes: &'a [u8]) -> Result<Stored<'a>, ContentError> {
    match Kind::of(id)? {
        Kind::B0 => check_b0(id, bytes).map(|text| Stored::Text(Cow::Borrowed(text))),
        Kind::B1 => check_b1(id, bytes).map(|()| Stored::Zip(Cow::Borrowed(bytes))),
    }
}

/// The text that `JSON.stringify` makes of what `getBundle` returns for these stored bytes.
///
/// # Errors
///
/// If the ID is of neither kind, or the stored text is not UTF-8. Nothing else is checked.
pub fn to_object<'a>(id: &str, stored: &'a [u8]) -> Result<Cow<'a, str>, ContentError> {
    match Kind::of(id)? {
        Kind::B0 => text(id, stored).map(Cow::Borrowed),
        Kind::B1 => {
            let (sha512, zip) = (serde_json::Value::from(&id["b1-".len()..]), encode_base64(stored));
            Ok(Cow::Owned(format!(
                r#"{{"moduleFormat":"{ENDO_ZIP_BASE64}","{ENDO_ZIP_BASE64_SHA512}":{sha512},"{ENDO_ZIP_BASE64}":"{zip}"}}"#
            )))
        }
    }
}

/// Checks the artifact of a `b0-` bundle, and returns it as text.
///
/// The text must hash to the ID, and it must be what `JSON.stringify` makes of its `moduleFormat`, `source` and
/// `sourceMap`, those that there are, in this order. The reference hashes that reassembled text and not the artifact,
/// and so accepts the artifact with anything added that reassembling drops. An artifact that the reference exported, and
/// can import, is the reassembled text already.
///
/// # Errors
///
/// If the bytes hash to another ID, if they are not such a text, if the module format is not `nestedEvaluate`.
pub fn check_b0<'a>(id: &str, bytes: &'a [u8]) -> Result<&'a str, ContentError> {
    let text = text(id, bytes)?;
    expect_id(id, b0_id(text))?;
    let object = parse_object(id, text)?;
    expect_format(id, &object, NESTED_EVALUATE)?;
    let names = ["moduleFormat", "source", "sourceMap"].map(JsString::from);
    let members = names.iter().filter_map(|name| object.get(name).map(|value| (name, value)));
    expect_same(id, text, &json::stringify(members))?;
    Ok(text)
}

/// Checks the zip file of a `b1-` bundle, as `@endo/check-bundle` does.
///
/// Its compartment map must hash to the ID and keep its schema. All modules that the entry needs must be there, must
/// have the hash that the map says, and must be the only files.
///
/// # Where this differs from the reference
///
/// It is stricter in what no bundler writes: members of the zip file that overlap eightfold; a graph that takes too long
/// to walk; a policy that would run code of the archive during the check; `modules` or `compartments` that are no
/// objects; modules by names that every JavaScript object has, in a compartment without `modules`.
///
/// It is more lenient where that costs nothing, since the hashes bind it: a compartment map may use what 1.x of
/// `@endo/compartment-mapper` allows and what 2.x allows, also both at once; a module's program is not looked at.
///
/// # Errors
///
/// If any of that does not hold.
pub fn check_b1(id: &str, zip: &[u8]) -> Result<(), ContentError> {
    let archive = |source| ContentError::Archive { id: id.to_owned(), source };
    let zip = Zip::read(zip).map_err(|fault| archive(fault.into()))?;
    let bytes = map_bytes(&zip).map_err(archive)?;
    expect_id(id, b1_id_of_map(bytes))?;
    check_archive(&zip, bytes).map_err(archive)
}

fn check_archive(zip: &Zip<'_>, map: &[u8]) -> Result<(), ArchiveFault> {
    let found = zip.names().count();
    if found < 2 {
        return Err(ArchiveFault::TooFewFiles { found });
    }
    graph::load(&CompartmentMap::parse(&decode_text(map))?, zip, MAP_PATH)
}

fn text<'a>(id: &str, bytes: &'a [u8]) -> Result<&'a str, ContentError> {
    let not_utf8 = |error: std::str::Utf8Error| ContentError::NotUtf8 { id: id.to_owned(), at: error.valid_up_to() };
    std::str::from_utf8(bytes).map_err(not_utf8)
}

fn parse_object<'a>(id: &str, text: &'a str) -> Result<Object<'a>, ContentError> {
    let fault = |source| ContentError::NotAnObject { id: id.to_owned(), source };
    Json::parse(text).map_err(|error| fault(Some(error)))?.object().ok_or_else(|| fault(None))
}

fn string_member(id: &str, object: &Object<'_>, member: &'static str) -> Result<JsString, ContentError> {
    let missing = || ContentError::Member { id: id.to_owned(), member };
    object.get(member).and_then(Json::string).ok_or_else(missing)
}

fn expect_format(id: &str, object: &Object<'_>, expected: &'static str) -> Result<(), ContentError> {
    let format = string_member(id, object, "moduleFormat")?;
    if format.as_bytes() == expected.as_bytes() {
        return Ok(());
    }
    Err(ContentError::ModuleFormat { id: id.to_owned(), format: format.to_string(), expected })
}

fn expect_id(id: &str, actual: String) -> Result<(), ContentError> {
    if id == actual { Ok(()) } else { Err(ContentError::IdMismatch { id: id.to_owned(), actual }) }
}

fn expect_same(id: &str, text: &str, canonical: &[u8]) -> Result<(), ContentError> {
    if text.as_bytes() == canonical {
        return Ok(());
    }
    let at = text.bytes().zip(canonical).take_while(|(a, b)| a == *b).count();
    Err(ContentError::NotCanonical { id: id.to_owned(), at })
}
