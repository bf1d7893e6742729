//! Exporters, in threads and in processes of their own, while a kernel commits block after block.
//!
//! Every export must be of exactly the commit that it pinned: its digest is compared with that of a store that was
//! played to this height and that nobody else had open. The kernel, alone as a writer, must never hear that the store
//! is busy; and when the exporters are gone the log must not grow any further.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use swing_core::testing::suite::Op;
use swing_store::Store;

use crate::datasets::export_digest;
use crate::kill::program;
use crate::stage::{Keeping, complain, play, quietly, scratch};
use crate::workload::{Plan, Size};

/// What was seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Counts {
    pub(crate) commits: u64,
    /// Exports by threads of the kernel's process.
    pub(crate) by_threads: u64,
    /// Exports by other processes.
    pub(crate) by_processes: u64,
    /// Heights that were exported.
    pub(crate) heights: u64,
    /// Exports that were not of their commit.
    pub(crate) wrong: u64,
    /// Exports that failed.
    pub(crate) exports_failed: u64,
    /// The log, in bytes, at its longest while there were exporters.
    pub(crate) longest_log: u64,
    /// The same after as many commits as fill a log several times, without any.
    pub(crate) log_afterwards: u64,
    /// The kernel was told that the store is busy, or failed in another way.
    pub(crate) kernel_failed: u64,
}

impl Counts {
    pub(crate) fn bad(&self) -> u64 {
        self.wrong + self.exports_failed + self.kernel_failed + u64::from(self.log_grows())
    }

    fn log_grows(&self) -> bool {
        self.log_afterwards > LOG.max(self.longest_log + STEP)
    }
}

/// What the log may come to when blocks follow each other without a pause and nobody reads: four thousand pages, and a block.
const LOG: u64 = 4_100 * (4096 + 24);

/// What is added to a log that could not begin anew beside a reader before that is tried again: a thousand pages, and a block. The last
/// reader may go right after a try.
const STEP: u64 = 1_100 * (4096 + 24);

const THREADS: usize = 2;
const PROCESSES: usize = 2;

enum Seen {
    ByThread(u64, String),
    ByProcess(u64, String),
    Failed(String),
}

fn play_next(store: &mut Store, plan: &mut Plan) -> Result<u64> {
    let (height, ops) = plan.next_block();
    play(store, height, &ops)?;
    play(store, height, &[Op::Commit])?;
    Ok(height)
}

/// Exporters that pin nothing, and so take some of one commit and some of the next, must be found out: by what they hand out, or
/// because artifacts of one commit do not fit the records of another. When a commit comes in between is up to the scheduler, so it is
/// tried until one has.
pub(crate) fn control(seed: u64, commits: u64) -> Result<Counts> {
    const TRIES: u64 = 30;
    swing_core::session::pin_nothing(true);
    let found = quietly(|| {
        let mut tries = (0..TRIES).map(|more| readers(seed + more, commits));
        tries.find(|tried| !matches!(tried, Ok(counts) if counts.wrong + counts.exports_failed == 0))
    });
    swing_core::session::pin_nothing(false);
    found.unwrap_or_else(|| {
        bail!(
            "with exporters that pin nothing, nothing was wrong in {TRIES} times {commits} commits: the engine is blind"
        )
    })
}

/// Commits so many blocks beside exporters.
pub(crate) fn readers(seed: u64, commits: u64) -> Result<Counts> {
    let place = scratch()?;
    let dir = place.path().join("store");
    second_writer(&dir, seed)?;
    let (mut store, mut plan) =
        (Store::open(&dir, Keeping::of_seed(seed).options(None)?)?, Plan::new(seed, Size::SMALL));
    let mut counts = Counts { commits: play_next(&mut store, &mut plan)?, ..Counts::default() };
    let (send, receive) = channel();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| -> Result<()> {
        for number in 0..THREADS {
            let (send, dir, stop) = (send.clone(), &dir, &stop);
            scope.spawn(move || export_in_thread(dir, number, stop, &send));
        }
        for _ in 0..PROCESSES {
            let (send, dir, stop) = (send.clone(), &dir, &stop);
            scope.spawn(move || {
                if let Err(error) = export_in_process(dir, stop, &send) {
                    let _ = send.send(Seen::Failed(format!("{error:#}")));
                }
            });
        }
        while counts.commits < commits {
            match play_next(&mut store, &mut plan) {
                Ok(height) => counts.commits = height,
                Err(error) => {
                    counts.kernel_failed += 1;
                    complain(&format!("the kernel: {error:#}"));
                    break;
                }
            }
            let log = store.disk_usage()?.map_or(0, |usage| usage.wal);
            counts.longest_log = counts.longest_log.max(log);
        }
        stop.store(true, Ordering::SeqCst);
        Ok(())
    })?;
    drop(send);
    let exported = collect(&receive, &mut counts)?;
    ensure!(
        counts.by_threads + counts.exports_failed > 0 && counts.by_processes > 0,
        "nobody exported anything: {counts:?}"
    );
    // Enough to fill the longest log that may be several times.
    for _ in 0..1500 {
        play_next(&mut store, &mut plan)?;
    }
    counts.log_afterwards = store.disk_usage()?.map_or(0, |usage| usage.wal);
    if counts.log_grows() {
        complain(&format!("nobody reads any more, and the log does not begin anew: {counts:?}"));
    }
    store.close()?;
    compare(seed, &exported, &place.path().join("witness"), &mut counts)?;
    Ok(counts)
}

