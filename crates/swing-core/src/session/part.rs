//! What keeps uncommitted changes in memory beside a session.

use std::sync::atomic::{AtomicU64, Ordering};

use super::error::SessionError;
use super::writer::Writer;

/// Something that keeps uncommitted changes in memory and follows the session's savepoints.
///
/// A substore's state is a part. The session tells all its parts the same thing at the same time.
pub trait Part {
    /// Which part it is: the same each time.
    fn id(&self) -> PartId;
    /// Sets a mark; marks nest.
    fn mark(&mut self);
    /// Undoes everything since mark number `depth` (the first is 0) and removes it and all later ones.
    fn rollback_to(&mut self, depth: usize);
    /// Keeps all changes and removes all marks.
    fn release(&mut self);
    /// Writes all changes. Called without marks.
    ///
    /// # Errors
    /// [`SessionError`] from the writer.
    fn flush(&mut self, writer: &mut Writer<'_>) -> Result<(), SessionError>;
    /// About how much memory the unwritten changes hold.
    fn bytes(&self) -> usize;
}

/// Tells a part from all others of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartId(u64);

impl Default for PartId {
    /// One that no other part has.
    fn default() -> Self {
        static PARTS: AtomicU64 = AtomicU64::new(0);
        Self(PARTS.fetch_add(1, Ordering::Relaxed))
    }
}

/// Sets as many marks of a part that holds no changes as there are savepoints: it may have been left out when they were established, or
/// when others were rolled back.
fn set_marks(part: &mut dyn Part, savepoints: usize) {
    part.release();
    (0..savepoints).for_each(|_| part.mark());
}

/// The parts that may hold changes, and below how many savepoints they have held some since. There are a few at the most.
#[derive(Default)]
pub(super) struct Holding(Vec<(PartId, usize)>);

impl Holding {
    #[inline]
    pub(super) fn note<P: Part>(&mut self, part: &mut P, depth: usize) {
        let id = part.id();
        if !self.0.iter().any(|(known, _)| *known == id) {
            self.0.push((id, depth));
            set_marks(part, depth);
        }
    }

    /// What came after savepoint number `depth` is undone.
    pub(super) fn rollback_to(&mut self, depth: usize) {
        self.0.retain(|(_, since)| *since <= depth);
    }

    /// There are no savepoints any more.
    pub(super) fn release(&mut self) {
        self.0.iter_mut().for_each(|(_, since)| *since = 0);
    }

    /// That none of them is left out.
    pub(super) fn check(&self, parts: &[&mut dyn Part]) -> Result<(), SessionError> {
        let is_there = |(id, _): &(PartId, usize)| parts.iter().any(|part| part.id() == *id);
        if self.0.iter().all(is_there) { Ok(()) } else { Err(SessionError::PartMissing) }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
