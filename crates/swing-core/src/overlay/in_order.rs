//! The keys of an overlay in their order.

use std::borrow::Borrow;
use std::cell::Ref;
use std::collections::BTreeMap;
use std::hash::Hash;
use std::ops::Bound;

use super::{Footprint, Overlay};

/// What an [`Overlay`] knows, in key order.
pub struct InOrder<'o, K, V, B> {
    overlay: &'o Overlay<K, V, B>,
    order: Ref<'o, BTreeMap<K, usize>>,
}

impl<K, V, B> std::fmt::Debug for InOrder<'_, K, V, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InOrder").finish_non_exhaustive()
    }
}

impl<'o, K: Clone + Ord + Hash + Footprint, V: Footprint, B: Footprint + Default> InOrder<'o, K, V, B> {
    pub(super) fn new(overlay: &'o Overlay<K, V, B>) -> Self {
        Self { overlay, order: overlay.order.borrow() }
    }

    fn known(&self, place: usize) -> Option<(&'o K, Option<&'o V>)> {
        self.overlay.known(&self.overlay.changed[place])
    }

    /// The known keys after `key`, with their values (`None` for a deleted one).
    pub fn after<'i, Q>(&'i self, key: &Q) -> impl Iterator<Item = (&'o K, Option<&'o V>)> + use<'i, 'o, Q, K, V, B>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let places = self.order.range((Bound::Excluded(key), Bound::Unbounded));
        places.filter_map(|(_, &place)| self.known(place))
    }

    /// The known keys from `low` up to but without `high`.
    pub fn range<'i, Q>(
        &'i self,
        low: &Q,
        high: &Q,
    ) -> impl DoubleEndedIterator<Item = (&'o K, Option<&'o V>)> + use<'i, 'o, Q, K, V, B>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        // BTreeMap::range panics on an inverted range; to us that is just an empty one.
        let places = (low < high).then(|| self.order.range((Bound::Included(low), Bound::Excluded(high))));
        places.into_iter().flatten().filter_map(|(_, &place)| self.known(place))
    }

    /// All of it.
    pub fn iter(&self) -> impl Iterator<Item = (&'o K, Option<&'o V>)> {
        self.order.values().filter_map(|&place| self.known(place))
    }
}
