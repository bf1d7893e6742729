//! All recipes, and what they are made with.

use super::{archives, bundles, databases, folders, names, records, spans, streams};
use crate::case::{Bytes, Case, Edit, Input};

pub(crate) const ARCHIVAL: &str = "archival/dataset-js/archival";
pub(crate) const BUNDLES: &str = "bundles/dataset-js/operational";
pub(crate) const STORE: &str = "archival/store";

/// All recipes.
#[must_use]
pub fn all() -> Vec<Case> {
    let families = [
        names::cases(),
        streams::cases(),
        bundles::cases(),
        records::cases(),
        spans::cases(),
        folders::cases(),
        databases::cases(),
        archives::cases(),
    ];
    families.into_iter().flatten().collect()
}

/// A dataset with something wrong.
pub(crate) fn dataset(about: &str, name: impl Into<String>, why: &str, edits: Vec<Edit>) -> Case {
    Case {
        name: name.into(),
        about: about.to_owned(),
        input: Input::Dataset,
        base: ARCHIVAL.to_owned(),
        mode: "archival".to_owned(),
        edits,
        provable_at: None,
        why: why.to_owned(),
    }
}

pub(crate) fn text(text: impl Into<String>) -> Bytes {
    Bytes::Text(text.into())
}

pub(crate) fn hex(digits: &str) -> Bytes {
    Bytes::Hex(digits.to_owned())
}
