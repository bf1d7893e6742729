//! Everything a store holds. Copying it is what a savepoint and a commit do.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ids::{BundleId, Incarnation, Position, VatId};
use crate::records::{SnapshotRecord, SpanRecord};
use crate::roles::Bundle;

#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) text: String,
    pub(super) incarnation: Incarnation,
}

#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    pub(super) record: SnapshotRecord,
    pub(super) size: u64,
    /// `None` once they are not kept any longer.
    pub(super) bytes: Option<Arc<[u8]>>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct State {
    /// All sections.
    pub(super) kv: BTreeMap<String, Arc<str>>,
    /// By vat and start.
    pub(super) spans: BTreeMap<(VatId, Position), SpanRecord>,
    pub(super) items: BTreeMap<(VatId, Position), Item>,
    pub(super) snapshots: BTreeMap<(VatId, Position), Snapshot>,
    pub(super) bundles: BTreeMap<BundleId, Bundle>,
    /// Changes of export data that the host did not get yet: the last one of each key. It is part of the state, so a
    /// rolled-back crank leaves nothing in it.
    pub(super) pending: BTreeMap<String, Option<String>>,
}

/// The entries of one vat, in order of position.
pub(super) fn of_vat<'m, V>(
    map: &'m BTreeMap<(VatId, Position), V>,
    vat: &VatId,
) -> impl DoubleEndedIterator<Item = (Position, &'m V)> {
    map.range((vat.clone(), Position::ZERO)..=(vat.clone(), Position::MAX)).map(|((_, at), value)| (*at, value))
}
