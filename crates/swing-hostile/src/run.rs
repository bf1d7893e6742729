//! What becomes of a case here.

use std::io::{self, Read as _};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use fs_err as fs;
use swing_archive::DirectoryArchive;
use swing_core::substore::Limits;
use swing_core::{ArtifactMode, ArtifactName, Digest, SpanRecord, error_chain};
use swing_export::dataset::{Dataset, Mode};
use swing_export::{ExportSource, ImportOptions, verify};
use swing_store::{Options, SUBSTORES, exporter, import};

use crate::case::{Case, Edit, Input, Verdict};
use crate::material::{Material, cut, flip, replace, written_out};
use crate::source::Source;

/// What an import takes at most here: small, so that cases can be too.
pub const LIMITS: Limits = Limits { item: 1 << 20, artifact: 16 << 20, bundle: 1 << 20 };

/// What became of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Whether it was taken.
    pub verdict: Verdict,
    /// Bytes of artifacts that were read, as far as they were counted.
    pub consumed: u64,
}

/// Feeds a case to this store, in the empty directory `scratch`.
///
/// # Errors
/// When the case cannot be made, or something is left behind that should not be.
pub fn run(fixtures: &Path, case: &Case, scratch: &Path) -> Result<Outcome> {
    let mode: ArtifactMode = case.mode.parse().ok().with_context(|| format!("case {}: no such mode", case.name))?;
    match case.input {
        Input::Dataset => {
            let material = Material::of(fixtures, case)?;
            let source = Source::new(&material);
            let verdict = imported(&source, &scratch.join("store"), mode)?;
            Ok(Outcome { verdict, consumed: source.consumed.get() })
        }
        Input::Folder => {
            let folder = scratch.join("dataset");
            fs::create_dir(&folder)?;
            Material::of(fixtures, case)?.write(&folder)?;
            let opened = Dataset::open(&folder).and_then(|dataset| {
                dataset.check_import(case.mode.parse::<Mode>().ok())?;
                Ok(dataset)
            });
            let verdict = match opened {
                Ok(dataset) => imported(&dataset, &scratch.join("store"), mode)?,
                Err(error) => refused(&error, scratch),
            };
            Ok(Outcome { verdict, consumed: 0 })
        }
        Input::Database => {
            let store = scratch.join("store");
            database(fixtures, case, &store)?;
            Ok(Outcome { verdict: exported(&store, mode, scratch), consumed: 0 })
        }
        Input::Archive => Ok(Outcome { verdict: archived(fixtures, case, scratch)?, consumed: 0 }),
    }
}

