//! The counts as a table, for people and for the documentation.

use anyhow::{Context as _, Result};
use fs_err as fs;

use super::flips::{Count, Database};
use super::wal::Log;
use crate::shell::root;

const BEGIN: &str = "<!-- counts of cargo xtask damage -->\n";
const END: &str = "<!-- end of counts -->";

fn share(Count { found, missed }: &Count) -> String {
    let all = found + missed;
    format!("{found} of {all} ({:.2} %)", 100.0 * *found as f64 / (all as f64).max(1.0))
}

pub(super) fn table(seed: u64, database: &Database, log: &Log) -> String {
    let Database { bytes, flips, alone, trusted, harmless_found, harmless } = database;
    let lost = log.lost;
    format!(
        "Seed {seed}. A database of {bytes} bytes, a log of {} bytes with {} blocks.\n\n\
        | one bit flipped | flips | change what the store says | found without trusted data | found with it |\n\
        |---|---|---|---|---|\n\
        | anywhere in the database | {flips} | {} | {} | {} |\n\
        | anywhere in the log | {} | {lost} | {} of {lost} | with the height: {} of {lost} |\n\n\
        Of the {} flips in the database that change nothing that the store says, {harmless_found} were found too.\n",
        log.bytes,
        log.blocks,
        alone.found + alone.missed,
        share(alone),
        share(trusted),
        log.flips,
        log.found_alone,
        lost - log.missed,
        harmless + harmless_found,
    )
}

/// Replaces the counts in the documentation.
pub(super) fn write(table: &str) -> Result<()> {
    let path = root().join("docs/damage.md");
    let text = fs::read_to_string(&path)?;
    let (before, rest) = text.split_once(BEGIN).context("docs/damage.md has no place for the counts")?;
    let (_, after) = rest.split_once(END).context("docs/damage.md has no end of the counts")?;
    Ok(fs::write(&path, format!("{before}{BEGIN}\n{table}\n{END}{after}"))?)
}
