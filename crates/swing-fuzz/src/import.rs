//! Whole imports.

mod built;
mod expected;
mod framed;
mod offer;
mod run;

pub(crate) use framed::MARK;

use std::collections::BTreeMap;
use std::io::Read as _;

use anyhow::{Context as _, Result};
use swing_core::substore::Limits;
use swing_core::{ArtifactMode, Reader};
use swing_export::{EmptyExport, ExportSource, Exporter, ImportOptions, Target, gaps, import};
use swing_store::SUBSTORES;

/// Records and artifacts: all that an export has.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Export {
    records: Vec<(String, String)>,
    artifacts: BTreeMap<String, Vec<u8>>,
}

impl Export {
    pub(crate) fn record_count(&self) -> usize {
        self.records.len()
    }

    /// The first thing in which two differ, for a person.
    pub(crate) fn differs_from(&self, other: &Self) -> String {
        let records = self.records.iter().zip(&other.records).find(|(a, b)| a != b);
        let artifact = self.artifacts.iter().find(|(name, bytes)| other.artifacts.get(*name) != Some(*bytes));
        let counts = (self.records.len(), other.records.len(), self.artifacts.len(), other.artifacts.len());
        format!("{records:?}, {:?}, {counts:?}", artifact.map(|(name, _)| name))
    }
}

/// An import takes a dataset or refuses it, and one that it takes is exported as it came: every record as its text, in the one order
/// that there is, and every artifact that the mode has a use for byte for byte. A dataset that is as a store makes it is taken, in
/// every mode. One that is refused leaves nothing behind; one that lacks what its mode needs is refused.
///
/// Two exceptions, both the contract's: a closed span's key may be spelled with its end, and is exported without it; and the last
/// word on a key counts. Nothing of an artifact is read that is not needed, but for a buffer: not of one that never ends, either. A
/// source that fails is an error.
///
/// On disk the same holds, the store verifies against the records that it was made of, and what is written as a dataset in either
/// dialect imports as the same store.
///
/// The input: how it is imported; then either lines of export data with artifacts between marks, as [`seeds`](crate::seeds) makes
/// them of the fixtures, or choices of which dataset is made and what is done to it.
pub fn import_whole(data: &[u8]) {
    let [how, more, rest @ ..] = data else { return };
    let offer = if how & 1 == 0 { Some(framed::offer(rest, *more)) } else { built::offer(rest, *more).ok() };
    let Some(offer) = offer else { return };
    let mode = ArtifactMode::ALL[usize::from(how >> 1 & 3)];
    if how & 0xf0 == 0xf0 { run::on_disk(&offer, mode) } else { run::in_memory(&offer, mode) }
}

/// What is taken from a source here at most.
pub(crate) const LIMITS: Limits = Limits { item: 64 << 10, artifact: 256 << 10, bundle: 64 << 10 };

pub(crate) fn options(mode: ArtifactMode) -> ImportOptions {
    ImportOptions { mode, limits: LIMITS, empty: EmptyExport::Accepted, ..ImportOptions::default() }
}

/// What a store has to give in a mode, all of it.
pub(crate) fn exported(db: Reader<'_>, mode: ArtifactMode) -> Result<Export> {
    let (mut records, mut artifacts) = (Vec::new(), BTreeMap::new());
    anyhow::ensure!(gaps(db, SUBSTORES, mode)?.is_empty(), "it is not complete");
    for substore in SUBSTORES {
        for record in substore.records(db) {
            records.push(record?);
        }
        for name in substore.artifact_names(db, mode) {
            let (name, mut bytes) = (name?, Vec::new());
            substore.artifact(db, &name)?.read_to_end(&mut bytes).with_context(|| name.clone())?;
            artifacts.insert(name, bytes);
        }
    }
    Ok(Export { records, artifacts })
}

/// What a pinned commit has to give, in its exporter's mode.
pub(crate) fn exported_by(exporter: &Exporter) -> Result<Export> {
    exported(exporter.read(), exporter.mode())
}

/// What is exported of a store in memory that `source` was imported into: a refusal, or an export that must work.
pub(crate) fn imported(source: &dyn ExportSource, mode: ArtifactMode) -> Result<Export> {
    let mut imported = import(source, Target::Memory, SUBSTORES, options(mode), &mut |_| {})?;
    let export = exported(imported.session().read(), mode);
    Ok(export.expect("what was taken can be exported"))
}
