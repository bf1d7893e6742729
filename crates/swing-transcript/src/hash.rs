//! The cumulative hash of a span. Its bytes are consensus.

use swing_core::Digest;

/// SHA-256 of `start of transcript span`.
const INITIAL: Digest = Digest::from_bytes([
    0x43, 0xe6, 0xbe, 0x43, 0xa3, 0xa3, 0x4d, 0x60, 0xc0, 0xeb, 0xeb, 0x84, 0x98, 0xb5, 0x84, 0x9b, 0x09, 0x4f, 0xc2,
    0x0f, 0xc6, 0x84, 0x83, 0xa7, 0xae, 0xb3, 0x62, 0x4f, 0xa1, 0x0f, 0x79, 0xf6,
]);

/// The hash of a span without items.
#[must_use]
pub const fn initial_hash() -> Digest {
    INITIAL
}

/// The hash of a span after `item`, when it was `hash` before: SHA-256 over both digests as hex text.
#[must_use]
pub fn extend(hash: Digest, item: &str) -> Digest {
    let mut text = [0; 128];
    text[..64].copy_from_slice(&hash.to_hex());
    text[64..].copy_from_slice(&Digest::of(item.as_bytes()).to_hex());
    Digest::of(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_span_has_the_hash_of_its_opening_words() {
        assert_eq!(initial_hash(), Digest::of(b"start of transcript span"));
        assert_eq!(initial_hash().to_string(), "43e6be43a3a34d60c0ebeb8498b5849b094fc20fc68483a7aeb3624fa10f79f6");
    }

    #[test]
    fn hashes_are_those_that_consensus_saw() {
        let fold = |items: &[&str]| items.iter().fold(initial_hash(), |hash, item| extend(hash, item)).to_string();
        assert_eq!(fold(&["zeroth"]), "92d0cf6ecd39b60b4e32dc65d4c6f343495928cb041f25b19e2825b17f4daa9a");
        assert_eq!(
            fold(&[r#"{"d":["initialize-worker",{}]}"#, r#"{"d":["startVat"]}"#, r#"{"d":["save-snapshot"]}"#]),
            "d561b4931977e3833c5a8567f95a1cf559505013963ed7a7020090bfdcb585c0"
        );
        assert_eq!(
            fold(&[r#"{"d":["load-snapshot"]}"#]),
            "61cf6be48f4787ed0e075c28a03ceb259e3b836bd7d7efb012eb0734a7dd4a12"
        );
    }
}
