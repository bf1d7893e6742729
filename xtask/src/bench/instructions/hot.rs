//! The hot operations themselves, so many times each.

use std::hint::black_box;
use std::sync::Arc;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};
use swing_core::roles::{HostStorage as _, KernelStorage as _, KvStore as _, TranscriptStore as _};
use swing_core::{ArtifactMode, VatId};
use swing_store::{Store, exporter};

use super::super::data::{item, kv_key, kv_value};
use super::super::ours::{open, used};
use super::super::work::Figures;

/// An operation and how often.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Hot {
    pub(crate) hot: String,
    pub(crate) count: u64,
}

/// All of them, with a number of times that tells them from noise and takes valgrind a second or two.
pub(super) const ALL: &[(&str, u64)] = &[
    ("get", 20_000),
    ("has", 20_000),
    ("set", 10_000),
    ("next-key", 5_000),
    ("crank", 10_000),
    ("add-item", 1_000),
    ("span-bounds", 20_000),
    ("emit-hashes", 2_000),
    ("export-record", 1_000),
    ("commit-row", 2_000),
];

const KEYS: u64 = 1000;

impl Hot {
    /// Does it.
    pub(crate) fn run(&self) -> Result<Figures> {
        let dir = tempfile::tempdir()?;
        let mut store = open(dir.path())?;
        let keys: Vec<_> = (0..KEYS).map(kv_key).collect();
        let (value, text, vat) = (kv_value(1), item(1, 2048), VatId::parse("v1")?);
        let mut kernel = store.kernel();
        kernel.transcripts().init_transcript(&vat)?;
        for key in &keys {
            kernel.kv().set(key, &value)?;
        }
        store.host().commit()?;
        // In a block: something is written already, and nobody else can write.
        store.kernel().kv().set("a", "b")?;
        let key = |i: u64| &*keys[(i % KEYS) as usize];
        match &*self.hot {
            "get" => each(self.count, &mut store, |store, i| used(store.kernel().kv().get(key(i))?))?,
            "has" => each(self.count, &mut store, |store, i| used(store.kernel().kv().has(key(i))?))?,
            "set" => cranks(self.count, &mut store, |store, i| Ok(store.kernel().kv().set(key(i), &value)?))?,
            "next-key" => {
                let mut last: Arc<str> = "v1".into();
                each(self.count, &mut store, |store, _| {
                    last = store.kernel().kv().get_next_key(&last)?.unwrap_or_else(|| "v1".into());
                    Ok(())
                })?;
            }
            "crank" => each(self.count, &mut store, |store, _| {
                let mut kernel = store.kernel();
                kernel.start_crank()?;
                kernel.establish_crank_savepoint("start")?;
                Ok(kernel.end_crank()?)
            })?,
            "add-item" => {
                cranks(self.count, &mut store, |store, _| Ok(store.kernel().transcripts().add_item(&vat, &text)?))?
            }
            "span-bounds" => {
                each(self.count, &mut store, |store, _| used(store.kernel().transcripts().current_span_bounds(&vat)?))?
            }
            "emit-hashes" => {
                cranks(self.count, &mut store, |store, _| used(store.kernel().emit_crank_hashes()?))?;
            }
            "export-record" => {
                let exporter = exporter(dir.path(), ArtifactMode::Operational)?;
                for _ in 0..self.count / 1000 {
                    for record in exporter.export_data() {
                        black_box(record?);
                    }
                }
            }
            "commit-row" => {
                for block in 0..self.count / 100 {
                    cranks(100, &mut store, |store, i| {
                        Ok(store.kernel().kv().set(key(block * 37 + i * 7), &value)?)
                    })?;
                }
            }
            other => bail!("no hot operation {other:?}"),
        }
        store.close()?;
        Ok(Figures::new())
    }
}

fn each(count: u64, store: &mut Store, mut work: impl FnMut(&mut Store, u64) -> Result<()>) -> Result<()> {
    (0..count).try_for_each(|i| work(store, i))
}

/// In cranks of 50 calls, with one commit.
fn cranks(count: u64, store: &mut Store, mut work: impl FnMut(&mut Store, u64) -> Result<()>) -> Result<()> {
    for first in (0..count).step_by(50) {
        store.kernel().start_crank()?;
        store.kernel().establish_crank_savepoint("start")?;
        (first..count.min(first + 50)).try_for_each(|i| work(store, i))?;
        store.kernel().end_crank()?;
    }
    Ok(store.host().commit()?)
}
