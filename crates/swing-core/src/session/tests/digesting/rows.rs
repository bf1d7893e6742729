//! What rows add up to, many of them at once.

use super::*;

#[test]
fn a_scan_of_many_rows_is_the_sum_of_them_whoever_hashes_which() {
    let scratch = digested();
    let mut session = open(&scratch);
    let mut expected = loaded(&session).of(&KV).unwrap().clone();
    let mut scratchpad = Vec::new();
    // Several batches, and an odd rest.
    for at in 0..900 {
        let (key, value) = (format!("k{at}"), "x".repeat(at * 3 % 2001));
        session.write().unwrap().run(SET, [&*key, &*value]).unwrap();
        expected.add(&row(&key, &value), &mut scratchpad);
    }
    assert_eq!(scan(session.read(), &KV).unwrap(), expected);
    assert_eq!(expected.rows(), 902);
}

/// A store with so many rows of 2 KB, and the digest of them.
fn large(scratch: &Scratch, rows: usize) -> (Session, RowDigest) {
    let mut session = open(scratch);
    session.write().unwrap().run("DELETE FROM kvStore", []).unwrap();
    for at in 0..rows {
        session.write().unwrap().run(SET, [&*format!("k{at:05}"), &*"x".repeat(2000)]).unwrap();
    }
    let digest = scan(session.read(), &KV).unwrap();
    session.build_row_digests(&[KV, OTHER], String::new()).unwrap();
    session.commit(&mut []).unwrap();
    (session, digest)
}

#[test]
fn many_rows_are_counted_out_together() {
    let scratch = digested();
    let (mut session, all) = large(&scratch, 1000);
    assert_eq!(loaded(&session).of(&KV), Some(&all));
    let mut writer = session.write().unwrap();
    writer.count_out(&KV, "SELECT key, value FROM kvStore WHERE key >= ?1", ["k00003"]).unwrap();
    writer.run("DELETE FROM kvStore WHERE key >= 'k00003'", []).unwrap();
    session.commit(&mut []).unwrap();
    let left = loaded(&session).of(&KV).unwrap().clone();
    assert_eq!(left.rows(), 3);
    assert_eq!(scan(session.read(), &KV).unwrap(), left);
}

#[test]
fn rows_that_cannot_all_be_read_are_not_counted_out_in_part_and_nothing_is_committed() {
    let scratch = digested();
    let (mut session, all) = large(&scratch, 1000);
    let fails_at_the_last = "
SELECT key, CASE WHEN key = 'k00999' THEN abs(-9223372036854775807 - 1) ELSE value END FROM kvStore";
    let mut writer = session.write().unwrap();
    writer.run("DELETE FROM other", []).unwrap();
    assert!(writer.count_out(&KV, fails_at_the_last, []).is_err());
    let refused = session.commit(&mut []);
    assert!(matches!(refused, Err(CommitError::NotCommitted(SessionError::Poisoned { .. }))), "{refused:?}");
    session.close().unwrap();
    assert_eq!(loaded(&open(&scratch)).of(&KV), Some(&all));
}

#[test]
fn rows_that_are_counted_out_are_shown_whether_digests_are_kept_or_not() {
    const ALL: &str = "SELECT key, value FROM kvStore ORDER BY key";
    let [with, without] = [digested(), Scratch::with_store()];
    for (scratch, kept, rows) in [(&with, true, vec!["a", "b"]), (&without, false, vec!["a"])] {
        let mut session = if kept { open(scratch) } else { scratch.open() };
        let mut writer = session.write().unwrap();
        assert_eq!(writer.keeps_row_digests(), kept);
        // Who does not want what he sees has none counted out, and may go on.
        let mut refused = 0;
        let refuse = |_: &RowValue<'_, '_>| {
            refused += 1;
            Err(SessionError::OutOfOrder { table: KV.name })
        };
        assert!(matches!(writer.count_out_each(&KV, ALL, [], refuse), Err(SessionError::OutOfOrder { .. })));
        assert_eq!(refused, 1);
        let mut seen = Vec::new();
        let see = |row: &RowValue<'_, '_>| {
            seen.push(row.get::<String>(0)?);
            Ok::<_, SessionError>(())
        };
        writer.count_out_each(&KV, ALL, [], see).unwrap();
        assert_eq!(seen, rows);
        writer.run("DELETE FROM kvStore", []).unwrap();
        session.commit(&mut []).unwrap();
    }
    let session = open(&with);
    assert_true(&session);
    assert_eq!(loaded(&session).of(&KV).unwrap().rows(), 0);
}

#[test]
fn every_column_counts_and_so_does_its_type() {
    let scratch = digested();
    let mut session = open(&scratch);
    let mut seen = Vec::new();
    for row in ["1, 'x'", "2, 'x'", "1, x'78'", "1, 120", "1, 120.0", "1, NULL", "1, ''"] {
        session.write().unwrap().run("DELETE FROM other", []).unwrap();
        session.write().unwrap().run(&format!("INSERT INTO other VALUES ({row})"), []).unwrap();
        let digest = scan(session.read(), &OTHER).unwrap();
        assert_eq!(digest.rows(), 1);
        assert!(!seen.contains(&digest), "{row}");
        seen.push(digest);
    }
}
