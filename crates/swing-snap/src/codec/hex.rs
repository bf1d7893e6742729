//! SHA-256 and its customary spelling.

use sha2::{Digest, Sha256};

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Spells a SHA-256 as 64 lowercase hex digits, as records and artifacts do.
pub fn to_hex(hash: &[u8; 32]) -> String {
    hash.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// Hashes bytes with SHA-256 and spells the result in hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    to_hex(&Sha256::digest(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_is_spelled() {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&[0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef]);
        assert_eq!(to_hex(&hash), format!("0123456789abcdef{}", "0".repeat(48)));
    }

    #[test]
    fn hash_is_sha256() {
        // The empty message's digest, from FIPS 180-4's own examples.
        assert_eq!(sha256_hex(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
