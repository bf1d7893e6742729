//! Single bits of a write-ahead log: SQLite takes the log to end before the first frame that is wrong, and says nothing.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use fs_err as fs;
use swing_core::ArtifactMode;
use swing_export::verify;
use swing_store::prelude::*;
use swing_store::{SUBSTORES, exporter};

use super::flips::Random;
use super::oracle;

const FILE: &str = "swingstore.sqlite";
const LOG: &str = "swingstore.sqlite-wal";
const BLOCKS: u64 = 20;

/// What came of all flips.
#[derive(Default)]
pub(super) struct Log {
    pub(super) bytes: u64,
    pub(super) blocks: u64,
    pub(super) flips: u64,
    /// They lose commits, or change what the store says.
    pub(super) lost: u64,
    /// Of those, how many a verification finds by itself.
    pub(super) found_alone: u64,
    /// And how many not even with the height.
    pub(super) missed: u64,
}

pub(super) fn run(store: &Path, out: &Path, seed: u64, flips: u64) -> Result<Log> {
    let (live, crashed) = (out.join("live"), out.join("crashed"));
    fs::create_dir_all(&live)?;
    fs::create_dir_all(&crashed)?;
    fs::copy(store.join(FILE), live.join(FILE))?;
    let height = add_blocks(&live, &crashed)?;
    let (database, log) = (fs::read(crashed.join(FILE))?, fs::read(crashed.join(LOG))?);
    println!("a log of {BLOCKS} blocks: {} bytes", log.len());
    let truth = oracle::content(&crashed.join(FILE))?;
    ensure!(look(&crashed, height) == (false, false), "the sound store has findings");
    let mut counts = Log { bytes: log.len() as u64, blocks: BLOCKS, flips, ..Log::default() };
    let mut random = Random(seed ^ 0x57a1);
    for _ in 0..flips {
        let at = random.below(log.len() as u64 * 8);
        let mut damaged = log.clone();
        damaged[(at / 8) as usize] ^= 1 << (at % 8);
        fs::write(crashed.join(FILE), &database)?;
        fs::write(crashed.join(LOG), &damaged)?;
        let _ = fs::remove_file(crashed.join("swingstore.sqlite-shm"));
        let changed = oracle::content(&crashed.join(FILE)).map_or(true, |content| content != truth);
        let (alone, with_height) = look(&crashed, height);
        if changed {
            counts.lost += 1;
            counts.found_alone += u64::from(alone);
            if !with_height {
                counts.missed += 1;
                println!("missed: bit {} of byte {} of the log", at % 8, at / 8);
            }
        }
    }
    Ok(counts)
}

/// Adds blocks to the store in `live` and leaves in `crashed` what a crash after the last one would. Answers its height.
fn add_blocks(live: &Path, crashed: &Path) -> Result<u64> {
    let mut store = Store::open(live, Options::default())?;
    let height = store.host().kv().get("host.height")?.and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut keys = Vec::new();
    let mut key = String::new();
    while let Some(next) = store.kernel().kv().get_next_key(&key)? {
        key = next.to_string();
        keys.push(next);
    }
    let mut random = Random(1);
    for block in 1..=BLOCKS {
        let mut kernel = store.kernel();
        kernel.start_crank()?;
        for _ in 0..30 {
            let key = &keys[random.below(keys.len() as u64) as usize];
            kernel.kv().set(key, &format!("block {block}"))?;
        }
        kernel.emit_crank_hashes()?;
        kernel.end_crank()?;
        store.host().kv().set("host.height", &(height + block).to_string())?;
        store.host().commit()?;
    }
    for file in [FILE, LOG] {
        fs::copy(live.join(file), crashed.join(file)).with_context(|| format!("no {file} to be copied"))?;
    }
    store.close()?;
    Ok(height + BLOCKS)
}

/// Whether a verification complains by itself, and whether it does to somebody who knows the height.
fn look(store: &Path, height: u64) -> (bool, bool) {
    let Ok(exporter) = exporter(store, ArtifactMode::Debug) else { return (true, true) };
    let alone =
        verify(exporter.read(), SUBSTORES, None, &mut |_| {}).map_or(true, |report| !report.findings.is_empty());
    let found = exporter.host_kv("host.height").ok().flatten();
    (alone, alone || found != Some(height.to_string()))
}
