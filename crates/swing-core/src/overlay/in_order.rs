//! The keys of an overlay in their order.

use std::borrow::Borrow;
use std::cell::{Ref, RefCell};
use std::collections::BTreeMap;
use std::ops::Bound;

use super::Slot;

/// What an [`Overlay`](super::Overlay) knows, in key order.
pub struct InOrder<'o, K, V> {
    slots: &'o [Slot<K, V>],
    order: Ref<'o, BTreeMap<K, usize>>,
}

impl<'o, K: Ord, V> InOrder<'o, K, V> {
    pub(super) fn new(slots: &'o [Slot<K, V>], order: &'o RefCell<BTreeMap<K, usize>>) -> Self {
        Self { slots, order: order.borrow() }
    }

    /// The known keys after `key`, with their values (`None` for a deleted one).
    pub fn after<'i, Q>(&'i self, key: &Q) -> impl Iterator<Item = (&'o K, Option<&'o V>)> + use<'i, 'o, Q, K, V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let places = self.order.range((Bound::Excluded(key), Bound::Unbounded));
        places.filter_map(|(_, &at)| self.slots[at].known())
    }

    /// The known keys from `low` up to but without `high`.
    pub fn range<'i, Q>(
        &'i self,
        low: &Q,
        high: &Q,
    ) -> impl DoubleEndedIterator<Item = (&'o K, Option<&'o V>)> + use<'i, 'o, Q, K, V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        // BTreeMap::range panics on an inverted range; to us that is just an empty one.
        let places = (low < high).then(|| self.order.range((Bound::Included(low), Bound::Excluded(high))));
        places.into_iter().flatten().filter_map(|(_, &at)| self.slots[at].known())
    }

    /// All of it.
    pub fn iter(&self) -> impl Iterator<Item = (&'o K, Option<&'o V>)> {
        self.order.values().filter_map(|&at| self.slots[at].known())
    }
}
