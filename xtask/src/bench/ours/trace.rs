//! The recorded kernel, replayed as fast as it goes: answers are not compared here, `cargo xtask tour` does that.

use std::hint::black_box;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use serde_json::Value;
use swing_core::roles::{Bundle, BundleStore as _, HostStorage as _, KernelStorage as _, KvStore as _};
use swing_core::roles::{SnapStore as _, TranscriptStore as _};
use swing_core::{Budget, BundleId, Position, VatId};
use swing_store::{Options, SnapshotRetention, Store, TranscriptRetention};

use super::super::work::Figures;
use super::timing::{Moment, figures, nanos, options, seen};

/// So many calls have their texts at hand: few enough for the nearest cache, enough for the clock not to count.
const AT_HAND: usize = 64;
/// Bytes that a processor fetches at once.
const LINE: usize = 64;

/// An operation's two letters as one number, which is quickly told apart.
type Op = u16;

const fn op(letters: [u8; 2]) -> Op {
    u16::from_be_bytes(letters)
}

/// Names for them in patterns.
macro_rules! ops {
    ($($name:ident = $letters:literal),* $(,)?) => { $(const $name: Op = op(*$letters);)* };
}

ops! {
    HOST_OPEN = b"ho", HOST_CLOSE = b"hx", HOST_COMMIT = b"hc", HOST_GET = b"hg", HOST_HAS = b"hh", HOST_NEXT = b"hn",
    HOST_SET = b"hs", HOST_DELETE = b"hd", GET = b"kg", HAS = b"kh", SET = b"ks", DELETE = b"kd", NEXT = b"kn",
    CRANK_START = b"C<", CRANK_END = b"C>", CRANK_SAVEPOINT = b"Cs", CRANK_ROLLBACK = b"Cr", CRANK_HASHES = b"Ce",
    ACTIVITYHASH = b"Ca", TRANSCRIPT_INIT = b"ti", TRANSCRIPT_ADD = b"ta", TRANSCRIPT_BOUNDS = b"tb",
    TRANSCRIPT_READ = b"tr", TRANSCRIPT_ROLLOVER = b"to", TRANSCRIPT_INCARNATION = b"tn", TRANSCRIPT_STOP = b"tx",
    TRANSCRIPT_DELETE = b"td", SNAPSHOT_SAVE = b"ss", SNAPSHOT_LOAD = b"sl", SNAPSHOT_INFO = b"si",
    SNAPSHOT_STOP = b"sx", SNAPSHOT_DELETE = b"sd", SNAPSHOT_DELETE_UNUSED = b"su", BUNDLE_ADD = b"ba",
    BUNDLE_GET = b"bg", BUNDLE_HAS = b"bh", BUNDLE_DELETE = b"bd",
}

/// A line, taken apart beforehand as a kernel has it at hand.
struct Call {
    op: Op,
    text: String,
    more: String,
    vat: Option<VatId>,
    number: Option<u64>,
    line: Value,
}

impl Call {
    fn parse(line: &str) -> Result<Self> {
        let line: Value = serde_json::from_str(line)?;
        let letters = line[0].as_str().and_then(|op| op.as_bytes().try_into().ok());
        let op = op(letters.context("an operation has two letters")?);
        let text = |at: usize| line[at].as_str().unwrap_or_default().to_owned();
        let vat = if matches!(
            op,
            TRANSCRIPT_INIT
                | TRANSCRIPT_ADD
                | TRANSCRIPT_BOUNDS
                | TRANSCRIPT_READ
                | TRANSCRIPT_ROLLOVER
                | TRANSCRIPT_INCARNATION
                | TRANSCRIPT_STOP
                | TRANSCRIPT_DELETE
                | SNAPSHOT_DELETE
                | SNAPSHOT_STOP
                | SNAPSHOT_INFO
                | SNAPSHOT_LOAD
                | SNAPSHOT_SAVE
        ) {
            Some(VatId::parse(&text(1))?)
        } else {
            None
        };
        let keep = matches!(op, HOST_OPEN | SNAPSHOT_SAVE).then(|| line.clone()).unwrap_or_default();
        Ok(Self { op, text: text(1), more: text(2), vat, number: line[2].as_u64(), line: keep })
    }

    fn vat(&self) -> Result<&VatId> {
        self.vat.as_ref().context("the call is not about a vat")
    }

    fn budget(&self) -> Result<Budget> {
        self.number.map_or(Some(Budget::Unlimited), Budget::at_most).context("the budget must be at least 1")
    }
}

