//! Short words for the cases: calls, answers, ids, and the texts that consensus expects.

use super::ops::{Answer, End, KvOp, Op};
use crate::budget::{Budget, Cleanup};
use crate::digest::Digest;
use crate::ids::{BundleId, Position, VatId};
use crate::roles::Bundle;
use crate::testing::{Batch, Record};

pub(super) fn vat(id: &str) -> VatId {
    VatId::parse(id).expect("the suite's vat IDs are valid")
}

pub(super) fn at(position: u64) -> Position {
    Position::new(position).expect("the suite's positions are small")
}

pub(super) fn budget(units: u64) -> Budget {
    Budget::at_most(units).expect("the suite's budgets are positive")
}

pub(super) fn cleanup(done: bool, cleanups: u64) -> Answer {
    Answer::Cleanup(Cleanup { done, cleanups })
}

pub(super) fn text(text: &str) -> Answer {
    Answer::Text(Some(text.to_owned()))
}

pub(super) const NOTHING: Answer = Answer::Text(None);

fn kernel_kv(op: KvOp) -> Op {
    Op::Kv(End::Kernel, op)
}

pub(super) fn get(key: &str) -> Op {
    kernel_kv(KvOp::Get(key.to_owned()))
}

pub(super) fn has(key: &str) -> Op {
    kernel_kv(KvOp::Has(key.to_owned()))
}

pub(super) fn next_key(previous: &str) -> Op {
    kernel_kv(KvOp::GetNextKey(previous.to_owned()))
}

pub(super) fn set(key: &str, value: &str) -> Op {
    kernel_kv(KvOp::Set(key.to_owned(), value.to_owned()))
}

pub(super) fn delete(key: &str) -> Op {
    kernel_kv(KvOp::Delete(key.to_owned()))
}

/// The same call at the host's end.
pub(super) fn host(op: Op) -> Op {
    match op {
        Op::Kv(_, op) => Op::Kv(End::Host, op),
        other => other,
    }
}

pub(super) fn savepoint(name: &str) -> Op {
    Op::EstablishCrankSavepoint(name.to_owned())
}

pub(super) fn rollback(name: &str) -> Op {
    Op::RollbackCrank(name.to_owned())
}

pub(super) fn init(id: &str) -> Op {
    Op::InitTranscript(vat(id))
}

pub(super) fn item(id: &str, item: &str) -> Op {
    Op::AddItem(vat(id), item.to_owned())
}

pub(super) fn roll_over(id: &str) -> Op {
    Op::RolloverSpan(vat(id))
}

/// The items of the current span, or with a number of the one that starts there.
pub(super) fn read(id: &str, start: impl Into<Option<u64>>) -> Op {
    Op::ReadSpan(vat(id), start.into().map(at))
}

pub(super) fn items<const N: usize>(items: [&str; N]) -> Answer {
    Answer::Items(items.map(str::to_owned).into())
}

pub(super) fn save(id: &str, position: u64, bytes: &str) -> Op {
    Op::SaveSnapshot(vat(id), at(position), bytes.into())
}

pub(super) fn loaded(bytes: &str) -> Answer {
    Answer::Bytes(bytes.into())
}

/// A batch as the callback gets it.
pub(super) fn batch<const N: usize>(pairs: [(&str, Option<&str>); N]) -> Batch {
    pairs.map(|(key, value)| (key.to_owned(), value.map(str::to_owned))).into()
}

pub(super) fn records<const N: usize>(records: [(&str, &str); N]) -> Vec<Record> {
    records.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

/// The hash of a span with these items.
pub(super) fn span_hash(items: &[&str]) -> String {
    let begin = Digest::of(b"start of transcript span").to_string();
    items
        .iter()
        .fold(begin, |hash, item| Digest::of(format!("{hash}{}", Digest::of(item.as_bytes())).as_bytes()).to_string())
}

/// The record of a current span (of incarnation 0), with these items.
pub(super) fn current_span(id: &str, start: u64, items: &[&str]) -> String {
    span(id, start, items, 1, 0)
}

/// The record of a closed span (of incarnation 0), with these items.
pub(super) fn closed_span(id: &str, start: u64, items: &[&str]) -> String {
    span(id, start, items, 0, 0)
}

pub(super) fn span(id: &str, start: u64, items: &[&str], current: u8, incarnation: u64) -> String {
    let (end, hash) = (start + items.len() as u64, span_hash(items));
    format!(
        r#"{{"vatID":"{id}","startPos":{start},"endPos":{end},"hash":"{hash}","isCurrent":{current},"incarnation":{incarnation}}}"#
    )
}

pub(super) fn snapshot(id: &str, position: u64, bytes: &str, in_use: u8) -> String {
    let hash = Digest::of(bytes.as_bytes());
    format!(r#"{{"vatID":"{id}","snapPos":{position},"hash":"{hash}","inUse":{in_use}}}"#)
}

/// A `b0-` bundle with this source, and its ID.
pub(super) fn nested(source: &str) -> (BundleId, Bundle) {
    let text = format!(r#"{{"moduleFormat":"nestedEvaluate","source":"{source}","sourceMap":"//m"}}"#);
    (bundle_id(&format!("b0-{}", Digest::of(text.as_bytes()))), Bundle::NestedEvaluate(text))
}

/// A `b1-` bundle with these bytes for a zip file, and its ID. Nothing but an import looks into the file.
pub(super) fn zipped(zip: &[u8]) -> (BundleId, Bundle) {
    let sha512 = Digest::of(zip).to_string().repeat(2);
    (bundle_id(&format!("b1-{sha512}")), Bundle::EndoZip { sha512, zip: zip.to_vec() })
}

pub(super) fn bundle_id(id: &str) -> BundleId {
    BundleId::parse(id).expect("the suite's bundle IDs are valid")
}

pub(super) const NO_BATCHES: [Batch; 0] = [];
