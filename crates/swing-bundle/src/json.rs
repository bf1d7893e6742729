//! JSON as JavaScript reads and writes it.
//!
//! A JavaScript string may hold half of a surrogate pair, written in JSON as `\ud800`. Neither `String` nor
//! `serde_json::Value` can hold that, and both would turn a bundle that the reference accepts into an error. So text is
//! kept as raw tokens ([`RawValue`], which checks the grammar without recursion and without reading numbers) and strings
//! are decoded on demand to WTF-8, which gives the lone half a code of its own. [`Object::stringify`] is `JSON.stringify`
//! for an object of strings, to the byte.

use std::borrow::{Borrow, Cow};
use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// How many bytes of a string a message shows.
const EXCERPT: usize = 256;

/// The beginning of a text that came from outside, for a message.
pub(crate) fn excerpt(text: &[u8]) -> String {
    let beginning = String::from_utf8_lossy(&text[..text.len().min(EXCERPT)]);
    if text.len() > EXCERPT { format!("{beginning}…") } else { beginning.into_owned() }
}

/// A JavaScript string, as WTF-8: UTF-8, and three bytes for a lone surrogate.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct JsString(Vec<u8>);

impl JsString {
    pub(crate) fn from_wtf8(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// This string as text, with replacement characters for what text cannot hold.
    pub(crate) fn to_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// Appends this string as a JSON token, quoted and escaped as `JSON.stringify` does it.
    fn quote_into(&self, out: &mut Vec<u8>) {
        out.push(b'"');
        let mut rest = self.as_bytes();
        while let Some((&byte, tail)) = rest.split_first() {
            match byte {
                b'"' => out.extend_from_slice(br#"\""#),
                b'\\' => out.extend_from_slice(br"\\"),
                0x08 => out.extend_from_slice(br"\b"),
                0x0c => out.extend_from_slice(br"\f"),
                b'\n' => out.extend_from_slice(br"\n"),
                b'\r' => out.extend_from_slice(br"\r"),
                b'\t' => out.extend_from_slice(br"\t"),
                0..0x20 => out.extend_from_slice(format!(r"\u{byte:04x}").as_bytes()),
                // ED A0…BF is the code of a surrogate; UTF-8 never holds it, so it is one that has no partner.
                0xed if matches!(tail, [0xa0..=0xbf, _, ..]) => {
                    let unit = 0xd000 | (u32::from(tail[0] & 0x3f) << 6) | u32::from(tail[1] & 0x3f);
                    out.extend_from_slice(format!(r"\u{unit:04x}").as_bytes());
                    rest = &tail[2..];
                    continue;
                }
                _ => out.push(byte),
            }
            rest = tail;
        }
        out.push(b'"');
    }
}

impl AsRef<[u8]> for JsString {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Borrow<[u8]> for JsString {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for JsString {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

/// The beginning of the text, for messages.
impl fmt::Display for JsString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&excerpt(&self.0))
    }
}

impl<'de> Deserialize<'de> for JsString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = JsString;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<JsString, E> {
                Ok(JsString(bytes.to_vec()))
            }
        }
        // Asked for bytes, serde_json hands out a string's WTF-8; asked for a string, it would refuse a lone surrogate.
        deserializer.deserialize_bytes(Bytes)
    }
}

/// One JSON value, its grammar checked, its content not yet read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json<'a>(&'a RawValue);

impl<'a> Json<'a> {
    /// Checks that the whole text is one JSON value, by the grammar `JSON.parse` uses.
    pub(crate) fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text).map(Self)
    }

    /// The object, or none if this is another kind of value.
    pub(crate) fn object(self) -> Option<Object<'a>> {
        serde_json::from_str(self.0.get()).ok()
    }

    /// The items of an array, or none if this is another kind of value.
    pub(crate) fn array(self) -> Option<Vec<Self>> {
        let items: Vec<&RawValue> = serde_json::from_str(self.0.get()).ok()?;
        Some(items.into_iter().map(Self).collect())
    }

    pub(crate) fn string(self) -> Option<JsString> {
        serde_json::from_str(self.0.get()).ok()
    }

    pub(crate) fn boolean(self) -> Option<bool> {
        serde_json::from_str(self.0.get()).ok()
    }
}

/// The members of an object, as `JSON.parse` keeps them: of two with one name the last value, in the place of the first.
#[derive(Debug)]
pub(crate) struct Object<'a> {
    members: Vec<(JsString, Json<'a>)>,
    place: HashMap<JsString, usize>,
}

impl<'a> Object<'a> {
    pub(crate) fn get(&self, name: impl AsRef<[u8]>) -> Option<Json<'a>> {
        self.place.get(name.as_ref()).map(|&at| self.members[at].1)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&JsString, Json<'a>)> {
        self.members.iter().map(|(name, value)| (name, *value))
    }

    /// A name that `known` does not accept.
    pub(crate) fn unknown(&self, known: impl Fn(&[u8]) -> bool) -> Option<&JsString> {
        self.members.iter().map(|(name, _)| name).find(|name| !known(name.as_bytes()))
    }

    /// The text `JSON.stringify` makes of this object, as long as its members are strings; another value is copied.
    pub(crate) fn stringify(&self) -> Vec<u8> {
        stringify(self.iter())
    }
}

