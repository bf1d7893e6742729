//! Two exports against each other.

use std::collections::BTreeMap;

use proptest::prelude::*;
use swing_core::{ArtifactMode, Digest, Incarnation, Position, SpanRecord, VatId, error_chain};
use swing_export::dataset::DEFAULT_MAX_LINE_BYTES;
use swing_export::{DiffError, DiffReport, ExportSource, Exporter, Parting, diff};

use crate::common::{Fails, SUBSTORES, Source, alter, dataset, found, store, told};

fn differ(here: &dyn ExportSource, there: &dyn ExportSource) -> DiffReport {
    diff(here, there, SUBSTORES, &mut |_| {}).unwrap()
}

#[test]
fn a_store_and_its_exports_are_the_same_both_ways() {
    let (_dir, path) = store("archival");
    let exporter = Exporter::open(&path, SUBSTORES, ArtifactMode::Debug).unwrap();
    for mode in ["operational", "replay", "archival", "debug"] {
        let dataset = dataset("archival", mode);
        for report in [differ(&exporter, &dataset), differ(&dataset, &exporter)] {
            assert_eq!((report.here, report.there, report.found()), (26, 26, 0), "{mode}");
            assert_eq!((report.records, report.items), (vec![], vec![]));
            let kinds: Vec<_> = report.differing.iter().map(|of| (of.kind, of.count, of.told)).collect();
            assert_eq!(kinds, [("kv", 0, 0), ("snapshot", 0, 0), ("transcript", 0, 0), ("bundle", 0, 0)]);
        }
    }
}

