//! Everything that verify can find, and that it finds all of it.

use swing_core::Digest;

use crate::common::Store;

/// `v1`: 0..2, 2..3, 3..5 (incarnation 1), 5..6 current; `v2`: stopped.
fn damaged(sql: &[&str]) -> Vec<String> {
    let mut store = Store::of(&[("v1", "aa|b^cc|d"), ("v2", "x|y.")]);
    assert_eq!(store.findings(), [""; 0]);
    sql.iter().for_each(|sql| store.damage(sql));
    store.findings()
}

/// The findings are these, each one as far as it is given here.
fn expect(sql: &[&str], expected: &[&str]) {
    let found = damaged(sql);
    let matches = found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| a.starts_with(b));
    assert!(matches, "{sql:?}\nfound:    {found:#?}\nexpected: {expected:#?}");
}

#[test]
fn pruned_spans_are_fine_but_not_the_current_one() {
    expect(&["DELETE FROM transcriptItems WHERE vatID = 'v2' OR position < 5"], &[]);
    expect(
        &["DELETE FROM transcriptItems WHERE vatID = 'v1'"],
        &["transcript.v1.5.6: incomplete current transcript span: 0 of 1 items are there"],
    );
    expect(
        &["DELETE FROM transcriptItems WHERE position IN (0, 3)"],
        &[
            "transcript.v1.0.2: incomplete transcript span: 1 of 2 items are there",
            "transcript.v1.3.5: incomplete transcript span: 1 of 2 items are there",
        ],
    );
}

#[test]
fn items_are_hashed_in_every_span() {
    expect(
        &["UPDATE transcriptItems SET item = item || ' ' WHERE position IN (1, 5)"],
        &[
            "transcript.v1.0.2: hash mismatch (expected ",
            "transcript.v1.5.6: hash mismatch (expected ",
            "transcript.v2.1.2: hash mismatch (expected ",
        ],
    );
    let other = format!("UPDATE transcriptSpans SET hash = '{}' WHERE startPos = 2", Digest::of(b""));
    expect(&[&other], &["transcript.v1.2.3: hash mismatch"]);
    let mut store = Store::of(&[("v1", "a|")]);
    store.damage(&format!("UPDATE transcriptSpans SET hash = '{}' WHERE startPos = 1", Digest::of(b"")));
    assert_eq!(store.findings().len(), 1);
}

#[test]
fn items_must_be_texts_of_their_spans_incarnation_without_line_feeds() {
    expect(
        &["UPDATE transcriptItems SET incarnation = 0 WHERE position IN (3, 4)"],
        &["transcript.v1.3.5: item 3 is not of the span's incarnation 1"],
    );
    expect(
        &["UPDATE transcriptItems SET incarnation = 'x' WHERE position = 2"],
        &["transcript.v1.2.3: item 2 is not of the span's incarnation 0"],
    );
    expect(
        &["UPDATE transcriptItems SET item = char(10) WHERE position = 2"],
        &["transcript.v1.2.3: hash mismatch", "transcript.v1.2.3: item 2 contains a line feed"],
    );
    for (value, why) in [("NULL", "Null"), ("x'61'", "Blob"), ("CAST(x'ff' AS TEXT)", "utf-8")] {
        let sql = format!("UPDATE transcriptItems SET item = {value} WHERE position = 2");
        expect(&[&sql], &["transcript.v1.2.3: item 2: "]);
        let found = damaged(&[&sql]);
        assert!(found[0].contains(why), "{value}: {found:?}");
    }
}

#[test]
fn spans_must_follow_one_another() {
    expect(
        &["UPDATE transcriptSpans SET incarnation = 1 WHERE startPos = 0 AND vatID = 'v1'"],
        &[
            "transcript.v1.0.2: item 0 is not of the span's incarnation 1",
            "transcript.v1.2.3: incarnation 0 comes after incarnation 1",
        ],
    );
    expect(
        &["DELETE FROM transcriptSpans WHERE startPos = 2", "DELETE FROM transcriptItems WHERE position = 2"],
        &["transcript.v1.3.5: there is no span from 2, where the one before it ends"],
    );
    expect(
        &["UPDATE transcriptSpans SET endPos = 3 WHERE vatID = 'v1' AND startPos = 0"],
        &["transcript.v1.0.3: hash mismatch", "transcript.v1.2.3: it overlaps the span before it, which ends at 3"],
    );
}

