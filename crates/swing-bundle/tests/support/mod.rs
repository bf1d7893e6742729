//! Bundles to test with: the committed ones, and a writer for zip files that are wrong in every way a test wants.

// Each test file uses its own part of this.
#![expect(dead_code, reason = "shared by several test crates")]
#![expect(clippy::unwrap_used, reason = "a test that cannot read its fixture must fail")]

use std::error::Error;

use serde_json::Value;
use sha2::{Digest, Sha512};

pub(crate) const PACKAGES: &[u8] = include_bytes!("../data/packages.zip");
pub(crate) const PACKAGES_3_4: &[u8] = include_bytes!("../data/packages-3.4.zip");
pub(crate) const TINY: &[u8] = include_bytes!("../data/tiny.zip");

pub(crate) const PACKAGES_ID: &str = "b1-5b99f6cab3729ee45197db51648e1a229d17dc7201cc4cd2f81bf70ecc92d5051952b52b5e8ad419cde9e641ceb9e980164061adbb2e518aa322206fa9235cf4";
pub(crate) const PACKAGES_3_4_ID: &str = "b1-9d7f4818d4749b71fffae9cd398aefa096f9fcdeed950f8f43badd6bf3e5b74927bf2d005e89068eb059302ee3366b131e08226258367fde07f76ffe0fc1ba25";
pub(crate) const TINY_ID: &str = "b1-86a1d3ecf6d70e5c36bbbdac4fba1bb8b94d59a5857277094bff9706daeee60416eef9241e38ab4bb2c08c3b98fe132cf62eb07e31303ea863f57c9d90e8784a";

/// The module of the tiny bundle.
pub(crate) const TINY_MODULE: &str = "tiny-v1.0.0/index.js";

pub(crate) fn sha512(bytes: &[u8]) -> String {
    format!("{:x}", Sha512::digest(bytes))
}

/// An error with all its causes.
pub(crate) fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// A member of a zip file. A field that is none gets its right value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Member {
    pub(crate) name: Vec<u8>,
    pub(crate) local_name: Option<Vec<u8>>,
    pub(crate) content: Vec<u8>,
    pub(crate) flags: u16,
    pub(crate) local_flags: Option<u16>,
    pub(crate) method: u16,
    pub(crate) date: u32,
    pub(crate) checksum: Option<u32>,
    pub(crate) local_checksum: Option<u32>,
    pub(crate) uncompressed_len: Option<u32>,
    pub(crate) local_uncompressed_len: Option<u32>,
    pub(crate) extra: Vec<u8>,
    pub(crate) comment: Vec<u8>,
    pub(crate) disk: u16,
    pub(crate) attributes: u32,
    pub(crate) unsigned: bool,
    pub(crate) junk_before: Vec<u8>,
    pub(crate) central_records: Option<usize>,
}

impl Member {
    pub(crate) fn new(name: &str, content: &[u8]) -> Self {
        Self { name: name.into(), content: content.into(), attributes: 0o100_644 << 16, ..Self::default() }
    }

    fn fields(&self, local: bool) -> Vec<u8> {
        let name = if local { self.local_name.as_ref().unwrap_or(&self.name) } else { &self.name };
        let len = self.content.len() as u32;
        let checksum = self.checksum.unwrap_or_else(|| crc32(&self.content));
        let uncompressed_len = self.uncompressed_len.unwrap_or(len);
        let mut out = vec![10, 0];
        out.extend(if local { self.local_flags.unwrap_or(self.flags) } else { self.flags }.to_le_bytes());
        out.extend(self.method.to_le_bytes());
        out.extend(self.date.to_le_bytes());
        out.extend(if local { self.local_checksum.unwrap_or(checksum) } else { checksum }.to_le_bytes());
        out.extend(len.to_le_bytes());
        let local_len = self.local_uncompressed_len.unwrap_or(uncompressed_len);
        out.extend(if local { local_len } else { uncompressed_len }.to_le_bytes());
        out.extend((name.len() as u16).to_le_bytes());
        out.extend((self.extra.len() as u16).to_le_bytes());
        out
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, &byte: &u8| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 })
    };
    !bytes.iter().fold(u32::MAX, step)
}

/// A zip file to be written. A field that is none gets its right value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Archive {
    pub(crate) junk_before: Vec<u8>,
    pub(crate) members: Vec<Member>,
    pub(crate) junk_after_central: Vec<u8>,
    pub(crate) disks: [u16; 2],
    pub(crate) count: Option<u16>,
    pub(crate) count_here: Option<u16>,
    pub(crate) central_at: Option<u32>,
    pub(crate) comment: Vec<u8>,
    pub(crate) junk_after: Vec<u8>,
}

impl Archive {
    /// The members of a zip file in canonical form.
    pub(crate) fn read(zip: &[u8]) -> Self {
        let u16_at = |at: usize| usize::from(u16::from_le_bytes([zip[at], zip[at + 1]]));
        let mut members = Vec::new();
        let mut at = 0;
        while zip[at..].starts_with(b"PK\x03\x04") {
            let (name_len, len) = (u16_at(at + 26), u16_at(at + 18) + (u16_at(at + 20) << 16));
            let (name_at, content_at) = (at + 30, at + 30 + name_len);
            let name = std::str::from_utf8(&zip[name_at..content_at]).unwrap();
            members.push(Member::new(name, &zip[content_at..content_at + len]));
            at = content_at + len;
        }
        Self { members, ..Self::default() }
    }

