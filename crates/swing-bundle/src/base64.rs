//! Base64 as `@endo/base64` writes and reads it.
//!
//! The alphabet is RFC 4648's standard one, padding is required, and nothing may follow it. Bits left over in the last
//! character are not looked at, and a single left-over character is dropped if three `=` follow: both are what the
//! decoder of the reference does, and `addBundle` decodes what a consensus message brought. (A node with a native
//! `Uint8Array.fromBase64` is stricter on both, and takes white space; no chain release runs on one.)

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const ENDO: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// Encodes bytes as `encodeBase64` of `@endo/base64` does.
pub fn encode_base64(bytes: &[u8]) -> String {
    ENDO.encode(bytes)
}

/// Decodes text as `decodeBase64` of `@endo/base64` does.
///
/// # Errors
///
/// Where the reference's decoder throws: a character outside the alphabet, padding missing, anything after the padding.
pub fn decode_base64(text: &str) -> Result<Vec<u8>, base64::DecodeError> {
    let whole = match text.strip_suffix("===").and_then(|head| head.as_bytes().split_last()) {
        Some((last, whole))
            if whole.len() % 4 == 0 && STANDARD.as_str().as_bytes().contains(last) && !whole.contains(&b'=') =>
        {
            whole
        }
        _ => text.as_bytes(),
    };
    ENDO.decode(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `jsDecodeBase64` of `@endo/base64` 1.1.1 answered, on node 20.
    #[test]
    fn decoding_agrees_with_endo() {
        for (text, decoded) in [
            ("", Some("")),
            ("Zg==", Some("f")),
            ("Zh==", Some("f")),
            ("Zm8=", Some("fo")),
            ("Zm9=", Some("fo")),
            ("Zm9v", Some("foo")),
            ("A===", Some("")),
            ("Zm9vA===", Some("foo")),
            ("Zg", None),
            ("Zg=", None),
            ("Zg===", None),
            ("Z", None),
            ("Z=", None),
            ("Z==", None),
            ("Z====", None),
            ("=", None),
            ("===", None),
            ("====", None),
            ("Zm9v=", None),
            ("Zm9v====", None),
            ("Zg==Zg==", None),
            ("Zg==A===", None),
            ("Zm9v\n", None),
            (" Zm9v", None),
            ("Zm-_", None),
            ("é===", None),
        ] {
            assert_eq!(decode_base64(text).ok(), decoded.map(|d| d.as_bytes().to_vec()), "{text:?}");
        }
    }

    #[test]
    fn what_was_encoded_decodes() {
        let bytes: Vec<u8> = (0..=255).collect();
        for len in 0..bytes.len() {
            assert_eq!(decode_base64(&encode_base64(&bytes[..len])).as_deref(), Ok(&bytes[..len]));
        }
    }
}
