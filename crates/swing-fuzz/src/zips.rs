//! Bundles of the newer kind: zip files of modules, known by the hash of their map.

mod build;

use arbitrary::Unstructured;
use swing_bundle::{
    BundleSubstore, b1_id, canonical_zip, check_b1, decode_base64, encode_base64, from_artifact, from_object, to_object,
};
use swing_core::ArtifactMode;
use swing_core::substore::{Limits, Substore as _};

use crate::session::with_session;
pub(crate) use build::sound_zip;

/// A zip file is accepted as the artifact of a `b1-` bundle only under the ID of its own map, and then it is stored and exported as
/// it is, whatever the free bytes of it are. A sound one is accepted.
///
/// Of one that is accepted the canonical form is accepted under the same ID, is the canonical form of itself, and no byte of a
/// module that has a hash can be changed without its being refused. Base64 is what it was before.
///
/// The input: one byte whether it is the file itself, or choices of which one is made; then that.
pub fn bundle_b1(data: &[u8]) {
    let Some((&what, rest)) = data.split_first() else { return };
    if what & 1 == 0 {
        check(rest);
    } else if let Ok(built) = build::any(&mut Unstructured::new(rest)) {
        let accepted = check(&built.zip);
        assert!(accepted || !built.sound, "a sound zip file is refused: {:?}", built.zip.escape_ascii().to_string());
        if accepted {
            build::module_byte_counts(&built, what);
        }
    }
}

/// Whether it was accepted.
fn check(zip: &[u8]) -> bool {
    assert!(decode_base64(&encode_base64(zip)).is_ok_and(|back| back == zip));
    let id = match b1_id(zip) {
        Ok(id) => id,
        Err(_) => format!("b1-{}", "0".repeat(128)),
    };
    let accepted = check_b1(&id, zip).is_ok();
    assert_eq!(from_artifact(&id, zip).is_ok(), accepted);
    assert!(check_b1(&format!("b1-{}", "1".repeat(128)), zip).is_err(), "a bundle under an ID that is not its own");
    let object = to_object(&id, zip).expect("an object of any bytes");
    assert!(from_object(&id, &object).is_ok_and(|stored| stored.as_bytes() == zip));
    if !accepted {
        // Without its hashes a map may still be one that can be written; it is then written once and for all.
        if let Ok(canonical) = canonical_zip(zip) {
            assert!(canonical_zip(&canonical).is_ok_and(|again| again == canonical));
        }
        return false;
    }
    let canonical = canonical_zip(zip).expect("a zip file that is accepted has a canonical form");
    assert_eq!(b1_id(&canonical).ok().as_ref(), Some(&id));
    let checked = check_b1(&id, &canonical);
    assert!(checked.is_ok(), "the canonical form is refused: {checked:?}");
    assert!(canonical_zip(&canonical).is_ok_and(|again| again == canonical));
    imported(&id, zip);
    true
}

/// Through an import, and out again.
fn imported(id: &str, zip: &[u8]) {
    with_session(|session| {
        let name = format!("bundle.{id}");
        let mut import = BundleSubstore.import(ArtifactMode::Operational, Limits::default());
        let mut writer = session.write().expect("a writer");
        import.record(&mut writer, &name, Some(id)).expect("its record");
        import.records_done(&mut writer).expect("the end of the records");
        import.artifact(&mut writer, &name, &mut &zip[..]).expect("what was checked is imported");
        let mut out = Vec::new();
        let mut bytes = BundleSubstore.artifact(session.read(), &name).expect("what was imported");
        std::io::copy(&mut bytes, &mut out).expect("what was imported can be read");
        assert!(out == zip, "a bundle that is exported otherwise than it was imported");
    });
}
