//! Bundles to store: those of the fixtures, and some that are not what they should be.

use std::sync::{Arc, LazyLock};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fs_err as fs;
use serde_json::{Value, json};
use swing_core::Digest;
use swing_core::roles::Bundle;

use crate::shell::root;

/// A bundle and what its ID is or claims to be.
#[derive(Debug)]
pub(crate) struct Specimen {
    pub(crate) id: String,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Text(String),
    Zip(Vec<u8>),
}

impl Specimen {
    fn text(text: String) -> Self {
        Self { id: format!("b0-{}", Digest::of(text.as_bytes())), content: Content::Text(text) }
    }

    fn hash(&self) -> &str {
        self.id.get(3..).unwrap_or_default()
    }

    /// The object that JavaScript hands over.
    pub(crate) fn object(&self) -> Value {
        match &self.content {
            Content::Text(text) => serde_json::from_str(text).unwrap_or_default(),
            Content::Zip(zip) => json!({
                "moduleFormat": "endoZipBase64",
                "endoZipBase64": STANDARD.encode(zip),
                "endoZipBase64Sha512": self.hash(),
            }),
        }
    }

    /// The same in our terms.
    pub(crate) fn bundle(&self) -> Bundle {
        match &self.content {
            Content::Text(text) => Bundle::NestedEvaluate(text.clone()),
            Content::Zip(zip) => Bundle::EndoZip { sha512: self.hash().to_owned(), zip: zip.clone() },
        }
    }
}

/// All of them. The last three cannot be added: nothing has this hash, nothing has this prefix, another module format.
pub(crate) fn all() -> &'static [Arc<Specimen>] {
    static ALL: LazyLock<Vec<Arc<Specimen>>> = LazyLock::new(|| {
        collect().expect("the bundles fixture is part of the repository").into_iter().map(Arc::new).collect()
    });
    &ALL
}

fn collect() -> Result<Vec<Specimen>> {
    let mut specimens = Vec::new();
    let folder = root().join("fixtures/bundles/dataset-js/operational");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder)? {
        names.extend(entry?.file_name().into_string().ok().filter(|name| name.starts_with("bundle.")));
    }
    names.sort();
    for name in names {
        let id = name.strip_prefix("bundle.").unwrap_or_default().to_owned();
        let bytes = fs::read(folder.join(&name))?;
        let content = match id.starts_with("b0-") {
            true => Content::Text(String::from_utf8(bytes).with_context(|| format!("{name} is no text"))?),
            false => Content::Zip(bytes),
        };
        specimens.push(Specimen { id, content });
    }
    // A member more than an import puts together again: it can be stored and exported, and never imported.
    specimens.push(Specimen::text(r#"{"moduleFormat":"nestedEvaluate","source":"1","zzz":[]}"#.to_owned()));
    let other = r#"{"moduleFormat":"getExport","source":"1"}"#.to_owned();
    specimens.push(Specimen { id: format!("b0-{}", "0".repeat(64)), content: Content::Text(other.clone()) });
    specimens
        .push(Specimen { id: format!("b2-{}", Digest::of(other.as_bytes())), content: Content::Text(other.clone()) });
    specimens.push(Specimen::text(other));
    Ok(specimens)
}
