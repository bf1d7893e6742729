//! The schema of a compartment's policy: `assertPackagePolicy` of `@endo/compartment-mapper` 1.6.
//!
//! A policy says which globals, builtins and packages a compartment may use. Bundles on a chain have none; the schema
//! is held nevertheless, since the reference holds it.

use crate::compartment_map::Place;
use crate::error::ArchiveFault;
use crate::json::Json;

/// Checks a policy, and says whether it has the globals attenuated.
pub(crate) fn check(json: Json<'_>, place: &Place<'_>) -> Result<bool, ArchiveFault> {
    let policy = place.object(json)?;
    place.only(&policy, &["packages", "builtins", "globals", "noGlobalFreeze", "defaultAttenuator", "options"])?;
    let refuse = |member: &str, must: &str| Err(place.member(member).fault(format!("must be {must}")));
    if policy.get("noGlobalFreeze").is_some_and(|json| json.boolean().is_none()) {
        return refuse("noGlobalFreeze", "a boolean");
    }
    if policy.get("packages").is_some_and(|json| !is_item(json)) {
        return refuse("packages", "\"any\" or an object of booleans");
    }
    let attenuated = policy.get("globals").is_some_and(is_attenuation);
    if !attenuated && policy.get("globals").is_some_and(|json| !is_item(json)) {
        return refuse("globals", "\"any\", an object of booleans or an attenuation");
    }
    let allowed = |json| is_item(json) || is_record_of(json, |json| json.boolean().is_some() || is_attenuation(json));
    if policy.get("builtins").is_some_and(|json| !allowed(json)) {
        return refuse("builtins", "\"any\" or an object of booleans and attenuations");
    }
    Ok(attenuated)
}

fn is_item(json: Json<'_>) -> bool {
    json.string().is_some_and(|text| text.as_bytes() == b"any") || is_record_of(json, |json| json.boolean().is_some())
}

fn is_record_of(json: Json<'_>, is_fine: impl Fn(Json<'_>) -> bool) -> bool {
    json.object().is_some_and(|object| object.iter().all(|(_, json)| is_fine(json)))
}

/// The parameters of the default attenuator, or an object that names another one.
fn is_attenuation(json: Json<'_>) -> bool {
    json.array().is_some()
        || json.object().is_some_and(|object| object.get("attenuate").and_then(Json::string).is_some())
}
