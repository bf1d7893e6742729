//! Bundles of the older kind, whose text is their identity.

use std::io::Read as _;

use arbitrary::Unstructured;
use serde_json::Value;
use swing_bundle::{BundleSubstore, Stored, b0_id, check_b0, from_artifact, from_object, to_object};
use swing_core::ArtifactMode;
use swing_core::substore::{Limits, Substore as _};

use crate::session::with_session;

/// A text is accepted as the artifact of a `b0-` bundle only under its own ID, and then it is stored, and exported, as it is.
///
/// It is accepted if and only if it is exactly `{"moduleFormat":"nestedEvaluate"}` with `source` and `sourceMap` behind it, those
/// that there are, as JavaScript writes them; which is told here for members that are strings, by a JSON library of others.
/// Whatever an import accepts `addBundle` accepts too, and hands back as the same text.
///
/// The input is taken twice: as the text, and as choices of members.
pub fn bundle_b0(data: &[u8]) {
    check(data);
    if let Ok(text) = assembled(&mut Unstructured::new(data)) {
        check(text.as_bytes());
    }
}

fn check(data: &[u8]) {
    let id = b0_id(&String::from_utf8_lossy(data));
    let accepted = check_b0(&id, data);
    if let Some(expected) = is_canonical(data) {
        assert_eq!(accepted.is_ok(), expected, "{}: {accepted:?}", String::from_utf8_lossy(data));
    }
    let stored = from_artifact(&id, data);
    assert_eq!(stored.is_ok(), accepted.is_ok());
    assert!(check_b0(&id[..id.len() - 1], data).is_err(), "a bundle under an ID that is not its own");
    assert!(check_b0(&format!("b0-{}", "0".repeat(64)), data).is_err());
    let Ok(text) = accepted else {
        // What is added is trusted to be whole, but its text is what JavaScript makes of it.
        if let Ok(text) = std::str::from_utf8(data)
            && let Ok(added) = from_object(&id, text)
        {
            assert!(added.as_bytes() == data && matches!(added, Stored::Text(_)));
        }
        return;
    };
    assert_eq!(text.as_bytes(), data);
    assert!(stored.is_ok_and(|stored| stored.as_bytes() == data));
    assert!(from_object(&id, text).is_ok_and(|added| added.as_bytes() == data));
    assert!(to_object(&id, data).is_ok_and(|object| object == text));
    imported(&id, data);
}

/// Through an import, and out again.
fn imported(id: &str, data: &[u8]) {
    with_session(|session| {
        let name = format!("bundle.{id}");
        let mut import = BundleSubstore.import(ArtifactMode::Operational, Limits::default());
        let mut writer = session.write().expect("a writer");
        import.record(&mut writer, &name, Some(id)).expect("its record");
        import.records_done(&mut writer).expect("the end of the records");
        import.artifact(&mut writer, &name, &mut &data[..]).expect("what was checked is imported");
        let mut out = Vec::new();
        let read = BundleSubstore.artifact(session.read(), &name).expect("what was imported").read_to_end(&mut out);
        assert!(read.is_ok() && out == data, "a bundle that is exported otherwise than it was imported");
    });
}

/// Whether this is the one text of its members; `None` where only a JavaScript engine could say.
fn is_canonical(data: &[u8]) -> Option<bool> {
    let Ok(text) = std::str::from_utf8(data) else { return Some(false) };
    let Ok(Value::Object(members)) = serde_json::from_str(text) else {
        // Lone surrogates and deep nesting are JSON to JavaScript.
        return None;
    };
    if !["moduleFormat", "source", "sourceMap"].iter().all(|name| members.get(*name).is_none_or(Value::is_string)) {
        return None;
    }
    if members.get("moduleFormat").and_then(Value::as_str) != Some("nestedEvaluate") {
        return Some(false);
    }
    let mut expected = r#"{"moduleFormat":"nestedEvaluate""#.to_owned();
    for name in ["source", "sourceMap"] {
        if let Some(value) = members.get(name) {
            expected.push_str(&format!(",\"{name}\":{value}"));
        }
    }
    expected.push('}');
    Some(expected == text)
}

fn assembled(choices: &mut Unstructured<'_>) -> arbitrary::Result<String> {
    const NAMES: [&str; 6] = ["moduleFormat", "source", "sourceMap", "__proto__", "7", "source\\u0000"];
    const VALUES: [&str; 12] = [
        "\"nestedEvaluate\"",
        "\"1+1\"",
        "\"\\ud800\"",
        "\"\\u0041\"",
        "1e21",
        "1.0",
        "-0",
        "null",
        "{}",
        "[1,{\"2\":3,\"1\":4}]",
        "\"\\/\"",
        "0.1e-7",
    ];
    let mut text = "{".to_owned();
    for at in 0..choices.int_in_range(0..=4)? {
        if at > 0 {
            text.push(',');
        }
        let name = if choices.ratio(3, 4)? { NAMES[at.min(2)] } else { *choices.choose(&NAMES)? };
        let value = match choices.int_in_range(0..=3)? {
            0 => serde_json::to_string(choices.arbitrary::<&str>()?).unwrap_or_default(),
            1 if at == 0 => VALUES[0].to_owned(),
            2 => serde_json::to_string(&choices.arbitrary::<f64>()?).unwrap_or_default(),
            _ => (*choices.choose(&VALUES)?).to_owned(),
        };
        text.push_str(&format!("\"{name}\":{value}"));
    }
    text.push('}');
    Ok(text)
}
