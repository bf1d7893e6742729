//! The bundleStore: code by content hash.

use serde::Deserialize;

use super::store::{Model, ModelError, refuse};
use crate::digest::Digest;
use crate::ids::{BundleId, BundleKind};
use crate::names::ExportKey;
use crate::roles::{Bundle, BundleStore};

/// The bundles of a [`Model`].
pub struct Bundles<'m> {
    pub(super) model: &'m mut Model,
}

crate::opaque!(Bundles<'_>);

/// The ID that a bundle should have. The zip file of a `b1-` bundle is taken at its word.
fn id_of(bundle: &Bundle) -> Result<(BundleKind, String), ModelError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Format {
        module_format: String,
    }
    match bundle {
        Bundle::NestedEvaluate(text) => match serde_json::from_str::<Format>(text) {
            Ok(Format { module_format }) if module_format == "nestedEvaluate" => {
                Ok((BundleKind::NestedEvaluate, Digest::of(text.as_bytes()).to_string()))
            }
            _ => refuse("not a nestedEvaluate bundle"),
        },
        Bundle::EndoZip { sha512, .. } => Ok((BundleKind::EndoZip, sha512.clone())),
    }
}

impl BundleStore for Bundles<'_> {
    type Error = ModelError;

    fn add_bundle(&mut self, id: &BundleId, bundle: &Bundle) -> Result<(), ModelError> {
        let (kind, hash) = id_of(bundle)?;
        if kind != id.kind() || hash != id.hash() {
            return refuse(format!("bundle ID {id} does not match the bundle"));
        }
        if self.model.now.bundles.contains_key(id) {
            return refuse(format!("bundle {id} is there already"));
        }
        self.model.now.bundles.insert(id.clone(), bundle.clone());
        self.model.note(ExportKey::Bundle(id.clone()), Some(id.to_string()));
        Ok(())
    }

    fn has_bundle(&mut self, id: &BundleId) -> Result<bool, ModelError> {
        Ok(self.model.now.bundles.contains_key(id))
    }

    fn get_bundle(&mut self, id: &BundleId) -> Result<Bundle, ModelError> {
        self.model.now.bundles.get(id).cloned().map_or_else(|| refuse(format!("bundle {id} not found")), Ok)
    }

    fn delete_bundle(&mut self, id: &BundleId) -> Result<(), ModelError> {
        if self.model.now.bundles.remove(id).is_some() {
            self.model.note(ExportKey::Bundle(id.clone()), None);
        }
        Ok(())
    }
}
