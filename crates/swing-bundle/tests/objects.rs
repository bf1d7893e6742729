//! Bundles as objects and as artifacts: what `addBundle`, `getBundle` and an import make of them.

mod support;

use support::{PACKAGES, PACKAGES_3_4, PACKAGES_3_4_ID, PACKAGES_ID, TINY, TINY_ID, chain};
use swing_bundle::{Stored, b0_id, b1_id, check_b0, check_b1, encode_base64, from_artifact, from_object, to_object};

const B0: &str = r#"{"moduleFormat":"nestedEvaluate","source":"1+1","sourceMap":"//"}"#;
/// What the hasher of the reference makes of it.
const B0_ID: &str = "b0-76e4868ee87c6d863a079a1fe28d3f637b76f0917c3a522bac7f246c3b569fac";

fn b1_object(id: &str, zip: &[u8]) -> String {
    let (sha512, base64) = (&id["b1-".len()..], encode_base64(zip));
    format!(r#"{{"moduleFormat":"endoZipBase64","endoZipBase64Sha512":"{sha512}","endoZipBase64":"{base64}"}}"#)
}

/// The message with which the object is refused.
#[track_caller]
fn object_refused(id: &str, json_text: &str) -> String {
    chain(&from_object(id, json_text).expect_err(json_text))
}

/// The message with which the artifact is refused, under the ID of its own bytes: only its form can be wrong.
#[track_caller]
fn artifact_refused(text: &str) -> String {
    chain(&check_b0(&b0_id(text), text.as_bytes()).expect_err(text))
}

#[test]
fn bundles_of_the_reference_are_sound() {
    for (id, zip) in [(TINY_ID, TINY), (PACKAGES_ID, PACKAGES), (PACKAGES_3_4_ID, PACKAGES_3_4)] {
        assert_eq!(b1_id(zip).unwrap(), id);
        check_b1(id, zip).unwrap();
        assert_eq!(from_artifact(id, zip).unwrap().as_bytes(), zip);
        assert_eq!(swing_bundle::canonical_zip(zip).unwrap(), zip);
    }
}

#[test]
fn a_b0_bundle_is_its_text() {
    assert_eq!(b0_id(B0), B0_ID);
    assert_eq!(from_object(B0_ID, B0).unwrap(), Stored::Text(B0.into()));
    assert_eq!(from_artifact(B0_ID, B0.as_bytes()).unwrap(), Stored::Text(B0.into()));
    assert_eq!(to_object(B0_ID, B0.as_bytes()).unwrap(), B0);
}

#[test]
fn a_b1_bundle_is_its_zip_file() {
    let object = b1_object(TINY_ID, TINY);
    assert_eq!(from_object(TINY_ID, &object).unwrap(), Stored::Zip(TINY.into()));
    assert_eq!(from_artifact(TINY_ID, TINY).unwrap(), Stored::Zip(TINY.into()));
    assert_eq!(to_object(TINY_ID, TINY).unwrap(), object);
}

/// As in the reference: whoever adds a bundle has checked it.
#[test]
fn the_zip_file_of_an_added_bundle_is_not_read() {
    let object = b1_object(TINY_ID, b"no zip file");
    assert_eq!(from_object(TINY_ID, &object).unwrap().as_bytes(), b"no zip file");
    assert!(from_artifact(TINY_ID, b"no zip file").is_err());
}

#[test]
fn an_added_object_may_have_other_members_in_any_order() {
    for text in [
        r#"{"source":"1+1","moduleFormat":"nestedEvaluate"}"#,
        r#"{"moduleFormat":"nestedEvaluate","source":"1+1","more":[1,{"a":null}]}"#,
        r#"{"moduleFormat":"nestedEvaluate"}"#,
    ] {
        assert_eq!(from_object(&b0_id(text), text).unwrap().as_bytes(), text.as_bytes());
    }
    let text = B0.replace("1+1", "\\ud800");
    assert_eq!(from_object(&b0_id(&text), &text).unwrap().as_bytes(), text.as_bytes());
}

#[test]
fn an_added_object_is_refused_by_format_or_id() {
    let id_of = |text: &str| b0_id(text);
    let get_export = B0.replace("nestedEvaluate", "getExport");
    assert!(
        object_refused(&id_of(&get_export), &get_export).contains("format is `getExport`, must be `nestedEvaluate`")
    );
    assert!(object_refused(TINY_ID, B0).contains("format is `nestedEvaluate`, must be `endoZipBase64`"));
    assert!(object_refused(&b0_id("x"), B0).contains(&format!("content hashes to `{B0_ID}`")));
    assert!(object_refused(PACKAGES_ID, &b1_object(TINY_ID, TINY)).contains(&format!("content hashes to `{TINY_ID}`")));
    assert!(object_refused("b2-00", B0).contains("must begin with"));
    assert!(object_refused("", B0).contains("must begin with"));
    assert!(object_refused(B0_ID, "[]").contains("not a JSON object"));
    assert!(object_refused(B0_ID, "{").contains("not a JSON object: EOF"));
    for text in [r#"{"source":"1+1"}"#, r#"{"moduleFormat":7}"#] {
        assert!(object_refused(&id_of(text), text).contains("`moduleFormat` is missing or not a string"));
    }
    assert!(
        object_refused(TINY_ID, r#"{"moduleFormat":"endoZipBase64"}"#).contains("`endoZipBase64Sha512` is missing")
    );
    let (head, _) =
        b1_object(TINY_ID, b"").split_once(r#","endoZipBase64":"#).map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert!(object_refused(TINY_ID, &format!("{head}}}")).contains("`endoZipBase64` is missing"));
    assert!(object_refused(TINY_ID, &format!(r#"{head},"endoZipBase64":"AA"}}"#)).contains("not base64"));
}

/// `JSON.stringify` writes nothing of this, so an object with such a text was not made by it.
#[test]
fn an_added_text_must_be_canonical() {
    for text in [
        r#"{"moduleFormat": "nestedEvaluate","source":"1+1"}"#,
        r#"{"moduleFormat":"nestedEvaluate","source":"\u0031+1"}"#,
        r#"{"moduleFormat":"nestedEvaluate","source":"1","source":"1+1"}"#,
        "{\"moduleFormat\":\"nestedEvaluate\",\"source\":\"1+1\"}\n",
    ] {
        assert!(object_refused(&b0_id(text), text).contains("not canonical from byte"));
    }
}

#[test]
fn an_artifact_must_be_the_reassembled_text() {
    for text in [
        r#"{"source":"1+1","moduleFormat":"nestedEvaluate"}"#,
        r#"{"moduleFormat":"nestedEvaluate","source":"1+1","more":""}"#,
        r#"{"moduleFormat":"nestedEvaluate","sourceMap":"","source":""}"#,
        r#"{"moduleFormat":"nestedEvaluate", "source":"1+1"}"#,
        r#"{"moduleFormat":"nestedEvaluate","source":"\/"}"#,
        r#"{"moduleFormat":"nestedEvaluate","source":"\uD800"}"#,
        r#"{"moduleFormat":"nestedEvaluate","source":"\ud83d\ude00"}"#,
        r#"{"moduleFormat":"nestedEvaluate","source":"\u2028"}"#,
        r#"{"moduleFormat":"nestedEvaluate","source":"","source":""}"#,
        " {\"moduleFormat\":\"nestedEvaluate\",\"source\":\"\"}",
    ] {
        assert!(artifact_refused(text).contains("not canonical from byte"), "{text}");
    }
    assert!(artifact_refused(r#"{"moduleFormat":"getExport","source":"1+1"}"#).contains("format is `getExport`"));
    assert!(artifact_refused("\u{feff}{}").contains("not a JSON object"));
    assert!(artifact_refused("null").contains("not a JSON object"));
    assert!(artifact_refused("{}").contains("`moduleFormat` is missing"));
}

/// All of these the reference reassembles to the right text, and accepts.
#[test]
fn an_artifact_that_only_reassembles_to_the_right_text_is_refused() {
    for bytes in [
        format!("{B0}\n"),
        B0.replace(',', ",\n"),
        B0.replace('}', r#","more":1}"#),
        B0.replace('{', r#"{"source":"","#),
        B0.replace("1+1", "1\\u002b1"),
    ] {
        assert!(chain(&from_artifact(B0_ID, bytes.as_bytes()).unwrap_err()).contains("content hashes to"), "{bytes}");
    }
    let lossy = B0.replace("1+1", "\u{fffd}");
    let bytes = B0.as_bytes().to_vec();
    let at = bytes.windows(3).position(|bytes| bytes == b"1+1").unwrap();
    let bytes = [&bytes[..at], b"\xff", &bytes[at + 3..]].concat();
    assert!(chain(&from_artifact(&b0_id(&lossy), &bytes).unwrap_err()).contains(&format!("not UTF-8 at byte {at}")));
    assert!(to_object(&b0_id(&lossy), &bytes).is_err());
}
