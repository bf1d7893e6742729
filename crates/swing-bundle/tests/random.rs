//! Random bundles and random damage: nothing panics, and nothing but the bundle is accepted for it.

mod support;

use proptest::prelude::*;
use support::{Archive, Member, PACKAGES, PACKAGES_ID, TINY, TINY_ID, sha512};
use swing_bundle::{b0_id, canonical_zip, check_b0, check_b1, decode_base64, encode_base64, from_object, to_object};

/// One change to some bytes. Positions are fractions, so that they fit any length.
#[derive(Clone, Debug)]
enum Damage {
    Flip(f64, u8),
    Set(f64, u8),
    Insert(f64, Vec<u8>),
    Remove(f64, usize),
    Copy(f64, f64, usize),
}

impl Damage {
    fn any() -> impl Strategy<Value = Self> {
        // The last bytes of a zip file are its headers, and deserve more than their share.
        let at = || prop_oneof![0.0..1.0, 0.85..1.0];
        let byte = prop_oneof![any::<u8>(), Just(0), Just(255), Just(b'P')];
        prop_oneof![
            (at(), 0u8..8).prop_map(|(at, bit)| Self::Flip(at, 1 << bit)),
            (at(), byte).prop_map(|(at, byte)| Self::Set(at, byte)),
            (at(), prop::collection::vec(any::<u8>(), 1..30)).prop_map(|(at, bytes)| Self::Insert(at, bytes)),
            (at(), 1usize..60).prop_map(|(at, len)| Self::Remove(at, len)),
            (at(), at(), 1usize..80).prop_map(|(from, to, len)| Self::Copy(from, to, len)),
        ]
    }

    fn apply(&self, bytes: &mut Vec<u8>) {
        let len = bytes.len();
        let place = |at: f64| ((len as f64 * at) as usize).min(len.saturating_sub(1));
        if len == 0 {
            return;
        }
        match self {
            Self::Flip(at, mask) => bytes[place(*at)] ^= mask,
            Self::Set(at, byte) => bytes[place(*at)] = *byte,
            Self::Insert(at, new) => drop(bytes.splice(place(*at)..place(*at), new.iter().copied())),
            Self::Remove(at, count) => drop(bytes.drain(place(*at)..(place(*at) + count).min(len))),
            Self::Copy(from, to, count) => {
                let copy = bytes[place(*from)..(place(*from) + count).min(len)].to_vec();
                drop(bytes.splice(place(*to)..place(*to), copy));
            }
        }
    }
}

fn damaged(bytes: &[u8], damage: &[Damage]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    damage.iter().for_each(|damage| damage.apply(&mut bytes));
    bytes
}

/// `JSON.stringify` of a string of these UTF-16 units, by its definition.
fn stringify(units: &[u16]) -> String {
    let quoted = char::decode_utf16(units.iter().copied()).map(|decoded| match decoded {
        Ok('"') => "\\\"".to_owned(),
        Ok('\\') => "\\\\".to_owned(),
        Ok('\u{8}') => "\\b".to_owned(),
        Ok('\u{c}') => "\\f".to_owned(),
        Ok('\n') => "\\n".to_owned(),
        Ok('\r') => "\\r".to_owned(),
        Ok('\t') => "\\t".to_owned(),
        Ok(control @ '\0'..' ') => format!("\\u{:04x}", control as u32),
        Ok(other) => other.to_string(),
        Err(lone) => format!("\\u{:04x}", lone.unpaired_surrogate()),
    });
    format!("\"{}\"", quoted.collect::<String>())
}

