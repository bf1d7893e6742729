//! What packing and unpacking a snapshot costs, level by level and way by way.
//!
//! ```text
//! cargo run --release -p swing-snap --example codec_bench -- heap.xss …
//! ```
//!
//! Each file is a raw snapshot; without any, made-up records of the shape of a heap are used, whose ratios mean little. Times are the
//! best of several rounds. Sizes are relative to one zlib stream at level 6, which is what the reference stores.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::hint::black_box;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;
use libdeflater::{CompressionLvl, Compressor};
use sha2::{Digest, Sha256};
use swing_snap::codec::{Expected, Level, Limits, MEMBER_LEN, ReadAhead, SnapshotReader, compress};

const ROUNDS: usize = 7;

fn main() -> Result<()> {
    let files: Vec<_> = std::env::args_os().skip(1).collect();
    if files.is_empty() {
        return measure("made-up records", &made_up_records(16 << 20));
    }
    for file in files {
        measure(&file.to_string_lossy(), &fs_err::read(&file)?)?;
    }
    Ok(())
}

fn measure(name: &str, raw: &[u8]) -> Result<()> {
    let one_stream = zlib(raw, 6)?;
    println!("{name}: {} bytes, {} as one zlib stream at level 6", raw.len(), one_stream.len());
    let bench = Bench { raw, one_stream };
    bench.libraries()?;
    bench.packing()?;
    bench.unpacking()?;
    bench.small_snapshots()
}

struct Bench<'a> {
    raw: &'a [u8],
    one_stream: Vec<u8>,
}

impl Bench<'_> {
    /// Members of both libraries on this thread alone, and what bounds everything: SHA-256.
    fn libraries(&self) -> Result<()> {
        println!("\n  one thread, members of {MEMBER_LEN} bytes    libdeflate         zlib-rs");
        for level in 1..=9 {
            let (deflate_time, deflate_len) = best(|| self.libdeflate_members(level))?;
            let (zlib_time, zlib_len) = best(|| {
                self.raw.chunks(MEMBER_LEN).try_fold(0, |sum, member| Ok(sum + zlib(member, level as u32)?.len()))
            })?;
            println!(
                "    level {level}                        {:5.0} MB/s {:.3}   {:5.0} MB/s {:.3}",
                self.speed(deflate_time),
                self.size(deflate_len),
                self.speed(zlib_time),
                self.size(zlib_len)
            );
        }
        let (time, _) = best(|| Ok(black_box(Sha256::digest(self.raw))))?;
        println!("    SHA-256                        {:5.0} MB/s", self.speed(time));
        Ok(())
    }

    fn libdeflate_members(&self, level: i32) -> Result<usize> {
        let level = CompressionLvl::new(level).ok().context("no such level")?;
        let mut compressor = Compressor::new(level);
        let mut room = vec![0; compressor.gzip_compress_bound(MEMBER_LEN)];
        self.raw.chunks(MEMBER_LEN).try_fold(0, |sum, member| Ok(sum + compressor.gzip_compress(member, &mut room)?))
    }

    /// `compress` as it is called, hash and all.
    fn packing(&self) -> Result<()> {
        println!("\n  compress, with hash                  workers 0     1     2     4   default  (MB/s)");
        let mut levels = vec![("the default".to_owned(), Level::DEFAULT)];
        for number in 1..=6 {
            levels.push((format!("level {number}"), Level::new(number)?));
        }
        for (name, level) in levels {
            let pack = |workers| Ok(compress(&mut &*self.raw, level, Limits { workers, ..Limits::default() })?);
            let times =
                best_of_each(ROUNDS, [Some(0), Some(1), Some(2), Some(4), None], |workers| pack(workers).map(drop))?;
            let speeds: String = times.map(|time| format!(" {:5.0}", self.speed(time))).concat();
            let size = self.size(pack(None)?.gzip.len());
            println!("    {name:<11}                            {speeds}   size {size:.3}");
        }
        Ok(())
    }

    /// `SnapshotReader` as it is used, hash and all, beside what the libraries do alone.
    fn unpacking(&self) -> Result<()> {
        let packed = compress(&mut &*self.raw, Level::DEFAULT, Limits::default())?;
        let expected = Expected { hash: packed.hash, raw_len: Some(packed.raw_len) };
        println!("\n  decompress (MB/s)             decoder alone   reader inline   reader ahead");
        for (name, gzip) in [("one stream", &self.one_stream), ("our members", &packed.gzip)] {
            let times =
                best_of_each(3 * ROUNDS, [None, Some(ReadAhead::Never), Some(ReadAhead::Always)], |way| match way {
                    None => drain(MultiGzDecoder::new(&gzip[..])),
                    Some(ahead) => drain(SnapshotReader::new(gzip.clone(), expected, ahead)),
                })?;
            let [alone, inline, ahead] = times.map(|time| self.speed(time));
            println!("    {name:<12}                    {alone:5.0}           {inline:5.0}          {ahead:5.0}");
        }
        Ok(())
    }

    /// From which size on reading ahead pays.
    fn small_snapshots(&self) -> Result<()> {
        println!("\n  small snapshots, read whole (µs)     inline    ahead");
        for kib in [16, 64, 256, 384, 512, 768, 1024, 1536, 2048, 4096] {
            let Some(raw) = self.raw.get(..kib << 10) else { break };
            let packed = compress(&mut &*raw, Level::DEFAULT, Limits::default())?;
            let expected = Expected { hash: packed.hash, raw_len: Some(packed.raw_len) };
            let times = best_of_each(30 * ROUNDS, [ReadAhead::Never, ReadAhead::Always], |ahead| {
                drain(SnapshotReader::new(packed.gzip.clone(), expected, ahead))
            })?;
            let [inline, ahead] = times.map(|time| time.as_secs_f64() * 1e6);
            println!("    {kib:5} KiB raw, {:7} bytes gzip    {inline:7.0}  {ahead:7.0}", packed.gzip.len());
        }
        println!();
        Ok(())
    }

    fn speed(&self, time: Duration) -> f64 {
        self.raw.len() as f64 / 1e6 / time.as_secs_f64()
    }

    fn size(&self, len: usize) -> f64 {
        len as f64 / self.one_stream.len() as f64
    }
}

