//! What the machine and SQLite can do without us: the floor that our figures are held against.

use std::collections::HashMap;
use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::Result;
use fs_err as fs;
use libdeflater::{CompressionLvl, Compressor, Decompressor};
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};
use swing_snap::codec::Level;

use super::super::data::{Dice, kv_key, kv_value};
use super::super::work::Figures;
use super::timing::{Moment, figures, nanos, seen, timed};

const MEMBER: usize = 512 << 10;

pub(super) fn measure(dir: &Path, heap: &Path, rows: u64) -> Result<Figures> {
    let mut measured = memory(rows)?;
    measured.extend(codec(&fs::read(heap)?)?);
    fs::create_dir_all(dir)?;
    measured.extend(disk(dir)?);
    measured.extend(sqlite(dir, rows)?);
    Ok(measured)
}

fn memory(rows: u64) -> Result<Figures> {
    let keys: Vec<_> = (0..rows.min(1000)).map(kv_key).collect();
    let map: HashMap<_, _> = keys.iter().map(|key| (key.clone(), kv_value(1))).collect();
    let get = timed(1_000_000, |i| {
        black_box(map.get(&keys[i as usize % keys.len()]));
        Ok(())
    })?;
    let (from, mut to) = (vec![7_u8; 64 << 20], vec![0_u8; 64 << 20]);
    let copy = best(5, || to.copy_from_slice(black_box(&from)));
    black_box(&to);
    Ok(figures([("hashMapGet", get), ("memcpyPerByte", copy / from.len() as f64)]))
}

/// Nanoseconds of the fastest of so many.
fn best(rounds: u32, mut work: impl FnMut()) -> f64 {
    let mut time = f64::MAX;
    for _ in 0..rounds {
        let start = Moment::now();
        work();
        time = time.min(nanos(start.elapsed()));
    }
    time
}

/// What a core packs and unpacks with.
struct Core {
    compressors: [Compressor; 2],
    decompressor: Decompressor,
    room: Vec<u8>,
}

impl Core {
    fn new() -> Self {
        let levels = [Level::DEFAULT, Level::FASTEST].map(|level| CompressionLvl::new(level.number().into()));
        let levels = levels.map(|level| level.expect("libdeflate has it"));
        let mut compressors = levels.map(Compressor::new);
        let room = vec![0; compressors[0].gzip_compress_bound(MEMBER)];
        Self { compressors, decompressor: Decompressor::new(), room }
    }

    fn deflate(&mut self, raw: &[u8], number: usize) -> &[u8] {
        let hurried = usize::from(Level::DEFAULT.hurries_at(number));
        let packed = self.compressors[hurried].gzip_compress(raw, &mut self.room).unwrap_or_default();
        &self.room[..packed]
    }

    fn inflate(&mut self, packed: &[u8], length: usize) {
        seen(self.decompressor.gzip_decompress(packed, &mut self.room[..length]));
    }
}

/// What a core does with a member, raw and packed.
type Code<'c> = &'c (dyn Fn(&mut Core, &Member<'_>) + Sync);

struct Member<'r> {
    number: usize,
    raw: &'r [u8],
    packed: Vec<u8>,
}

/// Nanoseconds per raw byte: on one core, and on all of them at once.
fn codec(raw: &[u8]) -> Result<Figures> {
    let (length, mut core) = (raw.len() as f64, Core::new());
    let hash = best(3, || seen(Sha256::digest(raw)));
    let chunks = raw.chunks(MEMBER).enumerate();
    let members: Vec<_> =
        chunks.map(|(number, raw)| Member { number, raw, packed: core.deflate(raw, number).to_vec() }).collect();
    let deflate = best(2, || members.iter().for_each(|member| seen(core.deflate(member.raw, member.number))));
    let inflate = best(3, || members.iter().for_each(|member| core.inflate(&member.packed, member.raw.len())));
    let mut cores = (0..thread::available_parallelism()?.get()).map(|_| Core::new()).collect::<Vec<_>>();
    let both_ways: [Code<'_>; 2] = [&|core, member| seen(core.deflate(member.raw, member.number)), &|core, member| {
        core.inflate(&member.packed, member.raw.len())
    }];
    // Cores that work at once may hinder each other, and what one does by itself does not tell by how much. Each hashes members of
    // its own, which is more than can be had: a snapshot has one hash.
    let [hash_and_deflate, hash_and_inflate] = both_ways.map(|code| {
        best(3, || {
            let (next, members) = (&AtomicUsize::new(0), &members);
            thread::scope(|scope| {
                for core in &mut cores {
                    scope.spawn(move || {
                        while let Some(member) = members.get(next.fetch_add(1, Ordering::Relaxed)) {
                            code(core, member);
                            seen(Sha256::digest(member.raw));
                        }
                    });
                }
            });
        })
    });
    Ok(figures([
        ("hashPerByte", hash / length),
        ("deflatePerByte", deflate / length),
        ("inflatePerByte", inflate / length),
        ("hashAndDeflatePerByte", hash_and_deflate / length),
        ("hashAndInflatePerByte", hash_and_inflate / length),
    ]))
}