#[test]
fn records_are_told_with_what_either_side_has() {
    let (here, mut there) = (Source::of("archival", "operational"), Source::of("archival", "operational"));
    for (key, value) in &mut there.records {
        match key.as_str() {
            "kv.v2.options" => *value = Some("{\"managerType\":\"local\"}".to_owned()),
            "kv.vat.names" => *key = "kv.vat.namen".to_owned(),
            _ => {}
        }
    }
    there.records.push(("gold".to_owned(), Some("much".to_owned())));
    let report = differ(&here, &there);
    assert_eq!(
        found(&report.records),
        [
            ("kv.v2.options", r#"managerType is "xsnap" here, "local" there"#),
            ("kv.vat.names", r#"only here: "[\"bootstrap\",\"bank\",\"board\"]""#),
            ("kv.vat.namen", r#"only there: "[\"bootstrap\",\"bank\",\"board\"]""#),
            ("gold", r#"only there: "much""#),
        ]
    );
    let kinds: Vec<_> = report.differing.iter().map(|of| (of.kind, of.count)).collect();
    assert_eq!(kinds, [("kv", 3), ("snapshot", 0), ("transcript", 0), ("bundle", 0), ("other", 1)]);
    assert_eq!((report.here, report.there, report.found(), report.items), (26, 27, 4, vec![]));
}

#[test]
fn a_hundred_of_each_kind_are_told_and_all_are_counted() {
    let (mut here, there) = (Source::of("archival", "operational"), Source::of("archival", "operational"));
    here.records.extend((0..1_000).map(|at| (format!("kv.x{at:03}"), Some(String::new()))));
    let report = differ(&here, &there);
    assert_eq!((report.found(), report.records.len()), (1_000, 100));
    assert_eq!(report.records[99].what, "kv.x099");
    let report = differ(&there, &here);
    assert_eq!((report.found(), report.records.len()), (1_000, 100));
    assert_eq!(
        (report.records[99].what.as_str(), report.records[99].problem.as_str()),
        ("kv.x099", "only there: \"\"")
    );
}

#[test]
fn of_what_differs_and_what_only_one_side_has_a_hundred_are_told_together() {
    let (here, mut there) = (Source::of("archival", "operational"), Source::of("archival", "operational"));
    there.records.iter_mut().find(|(key, _)| key == "kv.vat.names").unwrap().1 = Some("other".to_owned());
    there.records.extend((0..1_000).map(|at| (format!("kv.x{at:03}"), Some(String::new()))));
    let report = differ(&here, &there);
    assert_eq!((report.found(), report.differing[0].told, report.records.len()), (1_001, 100, 100));
    assert_eq!((report.records[0].what.as_str(), report.records[99].what.as_str()), ("kv.vat.names", "kv.x098"));
}

/// One record with a value that ends like this.
fn long(end: &str) -> Source {
    let long = ("kv.long".to_owned(), Some("x".repeat(300_000) + end));
    Source { records: vec![long], ..Source::default() }
}

#[test]
fn a_long_value_that_differs_late_is_told_by_where_it_does() {
    let report = differ(&long("ours"), &long("theirs"));
    let problem = &report.records[0].problem;
    assert!(problem.starts_with("from byte 300000 on, of 300004 here and 300006 there: "), "{problem}");
    // Less is told where ours cannot be read again.
    let once = Source { fails: Fails::AtTheRecordsAgain, ..long("ours") };
    let shown = format!("\"{}…\" here", "x".repeat(200));
    assert_eq!(found(&differ(&once, &long("theirs")).records), [("kv.long", shown.as_str())]);
}

#[test]
fn records_are_read_again_only_for_what_is_told_of_them() {
    let same = || Source::of("archival", "operational");
    let short =
        |value: &str| Source { records: vec![("kv.a".to_owned(), Some(value.to_owned()))], ..Source::default() };
    for (here, there, reads) in [
        (same(), same(), (1, 1)),
        (short("ours"), Source::default(), (1, 1)),
        (short("ours"), short("theirs"), (1, 2)),
        (long("ours"), long("theirs"), (2, 2)),
    ] {
        differ(&here, &there);
        assert_eq!((here.reads.get(), there.reads.get()), reads);
    }
}

/// As a store that went another way at this item.
fn altered() -> Source {
    let mut source = Source::of("archival", "archival");
    for (key, value) in &mut source.records {
        if key == "transcript.v1.0" {
            let span = SpanRecord::parse(value.as_deref().unwrap()).unwrap();
            *value = Some(SpanRecord { hash: Digest::of(b"other"), ..span }.to_json());
        }
    }
    let (_, items) = source.artifacts.iter_mut().find(|(name, _)| name == "transcript.v1.0.7").unwrap();
    let mut lines: Vec<_> = items.split_inclusive(|byte| *byte == b'\n').collect();
    lines[3] = b"{\"d\":[\"other\"]}\n";
    *items = lines.concat();
    source
}

#[test]
fn of_a_transcript_the_first_item_that_differs_is_told() {
    let here = altered();
    let there = dataset("archival", "archival");
    let report = differ(&here, &there);
    assert_eq!(report.records.len(), 1);
    assert_eq!(report.records[0].what, "transcript.v1.0");
    let [items] = &report.items[..] else { panic!("{report:?}") };
    assert_eq!((items.vat.as_str(), items.from, items.alike), ("v1", Position::ZERO, 3));
    let told = r#"d is ["other"] here, ["message","o+3",{"methargs":{"body":"call 3","slots":[]}}] there"#;
    let position = Position::new(3).unwrap();
    assert_eq!(items.parting, Parting::Differs { position, difference: told.to_owned() });
}

#[test]
fn items_that_one_side_does_not_have_are_not_compared() {
    let here = altered();
    // It has the current span alone.
    let report = differ(&here, &dataset("archival", "operational"));
    let end = Position::new(23);
    let items = &report.items[0];
    assert_eq!((items.alike, items.lacking, &items.parting), (2, 21, &Parting::Ends { here: end, there: end }));
    let bare = Source { artifacts: vec![], ..Source::of("archival", "operational") };
    let report = differ(&bare, &here);
    let items = &report.items[0];
    assert_eq!((items.alike, items.lacking, &items.parting), (0, 0, &Parting::Ends { here: None, there: end }));
}

#[test]
fn items_that_cannot_be_read_are_told_and_the_next_vat_is_compared() {
    let (_dir, path) = store("archival");
    let other = Digest::of(b"other");
    alter(&path, &format!("UPDATE transcriptSpans SET hash = '{other}' WHERE isCurrent IS NULL"));
    let here = Exporter::open(&path, SUBSTORES, ArtifactMode::Debug).unwrap();
    let there = Source::of("archival", "archival");
    let problem = |report: &DiffReport, vat: usize| match &report.items[vat].parting {
        Parting::Unreadable { problem } => problem.clone(),
        other => panic!("{other:?}"),
    };
    // All items are the same, but none of the hashes.
    let report = differ(&here, &there);
    assert_eq!(report.items.len(), 3);
    for vat in 0..3 {
        assert!(problem(&report, vat).starts_with("here: artifact \"transcript."), "{}", problem(&report, vat));
    }
    // The same items under another hash.
    let ours = Source { artifacts: Source::of("archival", "archival").artifacts, ..altered() };
    for (fails, words) in [(Fails::AtAnArtifact, "there: out of order"), (Fails::WhileReading, "there: out of order")] {
        let there = Source { fails, ..Source::of("archival", "archival") };
        assert_eq!(problem(&differ(&ours, &there), 0), words, "{fails:?}");
    }
    for (bytes, words) in [
        (&b"{}\n"[..], "there: transcript.v1.0.7 does not have the items that its name promises"),
        (b"{}", "there: transcript.v1.0.7 has an item that does not end, or of more than 67108864 bytes"),
    ] {
        let mut ours = Source::of("archival", "archival");
        let mut there = Source::of("archival", "archival");
        for side in [&mut ours, &mut there] {
            side.artifacts.iter_mut().find(|(name, _)| name == "transcript.v1.0.7").unwrap().1 = b"{}\n".repeat(7);
        }
        ours.records.retain(|(key, _)| key != "transcript.v1.0");
        there.artifacts.iter_mut().find(|(name, _)| name == "transcript.v1.0.7").unwrap().1 = bytes.to_vec();
        assert_eq!(problem(&differ(&ours, &there), 0), words);
    }
}

#[test]
fn who_cannot_be_read_is_named() {
    let sound = Source::of("archival", "archival");
    let other = || {
        let mut other = Source::of("archival", "archival");
        other.records.retain(|(key, _)| key != "transcript.v1.0");
        other
    };
    for fails in [Fails::AtTheRecords, Fails::AfterTheRecords, Fails::AtTheNames, Fails::AfterTheNames] {
        let failing = Source { fails, ..other() };
        let here = diff(&failing, &sound, SUBSTORES, &mut |_| {}).unwrap_err();
        assert!(matches!(here, DiffError::Here(_)), "{here:?}");
        assert_eq!(error_chain(&here), "the first of the two cannot be read: out of order");
        let there = diff(&sound, &failing, SUBSTORES, &mut |_| {}).unwrap_err();
        assert_eq!(error_chain(&there), "the second of the two cannot be read: out of order");
    }
    let mut taking_back = other();
    taking_back.records.push(("kv.vat.names".to_owned(), None));
    let here = diff(&taking_back, &sound, SUBSTORES, &mut |_| {}).unwrap_err();
    assert!(matches!(&here, DiffError::TakenBack { key } if key == "kv.vat.names"), "{here:?}");
    // Of theirs the last word counts.
    assert_eq!(differ(&sound, &taking_back).found(), 2);
}

#[test]
fn items_that_are_no_text_and_long_ones_are_told_by_where_they_differ() {
    let side = |hash: &str, item: &[u8]| {
        let mut source = side(&[0], &[], hash);
        source.artifacts[0].1 = [item, b"\n"].concat();
        source
    };
    let differs =
        |ours: &[u8], theirs: &[u8]| match &differ(&side("here", ours), &side("there", theirs)).items[0].parting {
            Parting::Differs { difference, .. } => difference.clone(),
            other => panic!("{other:?}"),
        };
    assert_eq!(differs(b"a\xff", b"a\xfe"), r#"from byte 1 on, not in UTF-8: "a\xff" here, "a\xfe" there"#);
    assert_eq!(differs(b"a\xff", b"a"), r#"from byte 1 on, not in UTF-8: "a\xff" here, "a" there"#);
    let long = |end: &str| format!("{{\"d\":[{}{end}]}}", "0,".repeat(50_000));
    let told = differs(long("1").as_bytes(), long("2").as_bytes());
    assert!(told.starts_with("from byte 100006 on, of 100009 here and 100009 there: \"…0,0,"), "{told}");
}

#[test]
fn the_longest_item_that_is_compared_is_as_long_as_the_longest_line_of_export_data() {
    let side = |hash: &str, length: usize| {
        let mut source = side(&[0], &[], hash);
        source.artifacts[0].1 = [&vec![b'x'; length][..], b"\n"].concat();
        source
    };
    let differ = |length| differ(&side("here", length), &side("there", length)).items.remove(0);
    assert_eq!(differ(DEFAULT_MAX_LINE_BYTES).alike, 1);
    let longer = differ(DEFAULT_MAX_LINE_BYTES + 1).parting;
    assert!(
        matches!(&longer, Parting::Unreadable { problem } if problem.ends_with("of more than 67108864 bytes")),
        "{longer:?}"
    );
}

#[test]
fn only_a_record_of_a_span_speaks_of_a_transcript() {
    let (mut here, there) = (side(&[0], &[], "here"), side(&[0], &[], "there"));
    let (_, span) = &here.records[0];
    here.records = vec![("kv.span".to_owned(), span.clone()), there.records[0].clone()];
    let report = differ(&here, &there);
    assert_eq!((report.found(), report.items), (1, vec![]));
}

#[test]
fn spans_that_end_before_the_first_that_differs_are_not_read() {
    let (mut here, mut there) = (side(&[0, 1, 2], &[(1, true)], "here"), side(&[0, 1, 3], &[(1, true)], "there"));
    there.records[0] = here.records[0].clone();
    let report = differ(&here, &there);
    assert_eq!((report.items[0].from.get(), report.items[0].alike, report.items[0].lacking), (1, 1, 0));
    for side in [&mut here, &mut there] {
        assert_eq!(*side.asked.borrow(), ["transcript.v1.1.3"]);
        side.artifacts.truncate(1);
    }
    assert_eq!(differ(&here, &there).items[0].parting, Parting::Ends { here: None, there: None });
}

#[test]
fn its_stages_are_told() {
    let here = altered();
    let mut steps = Vec::new();
    diff(&here, &dataset("archival", "archival"), SUBSTORES, &mut |step| steps.push(told(step))).unwrap();
    assert_eq!(steps, ["records there", "records here", "items", "items of v1"]);
}

/// A transcript's items by position, cut into spans behind these positions, of which some are not there.
fn side(items: &[u8], cuts: &[(usize, bool)], hash: &str) -> Source {
    let vat = VatId::parse("v1").unwrap();
    let mut ends: BTreeMap<usize, bool> = cuts.iter().map(|(at, there)| (at % (items.len() + 1), *there)).collect();
    ends.insert(items.len(), cuts.first().is_none_or(|(_, there)| *there));
    let mut source = Source::default();
    let mut start = 0;
    for (end, there) in ends {
        let position = |at: usize| Position::new(at as u64).unwrap();
        let span = SpanRecord {
            vat: vat.clone(),
            start: position(start),
            end: position(end),
            hash: Digest::of(format!("{hash}{start}").as_bytes()),
            is_current: end == items.len(),
            incarnation: Incarnation::default(),
        };
        source.records.push((span.key().to_string(), Some(span.to_json())));
        if there {
            let text: String = items[start..end].iter().map(|item| format!("{item}\n")).collect();
            source.artifacts.push((span.artifact().to_string(), text.into_bytes()));
        }
        start = end;
    }
    source
}

fn has(source: &Source, at: usize) -> bool {
    source.artifacts.iter().any(|(name, _)| {
        let mut numbers = name.split('.').skip(2).map(|part| part.parse::<usize>().unwrap());
        let (start, end) = (numbers.next().unwrap(), numbers.next().unwrap());
        start <= at && at < end
    })
}

proptest! {
    /// However both sides cut their transcripts into spans, and whichever of these they have.
    #[test]
    fn the_first_difference_of_what_both_have_is_found(
        items in prop::collection::vec(0..3u8, 1..20),
        longer in prop::collection::vec(0..3u8, 0..4),
        changed in prop::option::of((0..20usize, 3..5u8)),
        cuts in prop::collection::vec((0..20usize, prop::bool::weighted(0.8)), 0..4),
        other_cuts in prop::collection::vec((0..20usize, prop::bool::weighted(0.8)), 0..4),
    ) {
        let mut others = [&items[..], &longer].concat();
        if let Some((at, item)) = changed {
            let at = at % others.len();
            others[at] = item;
        }
        let (here, there) = (side(&items, &cuts, "here"), side(&others, &other_cuts, "there"));
        let report = differ(&here, &there);
        let both: Vec<_> = (0..items.len()).filter(|&at| has(&here, at) && has(&there, at)).collect();
        let first = both.iter().position(|&at| items[at] != others[at]);
        prop_assert_eq!(report.items.len(), 1);
        prop_assert_eq!(report.items[0].alike as usize, first.unwrap_or(both.len()));
        let position = match &report.items[0].parting {
            Parting::Differs { position, .. } => Some(position.get() as usize),
            Parting::Ends { .. } => None,
            Parting::Unreadable { problem } => panic!("{problem}"),
        };
        prop_assert_eq!(position, first.map(|first| both[first]));
        // Of `here`, or of `there`, whose last span may not be there.
        let end = |side: &Source| (0..20 + 4).rev().find(|at| has(side, *at)).map(|last| last + 1);
        let until = position.or(end(&here).min(end(&there)));
        let lacking = until.map_or(0, |until| (0..until).filter(|at| !both.contains(at)).count());
        prop_assert_eq!(report.items[0].lacking as usize, lacking);
    }
}
