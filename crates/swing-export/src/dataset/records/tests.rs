//! Lines of export data, right and wrong.

use std::io::{BufReader, Cursor};

use proptest::prelude::*;

use super::*;

fn read(bytes: &[u8]) -> Result<Vec<Record>, DatasetError> {
    ExportDataReader::new("the data", bytes).collect()
}

fn record(key: &str, value: Option<&str>) -> Record {
    (key.to_owned(), value.map(str::to_owned))
}

type Pairs = &'static [(&'static str, Option<&'static str>)];

#[test]
fn reads_what_both_tools_write_and_read() {
    let table: [(&str, Pairs); 12] = [
        ("", &[]),
        ("[\"a\",\"b\"]\n", &[("a", Some("b"))]),
        ("[\"a\",\"\"]\n", &[("a", Some(""))]),
        ("[\"a\",null]\n[\"a\"]\n", &[("a", None), ("a", None)]),
        ("[\"a\",\"b\"]", &[("a", Some("b"))]),
        ("[\"a\",\"b\"]\r\n[\"c\"]\r\n", &[("a", Some("b")), ("c", None)]),
        (" \t[ \"a\" ,\t\"b\" ] \n", &[("a", Some("b"))]),
        ("[\"b\",\"1\"]\n[\"a\",\"2\"]\n[\"b\",\"3\"]\n", &[("b", Some("1")), ("a", Some("2")), ("b", Some("3"))]),
        ("[\"\\u003ck\\u003e\",\"\\u2028\u{2029}\"]\n", &[("<k>", Some("\u{2028}\u{2029}"))]),
        ("[\"\\/\\b\\f\\n\\r\\t\\\\\\\"\",\"\\u0000\"]\n", &[("/\u{8}\u{c}\n\r\t\\\"", Some("\0"))]),
        ("[\"\\ud83e\\udd80\",\"🦀\"]\n", &[("🦀", Some("🦀"))]),
        ("[\"\u{feff}a \",\" b\u{a0}\"]\n", &[("\u{feff}a ", Some(" b\u{a0}"))]),
    ];
    for (text, expected) in table {
        let expected: Vec<Record> = expected.iter().map(|(key, value)| record(key, *value)).collect();
        assert_eq!(read(text.as_bytes()).unwrap(), expected, "{text:?}");
    }
}

#[test]
fn hostile_lines_are_refused_with_their_number() {
    let deep = 100_000;
    let table: Vec<(Vec<u8>, &str)> = vec![
        (b"\n".into(), "empty"),
        (b" \t\r\n".into(), "empty"),
        (b"\n[\"a\",\"b\"]\n".into(), "empty"),
        (b"null\n".into(), "null"),
        (b"\"a\"\n".into(), "a key and perhaps a value"),
        (b"{\"a\":\"b\"}\n".into(), "a key and perhaps a value"),
        (b"17\n".into(), "a key and perhaps a value"),
        (b"[]\n".into(), "the array is empty"),
        (b"[null]\n".into(), "null"),
        (b"[null,null]\n".into(), "null"),
        (b"[42]\n".into(), "42"),
        (b"[\"\",\"b\"]\n".into(), "the key is empty"),
        (b"[\"a\",42]\n".into(), "42"),
        (b"[\"a\",true]\n".into(), "true"),
        (b"[\"a\",[]]\n".into(), "sequence"),
        (b"[\"a\",{}]\n".into(), "map"),
        (b"[\"a\",\"b\",null]\n".into(), "more than two"),
        (b"[\"a\",\"b\",\"c\"]\n".into(), "more than two"),
        (b"[\"a\",\"b\"] [\"c\",\"d\"]\n".into(), "trailing characters"),
        (b"[\"a\",\"b\"]]\n".into(), "trailing characters"),
        (b"[\"a\",\"b\",]\n".into(), "trailing comma"),
        (b"[\"a\",\n\"b\"]\n".into(), "EOF"),
        (b"[\"a\",\"b\n".into(), "EOF"),
        (b"['a','b']\n".into(), "expected value"),
        (b"\xef\xbb\xbf[\"a\",\"b\"]\n".into(), "expected value"),
        (b"[\"a\",\"\xff\"]\n".into(), "not UTF-8 at byte 6"),
        (b"[\"a\",\"\xed\xa0\x80\"]\n".into(), "not UTF-8 at byte 6"),
        (b"[\"a\",\"\xc0\x80\"]\n".into(), "not UTF-8 at byte 6"),
        (b"\xff\n".into(), "not UTF-8 at byte 0"),
        (b"[\"a\",\"\\ud800\"]\n".into(), "surrogate"),
        (b"[\"a\",\"\\udc00\"]\n".into(), "surrogate"),
        (b"[\"\\ud800\\ud800\"]\n".into(), "surrogate"),
        (b"[\"a\",\"\\x41\"]\n".into(), "invalid escape"),
        (b"[\"a\",\"\t\"]\n".into(), "control character"),
        (b"[\"a\",\"\0\"]\n".into(), "control character"),
        (b"\0\n".into(), "expected value"),
        ("[".repeat(deep).into(), "sequence"),
        ("{\"a\":".repeat(deep).into(), "map"),
        (format!("[\"a\",{}", "[".repeat(deep)).into(), "sequence"),
        (format!("[\"a\",\"b\",{}", "[".repeat(deep)).into(), "EOF"),
        (format!("[\"a\",\"b\",{}", "{\"a\":".repeat(deep)).into(), "EOF"),
    ];
    for (bytes, expected) in table {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        let whole = [b"[\"ok\",\"1\"]\n[\"ok\"]\n".as_slice(), &bytes, b"[\"never\",\"read\"]\n"].concat();
        let mut reader = ExportDataReader::new("the data", &whole[..]);
        assert_eq!(reader.next().unwrap().unwrap(), record("ok", Some("1")));
        assert_eq!(reader.next().unwrap().unwrap(), record("ok", None));
        let error = reader.next().unwrap().expect_err(&text);
        let DatasetError::BadLine { line: 3, reason, .. } = &error else { panic!("{text}: {error}") };
        assert!(reason.contains(expected), "{text}: {reason}");
        assert!(error.to_string().starts_with("`the data` line 3: "), "{text}: {error}");
        assert!(reader.next().is_none(), "{text}: goes on after an error");
    }
}