/// The text `JSON.stringify` makes of an object with these members in this order; see [`Object::stringify`].
pub(crate) fn stringify<'j, 'a: 'j>(members: impl Iterator<Item = (&'j JsString, Json<'a>)>) -> Vec<u8> {
    let mut out = vec![b'{'];
    for (at, (name, value)) in members.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        name.quote_into(&mut out);
        out.push(b':');
        match value.string() {
            Some(string) => string.quote_into(&mut out),
            None => out.extend_from_slice(value.0.get().as_bytes()),
        }
    }
    out.push(b'}');
    out
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut object = Object { members: Vec::new(), place: HashMap::new() };
                while let Some((name, value)) = map.next_entry::<JsString, &'de RawValue>()? {
                    if let Some(&at) = object.place.get(&name) {
                        object.members[at].1 = Json(value);
                    } else {
                        object.place.insert(name.clone(), object.members.len());
                        object.members.push((name, Json(value)));
                    }
                }
                Ok(object)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// Bytes as JavaScript's `TextDecoder` reads them: a leading byte order mark is dropped, a bad sequence becomes U+FFFD.
pub(crate) fn decode_text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The string inside a JSON token, quoted again.
    fn requoted(token: &str) -> String {
        let string = Json::parse(token).unwrap().string().unwrap();
        let mut out = Vec::new();
        string.quote_into(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_message_shows_the_beginning_of_a_string() {
        assert_eq!(JsString::from("short").to_string(), "short");
        let long = JsString::from("x".repeat(1_000_000).as_str());
        assert_eq!(long.to_string().chars().count(), EXCERPT + 1);
    }

    /// The right column is what node 20 printed for `JSON.stringify(JSON.parse(left))`.
    #[test]
    fn strings_are_quoted_as_json_stringify_quotes_them() {
        for (token, printed) in [
            (r#""""#, r#""""#),
            (r#""\/""#, r#""/""#),
            (r#""\u0000\u0001\u0008\u0009\u000a\u000b\u000c\u000d\u001f""#, r#""\u0000\u0001\b\t\n\u000b\f\r\u001f""#),
            (r#""\u0022\u005c\u007f\u0080""#, "\"\\\"\\\\\u{7f}\u{80}\""),
            (r#""\u2028\u2029\ufeff\uffff""#, "\"\u{2028}\u{2029}\u{feff}\u{ffff}\""),
            (r#""\uD83D\uDE00""#, "\"\u{1f600}\""),
            (r#""\uD83D""#, r#""\ud83d""#),
            (r#""\uDE00\uD83D""#, r#""\ude00\ud83d""#),
            (r#""\uD83D\uD83D\uDE00\uDE00""#, "\"\\ud83d\u{1f600}\\ude00\""),
            (r#""\uD7FF\uD800\uDBFF\uE000""#, "\"\u{d7ff}\\ud800\\udbff\u{e000}\""),
            (r#""\uDBFFx\uDFFF""#, r#""\udbffx\udfff""#),
            ("\"\u{ed00}\u{d000}\"", "\"\u{ed00}\u{d000}\""),
        ] {
            assert_eq!(requoted(token), printed, "{token}");
        }
    }

    #[test]
    fn every_lone_surrogate_survives() {
        for unit in 0xd800..=0xdfff_u32 {
            let token = format!(r#""a\u{unit:04x}b""#);
            assert_eq!(requoted(&token), token);
        }
    }

    #[test]
    fn of_two_members_with_one_name_the_last_counts() {
        let object = Json::parse(r#"{"a":"1","b":"2","\u0061":"3"}"#).unwrap().object().unwrap();
        assert_eq!(object.get("a").and_then(Json::string), Some("3".into()));
        assert_eq!(object.stringify(), br#"{"a":"3","b":"2"}"#);
    }

    #[test]
    fn huge_numbers_and_deep_nesting_are_json_too() {
        let deep = format!("{{\"n\":1e999,\"d\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(Json::parse(&deep).unwrap().object().is_some());
        for bad in
            ["", "{", "{}x", "{\"a\":01}", "{'a':1}", "{\"a\":1,}", "\"\\x\"", "\"\\ud8\"", "\"\n\"", "\u{feff}{}"]
        {
            assert!(Json::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_value_of_another_kind_is_none() {
        for text in ["null", "1", "[]", "\"x\"", "true"] {
            assert!(Json::parse(text).unwrap().object().is_none(), "{text}");
        }
        assert!(Json::parse("[1,2]").unwrap().string().is_none());
        assert!(Json::parse("{}").unwrap().array().is_none());
    }
}
