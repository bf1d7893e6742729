//! The recorded snapshots and bundles: files `SHA256.gz`.

use std::io::Read as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use swing_core::Digest;
use swing_core::roles::Bundle;

use crate::error::Refusal;

/// Where they are.
pub(super) struct Blobs {
    pub(super) dir: PathBuf,
}

/// A bundle as a kernel hands it over.
#[derive(Deserialize)]
#[serde(tag = "moduleFormat")]
enum Recorded {
    #[serde(rename = "nestedEvaluate")]
    NestedEvaluate,
    #[serde(rename = "endoZipBase64")]
    EndoZip {
        #[serde(rename = "endoZipBase64Sha512")]
        sha512: String,
        #[serde(rename = "endoZipBase64")]
        zip: String,
    },
}

impl Blobs {
    /// The content of the blob `hash`, verified.
    pub(super) fn get(&self, hash: &str) -> Result<Vec<u8>> {
        // A digest is no path.
        let expected: Digest = hash.parse().map_err(|_| Refusal::NoBlob { name: hash.to_owned() })?;
        let path = self.path(expected);
        let file = fs_err::File::open(&path).context("the trace needs a blob that is not there")?;
        let mut bytes = Vec::new();
        if let Err(source) = MultiGzDecoder::new(file).read_to_end(&mut bytes) {
            return Err(Refusal::UnreadableBlob { path, source }.into());
        }
        match Digest::of(&bytes) {
            actual if actual == expected => Ok(bytes),
            actual => Err(Refusal::BadBlob { path, actual }.into()),
        }
    }

    fn path(&self, hash: Digest) -> PathBuf {
        self.dir.join(format!("{hash}.gz"))
    }
}

/// The bundle whose JSON this is. What is none is a call that must fail, as it did when it was recorded.
pub(super) fn bundle(json: Vec<u8>) -> Result<Bundle> {
    let text = String::from_utf8(json).context("the bundle is not UTF-8")?;
    match serde_json::from_str(&text).context("the bundle is of no known format")? {
        Recorded::NestedEvaluate => Ok(Bundle::NestedEvaluate(text)),
        Recorded::EndoZip { sha512, zip } => {
            let zip = STANDARD.decode(zip).context("the bundle's zip file is not base64")?;
            Ok(Bundle::EndoZip { sha512, zip })
        }
    }
}