fn export_in_thread(dir: &Path, number: usize, stop: &AtomicBool, send: &Sender<Seen>) {
    while !stop.load(Ordering::SeqCst) {
        let seen = match export_digest(dir) {
            Ok((height, digest)) => Seen::ByThread(height, digest),
            Err(error) => Seen::Failed(format!("thread {number}: {error:#}")),
        };
        if send.send(seen).is_err() {
            break;
        }
        // Exports come and go; without a pause there would be one at every moment.
        thread::sleep(Duration::from_millis(5 + 3 * number as u64));
    }
}

fn export_in_process(dir: &Path, stop: &AtomicBool, send: &Sender<Seen>) -> Result<()> {
    let mut command = program("exports")?;
    let mut child = command.arg("--dir").arg(dir).stdout(Stdio::piped()).spawn()?;
    let out = BufReader::new(child.stdout.take().context("the exporter has no output")?);
    for line in out.lines() {
        let line = line?;
        let (height, digest) = line.split_once(' ').context("an exporter says a height and a digest")?;
        send.send(Seen::ByProcess(height.parse()?, digest.to_owned()))?;
        if stop.load(Ordering::SeqCst) {
            child.kill()?;
            child.wait()?;
            return Ok(());
        }
    }
    let status = child.wait()?;
    bail!("an exporting process ends by itself ({status})")
}

fn collect(receive: &Receiver<Seen>, counts: &mut Counts) -> Result<BTreeMap<u64, String>> {
    let mut exported: BTreeMap<u64, String> = BTreeMap::new();
    let mut take = |height, digest: String, counts: &mut Counts| match exported.entry(height) {
        std::collections::btree_map::Entry::Occupied(known) if *known.get() != digest => {
            counts.wrong += 1;
            complain(&format!("height {height}: two exports differ"));
        }
        entry => drop(entry.or_insert(digest)),
    };
    for seen in receive.iter() {
        match seen {
            Seen::ByThread(height, digest) => {
                counts.by_threads += 1;
                take(height, digest, counts);
            }
            Seen::ByProcess(height, digest) => {
                counts.by_processes += 1;
                take(height, digest, counts);
            }
            Seen::Failed(why) => {
                counts.exports_failed += 1;
                complain(&format!("an exporter failed: {why}"));
            }
        }
    }
    counts.heights = exported.len() as u64;
    Ok(exported)
}

/// Plays the same blocks on a store that nobody else has open.
fn compare(seed: u64, exported: &BTreeMap<u64, String>, dir: &Path, counts: &mut Counts) -> Result<()> {
    let (mut store, mut plan) =
        (Store::open(dir, Keeping::of_seed(seed).options(None)?)?, Plan::new(seed, Size::SMALL));
    for (height, digest) in exported {
        while play_next(&mut store, &mut plan)? < *height {}
        let (_, expected) = export_digest(dir)?;
        if *digest != expected {
            counts.wrong += 1;
            complain(&format!("height {height}: an export is not what the store held"));
        }
    }
    Ok(store.close()?)
}

/// Another process that wants to write is refused at once, and the first is not disturbed.
fn second_writer(dir: &Path, seed: u64) -> Result<()> {
    let mut store = Store::open(dir, Keeping::of_seed(seed).options(None)?)?;
    let mut plan = Plan::new(seed, Size::SMALL);
    let (height, ops) = plan.next_block();
    play(&mut store, height, &ops)?;
    let seed = seed.to_string();
    let other = program("blocks")?.arg("--dir").arg(dir).args(["--seed", &seed, "--until", "3"]).output()?;
    let said = String::from_utf8_lossy(&other.stderr).into_owned();
    let ours = format!("process {}", std::process::id());
    ensure!(!other.status.success() && said.contains(&ours), "a second writer is not refused: {said}");
    // Mid-block: nothing was committed, and that is what a reader sees.
    ensure!(export_digest(dir)?.0 == 0, "a reader sees what is not committed");
    store.close()?;
    Ok(())
}