fn refused(error: &(dyn std::error::Error + 'static), scratch: &Path) -> Verdict {
    // Where the case was made is nobody's business, and different every time.
    Verdict::Refused(error_chain(error).replace(&format!("{}/", scratch.display()), "").replace('\0', "\\0"))
        .shortened()
}

fn imported(source: &dyn ExportSource, target: &Path, mode: ArtifactMode) -> Result<Verdict> {
    let options = ImportOptions { mode, limits: LIMITS, ..ImportOptions::default() };
    let scratch = target.parent().unwrap_or(target);
    let done = import(source, target, options, Options::default(), &mut |_| {});
    match done.and_then(|imported| Ok(imported.commit()?)) {
        Ok(store) => {
            store.close()?;
            Ok(Verdict::Accepted)
        }
        Err(error) => {
            ensure!(!target.exists(), "a refused import left {} behind", target.display());
            Ok(refused(&error, scratch))
        }
    }
}

/// Makes the database of a case in the directory `store`.
///
/// # Errors
/// When the fixture cannot be copied, or the database not be changed.
pub fn database(fixtures: &Path, case: &Case, store: &Path) -> Result<()> {
    fs::create_dir(store)?;
    for entry in fs::read_dir(fixtures.join(&case.base))? {
        let entry = entry?;
        fs::copy(entry.path(), store.join(entry.file_name()))?;
    }
    for edit in &case.edits {
        edit_file(store, edit).with_context(|| format!("case {}: {edit:?}", case.name))?;
    }
    Ok(())
}

fn edit_file(dir: &Path, edit: &Edit) -> Result<()> {
    let (Edit::Artifact(name, _)
    | Edit::Append(name, _)
    | Edit::Prepend(name, _)
    | Edit::Cut(name, _)
    | Edit::Flip(name, _)
    | Edit::Replace(name, ..)) = edit
    else {
        return edit_directory(dir, edit);
    };
    let path = dir.join(name);
    let mut bytes = fs::read(&path).unwrap_or_default();
    match edit {
        Edit::Artifact(_, whole) => bytes = written_out(whole)?,
        Edit::Append(_, more) => bytes.extend(written_out(more)?),
        Edit::Prepend(_, more) => bytes = [written_out(more)?, bytes].concat(),
        Edit::Cut(_, count) => cut(&mut bytes, *count),
        Edit::Flip(_, bit) => flip(&mut bytes, *bit),
        Edit::Replace(_, from, to) => replace(&mut bytes, &written_out(from)?, &written_out(to)?)?,
        _ => {}
    }
    Ok(fs::write(path, bytes)?)
}

fn edit_directory(dir: &Path, edit: &Edit) -> Result<()> {
    match edit {
        Edit::Sql(sql) => {
            let database = rusqlite::Connection::open(dir.join("swingstore.sqlite"))?;
            database.execute_batch(sql)?;
            Ok(database.close().map_err(|(_, error)| error)?)
        }
        Edit::NoArtifact(name) => Ok(fs::remove_file(dir.join(name))?),
        Edit::Rename(name, to) => Ok(fs::rename(dir.join(name), dir.join(to))?),
        other => anyhow::bail!("{other:?} is no edit of a file"),
    }
}

/// Exports everything, and asks for a verification besides, which must come to an end.
fn exported(store: &Path, mode: ArtifactMode, scratch: &Path) -> Verdict {
    let exported = || -> Result<()> {
        let exporter = exporter(store, mode)?;
        let verified = verify(exporter.read(), SUBSTORES, None, &mut |_| {});
        for record in exporter.export_data() {
            record?;
        }
        for name in exporter.artifact_names()? {
            io::copy(&mut exporter.artifact(&name?)?, &mut io::sink())?;
        }
        exporter.close()?;
        let findings = verified?.findings;
        match findings.first() {
            Some(first) => anyhow::bail!("exported, but verify finds {}: {}", first.what, first.problem),
            None => Ok(()),
        }
    };
    match exported() {
        Ok(()) => Verdict::Accepted,
        Err(error) => refused(error.as_ref(), scratch),
    }
}

/// Puts the artifacts of the fixture's dataset into an archive, lets the case have its way with the files, and reads them.
fn archived(fixtures: &Path, case: &Case, scratch: &Path) -> Result<Verdict> {
    let dir = scratch.join("archive");
    fs::create_dir(&dir)?;
    let plain = Case { edits: Vec::new(), ..case.clone() };
    let material = Material::of(fixtures, &plain)?;
    let source = Source::new(&material);
    let mut hashes = Vec::new();
    for artifact in &material.artifacts {
        let Ok(name) = artifact.name.parse::<ArtifactName>() else { continue };
        let mut bytes = Vec::new();
        source.artifact(&artifact.name).map_err(anyhow::Error::from_boxed)?.read_to_end(&mut bytes)?;
        let hash = match &name {
            ArtifactName::Bundle(_) => continue,
            ArtifactName::Snapshot { .. } => Digest::of(&bytes),
            ArtifactName::Span { .. } => span_hash(&material, &artifact.name)?,
        };
        let mut gzip = flate2::read::GzEncoder::new(&bytes[..], flate2::Compression::new(6));
        let mut packed = Vec::new();
        gzip.read_to_end(&mut packed)?;
        fs::write(dir.join(format!("{name}.gz")), packed)?;
        hashes.push((name, hash));
    }
    for edit in &case.edits {
        edit_file(&dir, edit).with_context(|| format!("case {}: {edit:?}", case.name))?;
    }
    let read = || -> Result<()> {
        let archive = DirectoryArchive::existing(&dir)?;
        archive.list()?;
        for (name, hash) in &hashes {
            let mut bytes = match name {
                ArtifactName::Span { .. } => archive.open_span(name, *hash)?,
                _ => archive.open_snapshot(name, *hash)?,
            };
            io::copy(&mut bytes, &mut io::sink())?;
        }
        Ok(())
    };
    Ok(match read() {
        Ok(()) => Verdict::Accepted,
        Err(error) => refused(error.as_ref(), scratch),
    })
}

fn span_hash(material: &Material, artifact: &str) -> Result<Digest> {
    let records = material.lines.iter().filter_map(|line| serde_json::from_slice::<Vec<String>>(line).ok());
    let spans = records.filter_map(|record| SpanRecord::parse(record.get(1)?).ok());
    let span = spans.into_iter().find(|span| span.artifact().to_string() == artifact);
    Ok(span.with_context(|| format!("{artifact} has no record"))?.hash)
}
