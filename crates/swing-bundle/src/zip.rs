//! A reader for the zip files that `@endo/zip` reads, and for no others.
//!
//! What counts here is to accept what the reference accepts, so this follows its reader field by field: members are
//! stored, never compressed; no comment at the end, so the end record has one place only; no zip64; no encryption; the
//! central and the local header agree in flags, method, checksum, sizes and name (the central one may have `\` for `/`);
//! a later member takes the name of an earlier one; directories are checked and dropped. It also follows it where that
//! is odd: a few bytes may stand before the archive (up to 22, by an inexact bounds check), the signature of a local
//! header may be missing, and the uncompressed size is compared between the headers but never with the content. The
//! `zip` crate differs from this in many places and could not be made to agree, so it is not used.
//!
//! Members are borrowed from the input. Declared counts and sizes allocate nothing, and [`Zip::read`] gives up when
//! members overlap so much that their checksums would cost more than [`OVERLAP`] passes over the input.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::json::{decode_text, excerpt};

const LOCAL_HEADER: &[u8] = b"PK\x03\x04";
const CENTRAL_HEADER: &[u8] = b"PK\x01\x02";
const END_RECORD: &[u8] = b"PK\x05\x06";
const END_RECORD_LEN: usize = 22;

const STORED: u16 = 0;
const ENCRYPTED: u16 = 0x0001;
const DIRECTORY: u32 = 0x0010;

/// How many times the length of the input the members may hold together. Members that do not overlap hold less than
/// one time; only a hand-made archive comes near this.
const OVERLAP: u64 = 8;

/// Why bytes are not a zip file that the reference would read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ZipFault {
    /// There is no end record in the last 22 bytes.
    #[error("no end record of a zip file where it must be")]
    NoEndRecord,
    /// Something points or reaches outside of the file.
    #[error("zip file ends within {what}")]
    Truncated {
        /// What was being read.
        what: &'static str,
    },
    /// A field has the value that announces zip64.
    #[error("zip64 is not supported")]
    Zip64,
    /// The central directory has another number of records.
    #[error("central directory of the zip file has {found} records, its end record says {declared}")]
    Count {
        /// What the end record says.
        declared: u16,
        /// How many there are.
        found: usize,
    },
    /// A member's two headers disagree.
    #[error("zip member `{name}`: its two headers disagree about the {field}")]
    Headers {
        /// The member, by its central header.
        name: String,
        /// The field.
        field: &'static str,
    },
    /// A member's content has another CRC-32.
    #[error("zip member `{name}`: checksum mismatch (expected {expected:08x}, got {actual:08x})")]
    Checksum {
        /// The member.
        name: String,
        /// What its headers say.
        expected: u32,
        /// What its content has.
        actual: u32,
    },
    /// A member is encrypted.
    #[error("zip member `{name}` is encrypted")]
    Encrypted {
        /// The member.
        name: String,
    },
    /// A member is compressed.
    #[error("zip member `{name}` has compression method {method}, only stored members are supported")]
    Compressed {
        /// The member.
        name: String,
        /// Its method.
        method: u16,
    },
    /// The members overlap.
    #[error("zip members overlap: together they hold {OVERLAP} times what the file does")]
    Overlap,
}

/// The files of an archive, by name.
#[derive(Debug)]
pub(crate) struct Zip<'a> {
    files: HashMap<Cow<'a, str>, &'a [u8]>,
}

impl<'a> Zip<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, ZipFault> {
        let central = read_central_directory(bytes)?;
        let mut files = HashMap::with_capacity(central.records.len());
        let mut budget = OVERLAP * bytes.len() as u64;
        for record in central.records {
            let mut reader = Reader { bytes, base: central.base, at: 0, what: "a local header" };
            let local = read_local_file(&mut reader, &record)?;
            budget = budget.checked_sub(local.content.len() as u64).ok_or(ZipFault::Overlap)?;
            if let Some(content) = check_member(&record, &local)? {
                files.insert(record.name, content);
            }
        }
        Ok(Self { files })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.files.get(name).copied()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(|name| &**name)
    }
}

/// Reads forward, with offsets counted from a base that the end record reveals.
struct Reader<'a> {
    bytes: &'a [u8],
    base: usize,
    at: usize,
    what: &'static str,
}

impl<'a> Reader<'a> {
    /// The position behind the next `len` bytes. The reference holds a position against the length *without* the bytes
    /// before the base, and adds the base once more: that is what keeps archives with more than 22 such bytes out.
    fn end_of(&self, from: usize, len: usize) -> Result<usize, ZipFault> {
        let end = from.checked_add(len);
        let fits = |end: &usize| end.checked_add(2 * self.base).is_some_and(|reach| reach <= self.bytes.len());
        end.filter(fits).ok_or(ZipFault::Truncated { what: self.what })
    }

    fn seek(&mut self, to: usize) -> Result<(), ZipFault> {
        self.at = self.end_of(to, 0)?;
        Ok(())
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], ZipFault> {
        let end = self.end_of(self.at, len)?;
        let taken = self.bytes.get(self.base + self.at..self.base + end);
        self.at = end;
        taken.ok_or(ZipFault::Truncated { what: self.what })
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ZipFault> {
        let taken = self.take(N)?;
        taken.try_into().map_err(|_| ZipFault::Truncated { what: self.what })
    }

    fn u16(&mut self) -> Result<u16, ZipFault> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, ZipFault> {
        self.array().map(u32::from_le_bytes)
    }

    /// Steps over a signature if it is there. This needs four bytes in the file, by an exact check.
    fn skips(&mut self, signature: &[u8]) -> bool {
        let here = self.bytes.get(self.base + self.at..).unwrap_or_default();
        let found = here.starts_with(signature);
        if found {
            self.at += signature.len();
        }
        found
    }
}

/// The fields that stand in both headers.
#[derive(PartialEq, Eq)]
struct Headers {
    flags: u16,
    method: u16,
    checksum: u32,
    compressed_len: u32,
    uncompressed_len: u32,
}

impl Headers {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ZipFault> {
        reader.take(2)?; // the version needed: not looked at
        let (flags, method) = (reader.u16()?, reader.u16()?);
        reader.take(4)?; // the date: any
        Ok(Self {
            flags,
            method,
            checksum: reader.u32()?,
            compressed_len: reader.u32()?,
            uncompressed_len: reader.u32()?,
        })
    }

