//! From the manifest's bytes to its fields.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::{Artifacts, MAX_MANIFEST_BYTES, Manifest};
use crate::dataset::dialect::Dialect;
use crate::dataset::error::{ManifestError, json_reason, shorten};

const FIELDS: [&str; 4] = ["blockHeight", "artifactMode", "data", "artifacts"];

/// The fields as they stand, and whether `artifacts` stand before `data`.
#[derive(Default)]
struct Fields {
    block_height: Option<u64>,
    artifact_mode: Option<String>,
    data: Option<String>,
    artifacts: Option<Option<Artifacts>>,
    artifacts_before_data: bool,
}

pub(super) fn parse(bytes: &[u8]) -> Result<(Manifest, Dialect), ManifestError> {
    if bytes.is_empty() {
        return Err(ManifestError::Empty);
    }
    if bytes.len() as u64 > MAX_MANIFEST_BYTES {
        return Err(ManifestError::TooLarge { limit: MAX_MANIFEST_BYTES });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| ManifestError::NotUtf8 { at: error.valid_up_to() })?;
    let fields: Fields = serde_json::from_str(text).map_err(|error| {
        let (line, column, reason) = (error.line(), error.column(), json_reason(&error));
        if error.is_data() {
            ManifestError::WrongShape { line, column, reason }
        } else {
            ManifestError::NotJson { line, column, reason }
        }
    })?;

    let data = fields.data.filter(|data| !data.is_empty());
    // A name that is empty stands for none, and tells nothing by its place.
    let is_js = fields.artifact_mode.is_some() || data.is_some() && fields.artifacts_before_data;
    let manifest = Manifest {
        block_height: fields.block_height,
        artifact_mode: fields.artifact_mode.map(|word| word.parse()).transpose()?,
        // Both tools take an empty name for none.
        data,
        artifacts: fields.artifacts.flatten().unwrap_or_default(),
    };
    Ok((manifest, if is_js { Dialect::Js } else { Dialect::Go }))
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a manifest object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "blockHeight" => put_once(&mut map, &mut fields.block_height, &key)?,
                "artifactMode" => put_once(&mut map, &mut fields.artifact_mode, &key)?,
                "artifacts" => put_once(&mut map, &mut fields.artifacts, &key)?,
                "data" => {
                    put_once(&mut map, &mut fields.data, &key)?;
                    fields.artifacts_before_data = fields.artifacts.is_some();
                }
                other => {
                    if let Some(known) = FIELDS.iter().find(|known| known.eq_ignore_ascii_case(other)) {
                        let message = format!("field `{}` differs from `{known}` in case only", shorten(other));
                        return Err(A::Error::custom(message));
                    }
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(fields)
    }
}

fn put_once<'de, A, T>(map: &mut A, slot: &mut Option<T>, key: &str) -> Result<(), A::Error>
where
    A: MapAccess<'de>,
    T: Deserialize<'de>,
{
    if slot.is_some() {
        return Err(A::Error::custom(format!("field `{key}` is there twice")));
    }
    *slot = Some(map.next_value()?);
    Ok(())
}
