//! The one zip file that `bundle-source` writes for a set of modules.
//!
//! A `b1-` ID binds the compartment map and the modules, but not how a zip file holds them: the order of members, their
//! dates, comments and the bytes between are free. Who wants one ID to have one stored form compares a zip file with
//! [`canonical_zip`] of it. `@endo/zip` writes every member stored, without date or extra field, and `bundle-source`
//! puts the compartment map first and then the files by compartment and specifier.

use std::collections::HashSet;

use crate::compartment_map::{CompartmentMap, Module};
use crate::content::{MAP_PATH, map_bytes};
use crate::error::ArchiveFault;
use crate::json::{JsString, decode_text, excerpt};
use crate::zip::Zip;

/// A regular file, that its owner may write and all may read.
const ATTRIBUTES: u32 = 0o100_644 << 16;

/// Rewrites a `b1-` bundle's zip file in the form that `bundle-source` gives it.
///
/// Files that no module of the compartment map is made of are left out. A sound archive in canonical form comes out as
/// it went in; hashes are not checked.
///
/// # Errors
///
/// If this is not a zip file, or its compartment map is not sound, or a file is missing.
pub fn canonical_zip(zip: &[u8]) -> Result<Vec<u8>, ArchiveFault> {
    let zip = Zip::read(zip)?;
    let map_content = map_bytes(&zip)?;
    let map = CompartmentMap::parse(&decode_text(map_content))?;
    let mut out = Writer { bytes: Vec::new(), central: Vec::new(), count: 0 };
    out.add(MAP_PATH, map_content);

    let mut written = HashSet::new();
    let mut compartments: Vec<_> = map.compartments.iter().collect();
    compartments.sort_by_key(|compartment| utf16(&compartment.key));
    for compartment in compartments {
        let mut modules: Vec<_> = compartment.modules.iter().collect();
        modules.sort_by_key(|(specifier, _)| utf16(specifier));
        for (_, module) in modules {
            let Module::File { location, .. } = module else { continue };
            let path = format!("{}/{}", compartment.location.to_text(), location.to_text());
            let content = zip.get(&path).ok_or_else(|| ArchiveFault::NoFile { path: excerpt(path.as_bytes()) })?;
            if written.insert(path.clone()) {
                out.add(&path, content);
            }
        }
    }
    Ok(out.finish())
}

/// The order in which JavaScript sorts strings.
fn utf16(text: &JsString) -> Vec<u16> {
    text.to_text().encode_utf16().collect()
}

struct Writer {
    bytes: Vec<u8>,
    central: Vec<u8>,
    count: u16,
}

impl Writer {
    fn add(&mut self, name: &str, content: &[u8]) {
        let at = self.bytes.len() as u32;
        let mut fields = Vec::with_capacity(24);
        fields.extend_from_slice(&[10, 0]); // version needed
        fields.extend_from_slice(&[0; 8]); // flags, method (stored), date
        fields.extend_from_slice(&crc32fast::hash(content).to_le_bytes());
        fields.extend_from_slice(&(content.len() as u32).to_le_bytes());
        fields.extend_from_slice(&(content.len() as u32).to_le_bytes());
        fields.extend_from_slice(&(name.len() as u16).to_le_bytes());

        self.bytes.extend_from_slice(b"PK\x03\x04");
        self.bytes.extend_from_slice(&fields);
        self.bytes.extend_from_slice(&[0; 2]); // extra field
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.extend_from_slice(content);

        self.central.extend_from_slice(b"PK\x01\x02");
        self.central.extend_from_slice(&[30, 3]); // made by version, on unix
        self.central.extend_from_slice(&fields);
        self.central.extend_from_slice(&[0; 8]); // extra field, comment, disk, internal attributes
        self.central.extend_from_slice(&ATTRIBUTES.to_le_bytes());
        self.central.extend_from_slice(&at.to_le_bytes());
        self.central.extend_from_slice(name.as_bytes());
        self.count += 1;
    }

    fn finish(mut self) -> Vec<u8> {
        let (at, len) = (self.bytes.len() as u32, self.central.len() as u32);
        self.bytes.append(&mut self.central);
        self.bytes.extend_from_slice(b"PK\x05\x06");
        self.bytes.extend_from_slice(&[0; 4]); // disks
        self.bytes.extend_from_slice(&self.count.to_le_bytes());
        self.bytes.extend_from_slice(&self.count.to_le_bytes());
        self.bytes.extend_from_slice(&len.to_le_bytes());
        self.bytes.extend_from_slice(&at.to_le_bytes());
        self.bytes.extend_from_slice(&[0; 2]); // comment
        self.bytes
    }
}
