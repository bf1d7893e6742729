//! From bytes to calls.

use arbitrary::{Result, Unstructured};
use swing_bundle::{b0_id, b1_id};
use swing_core::roles::Bundle;
use swing_core::testing::suite::{End, KvOp, Op};
use swing_core::testing::{Exports, Retention, TestOptions};
use swing_core::{Budget, BundleId, Position, VatId};

use crate::zips::sound_zip;

type Choices<'c, 'd> = &'c mut Unstructured<'d>;

const MOST_CALLS: usize = 400;

/// How the store is opened, and whether it writes everything to the open transaction after every crank.
pub(super) fn options(choices: Choices<'_, '_>) -> Result<(TestOptions, bool)> {
    let bits: u8 = choices.arbitrary()?;
    let retention = |bit: u8| if bits & bit == 0 { Retention::Drop } else { Retention::Keep };
    let exports = if bits & 7 == 7 { Exports::Ignored } else { Exports::Recorded };
    Ok((TestOptions { exports, keep_snapshots: retention(8), keep_transcripts: retention(16) }, bits & 32 != 0))
}

pub(super) fn calls(choices: Choices<'_, '_>) -> Vec<Op> {
    let mut ops = Vec::new();
    while ops.len() < MOST_CALLS && !choices.is_empty() {
        if next(&mut ops, choices).is_err() {
            break;
        }
    }
    ops
}

/// One call, or those of a crank in an order that makes sense: by chance alone they would hardly come so.
fn next(ops: &mut Vec<Op>, choices: Choices<'_, '_>) -> Result<()> {
    if !choices.ratio(1, 6)? {
        ops.push(call(choices)?);
        return Ok(());
    }
    let name = savepoint(choices)?;
    ops.extend([Op::StartCrank, Op::EstablishCrankSavepoint(name.clone())]);
    for _ in 0..choices.int_in_range(0..=5)? {
        ops.push(call(choices)?);
    }
    if choices.ratio(1, 2)? {
        ops.push(Op::RollbackCrank(name));
    }
    for _ in 0..choices.int_in_range(0..=1)? {
        ops.push(call(choices)?);
    }
    if choices.ratio(3, 4)? {
        ops.push(Op::EmitCrankHashes);
    }
    ops.push(Op::EndCrank);
    if choices.ratio(1, 2)? {
        ops.push(Op::Commit);
    }
    Ok(())
}

fn call(choices: Choices<'_, '_>) -> Result<Op> {
    Ok(match choices.int_in_range(0..=47)? {
        0..=11 => kv(choices)?,
        12..=13 => Op::InitTranscript(vat(choices)?),
        14..=18 => Op::AddItem(vat(choices)?, item(choices)?),
        19..=20 => Op::RolloverSpan(vat(choices)?),
        21 => Op::RolloverIncarnation(vat(choices)?),
        22 => Op::ReadSpan(vat(choices)?, None),
        23 => Op::ReadSpan(vat(choices)?, Some(position(choices)?)),
        24 => Op::CurrentSpanBounds(vat(choices)?),
        25 => Op::StopUsingTranscript(vat(choices)?),
        26 => Op::DeleteVatTranscripts(vat(choices)?, budget(choices)?),
        27..=28 => Op::SaveSnapshot(vat(choices)?, position(choices)?, bytes(choices)?),
        29 => Op::SaveBrokenSnapshot(vat(choices)?, position(choices)?, bytes(choices)?),
        30 => Op::LoadSnapshot(vat(choices)?),
        31 => Op::SnapshotInfo(vat(choices)?),
        32 => Op::StopUsingLastSnapshot(vat(choices)?),
        33 => Op::DeleteVatSnapshots(vat(choices)?, budget(choices)?),
        34 if choices.ratio(3, 4)? => Op::PruneUnusedSnapshots,
        34 => Op::DeleteAllUnusedSnapshots,
        35 => {
            let (id, bundle) = bundle(choices)?;
            Op::AddBundle(id, bundle)
        }
        36 => bundle_call(choices)?,
        37..=38 => Op::StartCrank,
        39..=40 => Op::EstablishCrankSavepoint(savepoint(choices)?),
        41 => Op::RollbackCrank(savepoint(choices)?),
        42 => Op::EmitCrankHashes,
        43..=44 => Op::EndCrank,
        45 if choices.ratio(3, 4)? => Op::Commit,
        45 => Op::Activityhash,
        46 => Op::Commit,
        _ if choices.ratio(1, 2)? => Op::Reopen,
        _ => Op::FailNextCallback,
    })
}