#[test]
fn the_current_span_is_one_and_the_last() {
    expect(
        &["UPDATE transcriptSpans SET isCurrent = 1 WHERE vatID = 'v2' AND startPos = 0"],
        &["transcript.v2.1.2: a span after the current one, which starts at 0"],
    );
    let second = [
        "DROP INDEX currentTranscriptIndex",
        "CREATE TABLE spans AS SELECT * FROM transcriptSpans",
        "DROP TABLE transcriptSpans",
        "ALTER TABLE spans RENAME TO transcriptSpans",
        "UPDATE transcriptSpans SET isCurrent = 1 WHERE startPos = 2",
    ];
    expect(
        &second,
        &[
            "transcript.v1.3.5: a span after the current one, which starts at 2",
            "transcript.v1.5.6: a second current span after the current one, which starts at 2",
        ],
    );
}

#[test]
fn values_of_the_wrong_kind_are_told_and_stepped_over() {
    expect(
        &["UPDATE transcriptSpans SET isCurrent = 0 WHERE vatID = 'v2' AND startPos = 1"],
        &["row 5 of transcriptSpans: isCurrent is 0 instead of NULL"],
    );
    expect(
        &["UPDATE transcriptSpans SET isCurrent = 'x' WHERE vatID = 'v2' AND startPos = 1"],
        &["row 5 of transcriptSpans: "],
    );
    for (column, value) in [
        ("hash", "'abc'"),
        ("hash", "upper(hash)"),
        ("hash", "NULL"),
        ("hash", "x'00'"),
        ("endPos", "'x'"),
        ("endPos", "2.5"),
        ("endPos", "-1"),
        ("endPos", "9007199254740992"),
        ("endPos", "NULL"),
        ("incarnation", "x''"),
        ("incarnation", "-1"),
        ("startPos", "'x'"),
        ("startPos", "NULL"),
    ] {
        let sql = format!("UPDATE transcriptSpans SET {column} = {value} WHERE vatID = 'v2' AND startPos = 1");
        expect(&[&sql], &["row 5 of transcriptSpans: ", "transcript of v2: 1 items from 1 are in no span"]);
    }
    for value in ["NULL", "x'76'", "''", "'v.2'", "CAST(x'ff' AS TEXT)"] {
        let sql = format!("UPDATE transcriptSpans SET vatID = {value} WHERE vatID = 'v2' AND startPos = 1");
        let found = damaged(&[&sql]);
        assert_eq!(found.len(), 2, "{value}: {found:#?}");
    }
    expect(
        &["UPDATE transcriptSpans SET endPos = 0 WHERE vatID = 'v2' AND startPos = 1"],
        &[
            "transcript.v2.1.0: the transcript span of \"v2\" at 1 ends at 0",
            "transcript of v2: 1 items from 1 are in no span",
        ],
    );
}

#[test]
fn items_in_no_span_are_counted_wherever_they_are() {
    expect(
        &["DELETE FROM transcriptSpans WHERE vatID = 'v2'"],
        &["transcript of v2: 2 items of a vat that has no spans"],
    );
    expect(
        &["DELETE FROM transcriptSpans WHERE startPos = 0"],
        &["transcript of v1: 2 items before 2 are in no span", "transcript of v2: 1 items before 1 are in no span"],
    );
    expect(
        &["DELETE FROM transcriptSpans WHERE startPos = 2"],
        &["transcript.v1.3.5: there is no span from 2", "transcript of v1: 1 items from 2 to 3 are in no span"],
    );
    let place = |position: &str| format!("INSERT INTO transcriptItems VALUES ('v1', {position}, 'z', 0)");
    for (position, shown) in
        [("6", "from 6"), ("'x'", "from 6"), ("x'00'", "from 6"), ("9e18", "from 6"), ("-1", "before 0")]
    {
        expect(&[&place(position)], &[&format!("transcript of v1: 1 items {shown} are in no span")]);
    }
    expect(&[&place("NULL"), &place("NULL")], &["transcript of v1: 2 items without a position are in no span"]);
    expect(
        &[&place("0.5")],
        &["transcript.v1.0.2: incomplete transcript span: 3 of 2", "transcript.v1.0.2: an item's position: "],
    );
    for vat in ["NULL", "x'76'", "''"] {
        expect(
            &[&format!("INSERT INTO transcriptItems VALUES ({vat}, 0, 'z', 0)")],
            &["transcriptItems: 1 items without a vat ID"],
        );
    }
    for (vat, shown) in [("'v.1'", "v.1"), ("CAST(x'ff' AS TEXT)", "\u{fffd}"), ("7", "7")] {
        expect(
            &[&format!("INSERT INTO transcriptItems VALUES ({vat}, 0, 'z', 0)")],
            &[&format!("transcript of {shown}: 1 items of a vat that has no spans")],
        );
    }
}