fn disk(dir: &Path) -> Result<Figures> {
    let file = dir.join("flushed");
    let mut open = fs::File::create(&file)?;
    open.write_all(&[0; 8192])?;
    open.sync_all()?;
    let mut times = Vec::new();
    for _ in 0..50 {
        open.write_all(&[1; 4096])?;
        let start = Moment::now();
        open.sync_data()?;
        times.push(nanos(start.elapsed()));
    }
    fs::remove_file(file)?;
    Ok(figures([("flush", super::super::stats::median(&times).unwrap_or_default())]))
}

const UPSERT: &str =
    "INSERT INTO kvStore (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";

fn sqlite(dir: &Path, rows: u64) -> Result<Figures> {
    let file = dir.join("raw.sqlite");
    if file.exists() {
        fs::remove_file(&file)?;
    }
    let mut sorted: Vec<_> = (0..rows).map(|i| (kv_key(i), kv_value(i))).collect();
    sorted.sort();
    let raw = Connection::open(&file)?;
    raw.execute_batch(
        "PRAGMA journal_mode=off; PRAGMA synchronous=off; PRAGMA cache_size=-65536;
         CREATE TABLE kvStore (key TEXT, value TEXT, PRIMARY KEY(key)); BEGIN;",
    )?;
    let start = Moment::now();
    let mut insert = raw.prepare(UPSERT)?;
    for (key, value) in &sorted {
        insert.execute((key, value))?;
    }
    drop(insert);
    raw.execute_batch("COMMIT;")?;
    let insert_each = nanos(start.elapsed()) / rows as f64;
    raw.execute_batch("PRAGMA journal_mode=wal; PRAGMA synchronous=full; PRAGMA wal_autocheckpoint=4000;")?;
    let read = {
        let mut all = raw.prepare("SELECT key, value FROM kvStore ORDER BY key")?;
        let start = Moment::now();
        let mut found = all.query([])?;
        while let Some(row) = found.next()? {
            black_box((row.get_ref(0)?, row.get_ref(1)?));
        }
        nanos(start.elapsed()) / rows as f64
    };
    // The final rows of a block as `Work::Kv` sets them: a thousand random keys, each once, in order.
    let mut dice = Dice::new(7);
    let (mut all, blocks) = (0.0, 6);
    for block in 0..=blocks {
        let mut wanted: Vec<_> = (0..1000).map(|i| (kv_key(dice.roll() % rows), kv_value(i))).collect();
        wanted.sort();
        let start = Moment::now();
        raw.execute_batch("BEGIN IMMEDIATE")?;
        let mut upsert = raw.prepare_cached(UPSERT)?;
        for (key, value) in &wanted {
            upsert.execute((key, value))?;
        }
        raw.execute_batch("COMMIT")?;
        if block > 0 {
            all += nanos(start.elapsed());
        }
    }
    Ok(figures([("insertSorted", insert_each), ("readRow", read), ("block", all / f64::from(blocks))]))
}
