//! SHA-256 digests: the only hash that consensus knows, always shown as 64 lowercase hex digits.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use sha2::{Digest as _, Sha256};

use crate::ids::IdError;

/// A SHA-256 digest. `Display` and the text in the database are lowercase hex.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// A digest from its 32 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 64 hex digits, on the stack.
    #[must_use]
    pub fn to_hex(self) -> [u8; 64] {
        // Reckoned and not looked up: so the compiler does many at once.
        let digit = |nibble: u8| nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
        let mut out = [0; 64];
        for (pair, byte) in out.as_chunks_mut::<2>().0.iter_mut().zip(self.0) {
            *pair = [digit(byte >> 4), digit(byte & 15)];
        }
        out
    }

    /// The text that `Display` shows, to be kept and shared.
    #[must_use]
    pub fn to_shared(self) -> Arc<str> {
        std::str::from_utf8(&self.to_hex()).expect("hex digits are ASCII").into()
    }
}

impl From<Sha256> for Digest {
    fn from(hasher: Sha256) -> Self {
        Self(hasher.finalize().into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = self.to_hex();
        f.write_str(std::str::from_utf8(&hex).expect("hex digits are ASCII"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let bad = || IdError::Digest { text: IdError::excerpt(text) };
        let digits: &[u8; 64] = text.as_bytes().try_into().map_err(|_| bad())?;
        let nibble = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        };
        let mut out = [0; 32];
        for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
            let (high, low) = (nibble(pair[0]).ok_or_else(bad)?, nibble(pair[1]).ok_or_else(bad)?);
            *byte = high << 4 | low;
        }
        Ok(Self(out))
    }
}

impl ToSql for Digest {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.to_string()))
    }
}

impl FromSql for Digest {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map_err(|error: IdError| FromSqlError::Other(Box::new(error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_digest_is_lowercase_hex_and_parses_back() {
        let digest = Digest::of(b"start of transcript span");
        assert_eq!(digest.to_string(), "43e6be43a3a34d60c0ebeb8498b5849b094fc20fc68483a7aeb3624fa10f79f6");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!(*digest.to_shared(), *digest.to_string());
    }

    #[test]
    fn only_64_lowercase_hex_digits_are_a_digest() {
        let good = Digest::of(b"").to_string();
        for bad in ["", &good[1..], &format!("{good}0"), &good.to_uppercase(), &format!(" {}", &good[1..])] {
            assert!(bad.parse::<Digest>().is_err(), "{bad:?}");
        }
    }
}
