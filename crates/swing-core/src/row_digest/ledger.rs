//! The digests of a session's tables while a transaction changes them.

use super::cells::Cell;
use super::lanes::RowDigest;
use super::summer::{Sum, Summer};

/// The digest of one table.
struct Account {
    table: String,
    sum: Sum,
    /// It is not what the file says.
    changed: bool,
}

/// All digests of a store, following the session's savepoints.
///
/// A mark costs nothing until something changes above it: most cranks write no digested row before the block is flushed.
pub(crate) struct Ledger {
    accounts: Vec<Account>,
    pub(super) witness: String,
    pub(super) witness_changed: bool,
    /// For each mark, how the accounts were, if they changed while it was the last one.
    marks: Vec<Option<Vec<(RowDigest, bool)>>>,
    summer: Summer,
}

impl Ledger {
    pub(crate) fn new(tables: impl IntoIterator<Item = (String, RowDigest)>, witness: String) -> Self {
        let accounts = tables.into_iter().map(|(table, digest)| Account { table, sum: Sum::of(digest), changed: true });
        let accounts = accounts.collect();
        Self { accounts, witness, witness_changed: true, marks: Vec::new(), summer: Summer::default() }
    }

    /// Whether the file says something else.
    pub(crate) fn has_changed(&self) -> bool {
        self.witness_changed || self.accounts.iter().any(|account| account.changed)
    }

    /// What the file does not say: the numbers of tables, their names and their digests.
    pub(super) fn changed(&mut self) -> impl Iterator<Item = (usize, &str, &RowDigest)> {
        let changed = self.accounts.iter_mut().enumerate().filter(|(_, account)| account.changed);
        changed.map(|(at, Account { table, sum, .. })| (at, &**table, sum.digest()))
    }

    /// Everything is in the file now.
    pub(crate) fn saved(&mut self) {
        self.accounts.iter_mut().for_each(|account| account.changed = false);
        self.witness_changed = false;
    }

    /// The account of `table`, which is about to change.
    fn account(&mut self, table: &str) -> Option<(&mut Sum, &mut Summer)> {
        let Self { accounts, marks, summer, .. } = self;
        if let Some(mark @ None) = marks.last_mut() {
            let copies = accounts.iter_mut().map(|account| (account.sum.digest().clone(), account.changed));
            *mark = Some(copies.collect());
        }
        let account = accounts.iter_mut().find(|account| account.table == table)?;
        account.changed = true;
        Some((&mut account.sum, summer))
    }

    /// A row of `table` said `before` and says `after`; `None` is no row.
    pub(crate) fn note(&mut self, table: &str, before: Option<&[Cell<'_>]>, after: Option<&[Cell<'_>]>) {
        if before == after {
            return;
        }
        let Some((sum, summer)) = self.account(table) else { return };
        for (row, removed) in [(before, true), (after, false)] {
            if let Some(row) = row {
                sum.note(row, removed, summer);
            }
        }
    }

    /// As [`Ledger::note`], of many rows whose changes were summed elsewhere.
    pub(crate) fn merge(&mut self, table: &str, changes: &RowDigest) {
        if let Some((sum, _)) = self.account(table) {
            sum.merge(changes);
        }
    }

    /// No more rows of `table` are noted for now: they are handed on if the thread is awake anyway.
    pub(crate) fn that_is_all(&mut self, table: &str) {
        let Self { accounts, summer, .. } = self;
        if accounts.iter().all(|account| account.sum.handed_on() == 0) {
            return;
        }
        if let Some(account) = accounts.iter_mut().find(|account| account.table == table) {
            account.sum.that_is_all(summer);
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
        if let Some(copies) = copies.flatten().next() {
            for (account, (digest, changed)) in self.accounts.iter_mut().zip(copies) {
                (account.sum, account.changed) = (Sum::of(digest), changed);
            }
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

    #[test]
    fn the_last_rows_of_a_table_are_handed_on_when_the_thread_is_awake() {
        let tables = ["a", "b"].map(|table| (table.to_owned(), RowDigest::default()));
        let mut ledger = Ledger { summer: Summer::lost(), ..Ledger::new(tables, String::new()) };
        let note = |ledger: &mut Ledger, table, rows| {
            (0..rows).for_each(|row| ledger.note(table, None, Some(&[Cell::Integer(row)])));
        };
        let handed_on = |ledger: &Ledger| [0, 1].map(|at| ledger.accounts[at].sum.handed_on());
        note(&mut ledger, "b", 100);
        ledger.that_is_all("b");
        assert_eq!(handed_on(&ledger), [0, 0], "so few are not worth waking the thread for");
        note(&mut ledger, "a", 2000);
        assert_eq!(handed_on(&ledger), [1, 0], "and many are");
        ledger.that_is_all("b");
        assert_eq!(handed_on(&ledger), [1, 1]);
        ledger.that_is_all("b");
        ledger.that_is_all("c");
        assert_eq!(handed_on(&ledger), [1, 1]);
    }

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
                prop_assert_eq!(ledger.accounts[0].sum.digest(), &model);
            }
        }
    }
}