fn best<T>(mut work: impl FnMut() -> Result<T>) -> Result<(Duration, T)> {
    let mut time = Duration::MAX;
    let mut outcome = None;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let done = work()?;
        time = time.min(start.elapsed());
        outcome = Some(done);
    }
    Ok((time, outcome.context("there is at least one round")?))
}

/// The best time of each way, all ways taking turns, so that a noisy neighbour disturbs none more than the others.
fn best_of_each<W: Copy, const N: usize>(
    rounds: usize,
    ways: [W; N],
    mut work: impl FnMut(W) -> Result<()>,
) -> Result<[Duration; N]> {
    let mut times = [Duration::MAX; N];
    for _ in 0..rounds {
        for (way, time) in ways.into_iter().zip(&mut times) {
            let start = Instant::now();
            work(way)?;
            *time = start.elapsed().min(*time);
        }
    }
    Ok(times)
}

fn drain(mut source: impl Read) -> Result<()> {
    let mut room = vec![0; 64 << 10];
    while source.read(&mut room)? > 0 {
        black_box(&room);
    }
    Ok(())
}

fn zlib(raw: &[u8], level: u32) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(raw.len() / 2), Compression::new(level));
    encoder.write_all(raw)?;
    Ok(encoder.finish()?)
}

/// Records of 32 bytes: a link near by, a kind, and a value from a small range.
fn made_up_records(len: usize) -> Vec<u8> {
    let mut dice = 1_u64;
    let mut roll = move || {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        dice >> 40
    };
    let record = |at: u64| {
        let mut record = [0; 32];
        record[..8].copy_from_slice(&(at + (roll() & 0xff) * 32).to_le_bytes());
        record[8..12].copy_from_slice(&((roll() & 31) as u32).to_le_bytes());
        record[16..24].copy_from_slice(&((roll() & 0x3ff) << 8).to_le_bytes());
        record
    };
    (0..len as u64).step_by(32).flat_map(record).collect()
}
