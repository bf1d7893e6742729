//! The statements behind `stat`. Lengths are SQLite's `octet_length`, which knows them without reading the content.

use std::path::Path;

use anyhow::Result;
use swing_core::session::store_file;
use swing_core::{Reader, SessionError};
use swing_export::Step;
use swing_snap::migration::Schema;
use swing_store::DiskUsage;

use super::{Bundles, Files, ItemBytes, Options, Rows, Sections, Snapshots, Stat, Transcripts};
use crate::height;
use crate::progress::Meter;

/// Files up to this size are read to their end soon enough.
const QUICK: u64 = 1_000_000_000;

pub(super) fn measure(options: &Options, meter: &Meter) -> Result<Stat> {
    let store = &options.store;
    let pinned = swing_store::reader(store)?;
    let db = pinned.read();
    let files = files(store)?;
    let full = options.item_bytes == ItemBytes::Always || files.database + files.wal <= QUICK;
    let stage = |name: &'static str| meter.step(Step::Stage(name));
    let height = value(db, height::HOST_HEIGHT)?;
    let block_height = height.as_deref().and_then(|text| height::parse(store, Some(text)).ok());
    stage("key-value pairs");
    let kv = sections(db)?;
    stage("snapshots");
    let snapshots = snapshots(db)?;
    stage("bundles");
    let bundles = bundles(db)?;
    stage("transcripts");
    let transcripts = transcripts(db, full)?;
    let found = Stat {
        store: store.display().to_string(),
        block_height,
        odd_height: height.filter(|_| block_height.is_none()),
        activityhash: value(db, "activityhash")?.unwrap_or_default(),
        schema: Schema::of(db).map_or("unknown".to_owned(), |schema| schema.to_string()),
        files,
        import_files: super::import_files(store),
        kv,
        transcripts,
        snapshots,
        bundles,
        pending_exports: count(db, "SELECT count(*) FROM pendingExports")?,
    };
    pinned.close()?;
    Ok(found)
}

fn files(store: &Path) -> Result<Files> {
    let DiskUsage { database, wal } = DiskUsage::of(&store_file(store))?;
    Ok(Files { database, wal })
}

fn value(db: Reader<'_>, key: &str) -> Result<Option<String>, SessionError> {
    const SQL: &str = "SELECT value FROM kvStore WHERE key = ?1";
    Ok(db.one(SQL, [key], |row| row.get(0))?.flatten())
}

fn count(db: Reader<'_>, sql: &str) -> Result<u64, SessionError> {
    Ok(db.one(sql, [], |row| row.get(0))?.unwrap_or_default())
}

fn sections(db: Reader<'_>) -> Result<Sections, SessionError> {
    const ALL: &str =
        "SELECT count(*), coalesce(sum(octet_length(key) + coalesce(octet_length(value), 0)), 0) FROM kvStore";
    // The byte after the dot bounds a section from above.
    const SECTION: &str = "SELECT count(*), coalesce(sum(octet_length(key) + coalesce(octet_length(value), 0)), 0)
        FROM kvStore WHERE key >= ?1 || '.' AND key < ?1 || '/'";
    let all = db.one(ALL, [], |row| Ok(Rows { rows: row.get(0)?, bytes: row.get(1)? }))?.unwrap_or_default();
    let section = |name: &str| -> Result<Rows, SessionError> {
        let found = db.one(SECTION, [name], |row| Ok(Rows { rows: row.get(0)?, bytes: row.get(1)? }))?;
        Ok(found.unwrap_or_default())
    };
    let (local, host) = (section("local")?, section("host")?);
    let consensus = Rows { rows: all.rows - local.rows - host.rows, bytes: all.bytes - local.bytes - host.bytes };
    Ok(Sections { consensus, local, host })
}

fn transcripts(db: Reader<'_>, full: bool) -> Result<Transcripts, SessionError> {
    const SPANS: &str = "SELECT count(DISTINCT vatID), count(*), count(isCurrent), coalesce(sum(endPos - startPos), 0)
        FROM transcriptSpans";
    // Counted in an index, which is a small part of the table.
    const ITEMS: &str = "SELECT count(*) FROM transcriptItems";
    const BYTES: &str = "SELECT coalesce(sum(octet_length(item)), 0) FROM transcriptItems";
    let spans: (u64, u64, u64, u64) =
        db.one(SPANS, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?.unwrap_or_default();
    let (vats, spans, current, positions) = spans;
    let items = count(db, ITEMS)?;
    let bytes = if full { Some(count(db, BYTES)?) } else { None };
    Ok(Transcripts { vats, spans, current, positions, items, bytes })
}

fn snapshots(db: Reader<'_>) -> Result<Snapshots, SessionError> {
    const SQL: &str = "SELECT count(*), count(octet_length(compressedSnapshot)), count(inUse),
        coalesce(sum(octet_length(compressedSnapshot)), 0),
        coalesce(sum(uncompressedSize) FILTER (WHERE octet_length(compressedSnapshot) IS NOT NULL), 0)
        FROM snapshots";
    let found = db.one(SQL, [], |row| {
        Ok(Snapshots {
            records: row.get(0)?,
            populated: row.get(1)?,
            in_use: row.get(2)?,
            bytes: row.get(3)?,
            uncompressed_bytes: row.get(4)?,
        })
    })?;
    Ok(found.unwrap_or(Snapshots { records: 0, populated: 0, in_use: 0, bytes: 0, uncompressed_bytes: 0 }))
}

fn bundles(db: Reader<'_>) -> Result<Bundles, SessionError> {
    const SQL: &str =
        "SELECT count(*), count(octet_length(bundle)), coalesce(sum(octet_length(bundle)), 0) FROM bundles";
    let found =
        db.one(SQL, [], |row| Ok(Bundles { records: row.get(0)?, populated: row.get(1)?, bytes: row.get(2)? }))?;
    Ok(found.unwrap_or(Bundles { records: 0, populated: 0, bytes: 0 }))
}
