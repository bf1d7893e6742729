//! What a recipe makes: records, artifacts and a manifest, in memory or on disk.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use fs_err as fs;
use serde_json::{Map, Value};

use crate::case::{Bytes, Case, Edit};

/// On disk no piece is repeated to more than this, which is enough for the reference to show what it does.
const MOST_ON_DISK: u64 = 64 << 10;
const MANIFEST: &str = "export-manifest.json";

#[derive(Debug, Clone)]
pub(crate) struct Piece {
    pub(crate) bytes: Vec<u8>,
    pub(crate) times: u64,
}

impl Piece {
    fn once(bytes: Vec<u8>) -> Self {
        Self { bytes, times: 1 }
    }

    fn of(bytes: &Bytes) -> Result<Self> {
        Ok(match bytes {
            Bytes::Text(text) => Self::once(text.clone().into_bytes()),
            Bytes::Hex(hex) => Self::once(unhex(hex)?),
            Bytes::Times(text, times) => Self { bytes: text.clone().into_bytes(), times: *times },
        })
    }
}

fn unhex(hex: &str) -> Result<Vec<u8>> {
    ensure!(hex.len().is_multiple_of(2) && hex.is_ascii(), "no hex digits: {hex}");
    (0..hex.len()).step_by(2).map(|at| Ok(u8::from_str_radix(&hex[at..at + 2], 16)?)).collect()
}

/// All of some bytes.
pub(crate) fn written_out(bytes: &Bytes) -> Result<Vec<u8>> {
    let Piece { bytes, times } = Piece::of(bytes)?;
    Ok(bytes.repeat(usize::try_from(times)?))
}

/// An artifact, maybe far larger than what it is made of.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// What it is offered as.
    pub name: String,
    /// Where it is on disk.
    pub(crate) file: String,
    pub(crate) link: Option<String>,
    pub(crate) pieces: Vec<Piece>,
    pub(crate) fails_after: Option<u64>,
}

impl Artifact {
    fn whole(&mut self) -> Result<&mut Vec<u8>> {
        ensure!(self.pieces.len() == 1 && self.pieces[0].times == 1, "{:?} is too large to be edited", self.name);
        Ok(&mut self.pieces[0].bytes)
    }

    fn on_disk(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for piece in &self.pieces {
            let most = (MOST_ON_DISK / (piece.bytes.len() as u64).max(1)).max(1);
            (0..piece.times.min(most)).for_each(|_| bytes.extend_from_slice(&piece.bytes));
        }
        bytes
    }
}

/// Records, artifacts and a manifest.
#[derive(Debug, Clone)]
pub struct Material {
    /// The lines of the export data.
    pub(crate) lines: Vec<Vec<u8>>,
    /// The artifacts on offer, in their order.
    pub artifacts: Vec<Artifact>,
    fields: Map<String, Value>,
    manifest: Option<String>,
}

impl Material {
    /// A fixture's dataset with the edits of a case.
    ///
    /// # Errors
    /// When the fixture cannot be read, or an edit is about something that it does not have.
    pub fn of(fixtures: &Path, case: &Case) -> Result<Self> {
        let mut material = Self::read(&fixtures.join(&case.base))?;
        for edit in &case.edits {
            material.edit(edit).with_context(|| format!("case {}: {edit:?}", case.name))?;
        }
        Ok(material)
    }

    fn read(dataset: &Path) -> Result<Self> {
        let data = fs::read_to_string(dataset.join("export-data.jsonl"))?;
        let manifest: Map<String, Value> = serde_json::from_slice(&fs::read(dataset.join(MANIFEST))?)?;
        let listed: Vec<(String, String)> = serde_json::from_value(manifest["artifacts"].clone())?;
        let artifacts = listed.into_iter().enumerate().map(|(at, (name, file))| {
            let pieces = vec![Piece::once(fs::read(dataset.join(file))?)];
            Ok(Artifact { name, file: format!("artifact{at}"), link: None, pieces, fails_after: None })
        });
        Ok(Self {
            lines: data.lines().map(|line| line.as_bytes().to_vec()).collect(),
            artifacts: artifacts.collect::<Result<_>>()?,
            fields: manifest,
            manifest: None,
        })
    }

    fn find(&mut self, name: &str) -> Result<&mut Artifact> {
        self.artifacts.iter_mut().find(|artifact| artifact.name == name).context("there is no such artifact")
    }

    /// The line of a record, and its text.
    fn record(&mut self, key: &str) -> Result<(usize, String)> {
        let parsed = |line: &Vec<u8>| serde_json::from_slice::<Vec<String>>(line).ok();
        let found = self.lines.iter().enumerate().find_map(|(at, line)| {
            parsed(line).filter(|record| record[0] == key).and_then(|record| Some((at, record.get(1)?.clone())))
        });
        found.context("there is no such record")
    }

    fn put(&mut self, at: Option<usize>, key: &str, value: &str) {
        let line = Value::from(vec![key, value]).to_string().into_bytes();
        match at {
            Some(at) => self.lines[at] = line,
            None => self.lines.push(line),
        }
    }