fn units() -> impl Strategy<Value = Vec<u16>> {
    let unit = prop_oneof![0u16..0x80, 0xd800u16..0xe000, 0x2020u16..0x2030, any::<u16>()];
    prop::collection::vec(unit, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// A damaged archive that is accepted holds the same files under the same names, so it has the same canonical form.
    #[test]
    fn a_damaged_zip_file_is_refused_or_holds_the_same(damage in prop::collection::vec(Damage::any(), 1..4)) {
        for (id, zip) in [(TINY_ID, TINY), (PACKAGES_ID, PACKAGES)] {
            let other = damaged(zip, &damage);
            if check_b1(id, &other).is_ok() {
                prop_assert_eq!(canonical_zip(&other).ok(), Some(zip.to_vec()));
            }
            let _ = canonical_zip(&other);
        }
    }

    /// The checksums in the zip file are right here, so it is the hash that refuses.
    #[test]
    fn a_changed_module_is_refused(which in 1usize..8, damage in prop::collection::vec(Damage::any(), 1..3)) {
        let mut archive = Archive::read(PACKAGES);
        let content = damaged(&archive.members[which].content, &damage);
        prop_assume!(content != archive.members[which].content);
        archive.members[which].content = content;
        prop_assert!(check_b1(PACKAGES_ID, &archive.write()).is_err());
    }

    /// The ID is that of the damaged map: no answer is right for all of them, but there must be one.
    #[test]
    fn a_damaged_map_with_its_own_id_never_panics(damage in prop::collection::vec(Damage::any(), 1..3)) {
        for zip in [TINY, PACKAGES] {
            let mut archive = Archive::read(zip);
            let map = damaged(&archive.map().content, &damage);
            archive.map().content = map;
            let _ = check_b1(&archive.id(), &archive.write());
            let _ = canonical_zip(&archive.write());
        }
    }

    #[test]
    fn a_damaged_module_with_its_own_hash_never_panics(which in 1usize..8, damage in prop::collection::vec(Damage::any(), 1..3)) {
        let mut archive = Archive::read(PACKAGES);
        let name = String::from_utf8_lossy(&archive.members[which].name).into_owned();
        let content = damaged(&archive.members[which].content, &damage);
        archive.set_module(&name, &content);
        let _ = check_b1(&archive.id(), &archive.write());
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), map in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = check_b1(TINY_ID, &bytes);
        let _ = check_b0(TINY_ID, &bytes);
        let _ = to_object("b0-", &bytes);
        let archive = Archive {
            junk_before: bytes[..bytes.len().min(20)].to_vec(),
            members: vec![Member::new("compartment-map.json", &map), Member::new("x", &bytes)],
            ..Archive::default()
        };
        let id = format!("b1-{}", sha512(&map));
        prop_assert!(check_b1(&id, &archive.write()).is_err());
    }

    #[test]
    fn what_json_stringify_writes_is_canonical(source in units(), source_map in prop::option::of(units())) {
        let map = source_map.map(|units| format!(r#","sourceMap":{}"#, stringify(&units))).unwrap_or_default();
        let text = format!(r#"{{"moduleFormat":"nestedEvaluate","source":{}{map}}}"#, stringify(&source));
        let id = b0_id(&text);
        prop_assert_eq!(check_b0(&id, text.as_bytes()).ok(), Some(&*text));
        prop_assert!(from_object(&id, &text).is_ok());
    }

    /// Damaged as text with the ID of the damaged text: what is accepted must be what `JSON.stringify` would write.
    #[test]
    fn a_damaged_text_is_refused(source in units(), damage in prop::collection::vec(Damage::any(), 1..3)) {
        let text = format!(r#"{{"moduleFormat":"nestedEvaluate","source":{}}}"#, stringify(&source));
        let other = damaged(text.as_bytes(), &damage);
        prop_assume!(other != text.as_bytes());
        prop_assert!(check_b0(&b0_id(&text), &other).is_err());
        if let Ok(other) = std::str::from_utf8(&other) {
            let _ = check_b0(&b0_id(other), other.as_bytes());
            let _ = from_object(&b0_id(other), other);
        }
    }

    #[test]
    fn base64_of_anything_comes_back(bytes in prop::collection::vec(any::<u8>(), 0..100), text in "[A-Za-c0-2+/= \n=]{0,12}") {
        prop_assert_eq!(decode_base64(&encode_base64(&bytes)), Ok(bytes));
        let _ = decode_base64(&text);
    }
}
