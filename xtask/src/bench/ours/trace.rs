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

/// A line, taken apart beforehand as a kernel has it at hand.
struct Call {
    op: [u8; 2],
    text: String,
    more: String,
    vat: Option<VatId>,
    number: Option<u64>,
    line: Value,
}

impl Call {
    fn parse(line: &str) -> Result<Self> {
        let line: Value = serde_json::from_str(line)?;
        let op =
            line[0].as_str().and_then(|op| op.as_bytes().try_into().ok()).context("an operation has two letters")?;
        let text = |at: usize| line[at].as_str().unwrap_or_default().to_owned();
        let vat = if matches!(
            &op,
            b"ti" | b"ta" | b"tb" | b"tr" | b"to" | b"tn" | b"tx" | b"td" | b"sd" | b"sx" | b"si" | b"sl" | b"ss"
        ) {
            Some(VatId::parse(&text(1))?)
        } else {
            None
        };
        let keep = matches!(&op, b"ho" | b"ss").then(|| line.clone()).unwrap_or_default();
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
    let calls = text.lines().filter(|line| !line.starts_with(r#"["xe""#) && !line.starts_with(r###"["##""###));
    let calls = calls.map(Call::parse).collect::<Result<Vec<_>>>()?;
    let mut replay = Replay { dir: dir.to_owned(), blobs: blobs.to_owned(), store: None };
    let (mut body, mut commit, mut blocks) = (Duration::ZERO, Duration::ZERO, 0_u32);
    let mut since = Moment::now();
    for call in &calls {
        match &call.op {
            // Whatever is not a block's body stops its clock: opening, committing, and the ones that move snapshots and bundles.
            b"ho" | b"hx" | b"hc" | b"ss" | b"sl" | b"ba" | b"bg" => {
                body += since.elapsed();
                let took = replay.aside(call)?;
                if &call.op == b"hc" {
                    (commit, blocks) = (commit + took, blocks + 1);
                }
                since = Moment::now();
            }
            _ => replay.inside(call)?,
        }
    }
    body += since.elapsed();
    let each = |time: Duration| nanos(time) / f64::from(blocks);
    Ok(figures([
        ("body", each(body)),
        ("commit", each(commit)),
        ("total", each(body + commit)),
        ("blocks", f64::from(blocks)),
        ("calls", calls.len() as f64),
    ]))
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
        match &call.op {
            b"hg" => seen(store.host().kv().get(&call.text)?),
            b"hh" => seen(store.host().kv().has(&call.text)?),
            b"hn" => seen(store.host().kv().get_next_key(&call.text)?),
            b"hs" => store.host().kv().set(&call.text, &call.more)?,
            b"hd" => store.host().kv().delete(&call.text)?,
            _ => kernel(store, call)?,
        }
        Ok(())
    }

    /// Answers how long the store took.
    fn aside(&mut self, call: &Call) -> Result<Duration> {
        let blob = |name: &str| unpacked(&self.blobs.join(format!("{name}.gz")));
        let bytes = match &call.op {
            b"ss" => blob(call.line[3].as_str().context("a blob")?)?,
            b"ba" => blob(&call.more)?,
            _ => Vec::new(),
        };
        let start = Moment::now();
        match &call.op {
            b"ho" => self.open(call)?,
            b"hx" => self.store.take().context("no store is open")?.close()?,
            b"hc" => self.store()?.host().commit()?,
            b"ss" => {
                let position = Position::new(call.line[2].as_u64().context("a position")?).context("a position")?;
                let mut kernel = self.store()?.kernel();
                kernel.snapshots().save_snapshot(call.vat()?, position, &mut &bytes[..])?;
            }
            b"sl" => drop(std::io::copy(
                &mut self.store()?.kernel().snapshots().load_snapshot(call.vat()?)?,
                &mut std::io::sink(),
            )?),
            b"ba" => self.store()?.kernel().bundles().add_bundle(&BundleId::parse(&call.text)?, &bundle(bytes)?)?,
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
    match &call.op {
        b"kg" => seen(kernel.kv().get(&call.text)?),
        b"kh" => seen(kernel.kv().has(&call.text)?),
        b"ks" => kernel.kv().set(&call.text, &call.more)?,
        b"kd" => kernel.kv().delete(&call.text)?,
        b"kn" => seen(kernel.kv().get_next_key(&call.text)?),
        b"C<" => kernel.start_crank()?,
        b"C>" => kernel.end_crank()?,
        b"Cs" => kernel.establish_crank_savepoint(&call.text)?,
        b"Cr" => kernel.rollback_crank(&call.text)?,
        b"Ce" => seen(kernel.emit_crank_hashes()?),
        b"Ca" => seen(kernel.activityhash()?),
        b"ti" => kernel.transcripts().init_transcript(call.vat()?)?,
        b"ta" => kernel.transcripts().add_item(call.vat()?, &call.more)?,
        b"tb" => seen(kernel.transcripts().current_span_bounds(call.vat()?)?),
        b"tr" => {
            let start = call.number.map(|at| Position::new(at).context("a position")).transpose()?;
            for item in kernel.transcripts().read_span(call.vat()?, start)? {
                black_box(item?);
            }
        }
        b"to" => drop(kernel.transcripts().rollover_span(call.vat()?)?),
        b"tn" => drop(kernel.transcripts().rollover_incarnation(call.vat()?)?),
        b"tx" => kernel.transcripts().stop_using_transcript(call.vat()?)?,
        b"td" => drop(kernel.transcripts().delete_vat_transcripts(call.vat()?, call.budget()?)?),
        b"sd" => drop(kernel.snapshots().delete_vat_snapshots(call.vat()?, call.budget()?)?),
        b"sx" => kernel.snapshots().stop_using_last_snapshot(call.vat()?)?,
        b"si" => seen(kernel.snapshots().snapshot_info(call.vat()?)?),
        b"su" => kernel.snapshots().delete_all_unused_snapshots()?,
        b"bh" => seen(kernel.bundles().has_bundle(&BundleId::parse(&call.text)?)?),
        b"bd" => kernel.bundles().delete_bundle(&BundleId::parse(&call.text)?)?,
        other => bail!("unknown call {:?}", String::from_utf8_lossy(other)),
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