/// Of all sections, near their borders, and such that UTF-8 and UTF-16 order them differently; and others.
fn key(choices: Choices<'_, '_>) -> Result<String> {
    const KEYS: [&str; 16] = [
        "a",
        "ab",
        "b",
        "",
        "host",
        "host.",
        "host/",
        "é",
        "\u{ff5e}",
        "\u{1f600}",
        "activityhash",
        "local.",
        "local.a",
        "host.a",
        "host.b",
        "host.height",
    ];
    Ok(match choices.int_in_range(0..=9)? {
        0 => choices.arbitrary::<&str>()?.to_owned(),
        1 => "long".repeat(usize::from(choices.arbitrary::<u8>()?)),
        _ => (*choices.choose(&KEYS)?).to_owned(),
    })
}

fn kv(choices: Choices<'_, '_>) -> Result<Op> {
    let end = if choices.ratio(1, 4)? { End::Host } else { End::Kernel };
    let key = key(choices)?;
    let op = match choices.int_in_range(0..=10)? {
        0..=4 => KvOp::Set(key, item(choices)?),
        5..=6 => KvOp::Delete(key),
        7..=8 => KvOp::Get(key),
        9 => KvOp::GetNextKey(key),
        _ => KvOp::Has(key),
    };
    Ok(Op::Kv(end, op))
}

fn vat(choices: Choices<'_, '_>) -> Result<VatId> {
    let name = *choices.choose(&["v1", "v10", "v2", "é"])?;
    VatId::parse(name).map_err(|_| arbitrary::Error::IncorrectFormat)
}

fn position(choices: Choices<'_, '_>) -> Result<Position> {
    let value = choices.int_in_range(0..=15)?;
    Ok(if value == 15 { Position::MAX } else { Position::new(value).unwrap_or_default() })
}

fn budget(choices: Choices<'_, '_>) -> Result<Budget> {
    Ok(Budget::at_most(choices.int_in_range(0..=3)?).unwrap_or(Budget::Unlimited))
}

fn savepoint(choices: Choices<'_, '_>) -> Result<String> {
    Ok((*choices.choose(&["s", "t", "\"; --"])?).to_owned())
}

fn item(choices: Choices<'_, '_>) -> Result<String> {
    const ITEMS: [&str; 8] = ["", "a", "1", " c ", "line\nfeed", "\r", "\u{feff}x", "\0"];
    Ok(match choices.int_in_range(0..=9)? {
        0 => choices.arbitrary::<&str>()?.to_owned(),
        1 => "x".repeat(usize::from(choices.arbitrary::<u16>()? & 0x1fff)),
        _ => (*choices.choose(&ITEMS)?).to_owned(),
    })
}

fn bytes(choices: Choices<'_, '_>) -> Result<Vec<u8>> {
    Ok(item(choices)?.into_bytes())
}

fn nested(source: u64) -> (BundleId, Bundle) {
    let text = format!(r#"{{"moduleFormat":"nestedEvaluate","source":"{source}","sourceMap":"//m"}}"#);
    (id(&b0_id(&text)), Bundle::NestedEvaluate(text))
}

fn zipped(source: u64) -> (BundleId, Bundle) {
    let zip = sound_zip(&[("main.js", &format!(r#"{{"imports":[],"n":{source}}}"#))]);
    let named = b1_id(&zip).unwrap_or_default();
    let sha512 = named.trim_start_matches("b1-").to_owned();
    (id(&named), Bundle::EndoZip { sha512, zip })
}

fn id(text: &str) -> BundleId {
    BundleId::parse(text).expect("the ID of a bundle")
}

fn known(choices: Choices<'_, '_>) -> Result<(BundleId, Bundle)> {
    let source = choices.int_in_range(0..=3)?;
    Ok(if source < 2 { nested(source) } else { zipped(source) })
}

/// Mostly under its own ID.
fn bundle(choices: Choices<'_, '_>) -> Result<(BundleId, Bundle)> {
    let (id, bundle) = known(choices)?;
    Ok(if choices.ratio(1, 8)? { (known(choices)?.0, bundle) } else { (id, bundle) })
}

fn bundle_call(choices: Choices<'_, '_>) -> Result<Op> {
    let (id, _) = known(choices)?;
    Ok(match choices.int_in_range(0..=3)? {
        0 => Op::HasBundle(id),
        1 => Op::GetBundle(id),
        _ => Op::DeleteBundle(id),
    })
}