    pub(crate) fn member(&mut self, name: &str) -> &mut Member {
        self.members.iter_mut().find(|member| member.name == name.as_bytes()).unwrap()
    }

    pub(crate) fn map(&mut self) -> &mut Member {
        self.member("compartment-map.json")
    }

    /// Changes the compartment map.
    pub(crate) fn edit_map(&mut self, edit: impl FnOnce(&mut Value)) {
        let mut map: Value = serde_json::from_slice(&self.map().content).unwrap();
        edit(&mut map);
        self.map().content = map.to_string().into_bytes();
    }

    /// Changes the text of the compartment map.
    pub(crate) fn replace_in_map(&mut self, from: &str, to: &str) {
        let text = String::from_utf8(self.map().content.clone()).unwrap();
        assert!(text.contains(from), "{from}");
        self.map().content = text.replacen(from, to, 1).into_bytes();
    }

    /// Changes a module, and its hash in the compartment map.
    pub(crate) fn set_module(&mut self, path: &str, content: &[u8]) {
        let (old, new) = (sha512(&self.member(path).content), sha512(content));
        self.member(path).content = content.to_vec();
        self.replace_in_map(&old, &new);
    }

    /// The ID that the compartment map has now.
    pub(crate) fn id(&mut self) -> String {
        format!("b1-{}", sha512(&self.map().content))
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = self.junk_before.clone();
        let base = out.len();
        let mut central = Vec::new();
        let mut records = 0;
        for member in &self.members {
            out.extend(&member.junk_before);
            let at = (out.len() - base) as u32;
            if !member.unsigned {
                out.extend(b"PK\x03\x04");
            }
            out.extend(member.fields(true));
            out.extend(member.local_name.as_ref().unwrap_or(&member.name));
            out.extend(&member.extra);
            out.extend(&member.content);
            let fields = member.fields(false);
            for _ in 0..member.central_records.unwrap_or(1) {
                central.extend(b"PK\x01\x02");
                central.extend([30, 3]);
                central.extend(&fields);
                central.extend((member.comment.len() as u16).to_le_bytes());
                central.extend(member.disk.to_le_bytes());
                central.extend([0; 2]);
                central.extend(member.attributes.to_le_bytes());
                central.extend(at.to_le_bytes());
                central.extend(&member.name);
                central.extend(&member.extra);
                central.extend(&member.comment);
                records += 1;
            }
        }
        let at = (out.len() - base) as u32;
        out.extend(central);
        out.extend(&self.junk_after_central);
        let len = (out.len() - base) as u32 - at;
        out.extend(b"PK\x05\x06");
        out.extend(self.disks.into_iter().flat_map(u16::to_le_bytes));
        out.extend(self.count_here.unwrap_or(records).to_le_bytes());
        out.extend(self.count.unwrap_or(records).to_le_bytes());
        out.extend(len.to_le_bytes());
        out.extend(self.central_at.unwrap_or(at).to_le_bytes());
        out.extend((self.comment.len() as u16).to_le_bytes());
        out.extend(&self.comment);
        out.extend(&self.junk_after);
        out
    }
}

/// What must become of a case: accepted, or refused with a message that holds this text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    Fine,
    Refused(&'static str),
}

/// A `b1-` bundle, and what becomes of it.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) id: String,
    pub(crate) zip: Vec<u8>,
    pub(crate) expect: Expect,
}

impl Case {
    /// Checks the case, and says what went wrong.
    pub(crate) fn run(&self) -> Option<String> {
        let (name, found) = (self.name, swing_bundle::check_b1(&self.id, &self.zip));
        match (self.expect, found) {
            (Expect::Fine, Ok(())) => None,
            (Expect::Fine, Err(error)) => Some(format!("{name}: refused, {}", chain(&error))),
            (Expect::Refused(_), Ok(())) => Some(format!("{name}: accepted")),
            (Expect::Refused(text), Err(error)) => {
                let message = chain(&error);
                (!message.contains(text)).then(|| format!("{name}: refused for another reason, {message}"))
            }
        }
    }
}

/// Runs all cases; with `SWING_BUNDLE_CASES` set it also appends them to that file, for `tests/data/reference.mjs`.
pub(crate) fn run(cases: &[Case]) {
    if let Ok(path) = std::env::var("SWING_BUNDLE_CASES") {
        let line = |case: &Case| {
            let expect = if case.expect == Expect::Fine { "fine" } else { "refused" };
            format!("{}\t{expect}\t{}\t{}\n", case.name, case.id, swing_bundle::encode_base64(&case.zip))
        };
        let lines: String = cases.iter().map(line).collect();
        let mut file = fs_err::OpenOptions::new().create(true).append(true).open(path).unwrap();
        std::io::Write::write_all(&mut file, lines.as_bytes()).unwrap();
    }
    let wrong: Vec<String> = cases.iter().filter_map(Case::run).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
