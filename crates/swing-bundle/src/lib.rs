//! The bundleStore of a swing-store: code bundles by content hash.
//!
//! It rests on one decision: a bundle's ID is its only metadata. Whoever adds a bundle is held to the ID's format and
//! claim, as the original does; whoever imports one, from nobody in particular, to everything the hash can vouch for:
//! a `b0-` text is its own reassembly, a `b1-` archive passes every check of `@endo/check-bundle/lite` (the compartment
//! map's hash, the hash of every module that the map's import graph reaches, no file missing or extra).
//!
//! It knows nothing of what a bundle does when it runs.
//!
//! # Where the content checks differ from the original's
//!
//! Stricter: an imported `b0-` artifact must be the reassembled text itself, where the original drops what it does not
//! know; `endoZipBase64` must be a string; an archive whose members together are more than 8 times its size, an import
//! graph of more than 128 MiB of specifiers, and a policy that attenuates globals (the original would run archive code
//! there) are refused; a cycle of aliases is an error, where the original does not come back.
//!
//! More lenient: a compartment map may mix features of the 1.x and 2.x schema.
//!
//! The same, and worth knowing: a module for which the map gives no `sha512` is accepted, and its bytes are not bound
//! to the ID. No bundler writes such a map.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

mod base64;
mod canonical;
mod compartment_map;
mod content;
mod error;
mod graph;
mod json;
mod policy;
mod schema;
mod specifier;
mod substore;
mod view;
mod zip;

pub use crate::base64::{decode_base64, encode_base64};
pub use crate::canonical::canonical_zip;
pub use crate::content::{Stored, b0_id, b1_id, check_b0, check_b1, from_artifact, from_object, to_object};
pub use crate::error::{ArchiveFault, ContentError};
pub use crate::schema::TABLES;
pub use crate::substore::BundleSubstore;
pub use crate::view::{BundleError, Bundles};
pub use crate::zip::ZipFault;