    /// The first field in which the headers differ.
    fn difference(&self, other: &Self) -> Option<&'static str> {
        let fields = [
            ("flags", self.flags == other.flags),
            ("compression method", self.method == other.method),
            ("checksum", self.checksum == other.checksum),
            ("compressed size", self.compressed_len == other.compressed_len),
            ("uncompressed size", self.uncompressed_len == other.uncompressed_len),
        ];
        fields.into_iter().find(|(_, same)| !same).map(|(field, _)| field)
    }
}

struct CentralDirectory<'a> {
    records: Vec<CentralRecord<'a>>,
    /// Where offsets count from: how many bytes stand before the archive.
    base: usize,
}

struct CentralRecord<'a> {
    name: Cow<'a, str>,
    headers: Headers,
    attributes: u32,
    local_at: u32,
}

struct LocalFile<'a> {
    name: Cow<'a, str>,
    headers: Headers,
    content: &'a [u8],
}

fn read_central_directory(bytes: &[u8]) -> Result<CentralDirectory<'_>, ZipFault> {
    let end_at = bytes.len().checked_sub(END_RECORD_LEN).ok_or(ZipFault::NoEndRecord)?;
    let mut reader = Reader { bytes, base: 0, at: end_at, what: "the end record" };
    if !reader.skips(END_RECORD) {
        return Err(ZipFault::NoEndRecord);
    }
    let (disk, central_disk, count_here, declared) = (reader.u16()?, reader.u16()?, reader.u16()?, reader.u16()?);
    let (central_len, central_at) = (reader.u32()?, reader.u32()?);
    let comment_len = reader.u16()?;
    reader.take(usize::from(comment_len))?;
    if [disk, central_disk, count_here, declared].contains(&u16::MAX) || [central_len, central_at].contains(&u32::MAX) {
        return Err(ZipFault::Zip64);
    }

    reader.what = "the central directory";
    let central_end = u64::from(central_at) + u64::from(central_len);
    let before = (end_at as u64).checked_sub(central_end).ok_or(ZipFault::Truncated { what: reader.what })?;
    // Not more than `end_at`, so it fits.
    reader.base = before as usize;
    reader.seek(central_at as usize)?;
    let mut records = Vec::new();
    while reader.skips(CENTRAL_HEADER) {
        records.push(read_central_record(&mut reader)?);
    }
    if usize::from(declared) != records.len() {
        return Err(ZipFault::Count { declared, found: records.len() });
    }
    Ok(CentralDirectory { records, base: reader.base })
}

fn read_central_record<'a>(reader: &mut Reader<'a>) -> Result<CentralRecord<'a>, ZipFault> {
    reader.take(2)?; // the version and system that made it: not looked at
    let headers = Headers::read(reader)?;
    let (name_len, extra_len, comment_len) = (reader.u16()?, reader.u16()?, reader.u16()?);
    reader.take(4)?; // the disk and the internal attributes: not looked at
    let (attributes, local_at) = (reader.u32()?, reader.u32()?);
    let name = decode_text(reader.take(usize::from(name_len))?);
    reader.take(usize::from(extra_len))?;
    if [headers.compressed_len, headers.uncompressed_len, local_at].contains(&u32::MAX) {
        return Err(ZipFault::Zip64);
    }
    reader.take(usize::from(comment_len))?;
    Ok(CentralRecord { name, headers, attributes, local_at })
}

fn read_local_file<'a>(reader: &mut Reader<'a>, record: &CentralRecord<'_>) -> Result<LocalFile<'a>, ZipFault> {
    reader.seek(record.local_at as usize)?;
    reader.skips(LOCAL_HEADER);
    let headers = Headers::read(reader)?;
    let (name_len, extra_len) = (reader.u16()?, reader.u16()?);
    let name = decode_text(reader.take(usize::from(name_len))?);
    reader.take(usize::from(extra_len))?;
    let content = reader.take(headers.compressed_len as usize)?;
    Ok(LocalFile { name, headers, content })
}

/// Holds a member's headers and content against one another; none for a directory.
fn check_member<'a>(central: &CentralRecord<'_>, local: &LocalFile<'a>) -> Result<Option<&'a [u8]>, ZipFault> {
    let name = || excerpt(central.name.as_bytes());
    if central.name.replace('\\', "/") != local.name {
        return Err(ZipFault::Headers { name: name(), field: "name" });
    }
    if let Some(field) = central.headers.difference(&local.headers) {
        return Err(ZipFault::Headers { name: name(), field });
    }
    let (expected, actual) = (local.headers.checksum, crc32fast::hash(local.content));
    if expected != actual {
        return Err(ZipFault::Checksum { name: name(), expected, actual });
    }
    if central.headers.flags & ENCRYPTED != 0 {
        return Err(ZipFault::Encrypted { name: name() });
    }
    if central.attributes & DIRECTORY != 0 {
        return Ok(None);
    }
    match central.headers.method {
        STORED => Ok(Some(local.content)),
        method => Err(ZipFault::Compressed { name: name(), method }),
    }
}
