//! The stores and datasets that works need: made by us, readable by all.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use fs_err as fs;
use rusqlite::{Connection, OpenFlags};
use serde::{Deserialize, Serialize};
use swing_core::roles::{Bundle, BundleStore as _, HostStorage as _, KernelStorage as _, KvStore as _};
use swing_core::roles::{SnapStore as _, TranscriptStore as _};
use swing_core::{ArtifactMode, BundleId, Digest, Position, VatId};
use swing_export::dataset::{DatasetWriter, Dialect, Mode};
use swing_store::{Options, SnapshotRetention, Store, exporter};

use super::super::data::{item, kv_key, kv_value};
use super::super::heap::heap;
use super::super::work::Figures;

/// Something that works need.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "make", rename_all = "kebab-case")]
pub(crate) enum Making {
    /// A store.
    Store(Contents),
    /// An archival export of it.
    Dataset { store: PathBuf, dataset: PathBuf },
    /// A heap snapshot.
    Heap { file: PathBuf, length: usize },
    /// The heap snapshot in a file, raw or gzipped, or the greatest one of a store.
    RealHeap { from: PathBuf, file: PathBuf },
}

/// What is in a store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Contents {
    pub(crate) dir: PathBuf,
    /// Key-value pairs.
    pub(crate) rows: u64,
    pub(crate) vats: u64,
    /// Of each vat.
    pub(crate) spans: u64,
    /// Of each vat but the first, where it differs.
    pub(crate) other_spans: Option<u64>,
    /// Of each span.
    pub(crate) items: u64,
    /// Bytes of each item.
    pub(crate) item: usize,
    /// Bytes of each vat's snapshot; none if 0.
    pub(crate) snapshot: usize,
}

impl Contents {
    /// A store of nothing but a bundle.
    pub(crate) fn empty(dir: PathBuf) -> Self {
        Self { dir, rows: 0, vats: 0, spans: 0, other_spans: None, items: 0, item: 400, snapshot: 0 }
    }
}

pub(super) fn make(making: &Making) -> Result<Figures> {
    match making {
        Making::Store(contents) => store(contents)?,
        Making::Dataset { store, dataset } => export(store, dataset)?,
        Making::Heap { file, length } => fs::write(file, heap(*length))?,
        Making::RealHeap { from, file } => fs::write(file, real_heap(from)?)?,
    }
    Ok(Figures::new())
}

/// So many bytes of items go into one block, so that making a store needs no memory to speak of.
const BLOCK: u64 = 16 << 20;

fn store(contents: &Contents) -> Result<()> {
    let Contents { dir, rows, vats, spans, other_spans, items, item: length, snapshot } = contents;
    let keep = Options { keep_snapshots: SnapshotRetention::InUse, ..Options::default() };
    let mut store = Store::init(dir, keep)?;
    for row in 0..*rows {
        store.kernel().kv().set(&kv_key(row), &kv_value(row))?;
        if row % 100_000 == 99_999 {
            store.host().commit()?;
        }
    }
    store.host().commit()?;
    let texts: Vec<_> = (0..64).map(|i| item(i, *length)).collect();
    let mut unwritten = 0;
    for vat in 1..=*vats {
        let spans = if vat == 1 { *spans } else { other_spans.unwrap_or(*spans) };
        let vat = VatId::parse(&format!("v{vat}"))?;
        store.kernel().transcripts().init_transcript(&vat)?;
        for span in 0..spans {
            for i in 0..*items {
                store.kernel().transcripts().add_item(&vat, &texts[((span + i) % 64) as usize])?;
            }
            if span + 1 < spans {
                store.kernel().transcripts().rollover_span(&vat)?;
            }
            unwritten += items * *length as u64;
            if unwritten > BLOCK {
                store.host().commit()?;
                unwritten = 0;
            }
        }
        save(&mut store, &vat, *snapshot)?;
    }
    let text = r#"{"moduleFormat":"nestedEvaluate","source":"1+1","sourceMap":"//m"}"#.to_owned();
    let id = BundleId::parse(&format!("b0-{}", Digest::of(text.as_bytes())))?;
    store.kernel().bundles().add_bundle(&id, &Bundle::NestedEvaluate(text))?;
    store.host().kv().set("host.height", "17")?;
    store.host().commit()?;
    Ok(store.close()?)
}

/// A snapshot that is the vat's own.
fn save(store: &mut Store, vat: &VatId, length: usize) -> Result<()> {
    if length == 0 {
        return Ok(());
    }
    let mut raw = heap(length);
    let name = vat.as_str().as_bytes();
    raw[..name.len()].copy_from_slice(name);
    let start = store.kernel().transcripts().current_span_bounds(vat)?.start.get();
    let position = Position::new(start.saturating_sub(1)).unwrap_or(Position::ZERO);
    store.kernel().snapshots().save_snapshot(vat, position, &mut &raw[..])?;
    Ok(store.host().commit()?)
}

fn export(store: &Path, dataset: &Path) -> Result<()> {
    let exporter = exporter(store, ArtifactMode::Archival)?;
    let mut writer = DatasetWriter::create(dataset, Dialect::Js)?;
    writer.export_data(exporter.export_data().map(|record| record.map(|(key, value)| (key, Some(value)))))?;
    for name in exporter.artifact_names()? {
        let name = name?;
        writer.artifact(&name, &mut exporter.artifact(&name)?)?;
    }
    writer.finish(17, Some(Mode::Archival))?;
    Ok(exporter.close()?)
}

/// A store keeps the heap gzipped, and so do archives.
fn real_heap(from: &Path) -> Result<Vec<u8>> {
    let mut found = fs::read(from)?;
    if found.starts_with(b"SQLite format 3") {
        let greatest = "SELECT compressedSnapshot FROM snapshots WHERE compressedSnapshot IS NOT NULL
                        ORDER BY uncompressedSize DESC LIMIT 1";
        let store = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        found = store.query_row(greatest, [], |row| row.get(0))?;
    }
    if !found.starts_with(&[0x1f, 0x8b]) {
        return Ok(found);
    }
    let mut raw = Vec::new();
    flate2::read::MultiGzDecoder::new(&found[..]).read_to_end(&mut raw)?;
    Ok(raw)
}