pub(super) fn replay(dir: &Path, trace: &Path, blobs: &Path) -> Result<Figures> {
    let text = unpacked(trace)?;
    let text = std::str::from_utf8(&text)?;
    let mut lines = text.lines().filter(|line| !line.starts_with(r#"["xe""#) && !line.starts_with(r###"["##""###));
    let mut replay = Replay { dir: dir.to_owned(), blobs: blobs.to_owned(), store: None };
    let (mut body, mut commit, mut blocks, mut done) = (Duration::ZERO, Duration::ZERO, 0_u32, 0);
    loop {
        let calls = next_block(&mut lines)?;
        if calls.is_empty() {
            break;
        }
        done += calls.len();
        for calls in calls.chunks(AT_HAND) {
            take_in_hand(calls);
            let mut since = Moment::now();
            for call in calls {
                match call.op {
                    // Whatever is not a block's body stops its clock: opening, committing, and the ones that move snapshots and
                    // bundles.
                    HOST_OPEN | HOST_CLOSE | HOST_COMMIT | SNAPSHOT_SAVE | SNAPSHOT_LOAD | BUNDLE_ADD | BUNDLE_GET => {
                        body += since.elapsed();
                        let took = replay.aside(call)?;
                        if call.op == HOST_COMMIT {
                            (commit, blocks) = (commit + took, blocks + 1);
                        }
                        since = Moment::now();
                    }
                    _ => replay.inside(call)?,
                }
            }
            body += since.elapsed();
        }
    }
    let each = |time: Duration| nanos(time) / f64::from(blocks);
    Ok(figures([
        ("body", each(body)),
        ("commit", each(commit)),
        ("total", each(body + commit)),
        ("blocks", f64::from(blocks)),
        ("calls", done as f64),
    ]))
}

/// Reads these calls, so that the store need not fetch their texts from far away: a kernel has made them just before.
fn take_in_hand(calls: &[Call]) {
    let lines = |text: &str| text.bytes().step_by(LINE).fold(0, u8::wrapping_add);
    seen(calls.iter().fold(0, |sum: u8, call| sum.wrapping_add(lines(&call.text)).wrapping_add(lines(&call.more))));
}

/// The calls of one block.
fn next_block<'t>(lines: &mut impl Iterator<Item = &'t str>) -> Result<Vec<Call>> {
    let mut calls = Vec::new();
    for line in lines {
        let call = Call::parse(line)?;
        let ends = call.op == HOST_COMMIT;
        calls.push(call);
        if ends {
            break;
        }
    }
    Ok(calls)
}

pub(super) fn unpacked(file: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    flate2::read::MultiGzDecoder::new(fs::File::open(file)?).read_to_end(&mut bytes)?;
    Ok(bytes)
}

struct Replay {
    dir: PathBuf,
    blobs: PathBuf,
    store: Option<Store>,
}

impl Replay {
    fn store(&mut self) -> Result<&mut Store> {
        self.store.as_mut().context("no store is open")
    }

    fn inside(&mut self, call: &Call) -> Result<()> {
        let store = self.store.as_mut().context("no store is open")?;
        match call.op {
            HOST_GET => seen(store.host().kv().get(&call.text)?),
            HOST_HAS => seen(store.host().kv().has(&call.text)?),
            HOST_NEXT => seen(store.host().kv().get_next_key(&call.text)?),
            HOST_SET => store.host().kv().set(&call.text, &call.more)?,
            HOST_DELETE => store.host().kv().delete(&call.text)?,
            _ => kernel(store, call)?,
        }
        Ok(())
    }

    /// Answers how long the store took.
    fn aside(&mut self, call: &Call) -> Result<Duration> {
        let blob = |name: &str| unpacked(&self.blobs.join(format!("{name}.gz")));
        let bytes = match call.op {
            SNAPSHOT_SAVE => blob(call.line[3].as_str().context("a blob")?)?,
            BUNDLE_ADD => blob(&call.more)?,
            _ => Vec::new(),
        };
        let start = Moment::now();
        match call.op {
            HOST_OPEN => self.open(call)?,
            HOST_CLOSE => self.store.take().context("no store is open")?.close()?,
            HOST_COMMIT => self.store()?.host().commit()?,
            SNAPSHOT_SAVE => {
                let position = Position::new(call.line[2].as_u64().context("a position")?).context("a position")?;
                let mut kernel = self.store()?.kernel();
                kernel.snapshots().save_snapshot(call.vat()?, position, &mut &bytes[..])?;
            }
            SNAPSHOT_LOAD => drop(std::io::copy(
                &mut self.store()?.kernel().snapshots().load_snapshot(call.vat()?)?,
                &mut std::io::sink(),
            )?),
            BUNDLE_ADD => {
                self.store()?.kernel().bundles().add_bundle(&BundleId::parse(&call.text)?, &bundle(bytes)?)?
            }
            _ => drop(self.store()?.kernel().bundles().get_bundle(&BundleId::parse(&call.text)?)?),
        }
        Ok(start.elapsed())
    }

    fn open(&mut self, call: &Call) -> Result<()> {
        let asked = |name: &str, otherwise: bool| call.line[2][name].as_bool().unwrap_or(otherwise);
        let options = Options {
            keep_transcripts: if asked("keepTranscripts", true) {
                TranscriptRetention::Keep
            } else {
                TranscriptRetention::Drop
            },
            keep_snapshots: if asked("keepSnapshots", false) {
                SnapshotRetention::All
            } else {
                SnapshotRetention::InUse
            },
            ..if asked("exportCallback", false) { options() } else { Options::default() }
        };
        self.store =
            Some(if call.text == "init" { Store::init(&self.dir, options)? } else { Store::open(&self.dir, options)? });
        Ok(())
    }
}

fn kernel(store: &mut Store, call: &Call) -> Result<()> {
    let mut kernel = store.kernel();
    match call.op {
        GET => seen(kernel.kv().get(&call.text)?),
        HAS => seen(kernel.kv().has(&call.text)?),
        SET => kernel.kv().set(&call.text, &call.more)?,
        DELETE => kernel.kv().delete(&call.text)?,
        NEXT => seen(kernel.kv().get_next_key(&call.text)?),
        CRANK_START => kernel.start_crank()?,
        CRANK_END => kernel.end_crank()?,
        CRANK_SAVEPOINT => kernel.establish_crank_savepoint(&call.text)?,
        CRANK_ROLLBACK => kernel.rollback_crank(&call.text)?,
        CRANK_HASHES => seen(kernel.emit_crank_hashes()?),
        ACTIVITYHASH => seen(kernel.activityhash()?),
        TRANSCRIPT_INIT => kernel.transcripts().init_transcript(call.vat()?)?,
        TRANSCRIPT_ADD => kernel.transcripts().add_item(call.vat()?, &call.more)?,
        TRANSCRIPT_BOUNDS => seen(kernel.transcripts().current_span_bounds(call.vat()?)?),
        TRANSCRIPT_READ => {
            let start = call.number.map(|at| Position::new(at).context("a position")).transpose()?;
            for item in kernel.transcripts().read_span(call.vat()?, start)? {
                black_box(item?);
            }
        }
        TRANSCRIPT_ROLLOVER => drop(kernel.transcripts().rollover_span(call.vat()?)?),
        TRANSCRIPT_INCARNATION => drop(kernel.transcripts().rollover_incarnation(call.vat()?)?),
        TRANSCRIPT_STOP => kernel.transcripts().stop_using_transcript(call.vat()?)?,
        TRANSCRIPT_DELETE => drop(kernel.transcripts().delete_vat_transcripts(call.vat()?, call.budget()?)?),
        SNAPSHOT_DELETE => drop(kernel.snapshots().delete_vat_snapshots(call.vat()?, call.budget()?)?),
        SNAPSHOT_STOP => kernel.snapshots().stop_using_last_snapshot(call.vat()?)?,
        SNAPSHOT_INFO => seen(kernel.snapshots().snapshot_info(call.vat()?)?),
        SNAPSHOT_DELETE_UNUSED => kernel.snapshots().delete_all_unused_snapshots()?,
        BUNDLE_HAS => seen(kernel.bundles().has_bundle(&BundleId::parse(&call.text)?)?),
        BUNDLE_DELETE => kernel.bundles().delete_bundle(&BundleId::parse(&call.text)?)?,
        other => bail!("unknown call {:?}", String::from_utf8_lossy(&other.to_be_bytes())),
    }
    Ok(())
}

fn bundle(json: Vec<u8>) -> Result<Bundle> {
    let value: Value = serde_json::from_slice(&json)?;
    Ok(match value["endoZipBase64"].as_str() {
        Some(zip) => {
            use base64::Engine as _;
            let zip = base64::engine::general_purpose::STANDARD.decode(zip)?;
            Bundle::EndoZip { sha512: value["endoZipBase64Sha512"].as_str().unwrap_or_default().to_owned(), zip }
        }
        None => Bundle::NestedEvaluate(String::from_utf8(json)?),
    })
}
