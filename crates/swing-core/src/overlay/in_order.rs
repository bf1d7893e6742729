//! The keys of an overlay in their order.

use std::borrow::Borrow;
use std::cell::{Ref, RefCell};

use super::Slot;

/// Puts places into others, both in the order of their keys.
pub(super) fn put_in<'k, K: Ord + 'k>(order: &mut Vec<usize>, new: &[usize], key: impl Fn(usize) -> &'k K) {
    let mut end = order.len();
    order.resize(end + new.len(), 0);
    for (before, &place) in new.iter().enumerate().rev() {
        let at = order[..end].partition_point(|&other| key(other) < key(place));
        order.copy_within(at..end, at + before + 1);
        order[at + before] = place;
        end = at;
    }
}

/// What an [`Overlay`](super::Overlay) knows, in key order.
pub struct InOrder<'o, K, V> {
    slots: &'o [Slot<K, V>],
    order: Ref<'o, Vec<usize>>,
}

impl<'o, K: Ord, V> InOrder<'o, K, V> {
    pub(super) fn new(slots: &'o [Slot<K, V>], order: &'o RefCell<Vec<usize>>) -> Self {
        Self { slots, order: order.borrow() }
    }

    /// The known keys after `key`, with their values (`None` for a deleted one).
    pub fn after<'i, Q>(&'i self, key: &Q) -> impl Iterator<Item = (&'o K, Option<&'o V>)> + use<'i, 'o, Q, K, V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let first = self.order.partition_point(|&at| self.slots[at].key.borrow() <= key);
        self.known(&self.order[first..])
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
        let first = self.order.partition_point(|&at| self.slots[at].key.borrow() < low);
        let length = self.order[first..].partition_point(|&at| self.slots[at].key.borrow() < high);
        self.known(&self.order[first..first + length])
    }

    /// All of it.
    pub fn iter(&self) -> impl Iterator<Item = (&'o K, Option<&'o V>)> {
        self.known(&self.order)
    }

    fn known<'i>(
        &'i self,
        places: &'i [usize],
    ) -> impl DoubleEndedIterator<Item = (&'o K, Option<&'o V>)> + use<'i, 'o, K, V> {
        places.iter().filter_map(|&at| self.slots[at].known())
    }
}
