//! Single bits of the database.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};
use fs_err as fs;
use swing_core::ArtifactMode;
use swing_export::{Exporter, SourceRecords, Trusted, verify};
use swing_store::{SUBSTORES, exporter};

use super::oracle;

/// How many flips there were of those that change what the store says, and how many were found.
#[derive(Default)]
pub(super) struct Count {
    pub(super) found: u64,
    pub(super) missed: u64,
}

impl Count {
    fn add(&mut self, found: bool) {
        if found { self.found += 1 } else { self.missed += 1 }
    }

    pub(super) fn found_share(&self) -> f64 {
        self.found as f64 / ((self.found + self.missed) as f64).max(1.0)
    }
}

/// What came of all flips.
#[derive(Default)]
pub(super) struct Database {
    pub(super) bytes: u64,
    pub(super) flips: u64,
    /// Of those that change what the store says.
    pub(super) alone: Count,
    pub(super) trusted: Count,
    /// They change nothing that it says, but were found all the same: SQLite's own bookkeeping, and the digest.
    pub(super) harmless_found: u64,
    /// They change nothing: free space, mostly.
    pub(super) harmless: u64,
}

/// Numbers in an order of their own, the same for the same seed (SplitMix64).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

type Records = Vec<(String, String)>;

pub(super) fn run(store: &Path, seed: u64, flips: u64) -> Result<Database> {
    let file = store.join("swingstore.sqlite");
    let sound = fs::read(&file)?;
    let truth = oracle::content(&file)?;
    let honest = exporter(store, ArtifactMode::Debug)?;
    let trusted: Records = honest.export_data().collect::<Result<_, _>>()?;
    ensure!(!found(&honest, Some(&trusted)), "the sound store has findings");
    honest.close()?;
    let mut random = Random(seed);
    let mut counts = Database { bytes: sound.len() as u64, flips, ..Database::default() };
    let mut told = Instant::now();
    for flip in 0..flips {
        let at = random.below(sound.len() as u64 * 8);
        write_byte(&file, at / 8, sound[(at / 8) as usize] ^ (1 << (at % 8)))?;
        let changed = oracle::content(&file).map_or(true, |content| content != truth);
        let alone = is_found(store, None);
        if changed {
            counts.alone.add(alone);
            let trusted = alone || is_found(store, Some(&trusted));
            counts.trusted.add(trusted);
            if !alone {
                println!(
                    "missed: bit {} of byte {} (page {}){}",
                    at % 8,
                    at / 8,
                    at / 8 / 4096 + 1,
                    if trusted { ", found with trusted data" } else { "" }
                );
            }
        } else if alone {
            counts.harmless_found += 1;
        } else {
            counts.harmless += 1;
        }
        write_byte(&file, at / 8, sound[(at / 8) as usize])?;
        if told.elapsed().as_secs() >= 10 {
            println!(
                "  {flip} of {flips} flips, {} changed something, {} of them missed",
                counts.alone.found + counts.alone.missed,
                counts.alone.missed
            );
            told = Instant::now();
        }
    }
    ensure!(fs::read(&file)? == sound, "the store was changed by being read");
    Ok(counts)
}

/// Whether a verification of the store complains, or cannot even be done.
fn is_found(store: &Path, trusted: Option<&Records>) -> bool {
    exporter(store, ArtifactMode::Debug).map_or(true, |exporter| found(&exporter, trusted))
}

fn found(exporter: &Exporter, trusted: Option<&Records>) -> bool {
    let read = || {
        let records = trusted.into_iter().flatten().map(|(key, value)| Ok((key.clone(), Some(value.clone()))));
        Ok(Box::new(records) as SourceRecords<'_>)
    };
    let trusted = trusted.map(|_| &read as Trusted<'_>);
    verify(exporter.read(), SUBSTORES, trusted, &mut |_| {}).map_or(true, |report| !report.findings.is_empty())
}

/// In place, so that a flip costs a page and not a file.
fn write_byte(file: &Path, at: u64, byte: u8) -> Result<()> {
    use std::io::{Seek as _, SeekFrom, Write as _};
    let mut open = fs::OpenOptions::new().write(true).open(file)?;
    open.seek(SeekFrom::Start(at))?;
    Ok(open.write_all(&[byte])?)
}
