//! The digests of a session's tables while a transaction changes them.

use super::cells::Cell;
use super::lanes::RowDigest;

/// The digest of one table.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) table: String,
    pub(crate) digest: RowDigest,
    /// It is not what the file says.
    pub(crate) changed: bool,
}

/// All digests of a store, following the session's savepoints.
///
/// A mark costs nothing until something changes above it: most cranks write no digested row before the block is flushed.
pub(crate) struct Ledger {
    pub(crate) accounts: Vec<Account>,
    pub(crate) witness: String,
    pub(crate) witness_changed: bool,
    /// For each mark, how the accounts were, if they changed while it was the last one.
    marks: Vec<Option<Vec<Account>>>,
    scratch: Vec<u8>,
}

impl Ledger {
    pub(crate) fn new(tables: impl IntoIterator<Item = (String, RowDigest)>, witness: String) -> Self {
        let accounts = tables.into_iter().map(|(table, digest)| Account { table, digest, changed: true });
        let accounts = accounts.collect();
        Self { accounts, witness, witness_changed: true, marks: Vec::new(), scratch: Vec::new() }
    }

    /// Whether the file says something else.
    pub(crate) fn has_changed(&self) -> bool {
        self.witness_changed || self.accounts.iter().any(|account| account.changed)
    }

    /// Everything is in the file now.
    pub(crate) fn saved(&mut self) {
        self.accounts.iter_mut().for_each(|account| account.changed = false);
        self.witness_changed = false;
    }

    fn about_to_change(&mut self) {
        if let Some(mark @ None) = self.marks.last_mut() {
            *mark = Some(self.accounts.clone());
        }
    }

    /// A row of `table` said `before` and says `after`; `None` is no row.
    pub(crate) fn note(&mut self, table: &str, before: Option<&[Cell<'_>]>, after: Option<&[Cell<'_>]>) {
        if before == after {
            return;
        }
        self.about_to_change();
        let Self { accounts, scratch, .. } = self;
        let Some(account) = accounts.iter_mut().find(|account| account.table == table) else { return };
        account.changed = true;
        if let Some(row) = before {
            account.digest.remove(row, scratch);
        }
        if let Some(row) = after {
            account.digest.add(row, scratch);
        }
    }

    /// As [`Ledger::note`], of many rows whose changes were summed elsewhere.
    pub(crate) fn merge(&mut self, table: &str, changes: &RowDigest) {
        self.about_to_change();
        if let Some(account) = self.accounts.iter_mut().find(|account| account.table == table) {
            account.changed = true;
            account.digest.merge(changes);
        }
    }

    pub(crate) fn set_witness(&mut self, witness: String) {
        if self.witness != witness {
            self.witness = witness;
            self.witness_changed = true;
        }
    }

    pub(crate) fn mark(&mut self) {
        self.marks.push(None);
    }

    pub(crate) fn rollback_to(&mut self, depth: usize) {
        // What was first changed after the mark stands with the first copy from there on.
        let copies = self.marks.drain(depth.min(self.marks.len())..);
        if let Some(accounts) = copies.flatten().next() {
            self.accounts = accounts;
        }
    }

    pub(crate) fn release(&mut self) {
        self.marks.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Add(u8),
        Remove(u8),
        Mark,
        Rollback(usize),
        Release,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..6u8).prop_map(Step::Add),
            3 => (0..6u8).prop_map(Step::Remove),
            3 => Just(Step::Mark),
            2 => (0..4usize).prop_map(Step::Rollback),
            1 => Just(Step::Release),
        ]
    }

    proptest! {
        #[test]
        fn a_ledger_equals_one_that_is_copied_at_every_mark(steps in prop::collection::vec(step(), 0..40)) {
            let fresh = || Ledger::new([("t".to_owned(), RowDigest::default())], String::new());
            let (mut ledger, mut model, mut marks) = (fresh(), RowDigest::default(), Vec::new());
            for step in steps {
                match step {
                    Step::Add(row) => {
                        let row = [Cell::Integer(row.into())];
                        ledger.note("t", None, Some(&row));
                        model.add(&row, &mut Vec::new());
                    }
                    Step::Remove(row) => {
                        let row = [Cell::Integer(row.into())];
                        ledger.note("t", Some(&row), None);
                        model.remove(&row, &mut Vec::new());
                    }
                    Step::Mark => { ledger.mark(); marks.push(model.clone()); }
                    Step::Rollback(depth) => if depth < marks.len() {
                        ledger.rollback_to(depth);
                        model = marks[depth].clone();
                        marks.truncate(depth);
                    }
                    Step::Release => { ledger.release(); marks.clear(); }
                }
                prop_assert_eq!(&ledger.accounts[0].digest, &model);
            }
        }
    }
}