    fn edit(&mut self, edit: &Edit) -> Result<()> {
        match edit {
            Edit::Record(key, value) => {
                let at = self.record(key).ok().map(|(at, _)| at);
                self.put(at, key, value);
            }
            Edit::NoRecord(key) => {
                let (at, _) = self.record(key)?;
                self.lines.remove(at);
            }
            Edit::RecordKey(key, to) => {
                let (at, value) = self.record(key)?;
                self.put(Some(at), to, &value);
            }
            Edit::InRecord(key, from, to) => {
                let (at, value) = self.record(key)?;
                ensure!(value.contains(from), "there is no {from}");
                self.put(Some(at), key, &value.replace(from, to));
            }
            Edit::RawLine(line) => self.lines.push(written_out(line)?),
            Edit::OnlyLines(lines) => self.lines = lines.iter().map(|line| line.clone().into_bytes()).collect(),
            Edit::Manifest(text) => self.manifest = Some(String::from_utf8(written_out(text)?)?),
            Edit::Field(field, value) => drop(self.fields.insert(field.clone(), value.clone())),
            Edit::Sql(_) => bail!("a dataset has no database"),
            other => self.edit_artifact(other)?,
        }
        Ok(())
    }

    fn edit_artifact(&mut self, edit: &Edit) -> Result<()> {
        match edit {
            Edit::Artifact(name, bytes) => {
                let piece = Piece::of(bytes)?;
                match self.find(name) {
                    Ok(artifact) => artifact.pieces = vec![piece],
                    Err(_) => {
                        let file = format!("artifact{}", self.artifacts.len());
                        let (name, pieces) = (name.clone(), vec![piece]);
                        self.artifacts.push(Artifact { name, file, link: None, pieces, fails_after: None });
                    }
                }
            }
            Edit::Append(name, bytes) => self.find(name)?.pieces.push(Piece::of(bytes)?),
            Edit::Prepend(name, bytes) => self.find(name)?.pieces.insert(0, Piece::of(bytes)?),
            Edit::Cut(name, count) => cut(self.find(name)?.whole()?, *count),
            Edit::Flip(name, bit) => flip(self.find(name)?.whole()?, *bit),
            Edit::Replace(name, from, to) => {
                let (from, to) = (Piece::of(from)?.bytes, Piece::of(to)?.bytes);
                replace(self.find(name)?.whole()?, &from, &to)?;
            }
            Edit::NoArtifact(name) => {
                self.find(name)?;
                self.artifacts.retain(|artifact| artifact.name != *name);
            }
            Edit::Rename(name, to) => self.find(name)?.name = to.clone(),
            Edit::LongName(name, before, middle, after) => {
                self.find(name)?.name = format!("{before}{}{after}", String::from_utf8(written_out(middle)?)?);
            }
            Edit::Copy(name, to) => {
                let mut copy = self.find(name)?.clone();
                copy.name = to.clone();
                copy.file = format!("artifact{}", self.artifacts.len());
                self.artifacts.push(copy);
            }
            Edit::Fails(name, after) => self.find(name)?.fails_after = Some(*after),
            Edit::FileName(name, file) => self.find(name)?.file = file.clone(),
            Edit::Link(name, target) => self.find(name)?.link = Some(target.clone()),
            other => bail!("{other:?} is no edit of an artifact"),
        }
        Ok(())
    }

    /// Writes it as a dataset into the existing folder `dir`, in the JavaScript dialect. Files that would lie elsewhere are
    /// only named.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, dir: &Path) -> Result<()> {
        let data: Vec<u8> = self.lines.iter().flat_map(|line| [&line[..], b"\n"].concat()).collect();
        fs::write(dir.join("export-data.jsonl"), data)?;
        for artifact in &self.artifacts {
            let inside =
                !artifact.file.contains(['/', '\\', '\0']) && !["", ".", ".."].contains(&artifact.file.as_str());
            match &artifact.link {
                Some(target) => std::os::unix::fs::symlink(target, dir.join(&artifact.file))?,
                None if inside => fs::write(dir.join(&artifact.file), artifact.on_disk())?,
                None => {}
            }
        }
        // For whoever plays the source: which files break off after how many bytes.
        let failing = self.artifacts.iter().filter_map(|artifact| Some((&artifact.file, artifact.fails_after?)));
        let failing: std::collections::BTreeMap<_, _> = failing.collect();
        if !failing.is_empty() {
            fs::write(dir.join("failing.json"), serde_json::to_string(&failing)?)?;
        }
        let mut fields = self.fields.clone();
        let listed: Vec<_> = self.artifacts.iter().map(|artifact| vec![&artifact.name, &artifact.file]).collect();
        if fields.get("artifacts").is_some_and(Value::is_array) {
            fields.insert("artifacts".to_owned(), serde_json::to_value(listed)?);
        }
        let manifest = self.manifest.clone().map_or_else(|| serde_json::to_string_pretty(&fields), Ok)?;
        Ok(fs::write(dir.join(MANIFEST), manifest)?)
    }
}

pub(crate) fn cut(bytes: &mut Vec<u8>, count: u64) {
    bytes.truncate(bytes.len().saturating_sub(usize::try_from(count).unwrap_or(usize::MAX)));
}

pub(crate) fn flip(bytes: &mut [u8], bit: u64) {
    // Modulo the length, so that recipes need not know it.
    let at = bit % (bytes.len() as u64 * 8).max(1);
    if let Some(byte) = bytes.get_mut((at / 8) as usize) {
        *byte ^= 1 << (at % 8);
    }
}

pub(crate) fn replace(bytes: &mut Vec<u8>, from: &[u8], to: &[u8]) -> Result<()> {
    let (mut replaced, mut at, mut found) = (Vec::new(), 0, false);
    while at < bytes.len() {
        if bytes[at..].starts_with(from) && !from.is_empty() {
            replaced.extend_from_slice(to);
            at += from.len();
            found = true;
        } else {
            replaced.push(bytes[at]);
            at += 1;
        }
    }
    ensure!(found, "there are no such bytes");
    *bytes = replaced;
    Ok(())
}