#[test]
fn long_foreign_text_does_not_fill_the_message() {
    let long = "x".repeat(1 << 20);
    for line in [format!("\"{long}\"\n"), format!("[\"a\",{{\"{long}\":1}}]\n"), format!("[{long}]\n")] {
        let error = read(line.as_bytes()).unwrap_err().to_string();
        assert!(error.len() < 500, "{} bytes", error.len());
    }
}

#[test]
fn a_line_at_the_limit_is_read_and_one_beyond_is_not() {
    let line = "[\"a\",\"bcd\"]";
    for end in ["\n", ""] {
        let text = format!("{line}{end}");
        let with_limit =
            |limit| ExportDataReader::new("d", text.as_bytes()).max_line_bytes(limit).collect::<Result<Vec<_>, _>>();
        assert_eq!(with_limit(line.len()).unwrap(), [record("a", Some("bcd"))]);
        let error = with_limit(line.len() - 1).unwrap_err();
        assert_eq!(error.to_string(), format!("`d` line 1: longer than {} bytes", line.len() - 1));
        assert!(with_limit(0).is_err());
        assert!(with_limit(usize::MAX).is_ok());
    }
}

#[test]
fn an_endless_line_is_not_read_beyond_the_limit() {
    let mut source = BufReader::with_capacity(16, Cursor::new(vec![b'x'; 1 << 20]));
    let mut reader = ExportDataReader::new("d", &mut source).max_line_bytes(1000);
    assert!(reader.next().unwrap().is_err());
    assert!(source.into_inner().position() <= 1001 + 16);
}

#[test]
fn a_failing_source_is_an_error_and_the_end() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("no more"))
        }
    }
    let source = BufReader::new((&b"[\"a\",\"b\"]\n[\"c\""[..]).chain(Failing));
    let mut reader = ExportDataReader::new("d", source);
    assert_eq!(reader.next().unwrap().unwrap(), record("a", Some("b")));
    let error = reader.next().unwrap().unwrap_err();
    assert!(matches!(error, DatasetError::Io { .. }), "{error}");
    assert!(reader.next().is_none());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes);
    }

    #[test]
    fn how_the_bytes_arrive_makes_no_difference(text in "(\\[\"[a-z<\\\\\"]{0,5}\"(,(\"[a-z]{0,5}\"|null))?\\]?\n?){0,8}", chunk in 1_usize..9) {
        let shown = |records: Result<Vec<Record>, DatasetError>| records.map_err(|error| error.to_string());
        let chunked = BufReader::with_capacity(chunk, text.as_bytes());
        let in_chunks = shown(ExportDataReader::new("the data", chunked).collect());
        prop_assert_eq!(in_chunks, shown(read(text.as_bytes())));
    }
}
