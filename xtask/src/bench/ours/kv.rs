//! Key-value pairs: read hot and cold, walked, and set in cranks.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use swing_core::roles::{HostStorage as _, KernelStorage as _, KvStore as _};
use swing_store::Store;

use super::super::data::{Dice, kv_key, kv_value};
use super::super::work::Figures;
use super::timing::{Moment, figures, nanos, open, timed};

pub(super) fn measure(dir: &Path, rows: u64, hot: u64, gets: u64) -> Result<Figures> {
    let mut store = open(dir)?;
    let mut dice = Dice::new(7);
    let keys: Vec<_> = (0..hot).map(|i| kv_key(i * rows / hot)).collect();
    let random: Vec<_> = (0..gets).map(|_| kv_key(dice.roll() % rows)).collect();
    let absent: Vec<_> = (0..gets / 10).map(|i| format!("v9.absent.{i}")).collect();
    let mut measured = reads(&mut store, &keys, &random, &absent, rows)?;
    store.host().commit()?;
    let hot_key = |i: u64, _: &mut Dice| keys[(i * 7 % hot) as usize].clone();
    let (call, all) = sets(&mut store, &mut dice, 12, hot_key)?;
    measured.extend(figures([("set", call), ("setCommit", all)]));
    let (call, all) = sets(&mut store, &mut dice, 6, |_, dice| kv_key(dice.roll() % rows))?;
    measured.extend(figures([("setRandom", call), ("setRandomCommit", all)]));
    store.close()?;
    Ok(measured)
}

/// In a block: something is written already.
fn reads(store: &mut Store, keys: &[String], random: &[String], absent: &[String], rows: u64) -> Result<Figures> {
    let (hot, gets) = (keys.len() as u64, random.len() as u64);
    let mut kernel = store.kernel();
    kernel.start_crank()?;
    kernel.kv().set(&keys[0], "x")?;
    kernel.end_crank()?;
    let mut kv = kernel.kv();
    for key in keys {
        kv.get(key)?;
    }
    let mut get = |key: &str| -> Result<()> {
        black_box(kv.get(key)?);
        Ok(())
    };
    let hot_key = |i: u64| &*keys[(i % hot) as usize];
    timed(gets / 4, |i| get(hot_key(i)))?;
    let get_hot = timed(gets, |i| get(hot_key(i)))?;
    let mut has = |key: &str| -> Result<()> {
        black_box(kernel.kv().has(key)?);
        Ok(())
    };
    timed(gets / 4, |i| has(hot_key(i)))?;
    let has_hot = timed(gets, |i| has(hot_key(i)))?;
    let mut kv = kernel.kv();
    let mut get = |key: &str| -> Result<()> {
        black_box(kv.get(key)?);
        Ok(())
    };
    let first = timed(gets, |i| get(&random[i as usize]))?;
    let again = timed(gets, |i| get(&random[i as usize]))?;
    let nothing = timed(absent.len() as u64, |i| get(&absent[i as usize]))?;
    let mut key: Arc<str> = "v1".into();
    let next = timed(gets.min(rows - 100) / 2, |_| {
        key = kv.get_next_key(&key)?.unwrap_or_else(|| "v1".into());
        Ok(())
    })?;
    let next_random = timed(gets, |i| {
        black_box(kv.get_next_key(&random[i as usize])?);
        Ok(())
    })?;
    Ok(figures([
        ("get", get_hot),
        ("has", has_hot),
        ("getFirst", first),
        ("getRandom", again),
        ("getAbsent", nothing),
        ("next", next),
        ("nextRandom", next_random),
    ]))
}

/// 50 sets a crank, 20 cranks a block: nanoseconds for the call, and for all of the block per call.
fn sets(
    store: &mut Store,
    dice: &mut Dice,
    blocks: u64,
    pick: impl Fn(u64, &mut Dice) -> String,
) -> Result<(f64, f64)> {
    let (mut calls, mut all) = (Duration::ZERO, Duration::ZERO);
    for block in 0..blocks {
        let wanted: Vec<_> = (0..1000).map(|i| (pick(i, dice), kv_value(block * 1000 + i))).collect();
        let start = Moment::now();
        for crank in wanted.chunks(50) {
            let mut kernel = store.kernel();
            kernel.start_crank()?;
            kernel.establish_crank_savepoint("start")?;
            let before = Moment::now();
            for (key, value) in crank {
                kernel.kv().set(key, value)?;
            }
            if block > 0 {
                calls += before.elapsed();
            }
            kernel.emit_crank_hashes()?;
            kernel.end_crank()?;
        }
        store.host().commit()?;
        if block > 0 {
            all += start.elapsed();
        }
    }
    let count = ((blocks - 1) * 1000) as f64;
    Ok((nanos(calls) / count, nanos(all) / count))
}
