//! Artifact names, keys of export records, and the ids in them.

use arbitrary::Unstructured;
use swing_core::names::tag;
use swing_core::{ArtifactName, BundleId, Digest, ExportKey, Position, VatId};
use swing_export::dataset::Dialect;

/// A text is a name, a key or an id if and only if a plain grammar says so, and then it formats back to itself.
///
/// The one exception: the key of a closed span may end in `.END`, as early texts promised, and formats back without it.
///
/// The input is taken twice: as the text, and as choices of parts to make one of.
pub fn artifact_name(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        check(text);
    }
    if let Ok(text) = assembled(&mut Unstructured::new(data)) {
        check(&text);
    }
}

fn assembled(choices: &mut Unstructured<'_>) -> arbitrary::Result<String> {
    const PARTS: [&str; 22] = [
        "snapshot",
        "transcript",
        "bundle",
        "kv",
        "current",
        "v1",
        "é",
        "\u{2028}",
        "0",
        "1",
        "00",
        "-0",
        "7",
        "9007199254740991",
        "9007199254740992",
        "18446744073709551616",
        "b0-",
        "b1-",
        "b0-a",
        "/",
        "\\",
        "",
    ];
    let mut parts = Vec::new();
    for _ in 0..choices.int_in_range(1..=5)? {
        parts.push(match choices.int_in_range(0..=5)? {
            0 => choices.arbitrary::<&str>()?.to_owned(),
            1 => choices.arbitrary::<u64>()?.to_string(),
            2 => choices.arbitrary::<char>()?.to_string(),
            _ => (*choices.choose(&PARTS)?).to_owned(),
        });
    }
    Ok(parts.join("."))
}

/// What may stand between dots.
fn word(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| matches!(c, '.' | '/' | '\\') || c.is_control())
}

fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|value: &u64| *value < 1 << 53 && value.to_string() == text)
}

fn bundle(text: &str) -> bool {
    text.strip_prefix("b0-").or_else(|| text.strip_prefix("b1-")).is_some_and(word)
}

fn is_artifact(text: &str) -> bool {
    match text.split('.').collect::<Vec<_>>()[..] {
        ["snapshot", vat, position] => word(vat) && number(position).is_some(),
        ["transcript", vat, start, end] => {
            word(vat) && number(start).zip(number(end)).is_some_and(|(start, end)| start <= end)
        }
        ["bundle", id] => bundle(id),
        _ => false,
    }
}

fn is_key(text: &str) -> bool {
    text.starts_with("kv.")
        || match text.split('.').collect::<Vec<_>>()[..] {
            ["snapshot" | "transcript", vat, "current"] => word(vat),
            ["transcript", vat, start] => word(vat) && number(start).is_some(),
            _ => is_artifact(text),
        }
}

fn check(text: &str) {
    let name = text.parse::<ArtifactName>();
    assert_eq!(name.is_ok(), is_artifact(text), "as an artifact name: {text:?}");
    if let Ok(name) = &name {
        assert_eq!(name.to_string(), text);
        assert!(["snapshot", "transcript", "bundle"].contains(&tag(text)));
        let go = Dialect::Go.file_name(3, text);
        assert!(go.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)), "{go:?}");
        assert_eq!(Dialect::Js.file_name(3, text), text);
    }
    let key = text.parse::<ExportKey>();
    assert_eq!(key.is_ok(), is_key(text), "as a key: {text:?}");
    if let Ok(key) = &key {
        let back = key.to_string();
        let with_end = || match (key, &name) {
            (ExportKey::Span { vat, start }, Ok(ArtifactName::Span { vat: same, start: also, .. })) => {
                vat == same && start == also && is_artifact(text)
            }
            _ => false,
        };
        assert!(back == text || with_end(), "{text:?} became {back:?}");
        assert_eq!(back.parse().as_ref(), Ok(key));
    }

    let vat = VatId::parse(text);
    assert_eq!(vat.is_ok(), word(text), "as a vat ID: {text:?}");
    assert!(vat.is_err() || format!("snapshot.{text}.0").parse::<ArtifactName>().is_ok());
    assert!(vat.is_ok_and(|vat| vat.as_str() == text) || !word(text));
    let position = text.parse::<Position>().ok();
    assert_eq!(position.map(Position::get), number(text), "as a position: {text:?}");
    assert!(position.is_none_or(|position| position.to_string() == text));
    let id = BundleId::parse(text);
    assert_eq!(id.is_ok(), bundle(text), "as a bundle ID: {text:?}");
    assert!(id.is_err() || id.is_ok_and(|id| id.as_str() == text && id.to_string() == text));
    let digest = text.parse::<Digest>();
    let hex = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    assert_eq!(digest.is_ok(), hex, "as a digest: {text:?}");
    assert!(digest.is_err() || digest.is_ok_and(|digest| digest.to_string() == text));
}
